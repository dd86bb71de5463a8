/** The routes table as types. Only types: nothing of the schema is loaded by a command. */
import type { BodyInputFor, OperationId, QueryInputFor, ReplyFor, Routes } from "../schema/index.ts";

type Keyed = { [K in OperationId as `${Routes[K]["method"]} ${Routes[K]["path"]}`]: K };
/** "GET /containers/{id}/json" and every other row of the table. */
export type RouteKey = keyof Keyed & string;
type Parameters<P extends string> = P extends `${string}{${infer Name}}${infer Rest}` ? Name | Parameters<Rest> : never;

/** JSON arrays of undefined schema are unknown to the table, and stay unknown here. */
export type Reply<K extends RouteKey> = ReplyFor<Keyed[K]>;

interface Common {
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}
type PathOf<K extends RouteKey> = [Parameters<K>] extends [never]
  ? { readonly path?: Readonly<Record<string, never>> }
  : { readonly path: { readonly [Name in Parameters<K>]: string } };
type BodyOf<K extends RouteKey> = [BodyInputFor<Keyed[K]>] extends [undefined]
  ? { readonly body?: undefined }
  : { readonly body?: BodyInputFor<Keyed[K]> };

export type CallOptions<K extends RouteKey> = Common &
  PathOf<K> &
  BodyOf<K> & { readonly query?: QueryInputFor<Keyed[K]> };
/** Options may be left out only when nothing in them is required. */
export type CallArguments<K extends RouteKey> = [Parameters<K>] extends [never]
  ? [options?: CallOptions<K>]
  : [options: CallOptions<K>];
