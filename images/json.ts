/**
 * Typed reading of JSON that a stranger wrote. Every reader names the place in its error ("manifest.layers[2].digest"),
 * bounds what it takes, and never lets a `__proto__` key reach an object of ours.
 */
import { invalid } from "../engine/base/errors.ts";

export type JsonObject = Readonly<Record<string, unknown>>;

const wrong = (where: string, expected: string, value: unknown) => {
  const kind = value === null ? "null" : Array.isArray(value) ? "a list" : `a ${typeof value}`;
  return invalid(
    "image.bad_document",
    `${where}: expected ${expected}, found ${value === undefined ? "nothing" : kind}`,
  );
};

export function parseJson(bytes: Buffer, where: string): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) as unknown;
  } catch (error) {
    throw invalid("image.bad_document", `${where} is not JSON: ${(error as Error).message}`, { cause: error });
  }
}

export function asObject(value: unknown, where: string): JsonObject {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw wrong(where, "an object", value);
  return value as JsonObject;
}
/** Own properties only. */
export const field = (object: JsonObject, key: string): unknown =>
  Object.hasOwn(object, key) ? object[key] : undefined;

export const optionalObject = (value: unknown, where: string): JsonObject =>
  value === undefined || value === null ? {} : asObject(value, where);

export function asList(value: unknown, where: string, max = 10_000): readonly unknown[] {
  if (!Array.isArray(value)) throw wrong(where, "a list", value);
  if (value.length > max) throw invalid("image.bad_document", `${where}: ${value.length} items (limit ${max})`);
  return value;
}

export function asString(value: unknown, where: string, maxLength = 1 << 20): string {
  if (typeof value !== "string") throw wrong(where, "a string", value);
  if (value.length > maxLength)
    throw invalid("image.bad_document", `${where}: ${value.length} characters (limit ${maxLength})`);
  return value;
}
export const optionalString = (value: unknown, where: string): string =>
  value === undefined || value === null ? "" : asString(value, where);

export const strings = (value: unknown, where: string): readonly string[] =>
  value === undefined || value === null
    ? []
    : asList(value, where).map((item, index) => asString(item, `${where}[${index}]`));
/** null stays null: Docker tells an absent Cmd from an empty one. A lone string (old configs) is a list of one. */
export const stringsOrNull = (value: unknown, where: string): readonly string[] | null => {
  if (value === undefined || value === null) return null;
  return typeof value === "string" ? [value] : strings(value, where);
};

export function asCount(value: unknown, where: string): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0)
    throw wrong(where, "a whole number", value);
  return value;
}
export const optionalNumber = (value: unknown, where: string): number => {
  if (value === undefined || value === null) return 0;
  if (typeof value !== "number" || !Number.isFinite(value)) throw wrong(where, "a number", value);
  return value;
};

export function stringMap(value: unknown, where: string): Readonly<Record<string, string>> {
  const entries = Object.entries(optionalObject(value, where)).map(([key, item]) => [
    key,
    asString(item, `${where}.${key}`),
  ]);
  return Object.fromEntries(entries) as Record<string, string>;
}
/** The keys of Docker's sets ({"80/tcp": {}}). */
export const keySet = (value: unknown, where: string): readonly string[] => Object.keys(optionalObject(value, where));
