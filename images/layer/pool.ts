/**
 * The threads that unpack. They exist only while there is work: a load takes a pool, uses it and disposes it, so an idle
 * daemon pays nothing. A thread can be killed at any moment (abort, hang): what it wrote is named by nothing.
 */
import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { cancelled, type ErrorKind, ERROR_KINDS, internal, TareError } from "../../engine/base/errors.ts";
import { type UnpackJob, type UnpackOutcome, unpackLayer } from "./unpack.ts";
import type { WorkerError, WorkerReply, WorkerRequest } from "./worker.ts";

/** Two layers at once is the plan for two cores and for spinning disks alike; more only fights for the journal. */
const LANES_MAX = 2;
const INLINE_MAX = 256 << 10;

/**
 * A thread is asked to stop between two chunks, so that it closes its descriptors; only one that does not answer is killed
 * (then the descriptors it opened by FFI stay open until the daemon ends).
 */
const CANCEL_GRACE_MS = 10_000;
const wasCancelled = (cause: unknown): TareError => cancelled("image.cancelled", "the load was cancelled", { cause });
const cancelFlag = (): Int32Array => new Int32Array(new SharedArrayBuffer(4));

/** `worker.ts` beside this file in a checkout, `layer-worker.mjs` beside the bundle. */
export function workerFile(): URL {
  const source = new URL("./worker.ts", import.meta.url);
  return existsSync(source) ? source : new URL("./layer-worker.mjs", import.meta.url);
}

const revive = (error: WorkerError): TareError => {
  const kind = (ERROR_KINDS as readonly string[]).includes(error.kind) ? (error.kind as ErrorKind) : "internal";
  const hint = error.hint === undefined ? {} : { hint: error.hint };
  return new TareError(kind, error.code, error.message, { details: error.details, ...hint });
};

class Lane {
  readonly #worker = new Worker(workerFile(), {
    // Descriptors come from FFI as well as from node:fs; Node's own book-keeping would warn about the former.
    trackUnmanagedFds: false,
    // A small young generation frees the chunks before they pile up (155 instead of 200 MB at the peak).
    resourceLimits: { maxOldGenerationSizeMb: 512, maxYoungGenerationSizeMb: 4 },
  });
  #settle: { readonly reply: (message: WorkerReply) => void; readonly fail: (error: unknown) => void } | undefined;
  #dead: unknown;

  constructor() {
    this.#worker.on("message", (message: WorkerReply) => this.#settle?.reply(message));
    this.#worker.on("error", (error) =>
      this.#die(internal("layer.worker_failed", `the unpack thread failed: ${String(error)}`, { cause: error })),
    );
    this.#worker.on("exit", (code) =>
      this.#die(internal("layer.worker_exited", `the unpack thread ended with code ${code}`)),
    );
    this.#worker.unref();
  }

  #die(error: unknown): void {
    this.#dead ??= error;
    this.#settle?.fail(this.#dead);
  }

  async run(
    request: WorkerRequest,
    onProgress: (blobBytes: number) => void,
    signal: AbortSignal,
  ): Promise<UnpackOutcome> {
    if (this.#dead !== undefined) throw this.#dead;
    if (signal.aborted) throw wasCancelled(signal.reason);
    let deadline: NodeJS.Timeout | undefined;
    const abort = (): void => {
      Atomics.store(request.cancel, 0, 1);
      deadline = setTimeout(() => void this.stop(wasCancelled(signal.reason)), CANCEL_GRACE_MS).unref();
    };
    signal.addEventListener("abort", abort, { once: true });
    this.#worker.ref();
    try {
      return await new Promise<UnpackOutcome>((resolve, fail) => {
        const reply = (message: WorkerReply): void => {
          if (message.kind === "progress") onProgress(message.blobBytes);
          else if (message.kind === "done") resolve(message.outcome);
          else fail(revive(message.error));
        };
        this.#settle = { reply, fail };
        this.#worker.postMessage(request);
      });
    } finally {
      this.#settle = undefined;
      clearTimeout(deadline);
      this.#worker.unref();
      signal.removeEventListener("abort", abort);
    }
  }

  async stop(reason?: unknown): Promise<void> {
    this.#dead ??= reason ?? internal("layer.worker_stopped", "the unpack thread was stopped");
    await this.#worker.terminate();
    this.#settle?.fail(this.#dead);
  }
}

export class UnpackPool implements AsyncDisposable {
  readonly #idle: Lane[] = [];
  readonly #all: Lane[] = [];
  readonly #waiting: ((lane: Lane) => void)[] = [];
  readonly lanes = Math.max(1, Math.min(LANES_MAX, availableParallelism()));

  /** Starts all threads ahead of their first layer: starting takes about as long as receiving a small archive. */
  warm(): void {
    while (this.#all.length < this.lanes) {
      const lane = new Lane();
      this.#all.push(lane);
      this.#idle.push(lane);
    }
  }

  /**
   * Waits for a free thread, then for the layer. Throws the worker's typed error. A small blob is unpacked here: a thread
   * takes longer to start, and between two chunks the loop is free.
   */
  async unpack(job: UnpackJob, onProgress: (blobBytes: number) => void, signal: AbortSignal): Promise<UnpackOutcome> {
    if (job.length <= INLINE_MAX) {
      return await unpackLayer(job, (blobBytes) => {
        if (signal.aborted) throw wasCancelled(signal.reason);
        onProgress(blobBytes);
      });
    }
    const lane = await this.#take();
    try {
      return await lane.run({ job, cancel: cancelFlag() }, onProgress, signal);
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#idle.push(lane);
      else next(lane);
    }
  }

  async #take(): Promise<Lane> {
    const idle = this.#idle.pop();
    if (idle !== undefined) return idle;
    if (this.#all.length < this.lanes) {
      const lane = new Lane();
      this.#all.push(lane);
      return lane;
    }
    return await new Promise((resolve) => this.#waiting.push(resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#all.map((lane) => lane.stop()));
  }
}
