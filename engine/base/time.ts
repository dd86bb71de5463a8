/** Time as nanoseconds since the epoch (bigint) and as RFC3339 text with nine digits in UTC, the form records keep. */
const NS_PER_S = 1_000_000_000n;

/** "2026-11-22T15:04:05.000000000Z" */
export function formatTimestamp(ns: bigint): string {
  const seconds = ns / NS_PER_S;
  const rest = ns % NS_PER_S;
  return `${new Date(Number(seconds) * 1000).toISOString().slice(0, 19)}.${rest.toString().padStart(9, "0")}Z`;
}

const PATTERN = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?(Z|[+-]\d\d:\d\d)$/;

/** null when the text is no RFC3339 time. */
export function parseTimestamp(text: string): bigint | null {
  const match = PATTERN.exec(text);
  if (match === null) return null;
  const [, whole = "", fraction = "", zone = "Z"] = match;
  const ms = Date.parse(`${whole}${zone}`);
  return Number.isNaN(ms) ? null : BigInt(ms) * 1_000_000n + BigInt(fraction.padEnd(9, "0"));
}

export interface Clock {
  /** Nanoseconds since the epoch. */
  now(): bigint;
  /** Runs `act` once after `ms`; returns the canceller. Does not keep the process alive. */
  after(ms: number, act: () => void): () => void;
}

const origin = BigInt(Date.now()) * 1_000_000n - process.hrtime.bigint();
/** Above this drift the wall clock was set, and it wins over the monotonic one. */
const MAX_DRIFT_NS = 50_000_000n;
let offset = origin;

export const systemClock: Clock = {
  now() {
    const monotonic = process.hrtime.bigint();
    const wall = BigInt(Date.now()) * 1_000_000n;
    const drift = wall - (monotonic + offset);
    if (drift > MAX_DRIFT_NS || drift < -MAX_DRIFT_NS) offset = wall - monotonic;
    return monotonic + offset;
  },
  after(ms, act) {
    const timer = setTimeout(act, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
};
