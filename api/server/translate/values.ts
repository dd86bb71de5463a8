/** Small conversions shared by the translations. Pure. */
import { invalid } from "../../../engine/index.ts";

export const orNull = <T>(value: readonly T[] | undefined): readonly T[] | null => value ?? null;
/** Docker prints an absent list as null; the domain keeps [] where it does not matter. */
export const emptyAsNull = <T>(value: readonly T[]): T[] | null => (value.length === 0 ? null : [...value]);
export const copy = <T>(value: readonly T[] | null): T[] | null => (value === null ? null : [...value]);
/** Go's map[string]struct{}. */
export const setOf = (keys: readonly string[]): Record<string, Record<string, never>> =>
  Object.fromEntries(keys.map((key) => [key, {}]));
/** A key that is present only when it says something (Go's omitempty). */
export const some = <K extends string, V>(key: K, value: V | null | undefined | "" | false | 0): { [P in K]?: V } =>
  (value === null || value === undefined || value === "" || value === false || value === 0 ? {} : { [key]: value }) as {
    [P in K]?: V;
  };
export const someOf = <K extends string, V extends object>(key: K, value: V): { [P in K]?: V } =>
  (Object.keys(value).length === 0 ? {} : { [key]: value }) as { [P in K]?: V };

/** ConsoleSize: [rows, columns]. */
export function consoleSize(value: readonly number[] | undefined): readonly [number, number] | null {
  if (value === undefined || value.length === 0) return null;
  if (value.length !== 2) throw invalid("api.bad_console_size", "ConsoleSize must be [height, width]");
  return [value[0] ?? 0, value[1] ?? 0];
}
