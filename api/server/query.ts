/** Query strings as Go's form values, by the route's table. Pure. */
import { invalid } from "../../engine/index.ts";
import type { Filters, QueryParam, QueryTable } from "../schema/index.ts";
import { parseFilters } from "./filters.ts";

const FALSE = new Set(["", "0", "no", "false", "none"]);
export const queryBoolean = (value: string): boolean => !FALSE.has(value.trim().toLowerCase());

export type QueryValues = Readonly<Record<string, boolean | string | number | null | readonly string[] | Filters>>;

export function parseQuery(table: QueryTable, values: URLSearchParams): QueryValues {
  return Object.fromEntries(Object.entries(table).map(([name, param]) => [name, parse(name, param, values)]));
}

function parse(name: string, param: QueryParam, values: URLSearchParams): QueryValues[string] {
  const value = values.get(name);
  switch (param.kind) {
    case "bool":
      return value === null ? param.absent : queryBoolean(value);
    case "text":
      return value ?? "";
    case "int":
      return value === null || value === "" ? null : parseInteger(name, value);
    case "list":
      return values.getAll(name);
    case "filters":
      return parseFilters(value ?? "", param.keys);
  }
}

/** A decimal integer, or an error that names the parameter: `invalid resize height "x": invalid syntax`. */
export function parseInteger(name: string, value: string): number {
  const number = Number(value);
  if (!/^[+-]?\d+$/.test(value)) throw invalid("api.bad_integer", `invalid ${name} "${value}": invalid syntax`);
  if (!Number.isSafeInteger(number)) throw invalid("api.bad_integer", `invalid ${name} "${value}": value out of range`);
  return number;
}
