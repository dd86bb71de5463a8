/**
 * HTTP/1.1 as the Docker API uses it, straight on a socket. Not node:http: that costs 5 ms of start-up per command and
 * its parser has to be detached for a hijacked stream. Only what a client of this API meets is understood; everything else
 * is an error, never a guess.
 */
import type { ByteReader } from "./byte-reader.ts";

const MAX_HEAD_BYTES = 64 * 1024;
const EMPTY = Buffer.alloc(0);

export interface ResponseHead {
  readonly status: number;
  readonly reason: string;
  /** Lower-case names; the last one of repeated headers wins. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Throws on a header that would end the line early: a name from the command line must not be able to add headers. */
export function encodeHead(method: string, target: string, headers: Readonly<Record<string, string>>): string {
  let text = `${method} ${target} HTTP/1.1\r\n`;
  for (const [name, value] of Object.entries(headers)) {
    if (/[\r\n\0]/.test(value)) throw new Error(`header ${name} holds a line break`);
    text += `${name}: ${value}\r\n`;
  }
  return `${text}\r\n`;
}

export function parseHead(text: string): ResponseHead {
  const lines = text.split("\r\n");
  const start = /^HTTP\/1\.[01] (\d{3})(?: (.*))?$/.exec(lines[0] ?? "");
  if (start === null) throw new Error(`not an HTTP answer: ${JSON.stringify((lines[0] ?? "").slice(0, 80))}`);
  const headers: Record<string, string> = {};
  for (const line of lines.slice(1)) {
    const colon = line.indexOf(":");
    if (colon > 0) headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  return { status: Number(start[1]), reason: start[2] ?? "", headers };
}

/** Skips 100-continue; null means the peer closed before it said anything. */
export async function readHead(reader: ByteReader): Promise<ResponseHead | null> {
  let held: Buffer = EMPTY;
  for (;;) {
    const end = held.indexOf("\r\n\r\n");
    if (end >= 0) {
      const head = parseHead(held.subarray(0, end).toString("latin1"));
      held = held.subarray(end + 4);
      if (head.status === 100) continue;
      reader.unread(held);
      return head;
    }
    if (held.length > MAX_HEAD_BYTES) throw new Error("the answer's headers are too long");
    const chunk = await reader.read();
    if (chunk.length === 0) {
      if (held.length === 0) return null;
      throw new Error("the connection was closed inside the answer's headers");
    }
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
  }
}

async function* sized(reader: ByteReader, length: number): AsyncGenerator<Buffer> {
  let left = length;
  while (left > 0) {
    const chunk = await reader.read();
    if (chunk.length === 0) throw new Error(`the connection was closed ${left} bytes before the end of the answer`);
    const part = chunk.subarray(0, left);
    reader.unread(chunk.subarray(part.length));
    left -= part.length;
    yield part;
  }
}

/** Incremental chunked decoder. `push` returns the payload bytes of a chunk of wire bytes; `done` after the last one. */
export class ChunkedDecoder {
  #left = 0;
  #line = "";
  #state: "size" | "data" | "crlf" | "trailer" | "done" = "size";
  /** Wire bytes after the end, which belong to the next answer. */
  rest: Buffer = EMPTY;

  get done(): boolean {
    return this.#state === "done";
  }

  #takeLine(wire: Buffer, at: number): number {
    const newline = wire.indexOf(10, at);
    const end = newline < 0 ? wire.length : newline + 1;
    this.#line += wire.toString("latin1", at, end);
    if (this.#line.length > 8192) throw new Error("a chunk header of the answer is too long");
    return end;
  }

  #lineDone(): void {
    if (!this.#line.endsWith("\n")) return;
    const line = this.#line.trimEnd();
    this.#line = "";
    if (this.#state === "crlf") this.#state = "size";
    else if (this.#state === "trailer") this.#state = line === "" ? "done" : "trailer";
    else {
      const size = /^([0-9a-fA-F]{1,12})\s*(?:;.*)?$/.exec(line);
      if (size === null) throw new Error("the answer is not chunked as it says");
      this.#left = Number.parseInt(size[1] ?? "", 16);
      this.#state = this.#left === 0 ? "trailer" : "data";
    }
  }

  push(wire: Buffer): Buffer {
    const parts: Buffer[] = [];
    let at = 0;
    while (at < wire.length && this.#state !== "done") {
      if (this.#state === "data") {
        const part = wire.subarray(at, at + this.#left);
        parts.push(part);
        at += part.length;
        this.#left -= part.length;
        if (this.#left === 0) this.#state = "crlf";
      } else {
        at = this.#takeLine(wire, at);
        this.#lineDone();
      }
    }
    if (this.#state === "done") this.rest = wire.subarray(at);
    return parts.length === 1 ? (parts[0] ?? EMPTY) : Buffer.concat(parts);
  }
}

async function* chunked(reader: ByteReader): AsyncGenerator<Buffer> {
  const decoder = new ChunkedDecoder();
  while (!decoder.done) {
    const wire = await reader.read();
    if (wire.length === 0) throw new Error("the connection was closed before the end of the answer");
    const payload = decoder.push(wire);
    if (payload.length > 0) yield payload;
  }
  reader.unread(decoder.rest);
}

async function* untilClose(reader: ByteReader): AsyncGenerator<Buffer> {
  for (;;) {
    const chunk = await reader.read();
    if (chunk.length === 0) return;
    yield chunk;
  }
}

export interface Body {
  readonly chunks: AsyncGenerator<Buffer>;
  /** True when the connection can serve another request once `chunks` is drained. */
  readonly reusable: boolean;
}

export function readBody(reader: ByteReader, head: ResponseHead, method: string): Body {
  const close = /\bclose\b/i.test(head.headers["connection"] ?? "");
  if (method === "HEAD" || head.status === 204 || head.status === 304) {
    return { chunks: sized(reader, 0), reusable: !close };
  }
  if (/\bchunked\b/i.test(head.headers["transfer-encoding"] ?? "")) {
    return { chunks: chunked(reader), reusable: !close };
  }
  const length = head.headers["content-length"];
  if (length === undefined) return { chunks: untilClose(reader), reusable: false };
  if (!/^\d{1,15}$/.test(length))
    throw new Error(`the answer's Content-Length ${JSON.stringify(length)} is not a number`);
  return { chunks: sized(reader, Number(length)), reusable: !close };
}
