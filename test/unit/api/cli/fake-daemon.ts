/** Answers plausibly on a unix socket and writes down what it was asked. Both docker and ctr talk to it. */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Recorded {
  readonly method: string;
  /** Without the version prefix. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly body: unknown;
}

export type Canned = Readonly<Record<string, unknown | ((request: Recorded) => Reply)>>;
export interface Reply {
  readonly status: number;
  readonly body?: unknown;
}

export interface FakeDaemon extends AsyncDisposable {
  readonly host: string;
  readonly requests: Recorded[];
  /** "GET /containers/json" → the JSON to answer with, or a function; asked in place of the defaults. */
  canned: Canned;
  /** Bytes an attach or exec start sends before it ends. */
  output: Buffer;
}

export const ID = "4f1c2d3e5a6b7c8d9e0f1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6f";

export function frame(stream: 1 | 2 | 3, text: string): Buffer {
  const data = Buffer.from(text);
  const header = Buffer.alloc(8);
  header[0] = stream;
  header.writeUInt32BE(data.length, 4);
  return Buffer.concat([header, data]);
}

const DEFAULTS: Canned = {
  "POST /containers/create": () => ({ status: 201, body: { Id: ID, Warnings: [] } }),
  [`POST /containers/${ID}/start`]: () => ({ status: 204 }),
  [`POST /containers/${ID}/wait`]: () => ({ status: 200, body: { StatusCode: 0 } }),
  "GET /info": () => ({ status: 200, body: { ID: "x", OSType: "linux", ServerVersion: "28.5.2" } }),
};

function parseBody(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text === "" ? undefined : text;
  }
}

function record(request: IncomingMessage, text: string): Recorded {
  const url = new URL(request.url ?? "/", "http://daemon");
  return {
    method: request.method ?? "",
    path: decodeURIComponent(url.pathname.replace(/^\/v[\d.]+/, "")),
    query: Object.fromEntries(url.searchParams),
    body: parseBody(text),
  };
}

/** JSON with bigints as bare digits. */
const encode = (value: unknown): string =>
  JSON.stringify(value, (_key, one: unknown) =>
    typeof one === "bigint" ? (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(String(one)) : one,
  );

function answer(daemon: FakeDaemon, recorded: Recorded, response: ServerResponse): void {
  const key = `${recorded.method} ${recorded.path}`;
  const found = daemon.canned[key] ?? DEFAULTS[key];
  const reply: Reply =
    typeof found === "function"
      ? (found as (request: Recorded) => Reply)(recorded)
      : found === undefined
        ? { status: 404, body: { message: `page not found` } }
        : { status: 200, body: found };
  response.setHeader("Api-Version", "1.50");
  response.setHeader("Ostype", "linux");
  response.setHeader("Content-Type", "application/json");
  response.writeHead(reply.status);
  if (Buffer.isBuffer(reply.body)) response.end(reply.body);
  else response.end(reply.body === undefined ? undefined : `${encode(reply.body)}\n`);
}

function upgrade(daemon: FakeDaemon, request: IncomingMessage, socket: Duplex, head: Buffer): void {
  const length = Number(request.headers["content-length"] ?? 0);
  const chunks: Buffer[] = [];
  let done = false;
  const proceed = () => {
    if (done || Buffer.concat(chunks).length < length) return;
    done = true;
    daemon.requests.push(record(request, Buffer.concat(chunks).subarray(0, length).toString()));
    socket.write(
      "HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.multiplexed-stream\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n",
    );
    socket.end(daemon.output);
  };
  socket.on("error", () => undefined);
  socket.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    proceed();
  });
  if (head.length > 0) chunks.push(head);
  proceed();
}

export async function startFakeDaemon(): Promise<FakeDaemon> {
  const folder = mkdtempSync(join(tmpdir(), "ctr-fake-"));
  const path = join(folder, "daemon.sock");
  const server = createServer();
  const daemon: FakeDaemon = {
    host: `unix://${path}`,
    requests: [],
    canned: {},
    output: Buffer.alloc(0),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      rmSync(folder, { recursive: true, force: true });
    },
  };
  server.on("request", (request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const recorded = record(request, Buffer.concat(chunks).toString());
      if (recorded.path === "/_ping") {
        response.setHeader("Api-Version", "1.50").setHeader("Ostype", "linux").setHeader("Builder-Version", "1");
        response.end("OK");
        return;
      }
      daemon.requests.push(recorded);
      answer(daemon, recorded, response);
    });
  });
  server.on("upgrade", (request, socket, head) => upgrade(daemon, request, socket, head));
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return daemon;
}
