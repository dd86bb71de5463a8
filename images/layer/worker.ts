/** The thread that unpacks layers. Started by `pool.ts`; in the bundle it is an entry of its own, `layer-worker.mjs`. */
import { parentPort } from "node:worker_threads";
import { cancelled, TareError } from "../../engine/base/errors.ts";
import { type UnpackJob, type UnpackOutcome, unpackLayer } from "./unpack.ts";

/** cancel[0] becomes 1 when the layer is not wanted any more. */
export interface WorkerRequest {
  readonly job: UnpackJob;
  readonly cancel: Int32Array;
}
export type WorkerReply =
  | { readonly kind: "progress"; readonly blobBytes: number }
  | { readonly kind: "done"; readonly outcome: UnpackOutcome }
  | { readonly kind: "failed"; readonly error: WorkerError };
/** An error that crosses threads: class identity does not survive structured cloning. */
export interface WorkerError {
  readonly kind: string;
  readonly code: string;
  readonly message: string;
  readonly hint?: string | undefined;
  readonly details: TareError["details"];
}

/** Bytes of a blob between two progress messages. */
const PROGRESS_STEP = 4 << 20;

const portable = (error: unknown): WorkerError => {
  if (error instanceof TareError) {
    const { kind, code, message, hint, details } = error;
    return { kind, code, message, hint, details };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { kind: "internal", code: "layer.unpack_failed", message: `cannot unpack the layer: ${message}`, details: {} };
};

async function perform(request: WorkerRequest, reply: (message: WorkerReply) => void): Promise<UnpackOutcome> {
  let reported = 0;
  return await unpackLayer(request.job, (blobBytes) => {
    if (Atomics.load(request.cancel, 0) !== 0) throw cancelled("image.cancelled", "the load was cancelled");
    if (blobBytes - reported < PROGRESS_STEP) return;
    reported = blobBytes;
    reply({ kind: "progress", blobBytes });
  });
}

const port = parentPort;
port?.on("message", (request: WorkerRequest) => {
  const reply = (message: WorkerReply): void => port.postMessage(message);
  perform(request, reply).then(
    (outcome) => reply({ kind: "done", outcome }),
    (error: unknown) => reply({ kind: "failed", error: portable(error) }),
  );
});
