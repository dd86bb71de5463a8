/** Connections to one daemon: kept alive between requests, one request at a time on each, given up for good by `hijack`. */
import type { Socket } from "node:net";
import { ByteReader } from "./byte-reader.ts";
import { ApiError, apiError, ConnectionError } from "./errors.ts";
import type { Endpoint } from "./host.ts";
import { encodeHead, readBody, readHead, type ResponseHead } from "./http-wire.ts";

/** A string or number is sent as it is, an array as repeated keys; undefined and null are left out. */
export type Query = Readonly<Record<string, string | number | boolean | readonly string[] | null | undefined>>;

export interface Request {
  readonly method: string;
  /** Already escaped, without version prefix. */
  readonly path: string;
  readonly query?: Query | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Bytes are sent with their length, a stream chunked. */
  readonly body?: Buffer | AsyncIterable<Buffer> | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** May be left at any point: the connection is then closed. Must be drained or left by `return`. */
  readonly body: AsyncGenerator<Buffer>;
}

/** Both directions of a hijacked connection. */
export interface Duplex {
  readonly contentType: string;
  readonly output: AsyncGenerator<Buffer>;
  /** Resolves when the bytes may be followed by more. Bytes for a peer that has gone are dropped. */
  write(chunk: Buffer): Promise<void>;
  /** End of input; output continues. */
  closeWrite(): void;
  destroy(): void;
}

export function encodeQuery(query: Query | undefined): string {
  const parts: string[] = [];
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value === undefined || value === null) continue;
    for (const one of Array.isArray(value) ? (value as readonly string[]) : [value]) {
      parts.push(`${encodeURIComponent(name)}=${encodeURIComponent(String(one))}`);
    }
  }
  return parts.length === 0 ? "" : `?${parts.join("&")}`;
}

interface Connection {
  readonly socket: Socket;
  readonly reader: ByteReader;
  /** Served a request before: a failure before the first byte of an answer may only mean that it was idle too long. */
  used: boolean;
}

interface Exchange {
  readonly connection: Connection;
  readonly head: ResponseHead;
  /** Ends the request's hold on its AbortSignal. */
  readonly settle: () => void;
}

const abortReason = (signal: AbortSignal): Error =>
  signal.reason instanceof Error ? signal.reason : new Error("the request was cancelled");

const RETRYABLE = new Set(["GET", "HEAD"]);

export class Transport {
  readonly endpoint: Endpoint;
  readonly #idle: Connection[] = [];
  readonly #open = new Set<Socket>();

  constructor(endpoint: Endpoint) {
    this.endpoint = endpoint;
  }

  /** Destroys every connection, those in use too. */
  close(): void {
    for (const socket of this.#open) socket.destroy();
    this.#idle.length = 0;
  }

  #unreachable(cause: unknown): ConnectionError {
    const text = `Cannot connect to the tare daemon at ${this.endpoint.url}`;
    return new ConnectionError(this.endpoint.url, text, { cause, refused: true });
  }

