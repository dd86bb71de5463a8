/**
 * The body of a request that asks for an upgrade. Node does not parse it: it arrives in `head` and as the first bytes of
 * the socket. Exactly the body is taken, or a JSON body would land in a process's stdin.
 */
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { invalid } from "../../engine/index.ts";
import { MAX_BODY_BYTES } from "./body.ts";

export interface UpgradeBody {
  readonly body: Buffer;
  /** What came after it: the first bytes of the stream. */
  readonly rest: Buffer;
}

export async function readUpgradeBody(req: IncomingMessage, socket: Socket, head: Buffer): Promise<UpgradeBody> {
  const bytes = new Lookahead(socket, head);
  if ((req.headers["transfer-encoding"] ?? "").toLowerCase().includes("chunked")) {
    return { body: await readChunked(bytes), rest: bytes.rest() };
  }
  const length = Number(req.headers["content-length"] ?? 0);
  refuseLength(length);
  return { body: await bytes.take(length), rest: bytes.rest() };
}

function refuseLength(length: number): void {
  if (Number.isSafeInteger(length) && length >= 0 && length <= MAX_BODY_BYTES) return;
  throw invalid("api.body_too_large", `request body is larger than ${MAX_BODY_BYTES} bytes`);
}

async function readChunked(bytes: Lookahead): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let total = 0;
  for (;;) {
    const line = await bytes.line();
    const size = /^[0-9a-f]+/i.exec(line);
    if (size === null) throw invalid("api.bad_chunk", "malformed chunked request body");
    const length = Number.parseInt(size[0], 16);
    if (length === 0) break;
    total += length;
    refuseLength(total);
    chunks.push(await bytes.take(length));
    await bytes.line();
  }
  while ((await bytes.line()) !== "") {} // trailers
  return Buffer.concat(chunks);
}

const MAX_LINE_BYTES = 4096;

/** Bytes of a socket, as many as are wanted. */
class Lookahead {
  readonly #socket: Socket;
  #buffer: Buffer;
  constructor(socket: Socket, head: Buffer) {
    this.#socket = socket;
    this.#buffer = head;
  }

  rest(): Buffer {
    return this.#buffer;
  }

  async take(length: number): Promise<Buffer> {
    while (this.#buffer.length < length) await this.#more();
    const taken = this.#buffer.subarray(0, length);
    this.#buffer = this.#buffer.subarray(length);
    return taken;
  }

  /** Without its CRLF. */
  async line(): Promise<string> {
    for (;;) {
      const end = this.#buffer.indexOf("\r\n");
      if (end >= 0) {
        const text = this.#buffer.toString("latin1", 0, end);
        this.#buffer = this.#buffer.subarray(end + 2);
        return text;
      }
      if (this.#buffer.length > MAX_LINE_BYTES) throw invalid("api.bad_chunk", "malformed chunked request body");
      await this.#more();
    }
  }

  async #more(): Promise<void> {
    const chunk = this.#socket.read() as Buffer | null;
    if (chunk !== null) {
      this.#buffer = Buffer.concat([this.#buffer, chunk]);
      return;
    }
    if (this.#socket.readableEnded || this.#socket.destroyed)
      throw invalid("api.short_body", "the request body ended early");
    const { promise, resolve } = Promise.withResolvers<void>();
    const events = ["readable", "end", "close", "error"] as const;
    for (const event of events) this.#socket.once(event, resolve);
    await promise;
    for (const event of events) this.#socket.removeListener(event, resolve);
  }
}
