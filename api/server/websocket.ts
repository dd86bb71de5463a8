/**
 * Attach over a websocket (RFC 6455): the least that a terminal in a browser needs. Messages from the client are stdin
 * (text or binary alike); output goes out as binary messages; ping is answered, close ends the session.
 */
import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { PassThrough } from "node:stream";
import { invalid } from "../../engine/index.ts";
import type { HijackPlan } from "./answer.ts";
import { openConnection } from "./connection.ts";

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const MAX_MESSAGE_BYTES = 1024 * 1024;
const OPCODE = { text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export async function acceptWebsocket(
  req: IncomingMessage,
  socket: Socket,
  early: Buffer,
  plan: HijackPlan,
): Promise<void> {
  const key = req.headers["sec-websocket-key"];
  if (key === undefined) throw invalid("api.websocket_key", "a websocket needs the header Sec-WebSocket-Key");
  const accept = createHash("sha1")
    .update(key + GUID)
    .digest("base64");
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  const stdin = new PassThrough();
  const decoder = new FrameDecoder((opcode, payload) => {
    if (opcode === OPCODE.ping) socket.write(encodeFrame(OPCODE.pong, payload));
    else if (opcode === OPCODE.close) stdin.end();
    else if (opcode !== OPCODE.pong) stdin.write(payload);
  });
  const receive = (chunk: Buffer): void => {
    if (!decoder.push(chunk)) socket.destroy();
  };
  receive(early);
  socket.on("data", receive);
  socket.once("end", () => stdin.end());
  const raw = openConnection(socket, stdin);
  const unframed = new Unframer();
  await plan.run({
    ...raw,
    // A browser's terminal gets plain bytes: Docker multiplexes nothing over a websocket.
    write: async (bytes) => {
      const payload = plan.tty ? bytes : unframed.push(bytes);
      if (payload.length > 0) await raw.write(encodeFrame(OPCODE.binary, payload));
    },
    end: () => {
      if (socket.writable) socket.write(encodeFrame(OPCODE.close, Buffer.from([0x03, 0xe8])));
      raw.end();
    },
  });
}

export function encodeFrame(opcode: number, payload: Uint8Array): Buffer {
  const { length } = payload;
  const head = length < 126 ? Buffer.alloc(2) : length < 65_536 ? Buffer.alloc(4) : Buffer.alloc(10);
  head[0] = 0x80 | opcode;
  if (length < 126) head[1] = length;
  else if (length < 65_536) {
    head[1] = 126;
    head.writeUInt16BE(length, 2);
  } else {
    head[1] = 127;
    head.writeBigUInt64BE(BigInt(length), 2);
  }
  return Buffer.concat([head, payload]);
}

/** Client frames. `push` is false when they are not as a client must send them. */
export class FrameDecoder {
  #buffer: Buffer = Buffer.alloc(0);
  readonly #onFrame: (opcode: number, payload: Buffer) => void;
  constructor(onFrame: (opcode: number, payload: Buffer) => void) {
    this.#onFrame = onFrame;
  }

  push(chunk: Buffer): boolean {
    this.#buffer = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk]);
    for (;;) {
      const size = this.#next();
      if (size === null) return false;
      if (size === 0) return true;
      this.#buffer = this.#buffer.subarray(size);
    }
  }

  /** Bytes of the frame that was there, 0 = incomplete, null = wrong. */
  #next(): number | null {
    const bytes = this.#buffer;
    if (bytes.length < 2) return 0;
    const [first = 0, second = 0] = bytes;
    if ((second & 0x80) === 0) return null; // clients must mask
    const short = second & 0x7f;
    const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
    const start = 2 + lengthBytes + 4;
    if (bytes.length < start) return 0;
    const length =
      lengthBytes === 0 ? short : Number(lengthBytes === 2 ? bytes.readUInt16BE(2) : bytes.readBigUInt64BE(2));
    if (length > MAX_MESSAGE_BYTES) return null;
    if (bytes.length < start + length) return 0;
    const mask = bytes.subarray(start - 4, start);
    const payload = Buffer.from(bytes.subarray(start, start + length));
    for (let at = 0; at < length; at++) payload[at] = (payload[at] ?? 0) ^ (mask[at & 3] ?? 0);
    this.#onFrame(first & 0x0f, payload);
    return start + length;
  }
}

/** Takes the 8-byte headers out of a stream of frames, however it is cut. */
export class Unframer {
  #header: Buffer = Buffer.alloc(0);
  #left = 0;

  push(chunk: Uint8Array): Buffer {
    const payloads: Uint8Array[] = [];
    for (let at = 0; at < chunk.length; ) {
      if (this.#left === 0) {
        const piece = chunk.subarray(at, at + 8 - this.#header.length);
        this.#header = Buffer.concat([this.#header, piece]);
        at += piece.length;
        if (this.#header.length < 8) break;
        this.#left = this.#header.readUInt32BE(4);
        this.#header = Buffer.alloc(0);
        continue;
      }
      const payload = chunk.subarray(at, at + this.#left);
      payloads.push(payload);
      this.#left -= payload.length;
      at += payload.length;
    }
    return Buffer.concat(payloads);
  }
}
