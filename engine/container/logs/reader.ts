/**
 * Reads a container's log as one stream of bytes: rotated files oldest first, then the current one, then (follow) what is
 * still to come. Works in chunks of 1 MiB with back-pressure; a record that is not complete yet waits.
 */
import { closeSync, type FSWatcher, readSync, watch } from "node:fs";
import { dirname } from "node:path";
import { Readable } from "node:stream";
import type { LogOptions } from "../../types.ts";
import { createEncoder, type Encoder } from "./encode.ts";
import { type OpenLog, openAll, openNext, seekTail } from "./files.ts";

const CHUNK = 1 << 20;
const NEWLINE = 0x0a;
/** A record longer than this is no record (lines are stored in 16 KiB parts). */
const MAX_RECORD = 1 << 24;

export interface LogSource {
  readonly path: string;
  /** The container has a terminal: no frames. */
  readonly raw: boolean;
  /** Settles when the log is closed: nothing is written after that. Already settled for a container that does not run. */
  readonly closed: Promise<unknown>;
}

/** Wakes on writes and rotations of the log; made before the first read so that none is missed. */
class Changes {
  readonly #watcher: FSWatcher;
  #signalled = false;
  #wake: (() => void) | null = null;

  constructor(path: string) {
    this.#watcher = watch(dirname(path), { persistent: false }, (_event, name) => {
      if (name === null || path.endsWith(name)) this.signal();
    });
    this.#watcher.on("error", () => this.signal());
  }
  signal(): void {
    this.#signalled = true;
    this.#wake?.();
  }
  async next(): Promise<void> {
    if (!this.#signalled) await new Promise<void>((resolve) => (this.#wake = resolve));
    this.#wake = null;
    this.#signalled = false;
  }
  close(): void {
    this.#watcher.close();
  }
}

/** Complete records of one file from its offset on, in chunks; keeps the incomplete rest for the next call. */
class FileCursor {
  readonly file: OpenLog;
  #buffer = Buffer.allocUnsafe(CHUNK);
  #held = 0;

  constructor(file: OpenLog) {
    this.file = file;
  }

  /** null = nothing complete at the moment. */
  read(): Buffer | null {
    for (;;) {
      if (this.#held === this.#buffer.length) this.#grow();
      const bytes = readSync(
        this.file.fd,
        this.#buffer,
        this.#held,
        this.#buffer.length - this.#held,
        this.file.offset,
      );
      if (bytes === 0) return null;
      this.file.offset += bytes;
      const end = this.#held + bytes;
      const last = this.#buffer.lastIndexOf(NEWLINE, end - 1);
      if (last < 0 || last >= end) {
        this.#held = end;
        continue;
      }
      const complete = this.#buffer.subarray(0, last + 1);
      const rest = this.#buffer.subarray(last + 1, end);
      this.#buffer = Buffer.allocUnsafe(Math.max(CHUNK, rest.length * 2));
      this.#held = rest.copy(this.#buffer, 0);
      return complete;
    }
  }

  #grow(): void {
    // Garbage without newlines must not eat the daemon's memory.
    if (this.#buffer.length >= MAX_RECORD) this.#held = 0;
    const larger = Buffer.allocUnsafe(Math.min(this.#buffer.length * 2, MAX_RECORD));
    this.#buffer.copy(larger, 0, 0, this.#held);
    this.#buffer = larger;
  }

  close(): void {
    closeSync(this.file.fd);
  }
}

/** Lets other requests run between two chunks. */
const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function* drain(cursor: FileCursor, encoder: Encoder): AsyncGenerator<Buffer, void> {
  for (let chunk = cursor.read(); chunk !== null && !encoder.passedUntil; chunk = cursor.read()) {
    const bytes = encoder.encode(chunk);
    if (bytes.length > 0) yield bytes;
    await breathe();
  }
}

interface Following {
  readonly changes: Changes;
  isClosed: boolean;
  stop: boolean;
}

/** The current file until the log is closed, through rotations. */
async function* follow(
  path: string,
  first: FileCursor | null,
  encoder: Encoder,
  state: Following,
): AsyncGenerator<Buffer, void> {
  let cursor = first;
  try {
    for (;;) {
      const wasClosed = state.isClosed;
      if (cursor !== null) yield* drain(cursor, encoder);
      if (encoder.passedUntil || state.stop) return;
      const next = cursor === null ? (openAll(path)[0] ?? null) : openNext(path, cursor.file.inode);
      if (next !== null) {
        // The writer is done with the old file once the new one exists: what it wrote last is read before going on.
        if (cursor !== null) yield* drain(cursor, encoder);
        cursor?.close();
        cursor = new FileCursor(next);
        continue;
      }
      if (wasClosed) return;
      await state.changes.next();
    }
  } finally {
    cursor?.close();
  }
}

function watchEnd(
  source: LogSource,
  options: LogOptions,
  state: Following,
  signal: AbortSignal | undefined,
): () => void {
  const wake = (): void => {
    state.isClosed = true;
    state.changes.signal();
  };
  const stop = (): void => {
    state.stop = true;
    state.changes.signal();
  };
  source.closed.then(wake, wake);
  signal?.addEventListener("abort", stop, { once: true });
  const untilMs = options.until === null ? null : Number(options.until / 1_000_000n) - Date.now();
  const timer = untilMs === null ? null : setTimeout(stop, Math.min(Math.max(untilMs, 0), 0x7fffffff));
  timer?.unref();
  return () => {
    signal?.removeEventListener("abort", stop);
    if (timer !== null) clearTimeout(timer);
  };
}

async function* read(
  source: LogSource,
  options: LogOptions,
  signal: AbortSignal | undefined,
): AsyncGenerator<Buffer, void> {
  const encoder = createEncoder(options, source.raw);
  const changes = options.follow ? new Changes(source.path) : null;
  const state = changes === null ? null : { changes, isClosed: false, stop: false };
  const release = state === null ? () => {} : watchEnd(source, options, state, signal);
  let files = openAll(source.path);
  try {
    if (options.tail !== null) files = seekTail(files, options.tail);
    let last: FileCursor | null = null;
    while (files.length > 0 && !encoder.passedUntil && signal?.aborted !== true) {
      const cursor = new FileCursor(files.shift() as OpenLog);
      if (state !== null && files.length === 0) {
        last = cursor;
        break;
      }
      try {
        yield* drain(cursor, encoder);
      } finally {
        cursor.close();
      }
    }
    if (state !== null) yield* follow(source.path, last, encoder, state);
  } finally {
    for (const file of files) closeSync(file.fd);
    release();
    changes?.close();
  }
}

/** Ends when everything asked for was delivered; destroying it closes every descriptor. */
export function readLog(source: LogSource, options: LogOptions, signal?: AbortSignal): Readable {
  const stream = Readable.from(read(source, options, signal), { objectMode: false, highWaterMark: CHUNK });
  return stream;
}
