/** libseccomp of this machine as a second opinion: numbers of calls, and the programs that runc would load. Tests only. */
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import koffi from "koffi";
import type { SeccompProfile } from "../../engine/spec/run-spec.ts";
import { SECCOMP_OPERATORS } from "../../engine/spec/seccomp/vocabulary.ts";
import { valueOf } from "./seccomp-meaning.ts";

function open() {
  const library = koffi.load("libseccomp.so.2");
  koffi.struct("scmp_arg_cmp", { arg: "uint", op: "int", a: "uint64", b: "uint64" });
  return {
    init: library.func("void *seccomp_init(uint32_t)") as (action: number) => unknown,
    release: library.func("void seccomp_release(void *)") as (context: unknown) => void,
    addArch: library.func("int seccomp_arch_add(void *, uint32_t)") as (context: unknown, arch: number) => number,
    resolve: library.func("int seccomp_syscall_resolve_name_arch(uint32_t, const char *)") as (
      arch: number,
      name: string,
    ) => number,
    add: library.func("int seccomp_rule_add_array(void *, uint32_t, int, uint, scmp_arg_cmp *)") as (
      ...args: readonly [unknown, number, number, number, readonly object[] | null]
    ) => number,
    export: library.func("int seccomp_export_bpf(void *, int)") as (context: unknown, fd: number) => number,
  };
}
type Library = ReturnType<typeof open>;

/** undefined where it is not installed. */
export const libseccomp: Library | undefined = (() => {
  try {
    return open();
  } catch {
    return undefined;
  }
})();

/** libseccomp's own token of x32 is its AUDIT_ARCH with bit 30; the others are the AUDIT_ARCH. */
export const SCMP_TOKEN: Readonly<Record<string, number>> = {
  x86_64: 0xc000003e,
  x32: 0x4000003e,
  i386: 0x40000003,
  aarch64: 0xc00000b7,
  arm: 0x40000028,
};

/** As runc adds the rules of a profile: each name, its conditions, nothing for names unknown. x86-64 hosts only. */
export function libseccompProgram(library: Library, profile: SeccompProfile, tokens: readonly number[]): Uint8Array {
  const otherwise = valueOf(profile.defaultAction, profile.defaultErrnoRet);
  const context = library.init(otherwise);
  const folder = mkdtempSync(join(tmpdir(), "tare-libseccomp-"));
  try {
    for (const token of tokens) library.addArch(context, token);
    for (const { names, action, errnoRet, args } of profile.syscalls) {
      const answer = valueOf(action, errnoRet);
      const list = args.map(({ index, op, value, valueTwo }) => ({
        arg: index,
        op: SECCOMP_OPERATORS.indexOf(op as (typeof SECCOMP_OPERATORS)[number]) + 1,
        a: BigInt(value),
        b: BigInt(valueTwo),
      }));
      for (const name of names) {
        const number = library.resolve(SCMP_TOKEN["x86_64"]!, name);
        if (number === -1 || answer === otherwise) continue;
        library.add(context, answer, number, list.length, list.length === 0 ? null : list);
      }
    }
    const path = join(folder, "program");
    const fd = openSync(path, "w");
    library.export(context, fd);
    closeSync(fd);
    return new Uint8Array(readFileSync(path));
  } finally {
    library.release(context);
    rmSync(folder, { recursive: true });
  }
}
