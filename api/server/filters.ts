/** The `filters` query value: reading both of its forms, and the kinds of matching. Pure. */
import { invalid } from "../../engine/index.ts";
import type { Filters } from "../schema/index.ts";

const badFilter = (): Error => invalid("api.bad_filter", "invalid filter");

/** `{"status":{"exited":true}}` or the older `{"status":["exited"]}`. Unknown keys and anything else are 400. */
export function parseFilters(text: string, known: readonly string[]): Filters {
  if (text === "") return new Map();
  const value = parse(text);
  if (value === null) return new Map();
  if (typeof value !== "object" || Array.isArray(value)) throw badFilter();
  const filters = new Map<string, readonly string[]>();
  for (const [key, entry] of Object.entries(value)) {
    if (!known.includes(key)) throw invalid("api.unknown_filter", `invalid filter '${key}'`);
    filters.set(key, valuesOf(entry));
  }
  return filters;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw invalid("api.bad_filter", "invalid filter", { cause: error });
  }
}

function valuesOf(entry: unknown): readonly string[] {
  if (Array.isArray(entry) && entry.every((one) => typeof one === "string")) return entry;
  if (typeof entry !== "object" || entry === null || Array.isArray(entry)) throw badFilter();
  const pairs = Object.entries(entry);
  if (!pairs.every(([, present]) => typeof present === "boolean")) throw badFilter();
  return pairs.map(([value]) => value);
}

export const valuesFor = (filters: Filters, key: string): readonly string[] => filters.get(key) ?? [];

/** True when the key is absent or one value satisfies. */
export function anyOf(filters: Filters, key: string, matches: (value: string) => boolean): boolean {
  const values = valuesFor(filters, key);
  return values.length === 0 || values.some(matches);
}

/** Exact, or an unanchored regular expression; a bad expression matches nothing. */
export function matchesPattern(value: string, pattern: string): boolean {
  if (value === pattern) return true;
  try {
    return new RegExp(pattern).test(value);
  } catch {
    return false;
  }
}

export const matchesPrefix = (value: string, prefix: string): boolean => value.startsWith(prefix);

/** `label` values are AND-ed: "key" or "key=value". */
export function matchesLabels(labels: Readonly<Record<string, string>>, filters: Filters): boolean {
  const has = (wanted: string): boolean => hasLabel(labels, wanted);
  return valuesFor(filters, "label").every(has) && !valuesFor(filters, "label!").some(has);
}

export function hasLabel(labels: Readonly<Record<string, string>>, wanted: string): boolean {
  const equals = wanted.indexOf("=");
  if (equals < 0) return Object.hasOwn(labels, wanted);
  const key = wanted.slice(0, equals);
  return Object.hasOwn(labels, key) && labels[key] === wanted.slice(equals + 1);
}

/** Exactly 1, true, 0 or false; both or neither is an error. null without the key. */
export function booleanFilter(filters: Filters, key: string): boolean | null {
  const values = valuesFor(filters, key);
  if (!filters.has(key)) return null;
  const yes = values.some((value) => value === "1" || value === "true");
  const no = values.some((value) => value === "0" || value === "false");
  if (yes === no) throw invalid("api.bad_filter", `invalid filter '${key}=[${values.join(" ")}]'`);
  return yes;
}