  #broken(cause: unknown): ConnectionError {
    const why = cause instanceof Error ? cause.message : String(cause);
    const text = `the connection to the tare daemon at ${this.endpoint.url} broke: ${why}`;
    return new ConnectionError(this.endpoint.url, text, { cause, refused: false });
  }

  async #connect(signal: AbortSignal | undefined): Promise<Connection> {
    const net = process.getBuiltinModule("node:net");
    const target =
      this.endpoint.kind === "unix"
        ? { path: this.endpoint.path }
        : { host: this.endpoint.host, port: this.endpoint.port, noDelay: true };
    const socket = net.connect({ ...target, allowHalfOpen: true });
    this.#open.add(socket);
    socket.once("close", () => this.#open.delete(socket));
    const onAbort = () => socket.destroy();
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      await new Promise<void>((resolve, reject) => {
        socket.once("connect", resolve);
        socket.once("error", reject);
        socket.once("close", () => reject(new Error("closed before it was connected")));
      });
    } catch (error) {
      socket.destroy();
      if (signal?.aborted) throw abortReason(signal);
      throw this.#unreachable(error);
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
    return { socket, reader: new ByteReader(socket), used: false };
  }

  async #acquire(fresh: boolean, signal: AbortSignal | undefined): Promise<Connection> {
    for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) {
      if (!fresh && !idle.socket.destroyed && !idle.reader.ended) return idle;
      idle.socket.destroy();
    }
    return this.#connect(signal);
  }

  #release(connection: Connection): void {
    if (connection.socket.destroyed || connection.reader.ended) connection.socket.destroy();
    else this.#idle.push(connection);
  }

  async #send(connection: Connection, request: Request, extra: Readonly<Record<string, string>>): Promise<void> {
    const { body } = request;
    const headers: Record<string, string> = { Host: "api.tare.localhost", ...extra, ...request.headers };
    if (Buffer.isBuffer(body)) headers["Content-Length"] = String(body.length);
    else if (body !== undefined) headers["Transfer-Encoding"] = "chunked";
    else if (request.method !== "GET" && request.method !== "HEAD") headers["Content-Length"] = "0";
    const head = encodeHead(request.method, request.path + encodeQuery(request.query), headers);
    const { socket } = connection;
    if (Buffer.isBuffer(body)) socket.write(Buffer.concat([Buffer.from(head, "latin1"), body]));
    else socket.write(head, "latin1");
    if (body === undefined || Buffer.isBuffer(body)) return;
    for await (const chunk of body) {
      if (socket.destroyed) return;
      if (chunk.length === 0) continue;
      socket.write(`${chunk.length.toString(16)}\r\n`);
      socket.write(chunk);
      if (!socket.write("\r\n")) await drained(socket);
    }
    socket.write("0\r\n\r\n");
  }

  async #exchange(request: Request, extra: Readonly<Record<string, string>>): Promise<Exchange> {
    if (request.signal?.aborted) throw abortReason(request.signal);
    for (let fresh = false; ; fresh = true) {
      const connection = await this.#acquire(fresh, request.signal);
      const onAbort = () => {
        if (request.signal !== undefined) connection.reader.fail(abortReason(request.signal));
        connection.socket.destroy();
      };
      request.signal?.addEventListener("abort", onAbort, { once: true });
      const settle = () => request.signal?.removeEventListener("abort", onAbort);
      connection.socket.once("close", settle);
      try {
        // An early refusal (404 on a long upload) must be read although the body is still being sent.
        const sending = this.#send(connection, request, extra);
        sending.catch((error: unknown) => {
          connection.reader.fail(error instanceof Error ? error : new Error(String(error)));
          connection.socket.destroy();
        });
        const head = await readHead(connection.reader);
        if (head === null) throw new Error("it was closed without an answer");
        return { connection, head, settle };
      } catch (error) {
        connection.socket.destroy();
        if (request.signal?.aborted) throw abortReason(request.signal);
        if (connection.used && RETRYABLE.has(request.method)) continue;
        throw this.#broken(error);
      }
    }
  }

  async *#body({ connection, head, settle }: Exchange, request: Request): AsyncGenerator<Buffer> {
    const { chunks, reusable } = readBody(connection.reader, head, request.method);
    let complete = false;
    try {
      for await (const chunk of chunks) yield chunk;
      complete = true;
    } catch (error) {
      if (request.signal?.aborted) throw abortReason(request.signal);
      throw this.#broken(error);
    } finally {
      settle();
      connection.used = true;
      if (complete && reusable && !(request.body !== undefined && !Buffer.isBuffer(request.body))) {
        this.#release(connection);
      } else connection.socket.destroy();
    }
  }

  /** Throws ApiError for status 400 and above, ConnectionError when there is no daemon or it goes away. 304 is an answer. */
  async request(request: Request): Promise<Answer> {
    const exchange = await this.#exchange(request, {});
    const answer = {
      status: exchange.head.status,
      headers: exchange.head.headers,
      body: this.#body(exchange, request),
    };
    if (answer.status >= 400) throw await refusal(exchange.head, answer.body);
    return answer;
  }

  /** Upgrades the connection; throws ApiError when the daemon refuses. */
  async hijack(request: Request): Promise<Duplex> {
    const exchange = await this.#exchange(request, { Connection: "Upgrade", Upgrade: "tcp" });
    const { head, connection } = exchange;
    if (head.status !== 101 && head.status !== 200) throw await refusal(head, this.#body(exchange, request));
    const { socket, reader } = connection;
    const output = async function* (): AsyncGenerator<Buffer> {
      try {
        for (let chunk = await reader.read(); chunk.length > 0; chunk = await reader.read()) yield chunk;
      } finally {
        socket.destroy();
      }
    };
    return {
      contentType: head.headers["content-type"] ?? "",
      output: output(),
      write: async (chunk) => {
        if (!socket.writable) return;
        if (!socket.write(chunk)) await drained(socket);
      },
      closeWrite: () => socket.end(),
      destroy: () => socket.destroy(),
    };
  }
}

/** Also resolves when the socket has gone: the reading side then has the error. */
function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      socket.off("drain", done);
      socket.off("close", done);
      resolve();
    };
    socket.on("drain", done);
    socket.on("close", done);
  });
}

const MAX_REFUSAL_BYTES = 1 << 20;

async function refusal(head: ResponseHead, body: AsyncGenerator<Buffer>): Promise<ApiError> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > MAX_REFUSAL_BYTES) break;
  }
  return apiError(head.status, head.reason, Buffer.concat(chunks).toString("utf8"), head.headers["tare-hint"]);
}
