/** Times of queries and of the tables that Docker prints. Pure. */
import { invalid, ZERO_TIME } from "../../engine/index.ts";

const NANOS = 1_000_000_000n;

/** "sec" or "sec.nanosec" → nanoseconds since the epoch; "" and "0" = null. */
export function parseUnixTime(name: string, value: string): bigint | null {
  if (value === "" || value === "0") return null;
  const match = /^(-?\d+)(?:\.(\d*))?$/.exec(value);
  if (match === null) {
    throw invalid("api.bad_time", `invalid value for "${name}": "${value}" is not a unix time in seconds`);
  }
  const [, seconds = "0", fraction = ""] = match;
  return BigInt(seconds) * NANOS + BigInt(fraction.slice(0, 9).padEnd(9, "0"));
}

const UNIT_NS: Readonly<Record<string, number>> = { ns: 1, us: 1e3, µs: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };

/** Go's duration text ("1h30m") → nanoseconds, or null when it is none. */
export function parseDuration(value: string): number | null {
  if (!/^[+-]?(\d+(\.\d*)?(ns|us|µs|ms|s|m|h))+$/.test(value)) return null;
  let total = 0;
  for (const [, number, unit] of value.matchAll(/(\d+(?:\.\d*)?)(ns|us|µs|ms|s|m|h)/g)) {
    total += Number(number) * (UNIT_NS[unit ?? ""] ?? 0);
  }
  return value.startsWith("-") ? -total : total;
}

/** The `until` of prune and image lists: a duration back from now, an RFC3339-like date, or unix seconds. → epoch ms. */
export function parseUntil(value: string, nowMs: number): number {
  const duration = parseDuration(value);
  if (duration !== null) return nowMs - duration / 1e6;
  if (/^-?\d+(\.\d+)?$/.test(value)) return Number(value) * 1000;
  const zoned = /(Z|[+-]\d\d:?\d\d)$/.test(value) || !value.includes("T") ? value : `${value}Z`;
  const parsed = Date.parse(zoned);
  if (Number.isNaN(parsed)) {
    throw invalid("api.bad_time", `invalid filter 'until=[${value}]': not a duration, a date or a unix time`);
  }
  return parsed;
}

/** RFC3339 → epoch ms; 0 for the zero time. Nanoseconds beyond milliseconds are cut. */
export function epochMs(time: string): number {
  if (time === ZERO_TIME || time === "") return 0;
  const parsed = Date.parse(time.replace(/(\.\d{3})\d+/, "$1"));
  return Number.isNaN(parsed) ? 0 : parsed;
}

/** go-units HumanDuration: "Less than a second", "About a minute", "3 hours", … */
export function humanDuration(ms: number): string {
  const seconds = Math.trunc(ms / 1000);
  if (seconds < 1) return "Less than a second";
  if (seconds === 1) return "1 second";
  if (seconds < 60) return `${seconds} seconds`;
  const minutes = Math.trunc(seconds / 60);
  if (minutes === 1) return "About a minute";
  if (minutes < 60) return `${minutes} minutes`;
  const hours = Math.trunc(ms / 3_600_000 + 0.5);
  if (hours === 1) return "About an hour";
  if (hours < 48) return `${hours} hours`;
  const days = Math.trunc(hours / 24);
  if (days < 14) return `${days} days`;
  if (days < 60) return `${Math.trunc(days / 7)} weeks`;
  if (days < 730) return `${Math.trunc(days / 30)} months`;
  return `${Math.trunc(ms / 3_600_000 / 24 / 365)} years`;
}
