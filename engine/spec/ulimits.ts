/** Resource limits by name and number (asm-generic/resource.h), with Docker's words. Pure. */
import { invalid } from "../base/errors.ts";
import type { Ulimit } from "./config.ts";
import type { HostView } from "./host-view.ts";
import type { Rlimit } from "./run-spec.ts";

/** "nofile" as the user writes it → the kernel's number. */
export const RLIMITS: Readonly<Record<string, number>> = {
  cpu: 0,
  fsize: 1,
  data: 2,
  stack: 3,
  core: 4,
  rss: 5,
  nproc: 6,
  nofile: 7,
  memlock: 8,
  as: 9,
  locks: 10,
  sigpending: 11,
  msgqueue: 12,
  nice: 13,
  rtprio: 14,
  rttime: 15,
};
export const RLIM_INFINITY = (1n << 64n) - 1n;

/** "RLIMIT_NOFILE" → 7; undefined when there is no such limit. */
export const rlimitNumber = (type: string): number | undefined => RLIMITS[type.replace(/^RLIMIT_/, "").toLowerCase()];

const value = (limit: number): number | bigint => (limit < 0 ? RLIM_INFINITY : limit);

export function ulimitProblem(limit: Ulimit): string | null {
  if (RLIMITS[limit.name] === undefined) return `invalid ulimit type: ${limit.name}`;
  if (limit.hard >= 0 && (limit.soft > limit.hard || limit.soft < 0)) {
    return `ulimit soft limit must be less than or equal to hard limit: ${limit.name}=${limit.soft}:${limit.hard}`;
  }
  return null;
}

export function exceedsHard(view: HostView, name: string, limit: number): boolean {
  const hard = view.hardLimits[name];
  return hard !== undefined && BigInt(value(limit)) > hard;
}

const smaller = (limit: number | bigint, bound: bigint | undefined): number | bigint =>
  bound !== undefined && BigInt(limit) > bound ? bound : limit;

/** Clamped to the daemon's hard limit when the daemon may not raise it. */
export function toRlimit(limit: Ulimit, view: HostView): Rlimit {
  const problem = ulimitProblem(limit);
  if (problem !== null)
    throw invalid("container.invalid_ulimit", problem, { details: { argument: "Ulimits", value: limit.name } });
  const bound = view.capabilities.includes("CAP_SYS_RESOURCE") ? undefined : view.hardLimits[limit.name];
  return {
    type: `RLIMIT_${limit.name.toUpperCase()}`,
    soft: smaller(value(limit.soft), bound),
    hard: smaller(value(limit.hard), bound),
  };
}
