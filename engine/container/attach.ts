/**
 * Attachments. A session's half-close follows Docker (docker-api.md §5.1): the end of the client's stdin closes the
 * container's stdin only with StdinOnce and no terminal; in every other case with stdin it ends this stream, and the
 * process goes on. An attachment made before the start is a slot that joins the monitor's streams while the container
 * is parked at its gate, so that not one byte of output is lost.
 */
import { PassThrough, type Readable } from "node:stream";
import { conflict } from "../base/errors.ts";
import { syncPoint } from "../base/sync-points.ts";
import type { AttachOptions, Sandbox, StreamSession } from "../isolation/backend.ts";
import type { AttachRequest, LogOptions } from "../types.ts";
import type { Container } from "./container.ts";
import type { Context } from "./context.ts";
import { openLogs } from "./logs.ts";
import { publish } from "./publish.ts";
import { isRunning } from "./state.ts";

const BUFFER_BYTES = 256 * 1024;

/** One client's view of a process's streams, joined to the monitor now or at the next start. */
export class AttachSlot implements StreamSession {
  readonly output: Readable;
  readonly #sink: PassThrough;
  readonly #streams: AttachOptions;
  /** End of stdin closes the process's stdin; otherwise it ends this session. */
  readonly #closesProcess: boolean;
  readonly #joined = Promise.withResolvers<StreamSession | null>();
  readonly #onClose: () => void;
  /** Settles when everything that comes before the live stream was written. */
  #before: Promise<void> = Promise.resolve();
  #inner: StreamSession | null = null;
  #isClosed = false;

  constructor(streams: AttachOptions, closesProcess: boolean, onClose: () => void) {
    this.#streams = streams;
    this.#closesProcess = closesProcess;
    this.#onClose = onClose;
    this.#sink = new PassThrough({ highWaterMark: BUFFER_BYTES });
    this.#sink.on("error", () => {});
    this.#sink.on("close", () => this.close());
    this.output = this.#sink;
  }

  /** Bytes that come before the live stream. */
  prepend(source: Readable): void {
    this.#before = this.#copy(source).catch(() => {});
  }

  async #copy(source: Readable): Promise<void> {
    for await (const chunk of source) {
      if (this.#isClosed) return;
      if (!this.#sink.write(chunk)) await drained(this.#sink);
    }
  }

  /** Resolves when the monitor has registered us: nothing printed after that is lost. */
  async connect(sandbox: Sandbox, signal?: AbortSignal): Promise<void> {
    if (this.#isClosed) return;
    const inner = await sandbox.attach(this.#streams, signal);
    if (this.#isClosed) return inner.close();
    this.#inner = inner;
    this.#joined.resolve(inner);
    void this.#before.then(() => {
      if (this.#isClosed) return;
      inner.output.on("error", () => this.#sink.end());
      inner.output.on("close", () => this.#sink.end());
      inner.output.pipe(this.#sink);
    });
  }

  /** No process will come: the client sees the end. */
  abandon(): void {
    this.#joined.resolve(null);
    void this.#before.then(() => this.#sink.end());
  }

  async write(chunk: Uint8Array): Promise<void> {
    if (!this.#streams.stdin) return;
    const inner = this.#inner ?? (await this.#joined.promise);
    if (!this.#isClosed) await inner?.write(chunk);
  }

  async endStdin(): Promise<void> {
    if (!this.#streams.stdin) return;
    const inner = this.#inner ?? (await this.#joined.promise);
    if (!this.#closesProcess) this.close();
    else await inner?.endStdin();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#onClose();
    this.#joined.resolve(null);
    const inner = this.#inner;
    if (inner !== null) {
      inner.output.unpipe(this.#sink);
      inner.output.resume();
      // The client that fed stdin is gone: the process must see the end of it, as after a half-close.
      const last = this.#streams.stdin && this.#closesProcess ? inner.endStdin() : Promise.resolve();
      void last.catch(() => {}).then(() => inner.close());
    }
    this.#sink.end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }
}

const drained = (stream: PassThrough): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      stream.off("drain", done).off("close", done);
      resolve();
    };
    stream.on("drain", done).on("close", done);
  });

/** Joins every waiting slot to a sandbox that is parked at its gate (or that has just started). */
export async function joinSlots(container: Container, sandbox: Sandbox): Promise<void> {
  for (const slot of container.slots) {
    container.slots.delete(slot);
    await slot.connect(sandbox);
  }
}

/** The start failed: those who waited for it see the end. */
export function abandonSlots(container: Container): void {
  for (const slot of container.slots) slot.abandon();
  container.slots.clear();
}

function requireAttachable(container: Container): void {
  const { id, state } = container;
  if (state.status === "paused")
    throw conflict("container.paused", `container ${id} is paused, unpause the container before attach`);
  if (state.status === "restarting") {
    throw conflict("container.restarting", `container ${id} is restarting, wait until the container is running`);
  }
  if (state.status === "removing" || state.status === "dead")
    throw conflict("container.dead", `container ${id} is dead or marked for removal`);
}

const replay = (request: AttachRequest): LogOptions => ({
  follow: false,
  stdout: request.stdout,
  stderr: request.stderr,
  since: null,
  until: null,
  tail: null,
  timestamps: false,
  details: false,
});

/** Registers before it resolves. On a container that does not run it waits for the next start. */
export async function attachContainer(
  context: Context,
  container: Container,
  request: AttachRequest,
  signal?: AbortSignal,
): Promise<StreamSession> {
  requireAttachable(container);
  const { openStdin, stdinOnce, tty } = container.record.config;
  const streams = {
    stdin: request.stdin && openStdin && request.stream,
    stdout: request.stdout,
    stderr: request.stderr,
  };
  const slot = new AttachSlot(streams, stdinOnce && !tty, () => void container.slots.delete(slot));
  if (request.logs) slot.prepend(openLogs(container, replay(request)));
  if (!request.stream) slot.abandon();
  else {
    if (isRunning(container.state) && container.run === null) await container.lane.settled();
    if (container.run === null) container.slots.add(slot);
    else await slot.connect(container.run.sandbox, signal);
  }
  await syncPoint("attach.opened");
  publish(context, container, "attach", {});
  return slot;
}
