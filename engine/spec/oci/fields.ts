/** Reads an OCI runtime configuration; what is wrong is thrown as `invalid` naming the field ("linux.devices[0].path"). */
import { invalid, unsupported } from "../../base/errors.ts";

export type Json = Readonly<Record<string, unknown>>;
const fault = (at: string, text: string): Error =>
  invalid("oci.invalid_config", `config.json: ${at}: ${text}`, { details: { argument: at } });

export const required = <T>(value: T | null, at: string): T => {
  if (value === null) throw fault(at, "is required");
  return value;
};
/** null for a missing field or null, in all readers. */
export function object(value: unknown, at: string): Json | null {
  if (value === undefined || value === null) return null;
  if (typeof value !== "object" || Array.isArray(value)) throw fault(at, "an object is expected");
  return value as Json;
}
export function text(value: unknown, at: string): string | null {
  if (value === undefined || value === null) return null;
  if (typeof value !== "string") throw fault(at, "a string is expected");
  if (value.includes("\0")) throw fault(at, "contains a NUL byte");
  return value;
}
export function flag(value: unknown, at: string): boolean {
  if (value === undefined || value === null) return false;
  if (typeof value !== "boolean") throw fault(at, "true or false is expected");
  return value;
}
export function whole(value: unknown, at: string): number | null {
  if (value === undefined || value === null) return null;
  if (typeof value !== "number" || !Number.isInteger(value)) throw fault(at, "a whole number is expected");
  return value;
}
export function list<T>(value: unknown, at: string, read: (item: unknown, at: string) => T): readonly T[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw fault(at, "an array is expected");
  return value.map((item, index) => read(item, `${at}[${index}]`));
}
export const texts = (value: unknown, at: string): readonly string[] =>
  list(value, at, (item, where) => required(text(item, where), where));
export function map(value: unknown, at: string): Readonly<Record<string, string>> {
  const fields = object(value, at) ?? {};
  return Object.fromEntries(
    Object.entries(fields).map(([key, item]) => [key, required(text(item, `${at}.${key}`), `${at}.${key}`)]),
  );
}
export function oneOf<T extends string>(value: unknown, at: string, words: readonly T[]): T {
  const word = required(text(value, at), at);
  const found = words.find((candidate) => candidate === word);
  if (found === undefined) throw fault(at, `${JSON.stringify(word)} is not one of ${words.join(", ")}`);
  return found;
}

const isNothing = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  value === "" ||
  value === false ||
  (typeof value === "object" && Object.keys(value).length === 0);
/** What we cannot do is refused, never dropped: a sandbox that lacks a part of its configuration is another sandbox. */
export function refuse(fields: Json, at: string, names: readonly string[]): void {
  for (const name of names) {
    if (isNothing(fields[name])) continue;
    throw unsupported("oci.unsupported", `config.json: ${at === "" ? "" : `${at}.`}${name} is not supported`, {
      details: { argument: name },
    });
  }
}
