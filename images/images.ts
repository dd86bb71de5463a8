/** Images of one data root: load, names, look-up, removal. Reads are synchronous and cheap; writes settle when durable. */
import type { Readable } from "node:stream";
import type { Database } from "../engine/base/database.ts";
import { conflict, invalid } from "../engine/base/errors.ts";
import type { Log } from "../engine/base/log.ts";
import type { Digest } from "./digest.ts";
import { historyRows } from "./history.ts";
import { hostPlatform, type Platform } from "./platform.ts";
import { parseReference, type Reference } from "./reference.ts";
import { planRemoval, type RemovalStep, type RemovalWorld } from "./removal-policy.ts";
import type { Snapshots } from "./snapshot/snapshots.ts";
import { findImage, type Found, noSuchImage } from "./store/resolve.ts";
import { Stores } from "./store/stores.ts";
import { Loader } from "./transfer/load.ts";
import type {
  HistoryRow,
  Image,
  ImageEvent,
  ImageSummary,
  ImageUsers,
  LoadOptions,
  LoadResult,
  PruneOptions,
  PruneResult,
  RemovedRecord,
  RemoveOptions,
} from "./types.ts";

export interface ImagesOptions {
  /** The data root, absolute; `blobs/`, `snapshots/`, `trash/` and `tmp/` are made below it. */
  readonly root: string;
  /** Shared with the engine; the tables of this layer begin with `image_` and `snapshot`. */
  readonly database: Database;
  readonly platform?: Platform;
  readonly log: Log;
  /** Must not throw. */
  readonly onEvent?: (event: ImageEvent) => void;
}

export class Images {
  readonly snapshots: Snapshots;
  readonly #stores: Stores;
  readonly #loader: Loader;
  readonly #emit: (event: ImageEvent) => void;
  readonly #log: Log;
  #pruning = false;

  private constructor(options: ImagesOptions) {
    this.#emit = options.onEvent ?? (() => {});
    this.#log = options.log;
    this.#stores = new Stores(options.root, options.database, options.log);
    this.snapshots = this.#stores.snapshots;
    this.#loader = new Loader(this.#stores, options.platform ?? hostPlatform(), options.log, this.#emit);
  }

  /** Opens the stores and sweeps what a killed daemon left (half-unpacked layers, temporary files). */
  static async open(options: ImagesOptions): Promise<Images> {
    return new Images(options);
  }

  /** Loads a docker-archive or an OCI layout tar, plain or compressed. Nothing of a failed load counts as present. */
  async load(stream: Readable, options: LoadOptions = {}): Promise<LoadResult> {
    return await this.#loader.load(stream, options);
  }

  /** Newest first, as `docker images`. */
  list(): ImageSummary[] {
    const images = this.#stores.images.ids().flatMap((id) => this.#readable(id));
    const users = new Map<string, number>();
    for (const image of images) for (const chainId of image.chainIds) users.set(chainId, (users.get(chainId) ?? 0) + 1);
    return images.map((image) => summary(image, users)).sort((a, b) => b.created - a.created || (a.id < b.id ? -1 : 1));
  }

  /** Full id, unique id prefix, name[:tag], name@digest. Throws not_found `No such image: x:latest`. */
  resolve(ref: string): Image {
    return this.#need(findImage(this.#stores.images, ref).id);
  }

  /** The same as resolve; the raw config bytes are `rawConfig(image.id)`. */
  inspect(ref: string): Image {
    return this.resolve(ref);
  }

  /** Byte for byte as it came. */
  rawConfig(id: string): Buffer {
    return this.#stores.content.get(this.#need(id).id);
  }

  history(ref: string): HistoryRow[] {
    return historyRows(this.resolve(ref));
  }

  /** target: "repo[:tag]". Moves an existing name silently. */
  tag(source: string, target: string): void {
    const { id } = findImage(this.#stores.images, source);
    const reference = parseReference(target);
    if (reference.digest !== undefined)
      throw invalid("image.bad_tag", "refusing to create a tag with a digest reference");
    if (reference.familiarName() === "sha256") {
      throw invalid("image.bad_tag", "refusing to create an ambiguous tag using digest algorithm as name");
    }
    const name = reference.tagged();
    this.#stores.database.transaction(
      () => this.#stores.images.setName(name.canonical(), id, new Date().toISOString()),
      { durable: true },
    );
    this.#emit({ action: "tag", id, name: name.familiar() });
  }

