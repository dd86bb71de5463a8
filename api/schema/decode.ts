/**
 * Reads a parsed JSON value by a schema the way Go's encoding/json fills a struct: names match in any case, unknown
 * fields are ignored, null leaves a field unset, a value of another kind is an error that names the field.
 */
import type { TSchema } from "./common.ts";

export interface DecodeProblem {
  /** Path in the user's own spelling, e.g. `HostConfig.Memory`. */
  readonly field: string;
  readonly expected: string;
  readonly got: string;
}

/** The parts of JSON Schema that our schemas use. */
interface Shape {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly patternProperties?: Readonly<Record<string, Shape>>;
  readonly items?: Shape;
  readonly anyOf?: readonly Shape[];
  readonly "x-string-or-list"?: boolean;
}

/** JSON.parse makes Go's MaxInt64 the double after it, which Go could not read again: it becomes the double before it. */
const INT64_END = 2 ** 63;
const INT64_LAST = 2 ** 63 - 1024;

/** The value, or the first problem. Never throws; never lets a key reach a prototype. */
export function decode(
  schema: TSchema,
  value: unknown,
): { readonly value: unknown } | { readonly problem: DecodeProblem } {
  try {
    return { value: read(schema as Shape, value, "") };
  } catch (error) {
    if (error instanceof Mismatch) return { problem: error.problem };
    throw error;
  }
}

class Mismatch extends Error {
  readonly problem: DecodeProblem;
  constructor(field: string, expected: string, value: unknown) {
    super("type mismatch");
    this.problem = { field, expected, got: kindOf(value) };
  }
}

function read(shape: Shape, value: unknown, at: string): unknown {
  if (value === null || value === undefined) return undefined;
  if (shape.anyOf !== undefined) return read(shape.anyOf.find((one) => one.type !== "null") ?? {}, value, at);
  switch (shape.type) {
    case "object":
      return readObject(shape, value, at);
    case "array":
      return readList(shape, value, at);
    case "string":
      if (typeof value !== "string") throw new Mismatch(at, "a string", value);
      return value;
    case "boolean":
      if (typeof value !== "boolean") throw new Mismatch(at, "a boolean", value);
      return value;
    case "integer":
      if (typeof value !== "number" || !Number.isInteger(value)) throw new Mismatch(at, "an integer", value);
      if (Math.abs(value) > INT64_END) throw new Mismatch(at, "an integer of 64 bits", value);
      return Math.min(value, INT64_LAST);
    default:
      return value;
  }
}

function readList(shape: Shape, value: unknown, at: string): unknown {
  if (shape["x-string-or-list"] === true && typeof value === "string") return [value];
  if (!Array.isArray(value)) throw new Mismatch(at, "a list", value);
  const item = shape.items ?? {};
  return value.map((one, index) => read(item, one, `${at}[${index}]`) ?? zero(item));
}

/** null inside a list or a map is Go's zero value, not a hole. */
function zero(shape: Shape): unknown {
  const inner = shape.anyOf?.find((one) => one.type !== "null");
  if (inner !== undefined) return undefined;
  if (shape.type === "string") return "";
  if (shape.type === "integer") return 0;
  if (shape.type === "array") return [];
  return shape.type === "object" ? {} : undefined;
}

function readObject(shape: Shape, value: unknown, at: string): unknown {
  if (typeof value !== "object" || Array.isArray(value)) throw new Mismatch(at, "an object", value);
  const entries = Object.entries(value as object);
  const each = shape.patternProperties === undefined ? undefined : Object.values(shape.patternProperties)[0];
  // Object.fromEntries defines own properties, so a key "__proto__" stays data.
  if (each !== undefined) {
    return Object.fromEntries(entries.map(([key, one]) => [key, read(each, one, join(at, key)) ?? zero(each)]));
  }
  const known = names(shape);
  const out: [string, unknown][] = [];
  for (const [key, one] of entries) {
    const field = known.get(key) ?? known.get(key.toLowerCase());
    if (field === undefined) continue;
    const decoded = read(field.shape, one, join(at, field.name));
    if (decoded !== undefined) out.push([field.name, decoded]);
  }
  return Object.fromEntries(out);
}

const join = (at: string, key: string): string => (at === "" ? key : `${at}.${key}`);

interface Field {
  readonly name: string;
  readonly shape: Shape;
}
const nameTables = new WeakMap<Shape, Map<string, Field>>();
function names(shape: Shape): Map<string, Field> {
  let table = nameTables.get(shape);
  if (table === undefined) {
    table = new Map();
    for (const [name, inner] of Object.entries(shape.properties ?? {})) {
      const field = { name, shape: inner };
      table.set(name, field).set(name.toLowerCase(), field);
    }
    nameTables.set(shape, table);
  }
  return table;
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (value !== null && typeof value === "object") return "an object";
  if (typeof value === "number" && (!Number.isInteger(value) || Math.abs(value) > INT64_END))
    return `the number ${value}`;
  return `a ${typeof value}`;
}
