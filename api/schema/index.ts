/** The door of `api/schema`: wire types, the route table, versions, the request decoder and the OpenAPI document. */
export type { Decoded, ErrorReply, IdReply, Input, Int64, Static, TSchema } from "./common.ts";
export type {
  ContainerConfig,
  ContainerCreateBody,
  ContainerCreateReply,
  ContainerInspect,
  ContainerState,
  ContainerSummary,
  MountPoint,
  NetworkSettings,
  TimingsReply,
  TopReply,
  WaitReply,
} from "./container.ts";
export { type DecodeProblem, decode } from "./decode.ts";
export type { EventMessage } from "./event.ts";
export type { ExecCreateBody, ExecInspect, ExecStartBody } from "./exec.ts";
export type { HostConfig, Mount, PortBinding, PortMap, UpdateConfig } from "./host-config.ts";
export type { ImageDeleteItem, ImageInspect, ImageSummary, ProgressMessage } from "./image.ts";
export type { EndpointSettings, Network, NetworkingConfig } from "./network.ts";
export { openApi } from "./openapi.ts";
export type { Filters, Method, QueryParam, QueryTable, ReplyKind, Route } from "./route.ts";
export {
  type BodyFor,
  type BodyInputFor,
  type OperationId,
  type QueryFor,
  type QueryInputFor,
  type ReplyFor,
  type Routes,
  type ServedOperation,
  allRoutes,
  routes,
} from "./routes.ts";
export type { StatsReply } from "./stats.ts";
export type { DiskUsageReply, InfoReply, VersionReply } from "./system.ts";
export {
  API_VERSION,
  type ApiVersion,
  CURRENT,
  MIN_API_VERSION,
  MINIMUM,
  PRODUCT_VERSION,
  SERVER_VERSION,
  parseApiVersion,
} from "./version.ts";
export type { Volume } from "./volume.ts";
