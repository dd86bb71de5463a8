/**
 * Pull side of a socket: bytes are asked for, never pushed at the caller, so a slow reader slows the daemon down
 * instead of filling memory. One reader per socket, one consumer per reader.
 */
import type { Socket } from "node:net";

/** Bytes held before the socket is paused. */
const HIGH_WATER = 1 << 20;
const EMPTY = Buffer.alloc(0);

export class ByteReader {
  readonly #socket: Socket;
  #queue: Buffer[] = [];
  #queued = 0;
  #ended = false;
  #failure: Error | undefined;
  #wake: (() => void) | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => {
      this.#queue.push(chunk);
      this.#queued += chunk.length;
      if (this.#queued > HIGH_WATER) socket.pause();
      this.#notify();
    });
    socket.on("end", () => this.#finish());
    socket.on("error", (error) => this.fail(error));
    socket.on("close", () => this.#finish());
  }

  get ended(): boolean {
    return this.#ended && this.#queued === 0;
  }

  fail(error: Error): void {
    this.#failure ??= error;
    this.#finish();
  }

  #finish(): void {
    this.#ended = true;
    this.#notify();
  }

  #notify(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  /** Everything that has arrived, at least one byte; an empty buffer means end of file. Throws when the socket failed. */
  async read(): Promise<Buffer> {
    while (this.#queued === 0) {
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#ended) return EMPTY;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const chunk = this.#queue.length === 1 ? (this.#queue[0] ?? EMPTY) : Buffer.concat(this.#queue);
    this.#queue = [];
    this.#queued = 0;
    if (this.#socket.isPaused()) this.#socket.resume();
    return chunk;
  }

  /** Gives bytes back that the caller did not need; they are read first next time. */
  unread(chunk: Buffer): void {
    if (chunk.length === 0) return;
    this.#queue.unshift(chunk);
    this.#queued += chunk.length;
  }
}
