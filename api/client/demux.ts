/**
 * stdcopy: 8-byte header `[stream, 0, 0, 0, length as big-endian u32]`, then the bytes. Stream 3 is the daemon's own
 * voice ("Error grabbing logs: ..."): it ends the stream as an error.
 */
export type StreamName = "stdout" | "stderr";

/** One payload of one stream; a frame may arrive in several pieces, order is kept. */
export interface Piece {
  readonly stream: StreamName;
  readonly data: Buffer;
}

const HEADER_BYTES = 8;
const MAX_SYSTEM_MESSAGE = 64 * 1024;

export class Demuxer {
  readonly #header = Buffer.alloc(HEADER_BYTES);
  #held = 0;
  #left = 0;
  #stream = 0;
  #system = "";

  /** Payload pieces of these wire bytes, neighbours of one stream merged. Throws on a bad header or a system frame. */
  push(wire: Buffer): readonly Piece[] {
    const pieces: Piece[] = [];
    let run: Buffer[] = [];
    let runStream = 0;
    const flush = () => {
      if (run.length === 0) return;
      const data = run.length === 1 ? run[0] : Buffer.concat(run);
      if (data !== undefined) pieces.push({ stream: runStream === 2 ? "stderr" : "stdout", data });
      run = [];
    };
    let at = 0;
    while (at < wire.length) {
      if (this.#left === 0) {
        at = this.#readHeader(wire, at);
        continue;
      }
      const part = wire.subarray(at, at + this.#left);
      at += part.length;
      this.#left -= part.length;
      if (this.#stream === 3) {
        this.#takeSystem(part);
        continue;
      }
      if (runStream !== this.#stream) flush();
      runStream = this.#stream;
      run.push(part);
    }
    flush();
    return pieces;
  }

  #readHeader(wire: Buffer, at: number): number {
    const taken = wire.copy(this.#header, this.#held, at, at + HEADER_BYTES - this.#held);
    this.#held += taken;
    if (this.#held < HEADER_BYTES) return at + taken;
    this.#held = 0;
    this.#stream = this.#header[0] ?? 0;
    if (this.#stream > 3 || this.#header[1] !== 0) throw new Error(`Unrecognized input header: ${this.#stream}`);
    this.#left = this.#header.readUInt32BE(4);
    return at + taken;
  }

  #takeSystem(part: Buffer): void {
    this.#system += part.toString("utf8");
    if (this.#left === 0 || this.#system.length > MAX_SYSTEM_MESSAGE) {
      throw new Error(`error from daemon in stream: ${this.#system.trim()}`);
    }
  }

  /** True when the stream may end here. */
  get atBoundary(): boolean {
    return this.#left === 0 && this.#held === 0;
  }
}

/** `raw` is a terminal's stream: no frames, all of it is stdout. */
export async function* demux(chunks: AsyncIterable<Buffer>, raw: boolean): AsyncGenerator<Piece> {
  const demuxer = new Demuxer();
  for await (const chunk of chunks) {
    if (raw) yield { stream: "stdout", data: chunk };
    else yield* demuxer.push(chunk);
  }
}
