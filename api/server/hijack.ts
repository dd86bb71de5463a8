/**
 * Taking a connection over for attach and exec: with `Upgrade` (101, all current clients) and without (200, old ones).
 * Errors are answered before the head of the stream goes out.
 */
import { type IncomingMessage, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { Readable } from "node:stream";
import type { ApiVersion } from "../schema/index.ts";
import { type Answer, type HijackPlan, MULTIPLEXED, RAW } from "./answer.ts";
import { openConnection } from "./connection.ts";
import { errorAnswer } from "./errors.ts";
import { jsonLine } from "./json.ts";
import { COMMON, type Headers } from "./respond.ts";

const render = (status: number, reason: string, headers: Headers): string => {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${reason}\r\n${lines.join("")}\r\n`;
};

/** The label follows tty, version and upgrade; the framing follows tty alone. */
export function upgradeHead(plan: HijackPlan, api: ApiVersion): string {
  const type = !plan.tty && api >= 42 ? MULTIPLEXED : RAW;
  return render(101, "UPGRADED", { "Content-Type": type, Connection: "Upgrade", Upgrade: "tcp", ...COMMON });
}
const plainHead = (): string => render(200, "OK", { "Content-Type": RAW, ...COMMON });

/** 101, then the stream. */
export function startUpgraded(socket: Socket, early: Uint8Array, plan: HijackPlan, api: ApiVersion): Promise<void> {
  const connection = openConnection(socket, socket, early);
  socket.write(upgradeHead(plan, api));
  return plan.run(connection);
}

/** An ordinary answer on a connection that asked for an upgrade: written by hand, then closed. */
export function refuseUpgrade(socket: Socket, error: unknown): void {
  const { status, headers, body } = errorAnswer(error);
  writeClosing(socket, status, { ...COMMON, ...headers }, body);
}
export function answerUpgrade(
  socket: Socket,
  answer: Exclude<Answer, { kind: "hijack" | "stream" }>,
  okStatus: number,
): void {
  const body = answer.kind === "json" ? jsonLine(answer.value) : answer.kind === "text" ? answer.text : "";
  const status = answer.kind === "text" ? okStatus : (answer.status ?? okStatus);
  writeClosing(socket, status, { ...COMMON, ...answer.headers, "Content-Type": "application/json" }, body);
}
function writeClosing(socket: Socket, status: number, headers: Headers, body: string): void {
  if (socket.destroyed) return;
  const all = { ...headers, "Content-Length": String(Buffer.byteLength(body)), Connection: "close" };
  socket.end(render(status, STATUS_CODES[status] ?? "", all) + body);
  socket.resume(); // so that the client's end is seen and the socket can close
}

interface NodeParser {
  unconsume?(): void;
}
type HttpSocket = Socket & { parser: NodeParser | null };

/** Bytes that Node's parser choked on while a request without Upgrade waited for its handler (server.ts collects them). */
const strays = new WeakMap<Socket, Buffer[]>();

/** Marks a connection whose following bytes are a stream, not the next request. */
export const expectStream = (socket: Socket): void => void strays.set(socket, []);
/** It was refused: what follows is HTTP again. */
export const expectRequests = (socket: Socket): void => void strays.delete(socket);
/** True when the bytes belong to such a stream and have been kept. */
export function keepStray(socket: Socket, bytes: Buffer): boolean {
  const kept = strays.get(socket);
  kept?.push(bytes);
  return kept !== undefined;
}

/**
 * 200 without Upgrade. A chunked request goes on carrying stdin; otherwise the raw socket does, and Node's parser has to
 * let go of it: it would read the client's bytes as a next request and answer 400 into the stream.
 */
export function startPlain(req: IncomingMessage, plan: HijackPlan): Promise<void> {
  const socket = req.socket as HttpSocket;
  const chunked = req.headers["transfer-encoding"] !== undefined;
  if (!chunked) detachParser(socket);
  const early = Buffer.concat(strays.get(socket) ?? []);
  strays.delete(socket);
  const source: Readable = chunked ? req : socket;
  const connection = openConnection(socket, source, early);
  socket.write(plainHead());
  return plan.run(connection);
}

function detachParser(socket: HttpSocket): void {
  const { parser } = socket;
  for (const event of ["data", "end", "close", "drain", "timeout", "error"]) socket.removeAllListeners(event);
  socket.setTimeout(0);
  parser?.unconsume?.();
  socket.parser = null;
}
