/** Writing answers. Everything goes out through here, so that headers are exactly Docker's. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Readable } from "node:stream";
import { API_VERSION, SERVER_VERSION } from "../schema/index.ts";
import type { Answer } from "./answer.ts";
import { errorAnswer } from "./errors.ts";
import { jsonLine } from "./json.ts";

export type Headers = Readonly<Record<string, string>>;

/** On every reply of a known route, errors included. */
export const COMMON: Headers = {
  "Api-Version": API_VERSION,
  "Docker-Experimental": "false",
  Ostype: "linux",
  Server: `Docker/${SERVER_VERSION} (linux)`,
};

export function send(res: ServerResponse, status: number, headers: Headers, body: string): void {
  if (res.headersSent || res.destroyed) return;
  const length = status === 204 || status === 304 ? {} : { "Content-Length": String(Buffer.byteLength(body)) };
  res.writeHead(status, { ...headers, ...length });
  res.end(body);
}

export function sendError(res: ServerResponse, error: unknown): void {
  const { status, headers, body } = errorAnswer(error);
  send(res, status, { ...COMMON, ...headers }, body);
}

/** The answer of an unknown path or method: no common headers, as from a router. */
export const sendNotFound = (res: ServerResponse): void =>
  send(res, 404, { "Content-Type": "application/json" }, jsonLine({ message: "page not found" }));

/** Every kind but hijack. Resolves when the body has been handed over. */
export async function sendAnswer(
  req: IncomingMessage,
  res: ServerResponse,
  answer: Exclude<Answer, { kind: "hijack" }>,
  okStatus: number,
): Promise<void> {
  switch (answer.kind) {
    case "json": {
      const headers = { ...COMMON, "Content-Type": "application/json", ...answer.headers };
      return send(res, answer.status ?? okStatus, headers, jsonLine(answer.value));
    }
    case "text":
      return send(res, okStatus, { ...COMMON, "Content-Type": answer.type, ...answer.headers }, answer.text);
    case "empty":
      return send(res, answer.status ?? okStatus, { ...COMMON, ...answer.headers }, "");
    case "stream":
      res.writeHead(okStatus, { ...COMMON, "Content-Type": answer.type });
      res.flushHeaders();
      if (req.method === "HEAD") return void res.end();
      return pump(answer.body, res, answer.failure);
  }
}

/** A client that goes away destroys the source; a source that fails after the head says so in-band where it can. */
async function pump(
  source: Readable,
  res: ServerResponse,
  failure: ((error: unknown) => Uint8Array) | undefined,
): Promise<void> {
  const stop = (): void => void source.destroy();
  // The server allows half-open sockets for the sake of attach; here, as in Go's server, a client's FIN means that it left.
  const leave = (): void => void res.destroy();
  const { socket } = res;
  res.once("close", stop);
  socket?.once("end", leave);
  if (socket?.readableEnded === true) leave();
  try {
    for await (const chunk of source) {
      if (!res.write(chunk)) await writable(res);
    }
    res.end();
  } catch (error) {
    if (res.destroyed) return;
    if (failure !== undefined) res.end(failure(error));
    else res.destroy();
  } finally {
    res.removeListener("close", stop);
    socket?.removeListener("end", leave);
  }
}

function writable(res: ServerResponse): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const drained = (): void => {
    res.removeListener("close", closed);
    resolve();
  };
  const closed = (): void => {
    res.removeListener("drain", drained);
    reject(new Error("the client has gone away"));
  };
  res.once("drain", drained);
  res.once("close", closed);
  return promise;
}
