/**
 * Conditions on arguments, brought to what the kernel will look at. A filter sees whole registers, but an `int` parameter is
 * cut to its lower half: `socket(0x100000026)` is a socket of family 38, `ioctl(fd, 0x100005412)` is TIOCSTI (CVE-2019-7303,
 * CVE-2019-10063). Comparing the register would let such calls pass "greater than 40" or "not equal TIOCSTI". Hence the
 * arguments of INT_ARGUMENTS are compared in 32 bits.
 */
import type { SeccompRule } from "../../../spec/seccomp/conditions.ts";
import type { SeccompOperator } from "../../../spec/seccomp/vocabulary.ts";
import type { Architecture } from "./architectures.ts";

export interface Comparison {
  readonly index: number;
  readonly bits: 32 | 64;
  readonly op: Exclude<SeccompOperator, "SCMP_CMP_MASKED_EQ"> | "MASKED";
  readonly mask: bigint;
  readonly value: bigint;
}

/** Positions of `int` and `unsigned int` parameters in calls that profiles have reason to look into. */
const INT_ARGUMENTS: Readonly<Record<string, readonly number[]>> = {
  accept4: [0, 3],
  bpf: [0],
  clone: [0], // unsigned long, but the kernel takes lower_32_bits()
  fcntl: [0, 1],
  fcntl64: [0, 1],
  getsockopt: [0, 1, 2],
  ioctl: [0, 1],
  keyctl: [0],
  kill: [0, 1],
  memfd_create: [1],
  open: [1],
  openat: [0, 2],
  perf_event_open: [1, 2, 3],
  personality: [0],
  prctl: [0],
  quotactl: [0],
  reboot: [0, 1, 2],
  seccomp: [0, 1],
  setns: [0, 1],
  setsockopt: [0, 1, 2],
  socket: [0, 1, 2],
  socketpair: [0, 1, 2],
  syslog: [0],
  tgkill: [0, 1, 2],
  tkill: [0, 1],
  userfaultfd: [0],
};

export const argumentBits = (architecture: Architecture, name: string, index: number): 32 | 64 =>
  architecture.bits === 32 || (Object.hasOwn(INT_ARGUMENTS, name) && INT_ARGUMENTS[name]?.includes(index)) ? 32 : 64;

const LOW = 0xffff_ffffn;
const ALL = (1n << 64n) - 1n;
const low = (value: bigint): bigint => value & LOW;
/** A 32-bit argument can have this value: it is small, or a negative int widened to 64 bits. */
const fits = (value: bigint): boolean => value <= LOW || BigInt.asUintN(64, BigInt.asIntN(32, value)) === value;

const SIGN = 0x8000_0000n;
const half = (value: bigint): bigint => value >> 32n;

/** A profile may write a negative int widened to 64 bits: then the sign bit must be set too. */
function narrowMask(cut: Comparison, mask: bigint, value: bigint): Comparison | boolean {
  if (half(value) === 0n) return cut;
  if (half(value) !== half(mask) || ((mask & SIGN) !== 0n && (value & SIGN) === 0n)) return false;
  return { ...cut, mask: cut.mask | SIGN, value: cut.value | SIGN };
}

/** One condition in 32 bits; true or false when it does not depend on the argument. */
function narrow(comparison: Comparison): Comparison | boolean {
  const { op, value, mask } = comparison;
  const cut: Comparison = { ...comparison, bits: 32, mask: low(mask), value: low(value) };
  if (op === "MASKED") return narrowMask(cut, mask, value);
  if (op === "SCMP_CMP_EQ" || op === "SCMP_CMP_NE") return fits(value) ? cut : op === "SCMP_CMP_NE";
  if (value <= LOW) return cut;
  return op === "SCMP_CMP_LT" || op === "SCMP_CMP_LE";
}

type Condition = SeccompRule["args"][number];
function comparison(
  architecture: Architecture,
  name: string,
  { index, op, value, valueTwo }: Condition,
): Comparison | boolean {
  // With MASKED_EQ, `value` is the mask and `valueTwo` is compared, as in libseccomp and OCI.
  const masked = op === "SCMP_CMP_MASKED_EQ";
  const mask = masked ? BigInt(value) : ALL;
  const whole: Comparison = {
    index,
    bits: 64,
    op: masked ? "MASKED" : (op as Exclude<SeccompOperator, "SCMP_CMP_MASKED_EQ">),
    mask,
    value: masked ? BigInt(valueTwo) & mask : BigInt(value),
  };
  return argumentBits(architecture, name, index) === 32 ? narrow(whole) : whole;
}

/** All of them must hold; [] = always; null = they never do. */
export function comparisons(
  architecture: Architecture,
  name: string,
  args: SeccompRule["args"],
): readonly Comparison[] | null {
  const all = args.map((condition) => comparison(architecture, name, condition));
  return all.includes(false) ? null : all.filter((one) => typeof one === "object");
}
