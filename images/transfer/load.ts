/** `load`: spool → read → unpack → commit. Until the commit nothing of it counts as present. */
import type { Readable } from "node:stream";
import { cancelled } from "../../engine/base/errors.ts";
import type { Log } from "../../engine/base/log.ts";
import { syncPoint } from "../../engine/base/sync-points.ts";
import { sys } from "../../native/binding/index.ts";
import { parsePlatform, type Platform } from "../platform.ts";
import { UnpackPool } from "../layer/pool.ts";
import type { StoredLayer } from "../store/layer-store.ts";
import type { Stores } from "../store/stores.ts";
import type { ImageEvent, LoadedImage, LoadOptions, LoadResult } from "../types.ts";
import { type ArchiveImage, type PlatformWish, readArchive } from "./archive.ts";
import { spoolArchive } from "./spool.ts";
import { type UnpackContext, unpackLayers } from "./unpack-layers.ts";

/** What one load has at hand. */
type Work = Pick<UnpackContext, "pool" | "fd" | "signal" | "onProgress">;

export class Loader {
  readonly #stores: Stores;
  readonly #platform: Platform;
  readonly #log: Log;
  readonly #emit: (event: ImageEvent) => void;
  /** Unpacking is one load at a time: two loads of one layer then share it, and two threads are all the machine gets. */
  #turn: Promise<unknown> = Promise.resolve();
  #flushing: Promise<void> | undefined;
  readonly #closing = new AbortController();

  constructor(stores: Stores, platform: Platform, log: Log, emit: (event: ImageEvent) => void) {
    this.#stores = stores;
    this.#platform = platform;
    this.#log = log;
    this.#emit = emit;
    // What an earlier daemon on this boot unpacked and did not live to flush.
    this.#flushLater();
  }

  async load(stream: Readable, options: LoadOptions): Promise<LoadResult> {
    const explicit = options.platform !== undefined && options.platform !== "";
    const wish: PlatformWish = {
      platform: explicit ? parsePlatform(options.platform ?? "") : this.#platform,
      explicit,
    };
    await using pool = new UnpackPool();
    await using spool = await spoolArchive(stream, this.#stores.temporary, options.signal, () => pool.warm());
    await syncPoint("load.spooled");
    const images = await readArchive(spool, wish);
    const unpin = this.#stores.pin(images.flatMap((image) => image.layers.map(({ chainId }) => chainId)));
    const signal = AbortSignal.any([this.#closing.signal, ...(options.signal === undefined ? [] : [options.signal])]);
    try {
      return await this.#inTurn(() =>
        this.#store(images, { fd: spool.fd, pool, signal, onProgress: options.onProgress ?? (() => {}) }),
      );
    } finally {
      unpin();
      // A layer whose image was removed meanwhile was kept only by the pin.
      this.#stores.collect();
    }
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const before = this.#turn;
    const mine = before.then(work, work);
    this.#turn = mine.catch(() => {});
    return await mine;
  }

  async #store(images: readonly ArchiveImage[], work: Work): Promise<LoadResult> {
    const { signal, onProgress } = work;
    const { directory, layers } = this.#stores;
    if (signal.aborted) throw cancelled("image.cancelled", "the load was cancelled", { cause: signal.reason });
    let fresh: StoredLayer[] = [];
    try {
      const list = images.flatMap((image) => image.layers);
      for (const { chainId, diffId, entry } of list) {
        if (layers.get(chainId) === undefined) continue;
        onProgress({
          layer: diffId.slice(7, 19),
          status: "Layer already exists",
          current: entry.size,
          total: entry.size,
        });
      }
      fresh = await unpackLayers(list, { ...work, directory, layers });
      const loaded = this.#commit(images, fresh);
      this.#flushLater();
      await syncPoint("load.recorded");
      return { loaded };
    } catch (error) {
      await Promise.all(
        fresh.filter(({ chainId }) => layers.get(chainId) === undefined).map(({ number }) => directory.discard(number)),
      );
      throw error;
    }
  }

  /** Synchronous from the first blob to the last row: no removal can come between. */
  #commit(images: readonly ArchiveImage[], fresh: readonly StoredLayer[]): LoadedImage[] {
    const { content, database, images: store, layers, boot } = this.#stores;
    const now = new Date().toISOString();
    for (const image of images) {
      content.put(image.id, image.configBytes);
      if (image.manifest !== null) content.put(image.manifest.digest, image.manifest.bytes);
    }
    database.transaction(
      () => {
        for (const layer of fresh) layers.add(layer, boot);
        for (const { id, manifest, layers: stack, names } of images) {
          const kept =
            manifest === null
              ? null
              : { digest: manifest.digest, mediaType: manifest.mediaType, size: manifest.bytes.length };
          store.put({ v: 1, id, parentId: "", manifest: kept, lastTagTime: now }, stack.at(-1)?.chainId ?? null);
          for (const name of names) store.setName(name.canonical(), id, now);
        }
      },
      { durable: true },
    );
    for (const { id } of images) this.#emit({ action: "load", id, name: id });
    return images.map(({ id, names }) => ({ id, references: names.map((name) => name.familiar()) }));
  }

  /** The reply does not wait for the disk: until the flush the layers are marked with this boot (see LayerStore). */
  #flushLater(): void {
    if (this.#flushing !== undefined) return;
    this.#flushing = this.#flush()
      .catch((error: unknown) => this.#log.warn("unpacked layers could not be flushed to the disk", { error }))
      .finally(() => {
        this.#flushing = undefined;
      });
  }

  async #flush(): Promise<void> {
    const { directory, layers } = this.#stores;
    let flushed = false;
    for (let waiting = layers.unflushed(); waiting.length > 0; waiting = layers.unflushed()) {
      await directory.flush();
      layers.markFlushed(waiting);
      flushed = true;
    }
    // Unpacking went through hundreds of megabytes of buffers; an idle daemon shall be as small after it as before.
    if (flushed) sys.mallocTrim();
  }

  /** Stops running loads and waits for the flush of finished ones. */
  async close(): Promise<void> {
    this.#closing.abort(new Error("the daemon is stopping"));
    await this.#turn;
    await this.#flushing;
  }
}
