/**
 * THE table of endpoints. Server registration, validators, client typing and the OpenAPI document all follow from it:
 * a route exists when it is a row here. Keys are Docker's operation ids.
 */
import type { Method, Route } from "./route.ts";
import type { BodyInput, BodyOf, QueryInput, QueryOf, QueryTableOf, ReplyOf } from "./route.ts";
import { clusterRoutes } from "./routes/cluster.ts";
import { containerRoutes } from "./routes/containers.ts";
import { execRoutes } from "./routes/exec.ts";
import { imageRoutes } from "./routes/images.ts";
import { networkRoutes, volumeRoutes } from "./routes/networks.ts";
import { systemRoutes } from "./routes/system.ts";

export const routes = {
  ...systemRoutes,
  ...containerRoutes,
  ...execRoutes,
  ...imageRoutes,
  ...networkRoutes,
  ...volumeRoutes,
} as const;
export type Routes = typeof routes;
export type OperationId = keyof Routes;
/** Operations with a handler: those that are not refused as a whole. */
export type ServedOperation = { [K in OperationId]: Routes[K] extends { refused: object } ? never : K }[OperationId];

export type QueryFor<K extends OperationId> = QueryOf<QueryTableOf<Routes[K]>>;
export type QueryInputFor<K extends OperationId> = QueryInput<QueryTableOf<Routes[K]>>;
export type BodyFor<K extends OperationId> = BodyOf<Routes[K]>;
export type BodyInputFor<K extends OperationId> = BodyInput<Routes[K]>;
export type ReplyFor<K extends OperationId> = ReplyOf<Routes[K]>;

/** Everything that is served, with the refused families. */
export const allRoutes: Readonly<Record<string, Route>> = { ...routes, ...clusterRoutes };
export const methods: readonly Method[] = ["GET", "HEAD", "POST", "PUT", "DELETE"];
