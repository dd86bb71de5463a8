/** fmt.Sprintf and fmt.Sprint for the values a template can hold, with Go's complaints inside the text. */
import { formatGeneral } from "../units.ts";
import { isNil, show, typeName } from "./values.ts";

/** A blank between two operands when neither is text. */
export function sprint(values: readonly unknown[]): string {
  let out = "";
  values.forEach((value, index) => {
    const before = values[index - 1];
    if (index > 0 && typeof value !== "string" && typeof before !== "string") out += " ";
    out += show(value, false);
  });
  return out;
}

function goQuote(text: string): string {
  return JSON.stringify(text).replace(/\\u([0-9a-f]{4})/g, (_whole, hex: string) =>
    hex.startsWith("00") ? `\\x${hex.slice(2)}` : `\\u${hex}`,
  );
}

function exponential(value: number, digits: number): string {
  return value.toExponential(digits).replace(/e([+-])(\d)$/, "e$10$2");
}

const isWhole = (value: unknown): value is number | bigint =>
  typeof value === "bigint" || (typeof value === "number" && Number.isInteger(value));

function integer(verb: string, value: number | bigint, sharp: boolean): string | null {
  const whole = BigInt(value);
  switch (verb) {
    case "d":
      return whole.toString();
    case "b":
      return whole.toString(2);
    case "o":
      return (sharp ? "0" : "") + whole.toString(8);
    case "x":
      return (sharp ? "0x" : "") + whole.toString(16);
    case "X":
      return (sharp ? "0X" : "") + whole.toString(16).toUpperCase();
    case "c":
      return String.fromCodePoint(Number(whole));
    case "q":
      return `'${String.fromCodePoint(Number(whole))}'`;
    case "U":
      return `U+${whole.toString(16).toUpperCase().padStart(4, "0")}`;
    default:
      return null;
  }
}

function float(verb: string, value: number, precision: number | null): string | null {
  switch (verb) {
    case "f":
    case "F":
      return value.toFixed(precision ?? 6);
    case "e":
    case "E":
      return exponential(value, precision ?? 6);
    case "g":
    case "G":
      return precision === null ? String(value) : formatGeneral(value, Math.max(1, precision));
    default:
      return null;
  }
}

function string(verb: string, value: string, precision: number | null): string | null {
  const cut = precision === null ? value : [...value].slice(0, precision).join("");
  switch (verb) {
    case "s":
      return cut;
    case "q":
      return goQuote(cut);
    case "x":
      return Buffer.from(cut).toString("hex");
    case "X":
      return Buffer.from(cut).toString("hex").toUpperCase();
    default:
      return null;
  }
}

function one(verb: string, value: unknown, precision: number | null, flags: string): string {
  if (verb === "v") return flags.includes("#") && typeof value === "string" ? goQuote(value) : show(value, false);
  if (verb === "T") return typeName(value);
  let text: string | null = null;
  if (verb === "t" && typeof value === "boolean") text = String(value);
  else if (typeof value === "string") text = string(verb, value, precision);
  else if (isWhole(value)) text = integer(verb, value, flags.includes("#"));
  else if (typeof value === "number") text = float(verb, value, precision);
  else if (Array.isArray(value)) return `[${value.map((part) => one(verb, part, precision, flags)).join(" ")}]`;
  if (text === null && typeof value === "number" && !isWhole(value)) text = null;
  if (text !== null) return text;
  return isNil(value) ? `%!${verb}(<nil>)` : `%!${verb}(${typeName(value)}=${show(value, false)})`;
}

function pad(text: string, width: number, flags: string): string {
  const missing = width - [...text].length;
  if (missing <= 0) return text;
  if (flags.includes("-")) return text + " ".repeat(missing);
  if (!flags.includes("0")) return " ".repeat(missing) + text;
  const sign = /^[+-]/.exec(text)?.[0] ?? "";
  return sign + "0".repeat(missing) + text.slice(sign.length);
}

export function sprintf(format: string, values: readonly unknown[]): string {
  let used = 0;
  const out = format.replace(
    /%([-+# 0]*)(\d+|\*)?(?:\.(\d+)?)?(\p{L}|%)?/gu,
    (whole: string, flags: string, width?: string, digits?: string, verb?: string) => {
      if (verb === undefined) return "%!(NOVERB)";
      if (verb === "%") return "%";
      const columns = width === "*" ? Number(values[used++] ?? 0) : Number(width ?? 0);
      if (used >= values.length) return `%!${verb}(MISSING)`;
      const value = values[used++];
      const precision = whole.includes(".") ? Number(digits ?? 0) : null;
      const text = one(verb, value, precision, flags);
      const signed =
        flags.includes("+") && typeof value === "number" && value >= 0 && /[dfeg]/.test(verb) ? `+${text}` : text;
      return pad(signed, columns, flags);
    },
  );
  if (used >= values.length) return out;
  const extra = values
    .slice(used)
    .map((value) => (isNil(value) ? "<nil>" : `${typeName(value)}=${show(value, false)}`));
  return `${out}%!(EXTRA ${extra.join(", ")})`;
}
