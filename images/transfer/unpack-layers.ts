/** Unpacks the layers that are not there yet, several at once, into directories that nothing names until the commit. */
import { closeSync, constants, openSync, readFileSync } from "node:fs";
import { syncPoint } from "../../engine/base/sync-points.ts";
import type { Digest } from "../digest.ts";
import { adoptBelow } from "../layer/directories.ts";
import type { UnpackPool } from "../layer/pool.ts";
import { DEFAULT_LIMITS } from "../layer/limits.ts";
import type { Unpacked, UnpackJob } from "../layer/unpack.ts";
import type { SnapshotDirectory } from "../snapshot/directory.ts";
import { openDetached, type OverlaySource } from "../snapshot/overlay.ts";
import { copyRootAttributes } from "../snapshot/snapshots.ts";
import type { LayerStore, StoredLayer } from "../store/layer-store.ts";
import type { LoadProgress } from "../types.ts";
import type { ArchiveLayer } from "./archive.ts";

export interface UnpackContext {
  readonly pool: UnpackPool;
  readonly directory: SnapshotDirectory;
  readonly layers: LayerStore;
  /** Descriptor that the layers' offsets mean. */
  readonly fd: number;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: LoadProgress) => void;
}

interface Placed {
  readonly layer: ArchiveLayer;
  readonly number: number;
  readonly result: Unpacked;
}

/**
 * Layers of the list that the store lacks, unpacked; in the list's order. All or nothing: on the first failure the
 * others are stopped and every directory is discarded.
 */
export async function unpackLayers(list: readonly ArchiveLayer[], context: UnpackContext): Promise<StoredLayer[]> {
  const wanted = new Map(
    list.filter(({ chainId }) => context.layers.get(chainId) === undefined).map((layer) => [layer.chainId, layer]),
  );
  const stop = new AbortController();
  const run = { ...context, signal: AbortSignal.any([context.signal, stop.signal]) };
  const numbers: number[] = [];
  const done = new Map<Digest, Promise<Placed>>();
  const unpackOne = async (layer: ArchiveLayer): Promise<Placed> => {
    try {
      return await place(layer, run, done, numbers);
    } catch (error) {
      stop.abort(error);
      throw error;
    }
  };
  // Longest first: with two threads the last to end is then as early as it can be.
  const order = [...wanted.values()].sort((a, b) => b.entry.size - a.entry.size);
  for (const layer of order) done.set(layer.chainId, unpackOne(layer));
  const outcomes = await Promise.allSettled(done.values());
  try {
    const failed = outcomes.find((outcome) => outcome.status === "rejected" && outcome.reason === stop.signal.reason);
    if (failed?.status === "rejected") throw failed.reason;
    return await finish([...wanted.values()], done, context);
  } catch (error) {
    await Promise.all(numbers.map((number) => context.directory.discard(number)));
    throw error;
  }
}

async function place(
  layer: ArchiveLayer,
  context: UnpackContext,
  done: ReadonlyMap<Digest, Promise<Placed>>,
  numbers: number[],
): Promise<Placed> {
  const { directory, pool, signal } = context;
  const short = layer.diffId.slice("sha256:".length, "sha256:".length + 12);
  const report = (status: LoadProgress["status"], current: number): void =>
    context.onProgress({ layer: short, status, current, total: layer.entry.size });
  const attempt = async (below: UnpackJob["below"]) => {
    const number = directory.make("fs");
    numbers.push(number);
    const job = jobFor(layer, context.fd, directory.absolute(number, "fs"), below);
    const result = await pool.unpack(job, (bytes) => report("Loading layer", bytes), signal);
    return { number, result };
  };
  const known =
    layer.parent === null
      ? "none"
      : context.layers.get(layer.parent) === undefined
        ? "pending"
        : lowersOf(layer, context);
  let { number, result } = await attempt(known);
  if (result === "needs-parents" || result.assumed.length > 0) {
    const lowers = lowersOf(layer, context, await numbersBelow(layer, done));
    if (result === "needs-parents" || !adopt(directory.absolute(number, "fs"), lowers, result.assumed)) {
      void directory.discard(number);
      ({ number, result } = await attempt(lowers));
    }
  }
  if (result === "needs-parents") throw new Error("an unpack with its parents asked for them again");
  await syncPoint("load.layer");
  report("Load complete", layer.entry.size);
  return { layer, number, result };
}

