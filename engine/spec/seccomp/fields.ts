/** Reads fields of untrusted JSON; whatever is wrong is thrown as `invalid` naming the field ("syscalls[3].args[0].op"). */
import { invalid } from "../../base/errors.ts";

export function badField(field: string, problem: string): Error {
  const where = field === "" ? "" : `${field}: `;
  return invalid("container.invalid_seccomp_profile", `decoding seccomp profile failed: ${where}${problem}`, {
    details: { argument: "SecurityOpt", field },
  });
}

const typeName = (value: unknown): string =>
  value === null ? "null" : Array.isArray(value) ? "an array" : `a ${typeof value}`;

export type Fields = Readonly<Record<string, unknown>>;
export function object(value: unknown, field: string): Fields {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Fields;
  throw badField(field, `an object is expected, not ${typeName(value)}`);
}

/** null and a missing field are an empty list, as in Go. */
export function list<T>(value: unknown, field: string, read: (item: unknown, field: string) => T): readonly T[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw badField(field, `an array is expected, not ${typeName(value)}`);
  return value.map((item, index) => read(item, `${field}[${index}]`));
}

export function text(value: unknown, field: string): string {
  if (typeof value === "string") return value;
  throw badField(field, `a string is expected, not ${typeName(value)}`);
}

/** undefined when missing, null or "". */
export function optionalText(value: unknown, field: string): string | undefined {
  return value === undefined || value === null || value === "" ? undefined : text(value, field);
}

export const oneOf =
  <T extends string>(words: readonly T[]) =>
  (value: unknown, field: string): T => {
    const word = text(value, field);
    const found = words.find((candidate) => candidate === word);
    if (found !== undefined) return found;
    throw badField(field, `"${word}" is not one of ${words.join(", ")}`);
  };

/** A whole number of 0..max; above 2^53 it arrives as the bigint that `parseExactly` made. */
export function unsigned(value: unknown, field: string, max: bigint): number | bigint {
  const whole = typeof value === "bigint" || (typeof value === "number" && Number.isSafeInteger(value));
  if (whole && value >= 0 && BigInt(value) <= max) return value;
  throw badField(field, `a whole number from 0 to ${max} is expected, not ${String(value)}`);
}

/** JSON.parse that keeps whole numbers above 2^53 exact (argument values have 64 bits). */
export function parseExactly(json: string): unknown {
  // The third parameter is in V8 and in the standard, not yet in TypeScript's library.
  const revive = (_key: string, value: unknown, context?: { readonly source?: string }): unknown =>
    typeof value === "number" && !Number.isSafeInteger(value) && /^-?\d+$/.test(context?.source ?? "")
      ? BigInt(context?.source ?? 0)
      : value;
  try {
    return JSON.parse(json, revive);
  } catch (error) {
    throw badField("", error instanceof Error ? error.message : String(error));
  }
}

/** JSON text in which bigints are plain numbers of any length; `parseExactly` reads it back. */
export function printExactly(value: unknown): string {
  // In V8 and in the standard, not yet in TypeScript's library.
  const { rawJSON } = JSON as unknown as { readonly rawJSON: (text: string) => unknown };
  return JSON.stringify(value, (_key, each: unknown) => (typeof each === "bigint" ? rawJSON(String(each)) : each));
}
