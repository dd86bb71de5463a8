/** The programs in a real kernel: loaded into a child that makes the calls and says how they ended. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type Architecture,
  callNumber,
  I386,
  X32,
  X86_64,
} from "../../../engine/isolation/namespace/seccomp/architectures.ts";
import { compileSeccomp } from "../../../engine/isolation/namespace/seccomp/compile.ts";
import { seccompFlags, seccompProgram } from "../../../engine/isolation/namespace/seccomp/index.ts";
import { DECIDING_CAPABILITIES } from "../../../engine/spec/seccomp/default-profile.ts";
import { parseSeccomp, type SeccompFacts } from "../../../engine/spec/seccomp/profile.ts";

const { EPERM, ENOSYS, EFAULT } = constants.errno;
const { SIGSYS } = constants.signals;
const able = process.arch === "x64" && spawnSync("gcc", ["--version"]).status === 0;
if (!able) console.warn("SKIPPED: seccomp in the kernel (needs gcc on x86-64)");

const factsOf = (bounding: readonly string[]): SeccompFacts => ({
  bounding,
  view: { architecture: "x64", kernel: { major: 6, minor: 1 } },
});

describe.skipIf(!able)("in the kernel", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "tare-seccomp-"));
    execFileSync("gcc", [
      "-O1",
      "-Wall",
      "-o",
      join(folder, "probe"),
      join(import.meta.dirname, "../../support/seccomp-probe.c"),
    ]);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  type Call = readonly [architecture: Architecture, name: string, ...args: (number | bigint)[]];
  function outcomes(program: Uint8Array, flags: number, calls: readonly Call[]): string[] {
    const file = join(folder, "filter");
    writeFileSync(file, program);
    const words = calls.map(([architecture, name, ...args]) =>
      [architecture === I386 ? 32 : 64, callNumber(architecture, name) ?? Number(name), ...args].join(" "),
    );
    const text = execFileSync(join(folder, "probe"), [file, String(flags), ...words], { encoding: "utf8" });
    return text.trim().split("\n");
  }
  const byDefault = (bounding: readonly string[], calls: readonly Call[]): string[] =>
    outcomes(seccompProgram("default", factsOf(bounding)), seccompFlags("default"), calls);
  const emulates32 = (): boolean =>
    outcomes(
      compileSeccomp(
        parseSeccomp(`{"defaultAction":"SCMP_ACT_ALLOW","architectures":["SCMP_ARCH_X86"]}`, factsOf([])),
        "x64",
      ),
      0,
      [[I386, "getpid"]],
    )[0] === "ok";

  test("the default program refuses what it must and permits the rest", () => {
    const NEWUSER = 0x10000000;
    const AF = { inet: 2, alg: 38, vsock: 40 };
    const answers = byDefault(
      [],
      [
        [X86_64, "getpid"],
        [X86_64, "socket", AF.inet, 2, 0],
        [X86_64, "socket", AF.alg, 5, 0],
        [X86_64, "socket", BigInt(AF.alg) + 0x1_0000_0000n, 5, 0],
        [X86_64, "socket", AF.vsock, 1, 0],
        [X86_64, "clone", NEWUSER | 17],
        [X86_64, "unshare", NEWUSER],
        [X86_64, "clone3", 0, 0],
        [X86_64, "personality", 0xffffffff],
        [X86_64, "personality", 0x0040000],
        [X86_64, "keyctl", 0],
        [X86_64, "mount", 0, 0, 0, 0, 0],
        [X86_64, "bpf", 0, 0, 0],
        [X86_64, "io_uring_setup", 0, 0],
        [X86_64, "file_getattr", 0, 0, 0, 0, 0],
        [X86_64, "9999"],
        [X32, "keyctl", 0],
      ],
    );
    const [eperm, enosys] = [`errno ${EPERM}`, `errno ${ENOSYS}`];
    expect(answers).toEqual([
      ...["ok", "ok", eperm, eperm, eperm, eperm, eperm, enosys, "ok", eperm, eperm, eperm, eperm, eperm],
      ...[enosys, enosys, eperm],
    ]);
  });

  test("a capability opens its calls", () => {
    const calls: readonly Call[] = [
      [X86_64, "clone3", 0, 0],
      [X86_64, "mount", 0, 0, 0, 0, 0],
      [X86_64, "bpf", 1000, 0, 0],
    ];
    // Past the filter the kernel itself complains about the arguments.
    const past = byDefault(["CAP_SYS_ADMIN"], calls);
    expect(past).not.toContain(`errno ${EPERM}`);
    expect(past).not.toContain(`errno ${ENOSYS}`);
  });

  test("32-bit calls of a 64-bit program are filtered as 32-bit calls", (context) => {
    if (!emulates32()) {
      console.warn("SKIPPED: this kernel has no 32-bit emulation");
      context.skip();
    }
    expect(
      byDefault(
        [],
        [
          [I386, "getpid"],
          [I386, "socket", 2, 2, 0],
          [I386, "socket", 38, 5, 0],
          [I386, "keyctl", 0],
          [I386, "clone3", 0, 0],
          [I386, "socketcall", 1, 0],
        ],
      ),
    ).toEqual(["ok", "ok", `errno ${EPERM}`, `errno ${EPERM}`, `errno ${ENOSYS}`, `errno ${EFAULT}`]);
  });

  test("an architecture that the profile does not list is killed", () => {
    const profile = parseSeccomp(`{"defaultAction":"SCMP_ACT_ALLOW"}`, factsOf([]));
    const program = compileSeccomp(profile, "x64");
    expect(
      outcomes(program, seccompFlags(profile), [
        [X86_64, "getpid"],
        [X32, "getpid"],
        [I386, "getpid"],
      ]),
    ).toEqual(["ok", `signal ${SIGSYS}`, `signal ${SIGSYS}`]);
  });

  test("a custom profile: errno, trap and kill", () => {
    const rules = [
      { names: ["mkdir"], action: "SCMP_ACT_ERRNO", errnoRet: 95 },
      { names: ["rmdir"], action: "SCMP_ACT_TRAP" },
      { names: ["chmod"], action: "SCMP_ACT_KILL_PROCESS" },
      { names: ["lseek"], action: "SCMP_ACT_ERRNO", args: [{ index: 1, value: 0x1_0000_0000, op: "SCMP_CMP_GE" }] },
    ];
    const profile = parseSeccomp(JSON.stringify({ defaultAction: "SCMP_ACT_ALLOW", syscalls: rules }), factsOf([]));
    const calls: readonly Call[] = [
      [X86_64, "mkdir", 0],
      [X86_64, "rmdir", 0],
      [X86_64, "chmod", 0],
      [X86_64, "lseek", 99, 0x1_0000_0000, 0],
      [X86_64, "lseek", 99, 0xffff_ffff, 0],
    ];
    expect(outcomes(seccompProgram(profile, factsOf([])), seccompFlags(profile), calls)).toEqual([
      "errno 95",
      `signal ${SIGSYS}`,
      `signal ${SIGSYS}`,
      `errno ${EPERM}`,
      `errno ${constants.errno.EBADF}`,
    ]);
  });

  test("the kernel takes the program of every capability set, and one of nearly 4096 instructions", () => {
    for (const name of DECIDING_CAPABILITIES) expect(byDefault([name], [[X86_64, "getpid"]])).toEqual(["ok"]);
    const args = Array.from({ length: 1000 }, (_, value) => ({ index: 0, value, op: "SCMP_CMP_EQ" }));
    const long = { defaultAction: "SCMP_ACT_ALLOW", syscalls: [{ names: ["dup"], action: "SCMP_ACT_ERRNO", args }] };
    const profile = parseSeccomp(JSON.stringify(long), factsOf([]));
    const program = seccompProgram(profile, factsOf([]));
    expect(program.length / 8).toBeGreaterThan(3900);
    const dup = (fd: number): Call => [X86_64, "dup", fd];
    expect(outcomes(program, seccompFlags(profile), [dup(0), dup(999), dup(1000)])).toEqual([
      `errno ${EPERM}`,
      `errno ${EPERM}`,
      `errno ${constants.errno.EBADF}`,
    ]);
  });
});
