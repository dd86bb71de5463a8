/** Go's values as a template sees them, and how fmt prints them. Plain objects are maps, arrays are slices. */

export type MethodTable = Readonly<Record<string, () => unknown>>;

/** A struct, or a pointer to one: its fields are known, a missing one is an error and not "no value". */
export class GoStruct {
  readonly fields: Readonly<Record<string, unknown>>;
  /** Fields that exist although the wire leaves them out, with their zero value. */
  readonly absent: Readonly<Record<string, unknown>>;

  readonly typeName: string;

  constructor(
    fields: Readonly<Record<string, unknown>>,
    absent: Readonly<Record<string, unknown>> = {},
    typeName = "struct",
  ) {
    this.fields = fields;
    this.absent = absent;
    this.typeName = typeName;
  }

  toJSON(): unknown {
    return new Ordered(this.fields);
  }
}

/** The object of a row: its fields are methods, some with arguments. `typeName` appears in errors, as docker's does. */
export class GoObject {
  readonly typeName: string;
  readonly methods: Readonly<Record<string, (...args: never[]) => unknown>>;

  constructor(typeName: string, methods: Readonly<Record<string, (...args: never[]) => unknown>>) {
    this.typeName = typeName;
    this.methods = methods;
  }

  /** All fields without arguments, sorted, with Go's HTML-safe escapes already in the caller's hands. */
  toJSON(): unknown {
    const names = Object.keys(this.methods).filter((name) => this.methods[name]?.length === 0);
    return Object.fromEntries(names.sort().map((name) => [name, (this.methods[name] as () => unknown)()]));
  }
}

/** A typed nil: prints as an empty slice or map, or <nil>. */
export class GoNil {
  readonly kind: "slice" | "map" | "pointer";
  constructor(kind: "slice" | "map" | "pointer") {
    this.kind = kind;
  }
  toJSON(): null {
    return null;
  }
}

export const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" &&
  value !== null &&
  !Array.isArray(value) &&
  !(value instanceof GoStruct) &&
  !(value instanceof GoObject) &&
  !(value instanceof GoNil);

export const isNil = (value: unknown): boolean => value === null || value === undefined || value instanceof GoNil;

/** Go templates' notion of empty. */
export function isTrue(value: unknown): boolean {
  if (isNil(value)) return false;
  if (typeof value === "boolean") return value;
  if (typeof value === "number" || typeof value === "bigint") return Number(value) !== 0;
  if (typeof value === "string") return value !== "";
  if (Array.isArray(value)) return value.length > 0;
  if (isMap(value)) return Object.keys(value).length > 0;
  return true;
}

export const sortedKeys = (map: Readonly<Record<string, unknown>>): string[] =>
  Object.keys(map).sort((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right)));

/** fmt's %v. `top` is the value itself rather than part of another. */
export function show(value: unknown, top = true): string {
  if (value === null || value === undefined) return top ? "<no value>" : "<nil>";
  if (value instanceof GoNil) return value.kind === "slice" ? "[]" : value.kind === "map" ? "map[]" : "<nil>";
  if (value instanceof GoStruct)
    return `{${Object.values(value.fields)
      .map((one) => show(one, false))
      .join(" ")}}`;
  if (value instanceof GoObject) return show(value.toJSON(), top);
  if (Array.isArray(value)) return `[${value.map((one) => show(one, false)).join(" ")}]`;
  if (isMap(value))
    return `map[${sortedKeys(value)
      .map((key) => `${key}:${show(value[key], false)}`)
      .join(" ")}]`;
  return String(value);
}

/** Fields of a struct keep their order in JSON, keys of a map are sorted: this marks the first. */
class Ordered {
  constructor(fields: Readonly<Record<string, unknown>>) {
    Object.assign(this, fields);
  }
}

const sorted = (map: Readonly<Record<string, unknown>>): unknown =>
  Object.fromEntries(sortedKeys(map).map((key) => [key, map[key]]));

/** Go's encoding/json; bigints as bare digits. `safe` adds the escapes of < > & that json.Marshal has by default. */
export function toJson(value: unknown, safe: boolean): string {
  const raw = JSON as unknown as { rawJSON(text: string): unknown };
  const text = JSON.stringify(value ?? null, (_key, one: unknown) => {
    if (typeof one === "bigint") return raw.rawJSON(String(one));
    return isMap(one) && Object.getPrototypeOf(one) === Object.prototype ? sorted(one) : one;
  });
  const separated = text.replace(/[\u2028\u2029]/g, (one) => `\\u${one.charCodeAt(0).toString(16)}`);
  return safe ? separated.replace(/[<>&]/g, (one) => `\\u00${one.charCodeAt(0).toString(16)}`) : separated;
}

/** The name of a value's type as Go would say it. */
export function typeName(value: unknown): string {
  if (isNil(value)) return "<nil>";
  switch (typeof value) {
    case "string":
      return "string";
    case "boolean":
      return "bool";
    case "bigint":
      return "int";
    case "number":
      return Number.isInteger(value) ? "int" : "float64";
    default:
      if (value instanceof GoObject) return value.typeName;
      return Array.isArray(value) ? "[]interface {}" : "map[string]interface {}";
  }
}
