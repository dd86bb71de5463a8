/** The instruction set architectures whose programs this engine's hosts can execute, as the kernel reports them to a filter. */
import { SYSCALL_COLUMNS, SYSCALLS } from "./syscalls.gen.ts";

export interface Architecture {
  /** Token of profiles. */
  readonly name: string;
  /** AUDIT_ARCH_*: seccomp_data.arch */
  readonly audit: number;
  readonly column: (typeof SYSCALL_COLUMNS)[number];
  /** Numbers begin here: x32 shares x86-64's AUDIT_ARCH and sets bit 30 of the number. */
  readonly base: number;
  /** Width of a register. */
  readonly bits: 32 | 64;
  /** The call numbers of ARM's own traps begin here: they are not "newer" than any other call. */
  readonly privateFrom: number | null;
}

export const X86_64: Architecture = {
  name: "SCMP_ARCH_X86_64",
  audit: 0xc000003e,
  column: "x86_64",
  base: 0,
  bits: 64,
  privateFrom: null,
};
export const X32: Architecture = { ...X86_64, name: "SCMP_ARCH_X32", column: "x32", base: 0x40000000 };
export const I386: Architecture = {
  ...X86_64,
  name: "SCMP_ARCH_X86",
  audit: 0x40000003,
  column: "i386",
  bits: 32,
};
export const AARCH64: Architecture = { ...X86_64, name: "SCMP_ARCH_AARCH64", audit: 0xc00000b7, column: "aarch64" };
export const ARM: Architecture = {
  name: "SCMP_ARCH_ARM",
  audit: 0x40000028,
  column: "arm",
  base: 0,
  bits: 32,
  privateFrom: 0xf0000,
};
export const ARCHITECTURES: readonly Architecture[] = [X86_64, X32, I386, AARCH64, ARM];

/** The number as a filter sees it; undefined when the architecture has no call of this name. */
export function callNumber(architecture: Architecture, name: string): number | undefined {
  // A profile's names are a stranger's: "constructor" must not find what every object inherits.
  const row = Object.hasOwn(SYSCALLS, name) ? SYSCALLS[name] : undefined;
  const number = row?.[SYSCALL_COLUMNS.indexOf(architecture.column)] ?? -1;
  return number < 0 ? undefined : architecture.base + number;
}
