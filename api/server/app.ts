/**
 * The HTTP side of the daemon: fastify routes by the table in `api/schema/routes.ts`, everything else is ours. `App` serves
 * any number of listeners; nothing here listens.
 */
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { type Engine, type Log, silentLog, TareError } from "../../engine/index.ts";
import { allRoutes, type Route } from "../schema/index.ts";
import type { Answer, Handlers } from "./answer.ts";
import { createContext } from "./context.ts";
import { dispatch } from "./dispatch.ts";
import { createHandlers } from "./handlers/index.ts";
import { expectRequests, expectStream, keepStray, startPlain } from "./hijack.ts";
import { createMatcher } from "./matcher.ts";
import { type RewrittenPath, rewritePath } from "./path.ts";
import { send, sendAnswer, sendError, sendNotFound } from "./respond.ts";
import { createUpgrader, wantsUpgrade } from "./upgrade.ts";

export interface App {
  /** For tests: fastify's inject without a socket. */
  readonly fastify: FastifyInstance;
  /** A server of its own for one listener; not yet listening. */
  createServer(): Server;
  /** Sockets that attach and exec have taken over. */
  readonly hijacked: ReadonlySet<Socket>;
  close(): Promise<void>;
}

export interface AppOptions {
  readonly log?: Log;
  readonly now?: () => number;
}

const MINUTE_MS = 60_000;

export async function createApp(engine: Engine, options: AppOptions = {}): Promise<App> {
  const log = options.log ?? silentLog;
  const handlers = createHandlers(createContext(engine, log, options.now));
  const paths = new WeakMap<IncomingMessage, RewrittenPath>();
  const hijacked = new Set<Socket>();
  const server = fastify({
    logger: false,
    // No route has a schema here (dispatch decodes); the default compilers would load ajv, 20 ms of every daemon start.
    schemaController: { compilersFactory: { buildValidator: noCompiler, buildSerializer: noCompiler } },
    exposeHeadRoutes: false,
    forceCloseConnections: false,
    routerOptions: { maxParamLength: 4096 },
    frameworkErrors: (error, _req, reply) => malformed(reply, error),
    rewriteUrl: (req) => {
      const path = rewritePath(req.method ?? "GET", req.url ?? "/");
      paths.set(req as IncomingMessage, path);
      return path.url;
    },
    serverFactory: (handler) => createServer(handler as RequestListener),
  });
  // Bodies are read by dispatch, as streams: fastify only routes.
  server.removeAllContentTypeParsers();
  server.addContentTypeParser("*", (_request, payload, done) => done(null, payload));
  server.setErrorHandler((error, _request, reply) => malformed(reply, error as Error));
  const serve = servant(handlers, paths, log, hijacked);
  // Half of the table is refused with a sentence: those rows are looked for only when nothing else fits, which saves
  // their registration at every start.
  const matchRefused = createMatcher(Object.entries(allRoutes).filter(([, { refused }]) => refused !== undefined));
  server.setNotFoundHandler((request, reply) => {
    const found = matchRefused(request.raw.method ?? "GET", request.raw.url ?? "/");
    if (found !== null) return serve(found.id, found.route, request, reply);
    reply.hijack();
    sendNotFound(reply.raw);
  });
  for (const [id, route] of Object.entries(allRoutes)) {
    if (route.refused !== undefined) continue;
    server.route({
      method: route.method,
      url: route.path.replace(/\{(\w+)\}/g, ":$1"),
      handler: (request, reply) => serve(id, route, request, reply),
    });
  }
  server.options("*", (_request, reply) => {
    reply.hijack();
    send(reply.raw, 200, {}, "");
  });
  await server.ready();
  const upgrade = createUpgrader(handlers, log, hijacked);
  return {
    fastify: server,
    hijacked,
    createServer: () => listenerServer((req, res) => server.routing(req, res), upgrade),
    close: () => server.close(),
  };
}

function noCompiler(): never {
  throw new Error("a route has a fastify schema: validate in dispatch instead");
}

function malformed(reply: FastifyReply, error: Error): void {
  reply.hijack();
  const badType = (error as { code?: string }).code?.startsWith("FST_ERR_CTP") === true;
  const type = reply.request.headers["content-type"] ?? "";
  const message = badType ? `unsupported Content-Type header (${type}): must be 'application/json'` : error.message;
  sendError(reply.raw, new TareError("invalid", "api.malformed_request", message, { cause: error }));
}

type Serve = (id: string, route: Route, request: FastifyRequest, reply: FastifyReply) => Promise<void>;

function servant(
  handlers: Handlers,
  paths: WeakMap<IncomingMessage, RewrittenPath>,
  log: Log,
  hijacked: Set<Socket>,
): Serve {
  return async (id, route, { raw: req, params }, reply) => {
    reply.hijack();
    const res = reply.raw;
    const path = paths.get(req) ?? rewritePath(req.method ?? "GET", req.url ?? "/");
    const gone = new AbortController();
    res.once("close", () => {
      if (!res.writableFinished) gone.abort();
    });
    if (route.reply === "hijack") expectStream(req.socket);
    try {
      const incoming = { route, path, params: params as Record<string, string>, req, body: null, signal: gone.signal };
      await deliver(req, res, await dispatch(id, handlers, incoming), route.status, hijacked);
    } catch (error) {
      if (!(error instanceof TareError) && !gone.signal.aborted) log.error("request failed", { operation: id, error });
      if (route.reply === "hijack") expectRequests(req.socket);
      sendError(res, error);
    }
  };
}

function deliver(
  req: IncomingMessage,
  res: ServerResponse,
  answer: Answer,
  status: number,
  hijacked: Set<Socket>,
): Promise<void> {
  if (answer.kind !== "hijack") return sendAnswer(req, res, answer, status === 101 ? 200 : status);
  hijacked.add(req.socket);
  req.socket.once("close", () => hijacked.delete(req.socket));
  return startPlain(req, answer.plan);
}

type Upgrade = (req: IncomingMessage, socket: Socket, head: Buffer) => void;

function listenerServer(handle: (req: IncomingMessage, res: ServerResponse) => void, upgrade: Upgrade): Server {
  const server = createServer({
    // Streams and waits last as long as containers do.
    requestTimeout: 0,
    headersTimeout: 5 * MINUTE_MS,
    // Go keeps idle connections for 30 s; the server must be the one that waits longer.
    keepAliveTimeout: 2 * MINUTE_MS,
    noDelay: true,
    // An Upgrade we do not know (h2c by Java's client) is ignored, and the request answered as HTTP/1.1.
    shouldUpgradeCallback: wantsUpgrade,
  });
  server.timeout = 0;
  server.on("request", handle);
  server.on("upgrade", (req, socket, head) => upgrade(req, socket as Socket, head));
  server.on("clientError", (error: Error & { rawPacket?: Buffer; bytesParsed?: number }, socket) => {
    const rest = error.rawPacket?.subarray(error.bytesParsed ?? 0) ?? Buffer.alloc(0);
    if (keepStray(socket as Socket, rest)) return;
    if (socket.writable) socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
    else socket.destroy();
  });
  // Without it Node closes the socket at the client's FIN, and the output of a plain attach would be lost.
  (server as Server & { httpAllowHalfOpen: boolean }).httpAllowHalfOpen = true;
  return server;
}
