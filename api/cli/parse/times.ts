/** --since and --until: what people write → "seconds.nanoseconds" as the API takes it. */
import { FlagValueError } from "./flag.ts";
import { parseDuration } from "./quantities.ts";

const DATE = /^(\d{4}-\d\d-\d\d)(?:T(\d\d)(?::(\d\d)(?::(\d\d)(\.\d+)?)?)?)?(Z|[+-]\d\d:\d\d)?$/;

function parseDate(text: string): string | null {
  const match = DATE.exec(text);
  if (match === null) return null;
  const [, day = "", hour = "00", minute = "00", second = "00", fraction = "", zone] = match;
  // Without a zone it is local time, as for every other tool on this machine.
  const ms = Date.parse(`${day}T${hour}:${minute}:${second}${zone ?? ""}`);
  if (Number.isNaN(ms)) return null;
  return `${Math.trunc(ms / 1000)}.${fraction.slice(1).padEnd(9, "0").slice(0, 9)}`;
}

/** `nowMs` is what "10m" counts back from. Throws FlagValueError. */
export function parseTimestamp(text: string, nowMs: number): string {
  if (/^\d+(\.\d+)?$/.test(text)) return text;
  const date = parseDate(text);
  if (date !== null) return date;
  try {
    const nanos = BigInt(Math.trunc(nowMs)) * 1_000_000n - BigInt(parseDuration(text));
    return `${nanos / 1_000_000_000n}.${String(nanos % 1_000_000_000n).padStart(9, "0")}`;
  } catch (error) {
    throw new FlagValueError(`failed to parse value as time or duration: ${JSON.stringify(text)}`, { cause: error });
  }
}
