/**
 * One stream to a monitor, whichever way it was opened. It owns the socket, splits frames, keeps reports, and gives output
 * as a Readable with back-pressure: an output that nobody reads stops the socket, and the monitor then stops the container.
 */
import type { Socket } from "node:net";
import { Readable } from "node:stream";
import { FRAMES } from "../protocol.ts";
import { encodeFrame, frameHeader, FrameSplitter } from "./frames.ts";
import { parseReport, ReportLog, ShimUnavailable } from "./reports.ts";

export interface ConnectionOptions {
  /** Payloads without frame headers (a terminal). Default: Docker's multiplexed stream, byte for byte. */
  readonly raw?: boolean;
  /** Without it, output frames are an error (watch, launch). */
  readonly withOutput?: boolean;
}

const STDIN_CHUNK = 64 << 10;

export class Connection {
  readonly reports = new ReportLog();
  readonly output: Readable;
  /** Resolves when the socket is closed, for whatever reason. */
  readonly closed: Promise<void>;
  readonly #socket: Socket;

  constructor(socket: Socket, options: ConnectionOptions = {}) {
    this.#socket = socket;
    this.output = new Readable({ read: () => void socket.resume(), highWaterMark: 256 << 10 });
    if (options.withOutput !== true) this.output.resume();
    const splitter = new FrameSplitter(
      {
        output: (bytes) => {
          if (!this.output.push(bytes)) socket.pause();
        },
        frame: (type, payload) => {
          if (type === FRAMES.report) this.reports.add(parseReport(payload));
        },
      },
      { raw: options.raw ?? false },
    );
    socket.on("data", (chunk: Buffer) => {
      try {
        splitter.push(chunk);
      } catch (cause) {
        this.#end(new ShimUnavailable("protocol", "the monitor sent a malformed frame", cause));
        socket.destroy();
      }
    });
    socket.on("end", () => this.#end(new ShimUnavailable("gone", "the monitor closed the connection")));
    socket.on("error", (cause) =>
      this.#end(new ShimUnavailable("gone", "the connection to the monitor failed", cause)),
    );
    this.closed = new Promise((resolve) => {
      socket.on("close", () => {
        this.#end(new ShimUnavailable("gone", "the connection to the monitor is closed"));
        resolve();
      });
    });
  }

  #end(error: ShimUnavailable): void {
    this.reports.end(error);
    if (!this.output.readableEnded) this.output.push(null);
  }

  /** False when the socket's buffer is full: wait for `drained()`. */
  send(type: number, payload?: Uint8Array): boolean {
    return this.#socket.writable ? this.#socket.write(encodeFrame(type, payload)) : true;
  }

  /** Standard input, cut into frames. Resolves when the monitor has room for more: a container that does not read blocks it. */
  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; at += STDIN_CHUNK) {
      const part = bytes.subarray(at, at + STDIN_CHUNK);
      if (!this.#socket.writable) return;
      this.#socket.write(frameHeader(FRAMES.stdin, part.length));
      if (!this.#socket.write(part)) await this.drained();
    }
  }

  drained(): Promise<void> {
    if (!this.#socket.writableNeedDrain || this.#socket.destroyed) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        this.#socket.off("drain", done).off("close", done);
        resolve();
      };
      this.#socket.on("drain", done).on("close", done);
    });
  }

  /** Goes away without a word. The container is never disturbed by it. */
  close(): void {
    this.#socket.destroy();
  }

  /** Does not keep the process alive by itself. */
  unref(): void {
    this.#socket.unref();
  }
}

/** Settles like `promise`, or rejects when the signal aborts or the deadline passes. Neither leaves a timer behind. */
export function withDeadline<T>(
  promise: Promise<T>,
  what: string,
  deadlineMs: number,
  signal?: AbortSignal,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const finish = (act: () => void): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", aborted);
      act();
    };
    const timer = setTimeout(
      () => finish(() => reject(new ShimUnavailable("deadline", `${what} gave no answer within ${deadlineMs} ms`))),
      deadlineMs,
    );
    const aborted = (): void =>
      finish(() => reject(new ShimUnavailable("aborted", `${what} was cancelled`, signal?.reason)));
    if (signal?.aborted === true) aborted();
    signal?.addEventListener("abort", aborted);
    promise.then(
      (value) => finish(() => resolve(value)),
      (error: unknown) => finish(() => reject(error as Error)),
    );
  });
}
