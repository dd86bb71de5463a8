/**
 * SeccompProfile → struct sock_filter[], pure. The program looks at the architecture, then finds the call's number by binary
 * search, then compares arguments where a rule has conditions. Everything decided by architecture and number alone is decided
 * without loading anything else: such calls the kernel (5.11 and later) answers from a bitmap without running the program.
 */
import type { HostView } from "../../../spec/host-view.ts";
import type { SeccompProfile } from "../../../spec/run-spec.ts";
import { answerOf, WRONG_ARCHITECTURE } from "./answers.ts";
import { AARCH64, type Architecture, ARM, I386, X32, X86_64 } from "./architectures.ts";
import { Assembler, type Target } from "./assembler.ts";
import type { Comparison } from "./comparisons.ts";
import { type Decision, decideRanges, merge, type Range } from "./decisions.ts";

/** Offsets in struct seccomp_data; both of our machines are little-endian. */
const NUMBER_AT = 0;
const ARCHITECTURE_AT = 4;
const ARGUMENTS_AT = 16;
const lowHalfAt = (index: number): number => ARGUMENTS_AT + index * 8;
const highHalfAt = (index: number): number => lowHalfAt(index) + 4;

const low = (value: bigint): number => Number(value & 0xffff_ffffn);
const high = (value: bigint): number => Number(value >> 32n);

function masked(out: Assembler, { index, bits, mask, value }: Comparison, yes: Target, no: Target): Target {
  const half = (offset: number, bitsOfMask: number, expected: number, then: Target): Target => {
    if (bitsOfMask === 0) return then;
    return out.load(offset, out.and(bitsOfMask, out.jump("equal", expected, then, no)));
  };
  const lower = half(lowHalfAt(index), low(mask), low(value), yes);
  return bits === 32 ? lower : half(highHalfAt(index), high(mask), high(value), lower);
}

function ordered(
  out: Assembler,
  kind: "above" | "atLeast",
  { index, bits, value }: Comparison,
  yes: Target,
  no: Target,
): Target {
  const lower = out.load(lowHalfAt(index), out.jump(kind, low(value), yes, no));
  if (bits === 32) return lower;
  const same = out.jump("equal", high(value), lower, no);
  return out.load(highHalfAt(index), out.jump("above", high(value), yes, same));
}

function equal(out: Assembler, { index, bits, value }: Comparison, yes: Target, no: Target): Target {
  const lower = out.load(lowHalfAt(index), out.jump("equal", low(value), yes, no));
  return bits === 32 ? lower : out.load(highHalfAt(index), out.jump("equal", high(value), lower, no));
}

const COMPARE: Readonly<
  Record<Comparison["op"], (out: Assembler, one: Comparison, yes: Target, no: Target) => Target>
> = {
  MASKED: masked,
  SCMP_CMP_EQ: equal,
  SCMP_CMP_NE: (out, one, yes, no) => equal(out, one, no, yes),
  SCMP_CMP_GT: (out, one, yes, no) => ordered(out, "above", one, yes, no),
  SCMP_CMP_LE: (out, one, yes, no) => ordered(out, "above", one, no, yes),
  SCMP_CMP_GE: (out, one, yes, no) => ordered(out, "atLeast", one, yes, no),
  SCMP_CMP_LT: (out, one, yes, no) => ordered(out, "atLeast", one, no, yes),
};

function decide(out: Assembler, { clauses, otherwise }: Decision): Target {
  return clauses.reduceRight<Target>(
    (next, { when, answer }) =>
      when.reduceRight<Target>((then, one) => COMPARE[one.op](out, one, then, next), { answer }),
    { answer: otherwise },
  );
}

/** The number is in the accumulator. */
function search(out: Assembler, ranges: readonly Range[]): Target {
  const [only] = ranges;
  if (ranges.length <= 1) return only === undefined ? { answer: WRONG_ARCHITECTURE } : decide(out, only.decision);
  const middle = ranges.length >> 1;
  const upper = search(out, ranges.slice(middle));
  const lower = search(out, ranges.slice(0, middle));
  return out.jump("atLeast", ranges[middle]?.from ?? 0, upper, lower);
}

/** Architectures with one AUDIT_ARCH_*: x32 is told from x86-64 by the number. */
interface Family {
  readonly audit: number;
  readonly ranges: readonly Range[];
}

const SYSCALL_SKIPPED = 0xffffffff;
function x86Family(profile: SeccompProfile, withX32: boolean): Family {
  const refused = { clauses: [], otherwise: WRONG_ARCHITECTURE };
  // A tracer sets the number to -1 to skip a call; that is not a wrong architecture.
  const skipped = { clauses: [], otherwise: answerOf(profile.defaultAction, profile.defaultErrnoRet) };
  const above = withX32
    ? decideRanges(profile, X32)
    : [
        { from: X32.base, decision: refused },
        { from: SYSCALL_SKIPPED, decision: skipped },
      ];
  return { audit: X86_64.audit, ranges: merge([...decideRanges(profile, X86_64), ...above]) };
}

/** The host's own architecture is always filtered, the compatible ones when the profile lists them. */
function families(profile: SeccompProfile, host: HostView["architecture"]): readonly Family[] {
  const lists = ({ name }: Architecture): boolean => profile.architectures.includes(name);
  const plain = (one: Architecture): Family => ({ audit: one.audit, ranges: decideRanges(profile, one) });
  const native = host === "x64" ? x86Family(profile, lists(X32)) : plain(AARCH64);
  const compatible = host === "x64" ? I386 : ARM;
  return lists(compatible) ? [native, plain(compatible)] : [native];
}

export function compileSeccomp(profile: SeccompProfile, host: HostView["architecture"]): Uint8Array {
  const out = new Assembler();
  const dispatch = families(profile, host).reduceRight<Target>(
    (next, { audit, ranges }) => {
      const body = search(out, ranges);
      return out.jump("equal", audit, out.load(NUMBER_AT, body), next);
    },
    { answer: WRONG_ARCHITECTURE },
  );
  out.load(ARCHITECTURE_AT, dispatch);
  return out.finish();
}
