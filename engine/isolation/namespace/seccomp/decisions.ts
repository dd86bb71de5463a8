/**
 * What a profile means, per architecture, as data: which number gives which answer under which conditions. The meaning is
 * that of runc and libseccomp, made definite where they leave it to chance:
 *
 * 1. Names that an architecture does not have are ignored; so are rules that repeat the default action.
 * 2. A rule with two conditions on the same argument is one rule per condition ("or"); otherwise all must hold ("and").
 * 3. Of several rules for a call, the first one without conditions decides; if there is none, the first whose conditions
 *    hold; if none holds, the default action.
 * 4. Calls newer than the newest that the profile names for the architecture get ENOSYS, not the default action, when the
 *    default is a refusal: programs probe for new calls and take "no such call", not "not permitted", as the cue to fall back.
 */
import type { SeccompRule } from "../../../spec/seccomp/conditions.ts";
import type { SeccompProfile } from "../../../spec/run-spec.ts";
import { answerOf, lets, NO_SUCH_CALL, stricter } from "./answers.ts";
import { type Architecture, callNumber } from "./architectures.ts";
import { type Comparison, comparisons } from "./comparisons.ts";
import { multiplexedEntry } from "./multiplexed.ts";

export interface Clause {
  /** All must hold; [] = always. */
  readonly when: readonly Comparison[];
  readonly answer: number;
  /** The rule was written without conditions: not the same as one whose conditions turned out to hold always. */
  readonly plain: boolean;
}
/** Tried in order; then `otherwise`. */
export interface Decision {
  readonly clauses: readonly Clause[];
  readonly otherwise: number;
}
/** Holds from this number up to the next range's. */
export interface Range {
  readonly from: number;
  readonly decision: Decision;
}

const constant = (otherwise: number): Decision => ({ clauses: [], otherwise });

/** Rule 2. */
function alternatives(args: SeccompRule["args"]): readonly SeccompRule["args"][] {
  const distinct = new Set(args.map(({ index }) => index)).size === args.length;
  return distinct ? [args] : args.map((condition) => [condition]);
}

type ByNumber = Map<number, Clause[]>;
const add = (table: ByNumber, number: number | undefined, clause: Clause): void => {
  if (number === undefined) return;
  const clauses = table.get(number);
  if (clauses === undefined) table.set(number, [clause]);
  else clauses.push(clause);
};

function addRule(table: ByNumber, architecture: Architecture, rule: SeccompRule, otherwise: number): void {
  const answer = answerOf(rule.action, rule.errnoRet);
  if (answer === otherwise) return;
  for (const name of rule.names) {
    const number = callNumber(architecture, name);
    for (const args of alternatives(rule.args)) {
      const when = comparisons(architecture, name, args);
      if (when !== null) add(table, number, { when, answer, plain: rule.args.length === 0 });
    }
    const carried = multiplexedEntry(architecture, name);
    if (carried === undefined || (rule.args.length > 0 && !stricter(answer, otherwise))) continue;
    add(table, callNumber(architecture, carried.entry), { when: [carried.condition], answer, plain: false });
  }
}

/** Rule 3. */
function decision(clauses: readonly Clause[], otherwise: number): Decision {
  const always = clauses.find(({ plain }) => plain);
  return always === undefined ? { clauses, otherwise } : constant(always.answer);
}

/** The first number that is newer than all that the profile names, or null when rule 4 does not apply. */
function firstUnknown(profile: SeccompProfile, architecture: Architecture, otherwise: number): number | null {
  if (lets(otherwise) || otherwise === NO_SUCH_CALL) return null;
  let last = -1;
  for (const { names } of profile.syscalls) {
    for (const name of names) {
      const number = callNumber(architecture, name) ?? -1;
      if (number > last && number < (architecture.privateFrom ?? Number.POSITIVE_INFINITY)) last = number;
    }
  }
  return last < 0 ? null : last + 1;
}

/** Ascending; the first begins at the architecture's base and the last reaches to its end. */
export function decideRanges(profile: SeccompProfile, architecture: Architecture): readonly Range[] {
  const otherwise = answerOf(profile.defaultAction, profile.defaultErrnoRet);
  const table: ByNumber = new Map();
  for (const rule of profile.syscalls) addRule(table, architecture, rule, otherwise);
  const points = new Map<number, Decision>();
  const unknown = firstUnknown(profile, architecture, otherwise);
  const gap = (number: number): Decision =>
    constant(
      unknown !== null && number >= unknown && number < (architecture.privateFrom ?? 2 ** 32)
        ? NO_SUCH_CALL
        : otherwise,
    );
  for (const start of [architecture.base, unknown, architecture.privateFrom]) {
    if (start !== null) points.set(start, gap(start));
  }
  for (const number of table.keys()) if (!points.has(number + 1)) points.set(number + 1, gap(number + 1));
  for (const [number, clauses] of table) points.set(number, decision(clauses, otherwise));
  const ranges = [...points].map(([from, one]) => ({ from, decision: one })).sort((one, two) => one.from - two.from);
  return merge(ranges);
}

const sameConstant = (one: Decision | undefined, other: Decision): boolean =>
  one?.clauses.length === 0 && other.clauses.length === 0 && one.otherwise === other.otherwise;

/** Neighbours that get the same answer are one range: some 350 permitted calls become about 60. */
export const merge = (ranges: readonly Range[]): readonly Range[] =>
  ranges.filter((range, index) => !sameConstant(ranges[index - 1]?.decision, range.decision));
