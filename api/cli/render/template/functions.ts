/** The functions of docker's templates: text/template's own and docker's. Sprintf is in printf.ts. */
import { sprint, sprintf } from "./printf.ts";
import { GoNil, isMap, isNil, isTrue, show, toJson, typeName } from "./values.ts";
import type { TemplateFunction } from "./execute.ts";

const text = (value: unknown, name: string): string => {
  if (typeof value === "string") return value;
  if (value === null || value === undefined) return "";
  throw new Error(`wrong type for value; expected string; got ${typeName(value)} in ${name}`);
};

function itemOf(container: unknown, key: unknown): unknown {
  if (Array.isArray(container)) {
    if (typeof key !== "number") throw new Error(`cannot index slice/array with type ${typeName(key)}`);
    if (key < 0 || key >= container.length) throw new Error(`index out of range: ${key}`);
    return container[key];
  }
  if (typeof container === "string") {
    const bytes = Buffer.from(container);
    if (typeof key !== "number" || key < 0 || key >= bytes.length) throw new Error(`index out of range: ${show(key)}`);
    return bytes[key];
  }
  if (container instanceof GoNil && container.kind === "map") return undefined;
  if (container instanceof GoNil && container.kind === "slice") throw new Error(`index out of range: ${show(key)}`);
  if (isMap(container)) {
    if (typeof key !== "string") throw new Error(`value has type ${typeName(key)}; should be string`);
    return Object.hasOwn(container, key) ? container[key] : undefined;
  }
  if (isNil(container)) throw new Error("index of untyped nil");
  throw new Error(`can't index item of type ${typeName(container)}`);
}

function lengthOf(value: unknown): number {
  if (typeof value === "string") return Buffer.byteLength(value);
  if (Array.isArray(value)) return value.length;
  if (value instanceof GoNil && value.kind !== "pointer") return 0;
  if (isMap(value)) return Object.keys(value).length;
  if (isNil(value)) throw new Error("len of nil pointer");
  throw new Error(`len of type ${typeName(value)}`);
}

function sliceOf(value: unknown, from: unknown = 0, to?: unknown): unknown {
  if (typeof value !== "string" && !Array.isArray(value))
    throw new Error(`can't slice item of type ${typeName(value)}`);
  const end = to ?? value.length;
  if (typeof from !== "number" || typeof end !== "number")
    throw new Error("cannot index slice/array with a non-number");
  for (const bound of [from, end])
    if (bound < 0 || bound > value.length) throw new Error(`index out of range: ${bound}`);
  if (from > end) throw new Error(`invalid slice index: ${from} > ${end}`);
  return value.slice(from, end);
}

const isNumber = (value: unknown): value is number | bigint => typeof value === "number" || typeof value === "bigint";

/** Negative, zero or positive; NaN when the two have no order. Numbers on the wire compare with text as docker's raw values do. */
function compare(left: unknown, right: unknown): number {
  if (isNumber(left) && isNumber(right)) return left < right ? -1 : left > right ? 1 : 0;
  if (typeof left === "string" && typeof right === "string")
    return Buffer.compare(Buffer.from(left), Buffer.from(right));
  throw new Error("incompatible types for comparison");
}

const same = (left: unknown, right: unknown): boolean =>
  isNumber(left) && isNumber(right) ? compare(left, right) === 0 : isNil(left) && isNil(right) ? true : left === right;

function equals(first: unknown, ...others: unknown[]): boolean {
  if (others.length === 0) throw new Error("missing argument for comparison");
  return others.some((one) => same(first, one));
}

const HTML: Readonly<Record<string, string>> = {
  '"': "&#34;",
  "'": "&#39;",
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  "\0": "\uFFFD",
};
const asText = (...values: unknown[]): string =>
  values.length === 1 && typeof values[0] === "string" ? values[0] : sprint(values);
const escapeHtml = (value: string): string => value.replace(/["'&<>\0]/g, (one) => HTML[one] ?? one);
const escapeJs = (value: string): string =>
  value.replace(/[\\'"<>&=\n\r\t]/g, (one) => {
    if (one === "\n") return "\\n";
    if (one === "\r") return "\\r";
    if (one === "\t") return "\\t";
    return /[\\'"]/.test(one) ? `\\${one}` : `\\u00${one.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
  });
const escapeUrl = (value: string): string =>
  encodeURIComponent(value)
    .replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll("%20", "+");

const title = (value: string): string =>
  value.replace(/(^|[\s\p{P}])(\p{L})/gu, (_whole, before: string, letter: string) => before + letter.toUpperCase());

export const FUNCTIONS: Readonly<Record<string, TemplateFunction>> = {
  and: () => undefined,
  or: () => undefined,
  not: (value: unknown) => !isTrue(value),
  len: lengthOf,
  index: (container: unknown, ...keys: unknown[]) => keys.reduce(itemOf, container),
  slice: (value: unknown, ...bounds: unknown[]) => sliceOf(value, bounds[0], bounds[1]),
  print: (...values: unknown[]) => sprint(values),
  println: (...values: unknown[]) => `${values.map((one) => show(one, false)).join(" ")}\n`,
  printf: (format: unknown, ...values: unknown[]) => sprintf(text(format, "printf"), values),
  html: (...values: unknown[]) => escapeHtml(asText(...values)),
  js: (...values: unknown[]) => escapeJs(asText(...values)),
  urlquery: (...values: unknown[]) => escapeUrl(asText(...values)),
  eq: equals,
  ne: (left: unknown, right: unknown) => !same(left, right),
  lt: (left: unknown, right: unknown) => compare(left, right) < 0,
  le: (left: unknown, right: unknown) => compare(left, right) <= 0,
  gt: (left: unknown, right: unknown) => compare(left, right) > 0,
  ge: (left: unknown, right: unknown) => compare(left, right) >= 0,
  // docker's
  json: (value: unknown) => toJson(value, false),
  split: (value: unknown, separator: unknown) => text(value, "split").split(text(separator, "split")),
  join: (values: unknown, separator: unknown) => {
    if (isNil(values)) return "";
    if (!Array.isArray(values)) throw new Error(`wrong type for value; expected []string; got ${typeName(values)}`);
    return values.map((one) => show(one)).join(text(separator, "join"));
  },
  title: (value: unknown) => title(text(value, "title")),
  lower: (value: unknown) => text(value, "lower").toLowerCase(),
  upper: (value: unknown) => text(value, "upper").toUpperCase(),
  pad: (value: unknown, before: unknown, after: unknown) =>
    text(value, "pad") === "" ? "" : " ".repeat(Number(before)) + text(value, "pad") + " ".repeat(Number(after)),
  truncate: (value: unknown, length: unknown) => [...text(value, "truncate")].slice(0, Number(length)).join(""),
};

/** In a table's header these leave the words alone. */
const identity = (value: unknown) => value;
export const HEADER_FUNCTIONS: Readonly<Record<string, TemplateFunction>> = {
  ...FUNCTIONS,
  json: identity,
  title: identity,
  lower: identity,
  upper: identity,
  truncate: (value: unknown, _length: unknown) => value,
};

export const FUNCTION_NAMES: ReadonlySet<string> = new Set(Object.keys(FUNCTIONS));
