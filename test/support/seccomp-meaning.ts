/**
 * The meaning of a seccomp profile said plainly, without ranges, trees or caches: what the compiled program must answer.
 * Shares with the compiler only the tables (numbers of calls, which arguments are ints).
 */
import { constants } from "node:os";
import type { SeccompProfile } from "../../engine/spec/run-spec.ts";
import {
  AARCH64,
  type Architecture,
  ARM,
  callNumber,
  I386,
  X32,
  X86_64,
} from "../../engine/isolation/namespace/seccomp/architectures.ts";
import { argumentBits } from "../../engine/isolation/namespace/seccomp/comparisons.ts";
import type { SeccompData } from "./classic-bpf.ts";

export const ERRNO = (errno: number): number => 0x50000 | errno;
export const ALLOW = 0x7fff0000;
export const ENOSYS = ERRNO(constants.errno.ENOSYS);
export const EPERM = ERRNO(constants.errno.EPERM);

const VALUES: Readonly<Record<string, number>> = {
  SCMP_ACT_KILL: 0,
  SCMP_ACT_KILL_THREAD: 0,
  SCMP_ACT_KILL_PROCESS: 0x80000000,
  SCMP_ACT_TRAP: 0x30000,
  SCMP_ACT_NOTIFY: 0x7fc00000,
  SCMP_ACT_LOG: 0x7ffc0000,
  SCMP_ACT_ALLOW: ALLOW,
};
export function valueOf(action: string, errnoRet: number | null): number {
  if (action === "SCMP_ACT_ERRNO") return 0x50000 | (errnoRet ?? 1);
  if (action === "SCMP_ACT_TRACE") return 0x7ff00000 | (errnoRet ?? 1);
  return VALUES[action]!;
}

type Rule = SeccompProfile["syscalls"][number];
type Condition = Rule["args"][number];

/** The two spellings of a 32-bit argument in 64 bits: padded with zeros, and with its sign. */
function spellings(bits: number, argument: bigint): readonly bigint[] {
  if (bits === 64) return [argument];
  const int = BigInt.asUintN(32, argument);
  return [int, BigInt.asUintN(64, BigInt.asIntN(32, int))];
}

function holds(condition: Condition, bits: number, argument: bigint): boolean {
  const [value, two] = [BigInt(condition.value), BigInt(condition.valueTwo)];
  const either = spellings(bits, argument);
  const first = either[0]!;
  const meanings: Readonly<Record<string, () => boolean>> = {
    SCMP_CMP_EQ: () => either.includes(value),
    SCMP_CMP_NE: () => !either.includes(value),
    SCMP_CMP_LT: () => first < value,
    SCMP_CMP_LE: () => first <= value,
    SCMP_CMP_GE: () => first >= value,
    SCMP_CMP_GT: () => first > value,
    SCMP_CMP_MASKED_EQ: () => either.some((one) => (one & value) === (two & value)),
  };
  return meanings[condition.op]!();
}

function applies(rule: Rule, architecture: Architecture, name: string, args: readonly bigint[]): boolean {
  const one = (condition: Condition): boolean =>
    holds(condition, argumentBits(architecture, name, condition.index), args[condition.index] ?? 0n);
  const indices = rule.args.map(({ index }) => index);
  return new Set(indices).size < indices.length ? rule.args.some(one) : rule.args.every(one);
}

const SOCKET =
  "socket bind connect listen accept getsockname getpeername socketpair send recv sendto recvfrom shutdown";
const SOCKETCALL = `${SOCKET} setsockopt getsockopt sendmsg recvmsg accept4 recvmmsg sendmmsg`.split(" ");
const IPC: Readonly<Record<number, string>> = Object.fromEntries([
  ...["semop", "semget", "semctl", "semtimedop"].map((name, index) => [index + 1, name]),
  ...["msgsnd", "msgrcv", "msgget", "msgctl"].map((name, index) => [index + 11, name]),
  ...["shmat", "shmdt", "shmget", "shmctl"].map((name, index) => [index + 21, name]),
]);

/** The call inside socketcall and ipc of 32-bit x86. */
function carried(architecture: Architecture, nr: number, first: bigint): string | undefined {
  if (architecture !== I386) return undefined;
  if (nr === 102) return SOCKETCALL[Number(BigInt.asUintN(32, first)) - 1];
  return nr === 117 ? IPC[Number(first & 0xffffn)] : undefined;
}

const SEVERITY = [0x80000000, 0, 0x30000, 0x50000, 0x7fc00000, 0x7ff00000, 0x7ffc0000, ALLOW];
const severity = (value: number): number => SEVERITY.indexOf((value & 0xffff0000) >>> 0);

function beyondKnown(profile: SeccompProfile, architecture: Architecture, nr: number): boolean {
  const limit = architecture === ARM ? 0xf0000 : Number.POSITIVE_INFINITY;
  const known = profile.syscalls
    .flatMap(({ names }) => names.map((name) => callNumber(architecture, name) ?? -1))
    .filter((number) => number >= 0 && number < limit);
  return known.length > 0 && nr > Math.max(...known) && nr < limit;
}

function within(profile: SeccompProfile, architecture: Architecture, { nr, args }: SeccompData): number {
  const otherwise = valueOf(profile.defaultAction, profile.defaultErrnoRet);
  const rules = profile.syscalls.filter((rule) => valueOf(rule.action, rule.errnoRet) !== otherwise);
  const inner = carried(architecture, nr, args[0] ?? 0n);
  const hits: { readonly always: boolean; readonly value: number }[] = [];
  for (const rule of rules) {
    const value = valueOf(rule.action, rule.errnoRet);
    for (const name of rule.names) {
      if (callNumber(architecture, name) === nr && applies(rule, architecture, name, args)) {
        hits.push({ always: rule.args.length === 0, value });
      }
      if (name !== inner) continue;
      if (rule.args.length === 0 || severity(value) < severity(otherwise)) hits.push({ always: false, value });
    }
  }
  const hit = hits.find(({ always }) => always) ?? hits[0];
  if (hit !== undefined) return hit.value;
  const permissive = ["SCMP_ACT_ALLOW", "SCMP_ACT_LOG", "SCMP_ACT_TRACE"].includes(profile.defaultAction);
  return !permissive && beyondKnown(profile, architecture, nr) ? ENOSYS : otherwise;
}

/** The filter's return value for this call on a host of this architecture. */
export function meaning(profile: SeccompProfile, host: "x64" | "arm64", data: SeccompData): number {
  const listed = (one: Architecture): boolean => profile.architectures.includes(one.name);
  const native = host === "x64" ? X86_64 : AARCH64;
  const compatible = host === "x64" ? I386 : ARM;
  if (data.arch === compatible.audit) return listed(compatible) ? within(profile, compatible, data) : 0;
  if (data.arch !== native.audit) return 0;
  if (host === "arm64" || data.nr < X32.base) return within(profile, native, data);
  if (listed(X32)) return within(profile, X32, data);
  return data.nr === 0xffffffff ? valueOf(profile.defaultAction, profile.defaultErrnoRet) : 0;
}