  /** Docker's rules and texts (docker-api.md §8.3). */
  async remove(ref: string, options: RemoveOptions): Promise<RemovedRecord[]> {
    const found = findImage(this.#stores.images, ref);
    return this.#execute(this.#plan(found, ref, options));
  }

  async prune(options: PruneOptions): Promise<PruneResult> {
    if (this.#pruning) throw conflict("image.prune_running", "a prune operation is already running");
    this.#pruning = true;
    try {
      return this.#prune(options);
    } finally {
      this.#pruning = false;
    }
  }

  /** Waits for background work (flushing layers, deleting trees) and stops the workers. The database stays open. */
  async close(): Promise<void> {
    await this.#loader.close();
    await this.#stores.directory.settled();
  }

  #plan({ id, name }: Found, ref: string, options: RemoveOptions): RemovalStep[] {
    return planRemoval(this.#world(options.usedBy), {
      id,
      name,
      ref,
      force: options.force === true,
      noPrune: options.noPrune === true,
    });
  }

  #world(usedBy: (id: string) => ImageUsers): RemovalWorld {
    const { images } = this.#stores;
    return {
      references: (id) => images.names(id).map(parseReference),
      parent: (id) => images.record(id)?.parentId ?? "",
      children: (id) => images.children(id),
      users: usedBy,
    };
  }

  #execute(steps: readonly RemovalStep[]): RemovedRecord[] {
    const { database, images, content } = this.#stores;
    const records: RemovedRecord[] = [];
    const blobs: Digest[] = [];
    database.transaction(
      () => {
        for (const step of steps) {
          if ("untag" in step) images.removeName(step.untag.canonical());
          else {
            blobs.push(step.delete, ...[images.record(step.delete)?.manifest?.digest ?? []].flat());
            images.remove(step.delete);
          }
        }
      },
      { durable: true },
    );
    for (const step of steps) records.push(this.#tell(step));
    if (blobs.length === 0) return records;
    const used = this.#stores.usedBlobs();
    for (const digest of blobs) if (!used.has(digest)) content.remove(digest);
    return [...records, ...this.#stores.collect().map((chainId) => ({ deleted: chainId }))];
  }

  #tell(step: RemovalStep): RemovedRecord {
    if ("untag" in step) {
      this.#emit({ action: "untag", id: step.id, name: step.id });
      return { untagged: step.untag.familiar() };
    }
    this.#emit({ action: "delete", id: step.delete, name: step.delete });
    return { deleted: step.delete };
  }

  #prune(options: PruneOptions): PruneResult {
    const before = this.#layerBytes();
    const removed: RemovedRecord[] = [];
    for (const id of this.#stores.images.ids()) {
      const image = this.#stores.images.get(id);
      if (image === undefined || !this.#mayPrune(image, options)) continue;
      const names: (Reference | null)[] = this.#stores.images.names(id).map(parseReference);
      for (const name of names.length === 0 ? [null] : names) {
        const plan = this.#plan({ id, name }, name?.familiar() ?? id, { usedBy: options.usedBy });
        removed.push(...this.#execute(plan));
        if (this.#stores.images.get(id) === undefined) break;
      }
    }
    return { removed, spaceReclaimed: before - this.#layerBytes() };
  }

  #mayPrune(image: Image, { dangling = true, match, usedBy }: PruneOptions): boolean {
    const named = image.repoTags.length + image.repoDigests.length > 0;
    const { running, stopped } = usedBy(image.id);
    const free = running.length + stopped.length === 0 && this.#stores.images.children(image.id).length === 0;
    return free && !(dangling && named) && (match === undefined || match(image));
  }

  #layerBytes(): number {
    return this.#stores.layers.all().reduce((sum, layer) => sum + layer.contentSize, 0);
  }

  /** A damaged image must not hide the others; it can still be removed by its id. */
  #readable(id: string): Image[] {
    try {
      return [this.#need(id)];
    } catch (error) {
      this.#log.warn("an image cannot be read", { image: id, error });
      return [];
    }
  }

  #need(id: string): Image {
    const image = this.#stores.images.get(id);
    if (image === undefined) throw noSuchImage(id);
    return image;
  }
}

const summary = (image: Image, users: ReadonlyMap<string, number>): ImageSummary => ({
  id: image.id,
  parentId: image.parentId,
  repoTags: image.repoTags,
  repoDigests: image.repoDigests,
  created: image.created,
  size: image.size,
  sharedSize: image.layers.reduce(
    (sum, layer) => sum + ((users.get(layer.chainId) ?? 0) > 1 ? layer.contentSize : 0),
    0,
  ),
  labels: image.config.run.labels,
  platform: image.platform,
});
