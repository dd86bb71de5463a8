/**
 * One layer, one pass: read, hash the blob, inflate, hash the tar, parse, write. Runs in a worker thread with synchronous
 * file calls (asynchronous ones are three times slower) while the pool inflates ahead.
 *
 * What it leaves on failure is a directory that nothing names; the caller removes it.
 */
import { createHash, type Hash } from "node:crypto";
import { closeSync, constants, openSync, readSync } from "node:fs";
import { invalid } from "../../engine/base/errors.ts";
import { openDetached } from "../snapshot/overlay.ts";
import { type Digest, digestAlgorithm } from "../digest.ts";
import { type Below, NeedsParents } from "./directories.ts";
import { type Compression, inflate } from "./inflate.ts";
import { TarReader } from "./tar.ts";
import { checkSize, type UnpackLimits } from "./limits.ts";
import { LayerWriter } from "./writer.ts";

export interface UnpackJob {
  /** Descriptor of the file that holds the blob (threads share descriptors), and where in it. */
  readonly fd: number;
  readonly offset: number;
  readonly length: number;
  /** An existing empty directory on the host. */
  readonly target: string;
  readonly below: "none" | "pending" | { readonly base: string; readonly lowers: readonly string[] };
  /** null when only the diff id is known. */
  readonly blobDigest: Digest | null;
  readonly diffId: Digest;
  readonly limits: UnpackLimits;
  readonly umask: number;
}

export interface Unpacked {
  readonly blobDigest: Digest;
  readonly tarSize: number;
  readonly contentSize: number;
  readonly entries: number;
  readonly compression: Compression;
  /** False: the root directory's attributes are to be taken from the layer below. */
  readonly describesRoot: boolean;
  /** Directories made while the layers below were pending; to be compared with them. */
  readonly assumed: readonly string[];
}
export type UnpackOutcome = Unpacked | "needs-parents";

const CHUNK = 256 << 10;
const OPEN_TARGET = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

class Blob {
  readonly #job: UnpackJob;
  readonly hash: Hash;
  read = 0;
  constructor(job: UnpackJob) {
    this.#job = job;
    this.hash = createHash(job.blobDigest === null ? "sha256" : digestAlgorithm(job.blobDigest));
  }
  async *chunks(): AsyncGenerator<Buffer> {
    const { fd, offset, length } = this.#job;
    while (this.read < length) {
      const buffer = Buffer.allocUnsafeSlow(Math.min(CHUNK, length - this.read));
      const count = readSync(fd, buffer, 0, buffer.length, offset + this.read);
      if (count === 0) throw invalid("layer.truncated", `the layer ends after ${this.read} of ${length} bytes`);
      const chunk = buffer.subarray(0, count);
      this.hash.update(chunk);
      this.read += count;
      yield chunk;
    }
  }
  /** An inflater may stop before the end (trailing bytes); the digest is over all of them. */
  async digest(): Promise<Digest> {
    const rest = this.chunks();
    while ((await rest.next()).done !== true);
    const name = this.#job.blobDigest === null ? "sha256" : digestAlgorithm(this.#job.blobDigest);
    return `${name}:${this.hash.digest("hex")}` as Digest;
  }
}

export async function unpackLayer(job: UnpackJob, onProgress: (blobBytes: number) => void): Promise<UnpackOutcome> {
  const rootFd = openSync(job.target, OPEN_TARGET);
  let below: Below = "none";
  let writer: LayerWriter | undefined;
  try {
    below = typeof job.below === "string" ? job.below : { fd: openDetached(job.below) };
    writer = new LayerWriter(rootFd, { below, umask: job.umask, maxEntries: job.limits.maxEntries });
    return await unpackInto(job, writer, onProgress);
  } catch (error) {
    if (error instanceof NeedsParents) return "needs-parents";
    throw error;
  } finally {
    writer?.close();
    if (typeof below === "object") closeSync(below.fd);
    closeSync(rootFd);
  }
}

async function unpackInto(
  job: UnpackJob,
  writer: LayerWriter,
  onProgress: (blobBytes: number) => void,
): Promise<Unpacked> {
  const blob = new Blob(job);
  const tar = new TarReader(writer);
  const hash = createHash(digestAlgorithm(job.diffId));
  const { compression, chunks } = await inflate(blob.chunks());
  let tarSize = 0;
  for await (const chunk of chunks) {
    tarSize += chunk.length;
    checkSize(job.limits, "the layer", tarSize, blob.read);
    hash.update(chunk);
    tar.write(chunk);
    onProgress(blob.read);
  }
  onProgress(blob.read);
  tar.end();
  const diffId = `${digestAlgorithm(job.diffId)}:${hash.digest("hex")}`;
  const plain = compression === "none" && job.blobDigest === null;
  const blobDigest = plain ? (diffId as Digest) : await blob.digest();
  if (job.blobDigest !== null && blobDigest !== job.blobDigest) {
    throw invalid(
      "layer.digest_mismatch",
      `layer ${job.blobDigest} has the digest ${blobDigest}: the archive is corrupt`,
    );
  }
  if (diffId !== job.diffId) {
    throw invalid(
      "layer.diff_id_mismatch",
      `layer ${job.diffId} unpacks to ${diffId}: the archive is corrupt or not what its config says`,
    );
  }
  writer.finish();
  const { contentSize, entries, describesRoot, assumed } = writer;
  return { blobDigest, tarSize, contentSize, entries, compression, describesRoot, assumed };
}