/** process.umask() would set it for a moment, while other threads make files. */
const currentUmask = (): number =>
  Number.parseInt(/^Umask:\s*([0-7]+)$/m.exec(readFileSync("/proc/self/status", "latin1"))?.[1] ?? "22", 8);

function jobFor(layer: ArchiveLayer, fd: number, target: string, below: UnpackJob["below"]): UnpackJob {
  const { entry, blobDigest, diffId } = layer;
  return {
    fd,
    offset: entry.offset,
    length: entry.size,
    target,
    below,
    blobDigest,
    diffId,
    limits: DEFAULT_LIMITS,
    umask: currentUmask(),
  };
}

function adopt(target: string, lowers: OverlaySource, assumed: readonly string[]): boolean {
  const rootFd = openSync(target, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    const belowFd = openDetached(lowers);
    try {
      return adoptBelow(rootFd, belowFd, assumed);
    } finally {
      closeSync(belowFd);
    }
  } finally {
    closeSync(rootFd);
  }
}

/** Numbers of the layers below that this load unpacked itself, top first, down to the first stored one. */
async function numbersBelow(
  layer: ArchiveLayer,
  done: ReadonlyMap<Digest, Promise<Placed>>,
): Promise<Map<Digest, Placed>> {
  const below = new Map<Digest, Placed>();
  for (let at = layer.parent; at !== null; ) {
    const placed = await done.get(at);
    if (placed === undefined) break;
    below.set(at, placed);
    at = placed.layer.parent;
  }
  return below;
}

function lowersOf(
  layer: ArchiveLayer,
  { directory, layers }: UnpackContext,
  fresh: ReadonlyMap<Digest, Placed> = new Map(),
) {
  const lowers: string[] = [];
  for (let at = layer.parent; at !== null; ) {
    const placed = fresh.get(at);
    const stored = placed === undefined ? layers.get(at) : undefined;
    const number = placed?.number ?? stored?.number;
    if (number === undefined) throw new Error(`layer ${at} is neither stored nor unpacked`);
    lowers.push(directory.relative(number, "fs"));
    at = placed === undefined ? (stored?.parent ?? null) : placed.layer.parent;
  }
  return { base: directory.base, lowers };
}

/** Bottom first, so that each root directory can take over the attributes of the one below. */
async function finish(
  wanted: readonly ArchiveLayer[],
  done: ReadonlyMap<Digest, Promise<Placed>>,
  { directory, layers }: UnpackContext,
): Promise<StoredLayer[]> {
  const stored: StoredLayer[] = [];
  for (const layer of wanted) {
    const placed = await done.get(layer.chainId);
    if (placed === undefined) continue;
    const { number, result } = placed;
    if (!result.describesRoot && layer.parent !== null) {
      const parent = (await done.get(layer.parent))?.number ?? layers.get(layer.parent)?.number;
      if (parent !== undefined) copyRootAttributes(directory.absolute(parent, "fs"), directory.absolute(number, "fs"));
    }
    const blob = { digest: result.blobDigest, mediaType: typeFor(layer, result), size: layer.entry.size };
    const { chainId, diffId, parent } = layer;
    stored.push({ chainId, diffId, parent, number, blob, tarSize: result.tarSize, contentSize: result.contentSize });
  }
  return stored;
}

/** Docker archives do not say how a layer is compressed; its bytes do. */
const typeFor = (layer: ArchiveLayer, { compression }: Unpacked): string =>
  layer.mediaType.endsWith(".tar") && compression !== "none"
    ? `${layer.mediaType}${layer.mediaType.includes("docker") ? "." : "+"}${compression}`
    : layer.mediaType;
