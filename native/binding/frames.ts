/** The framing of every stream to and from the monitor: u8 type · 0 0 0 · u32 big-endian length · payload. */
import { FRAMES, LIMITS } from "../protocol.ts";

export const FRAME_HEADER_BYTES = 8;

export function frameHeader(type: number, length: number): Buffer {
  const header = Buffer.alloc(FRAME_HEADER_BYTES);
  header[0] = type;
  header.writeUInt32BE(length, 4);
  return header;
}

export const encodeFrame = (type: number, payload: Uint8Array = Buffer.alloc(0)): Buffer =>
  Buffer.concat([frameHeader(type, payload.length), payload]);

export interface FrameSink {
  /**
   * Output bytes. framed: whole and partial frames of types 1 and 2 as they came, header included (Docker's multiplexed
   * stream); raw: payloads only, in order (a terminal).
   */
  output(bytes: Buffer, type: number): void;
  /** A complete frame of any other type. */
  frame(type: number, payload: Buffer): void;
}

const isOutput = (type: number): boolean => type === FRAMES.stdout || type === FRAMES.stderr;

/**
 * Incremental: bytes may be cut anywhere. Output is never collected, other frames are bounded by LIMITS.frameBytes.
 * Framed output that lies together in a chunk is handed over as one slice of it, however many frames that are.
 */
export class FrameSplitter {
  readonly #sink: FrameSink;
  readonly #raw: boolean;
  readonly #header = Buffer.alloc(FRAME_HEADER_BYTES);
  #headerFilled = 0;
  #type = 0;
  #left = 0;
  #parts: Buffer[] = [];
  /** Start of the slice of output in the current chunk, -1 for none. */
  #run = -1;

  constructor(sink: FrameSink, options: { readonly raw?: boolean } = {}) {
    this.#sink = sink;
    this.#raw = options.raw ?? false;
  }

  /** True between frames: the only place where a stream may end. */
  get atBoundary(): boolean {
    return this.#headerFilled === 0;
  }

  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length)
      at = this.#headerFilled < FRAME_HEADER_BYTES ? this.#takeHeader(chunk, at) : this.#takePayload(chunk, at);
    this.#flush(chunk, at);
  }

  #flush(chunk: Buffer, end: number): void {
    if (this.#run >= 0 && end > this.#run) this.#sink.output(chunk.subarray(this.#run, end), this.#type);
    this.#run = -1;
  }

  #takeHeader(chunk: Buffer, from: number): number {
    if (this.#headerFilled === 0) {
      const type = chunk[from] as number;
      const passes = isOutput(type) && !this.#raw;
      if (!passes) this.#flush(chunk, from);
      this.#type = type;
    }
    if (isOutput(this.#type) && !this.#raw && this.#run < 0) this.#run = from;
    const count = Math.min(FRAME_HEADER_BYTES - this.#headerFilled, chunk.length - from);
    chunk.copy(this.#header, this.#headerFilled, from, from + count);
    this.#headerFilled += count;
    if (this.#headerFilled < FRAME_HEADER_BYTES) return from + count;
    this.#left = this.#header.readUInt32BE(4);
    if (this.#left > LIMITS.frameBytes || this.#header.readUIntBE(1, 3) !== 0)
      throw new RangeError("frame: malformed header");
    if (this.#left === 0) this.#end();
    return from + count;
  }

  #takePayload(chunk: Buffer, from: number): number {
    const count = Math.min(this.#left, chunk.length - from);
    this.#left -= count;
    if (!isOutput(this.#type)) this.#parts.push(chunk.subarray(from, from + count));
    else if (this.#run < 0) this.#run = from;
    if (this.#raw) this.#flush(chunk, from + count);
    if (this.#left === 0) this.#end();
    return from + count;
  }

  #end(): void {
    this.#headerFilled = 0;
    if (isOutput(this.#type)) return;
    const payload = this.#parts.length === 1 ? (this.#parts[0] as Buffer) : Buffer.concat(this.#parts);
    this.#parts = [];
    this.#sink.frame(this.#type, payload);
  }
}
