/** The door of api/client. */
export { Client, expandRoute, parseJson } from "./client.ts";
export { Demuxer, demux, type Piece, type StreamName } from "./demux.ts";
export { ApiError, ConnectionError, HostError } from "./errors.ts";
export { DEFAULT_HOST, type Endpoint, parseHost } from "./host.ts";
export { jsonLines } from "./json-stream.ts";
export type { Answer, Duplex, Query } from "./transport.ts";
export type { CallOptions, Reply, RouteKey } from "./wire.ts";
