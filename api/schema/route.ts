/** What a row of the route table says, and the types that follow from it. */
import type { Decoded, Input, Static, TSchema } from "./common.ts";

/**
 * Query parameters, read as Go's net/http form values are:
 * - bool: false is exactly "", 0, no, false, none; anything else is true; `absent` is the value without the key.
 * - text: "" when absent.
 * - int: text that must be a decimal integer when the handler needs it; null when absent or empty.
 * - list: the key may be repeated.
 * - filters: JSON, canonical or legacy form; `keys` are those the endpoint knows.
 */
export type QueryParam =
  | { readonly kind: "bool"; readonly absent: boolean; readonly about: string }
  | { readonly kind: "text"; readonly about: string }
  | { readonly kind: "int"; readonly about: string }
  | { readonly kind: "list"; readonly about: string }
  | { readonly kind: "filters"; readonly keys: readonly string[]; readonly about: string };

export type QueryTable = Readonly<Record<string, QueryParam>>;
/** filter key → values, in the order given. */
export type Filters = ReadonlyMap<string, readonly string[]>;

type QueryValue<P extends QueryParam> = P["kind"] extends "bool"
  ? boolean
  : P["kind"] extends "text"
    ? string
    : P["kind"] extends "int"
      ? number | null
      : P["kind"] extends "list"
        ? readonly string[]
        : Filters;
/** What the server's handler sees: every key present. */
export type QueryOf<T extends QueryTable> = { readonly [K in keyof T]: QueryValue<T[K]> };
type QueryArgument<P extends QueryParam> = P["kind"] extends "bool"
  ? boolean
  : P["kind"] extends "filters"
    ? Readonly<Record<string, readonly string[]>>
    : P["kind"] extends "list"
      ? readonly string[]
      : P["kind"] extends "int"
        ? number
        : string | number;
/** What a client may send. */
export type QueryInput<T extends QueryTable> = { readonly [K in keyof T]?: QueryArgument<T[K]> | undefined };

export type Method = "GET" | "HEAD" | "POST" | "PUT" | "DELETE";

/**
 * How the reply's body travels:
 * - json: one value and a newline · empty: nothing · lines: JSON objects, one by one, flushed
 * - progress: JSON objects separated by CRLF · log: Docker's frames (or raw bytes of a terminal), chunked
 * - hijack: 101 (or 200 without Upgrade) and then the socket itself · tar · plain
 */
export type ReplyKind = "json" | "empty" | "lines" | "progress" | "log" | "hijack" | "tar" | "plain";

export interface Route {
  readonly method: Method;
  /** Template; `{name}` in /images, /plugins and /distribution may contain slashes. */
  readonly path: string;
  readonly tag: "System" | "Container" | "Exec" | "Image" | "Network" | "Volume" | "Plugin" | "Build";
  readonly summary: string;
  readonly query?: QueryTable;
  /** Present: the request has a JSON body of this shape. */
  readonly body?: TSchema;
  /** The body may be left out. */
  readonly bodyOptional?: boolean;
  /** The request body is a stream of this type. */
  readonly upload?: "application/x-tar";
  readonly status: number;
  readonly reply: ReplyKind;
  readonly replySchema?: TSchema;
  /** Further statuses that are normal for this route. */
  readonly errors?: readonly number[];
  /** First API version that has it; absent = always. */
  readonly since?: string;
  /** Not in Docker's API. */
  readonly extension?: true;
  /** Answered with this status and sentence: the feature belongs to a later issue, or to swarm. */
  readonly refused?: { readonly status: 404 | 501 | 503; readonly message: string };
}

export type BodyOf<R extends Route> = R extends { readonly body: infer B extends TSchema }
  ? Decoded<Static<B>>
  : undefined;
export type BodyInput<R extends Route> = R extends { readonly body: infer B extends TSchema }
  ? Input<Static<B>>
  : undefined;
export type ReplyOf<R extends Route> = R extends { readonly replySchema: infer S extends TSchema }
  ? Static<S>
  : undefined;
export type QueryTableOf<R extends Route> = R extends { readonly query: infer Q extends QueryTable }
  ? Q
  : Record<never, never>;

export const bool = (about: string) => ({ kind: "bool", absent: false, about }) as const;
export const boolTrue = (about: string) => ({ kind: "bool", absent: true, about }) as const;
export const str = (about: string) => ({ kind: "text", about }) as const;
export const integer = (about: string) => ({ kind: "int", about }) as const;
export const strings = (about: string) => ({ kind: "list", about }) as const;
export const filters = (...keys: string[]) =>
  ({ kind: "filters", keys, about: `JSON: {"key":["value"]}; keys: ${keys.join(", ")}` }) as const;
