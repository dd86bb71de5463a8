/** Go's duration, decimal and size syntax, with Go's error texts. */
import { FlagValueError, flag, type Flag } from "./flag.ts";

const NANOSECONDS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};

/** Nanoseconds of "1h2m3.5s"; throws FlagValueError with time.ParseDuration's text. */
export function parseDuration(text: string): number {
  const quoted = JSON.stringify(text);
  const invalid = () => new FlagValueError(`time: invalid duration ${quoted}`);
  const sign = text.startsWith("-") ? -1n : 1n;
  let rest = text.replace(/^[+-]/, "");
  if (rest === "0") return 0;
  if (rest === "") throw invalid();
  let total = 0n;
  while (rest !== "") {
    const match = /^(\d*)(?:\.(\d*))?([^\d.]*)/.exec(rest);
    if (match === null || ((match[1] ?? "") === "" && (match[2] ?? "") === "")) throw invalid();
    const unit = match[3] ?? "";
    if (unit === "") throw new FlagValueError(`time: missing unit in duration ${quoted}`);
    const scale = NANOSECONDS[unit];
    if (scale === undefined)
      throw new FlagValueError(`time: unknown unit ${JSON.stringify(unit)} in duration ${quoted}`);
    const fraction = (match[2] ?? "").slice(0, 18);
    total += BigInt(match[1] || "0") * scale + (BigInt(fraction || "0") * scale) / 10n ** BigInt(fraction.length);
    rest = rest.slice(match[0].length);
  }
  if (total > 2n ** 63n - 1n) throw invalid();
  return Number(sign * total);
}

const SUFFIXES = "bkmgtpe";

/** Bytes of "1.5g", "64MiB", "100b" (go-units RAMInBytes: always powers of 1024). */
export function parseBytes(text: string): number {
  const at = text.search(/[^\d.]/);
  // go-units wants a digit or point before the unit and lets one space stand between them.
  const number = (at < 0 ? text : text.slice(0, at)).trim();
  const suffix = (at < 0 ? "" : text.slice(at)).replace(/^ /, "").toLowerCase();
  if (number === "" || number.startsWith("-")) throw new FlagValueError(`invalid size: '${text}'`);
  if (!/^(\d+\.?\d*|\.\d+)$/.test(number)) {
    throw new FlagValueError(`strconv.ParseFloat: parsing ${JSON.stringify(number)}: invalid syntax`);
  }
  if (suffix === "") return Math.trunc(Number(number));
  const power = SUFFIXES.indexOf(suffix[0] ?? "?");
  const rest = suffix.slice(1);
  if (power < 0 || (power === 0 ? rest !== "" : rest !== "" && rest !== "b" && rest !== "ib")) {
    throw new FlagValueError(`invalid suffix: '${suffix}'`);
  }
  return Math.trunc(Number(number) * 1024 ** power);
}

/** CPUs → billionths of a CPU: decimals ("1.5") and fractions ("1/3") as Go's big.Rat reads them. */
export function parseNanoCpus(text: string): number {
  const match = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,3}))?$|^([+-]?\d+)\/(\d+)$/.exec(text);
  if (match === null || text === "" || /^[+-]?\.?$/.test(text)) {
    throw new FlagValueError(`failed to parse ${text} as a rational number`);
  }
  let numerator: bigint;
  let denominator: bigint;
  if (match[5] !== undefined) {
    numerator = BigInt(match[5]);
    denominator = BigInt(match[6] ?? "1");
    if (denominator === 0n) throw new FlagValueError(`failed to parse ${text} as a rational number`);
  } else {
    const exponent = Number(match[4] ?? "0") - (match[3] ?? "").length;
    numerator = BigInt(`${match[2] ?? ""}${match[3] ?? ""}`) * (match[1] === "-" ? -1n : 1n);
    denominator = 1n;
    if (exponent >= 0) numerator *= 10n ** BigInt(exponent);
    else denominator = 10n ** BigInt(-exponent);
  }
  const scaled = numerator * 1_000_000_000n;
  if (scaled % denominator !== 0n) throw new FlagValueError("value is too precise");
  return Number(scaled / denominator);
}

export const duration = (usage: string, extra: Partial<Flag<number>> = {}): Flag<number> =>
  flag(usage, "duration", 0, parseDuration, { shown: "0s", ...extra });
export const bytes = (usage: string, extra: Partial<Flag<number>> = {}): Flag<number> =>
  flag(usage, "bytes", 0, parseBytes, extra);
/** Like `bytes`, and -1 for no limit. */
export const swapBytes = (usage: string, extra: Partial<Flag<number>> = {}): Flag<number> =>
  flag(usage, "bytes", 0, (text) => (text === "-1" ? -1 : parseBytes(text)), extra);
export const decimalCpus = (usage: string, extra: Partial<Flag<number>> = {}): Flag<number> =>
  flag(usage, "decimal", 0, parseNanoCpus, extra);
