/** The stores of one data root together: opening, the boot check, and the collection of layers nobody uses. */
import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import type { Database } from "../../engine/base/database.ts";
import type { Log } from "../../engine/base/log.ts";
import type { Digest } from "../digest.ts";
import { SnapshotDirectory } from "../snapshot/directory.ts";
import { detachLeftovers } from "../snapshot/overlay.ts";
import { Snapshots } from "../snapshot/snapshots.ts";
import { ContentStore } from "./content-store.ts";
import { ImageStore } from "./image-store.ts";
import { LayerStore } from "./layer-store.ts";
import { SCHEMA, SCHEMA_AREA } from "./schema.ts";

/** Changes at every boot of the kernel. */
export const bootId = (): string => readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();

export class Stores {
  readonly database: Database;
  readonly content: ContentStore;
  readonly layers: LayerStore;
  readonly images: ImageStore;
  readonly directory: SnapshotDirectory;
  readonly snapshots: Snapshots;
  /** Where archives are spooled. */
  readonly temporary: string;
  readonly boot = bootId();
  readonly #log: Log;
  /** Chain ids that a running load counts on, with how many loads do. */
  readonly #pins = new Map<string, number>();

  constructor(root: string, database: Database, log: Log) {
    this.database = database;
    this.#log = log;
    database.migrate(SCHEMA, SCHEMA_AREA);
    this.content = new ContentStore(root);
    this.layers = new LayerStore(database);
    this.images = new ImageStore(database, this.content, this.layers);
    this.directory = new SnapshotDirectory(root, log);
    this.snapshots = new Snapshots(database, this.layers, this.directory, () => this.collect());
    this.temporary = `${root}/tmp`;
    mkdirSync(this.temporary, { recursive: true, mode: 0o700 });
    this.#sweep();
  }

  /** Keeps these layers from being collected until the returned function is called. */
  pin(chainIds: readonly string[]): () => void {
    for (const id of chainIds) this.#pins.set(id, (this.#pins.get(id) ?? 0) + 1);
    return () => {
      for (const id of chainIds) {
        const left = (this.#pins.get(id) ?? 0) - 1;
        if (left > 0) this.#pins.set(id, left);
        else this.#pins.delete(id);
      }
    };
  }

  /** Deletes layers that no image, no container and no running load uses. Returns their chain ids, top first. */
  collect(): Digest[] {
    const used = this.#usedLayers();
    const unused = this.layers.all().filter(({ chainId }) => !used.has(chainId));
    if (unused.length === 0) return [];
    const inits: number[] = [];
    const ordered = topFirst(unused);
    this.database.transaction(() => {
      for (const { chainId } of ordered) {
        const init = this.database.get("SELECT number FROM snapshot_inits WHERE chain_id = ?", chainId);
        if (init !== undefined) inits.push(Number(init["number"]));
        this.database.run("DELETE FROM snapshot_inits WHERE chain_id = ?", chainId);
        this.layers.remove(chainId);
      }
    });
    for (const number of [...unused.map((layer) => layer.number), ...inits]) void this.directory.discard(number);
    return ordered.map(({ chainId }) => chainId);
  }

  #usedLayers(): Set<string> {
    const used = new Set<string>(this.#pins.keys());
    const tops = [
      ...this.images.chainIds(),
      ...this.database
        .all("SELECT DISTINCT chain_id FROM snapshots WHERE chain_id <> ''")
        .map((row) => String(row["chain_id"])),
    ];
    for (const top of tops) {
      for (let at: string | null = top; at !== null && !used.has(at); ) {
        used.add(at);
        at = this.layers.get(at)?.parent ?? null;
      }
    }
    // A pinned layer needs those below it as well.
    for (const pinned of this.#pins.keys()) {
      for (let at = this.layers.get(pinned)?.parent ?? null; at !== null && !used.has(at); ) {
        used.add(at);
        at = this.layers.get(at)?.parent ?? null;
      }
    }
    return used;
  }

  /** What a killed daemon, or a power cut, left: torn layers, directories and blobs without a row, temporary files. */
  #sweep(): void {
    detachLeftovers(this.directory.base);
    for (const name of readdirSync(this.temporary))
      rmSync(`${this.temporary}/${name}`, { recursive: true, force: true });
    this.#dropTorn();
    this.collect();
    const numbers = this.database.all(
      "SELECT number FROM image_layers UNION SELECT number FROM snapshots UNION SELECT number FROM snapshot_inits",
    );
    this.directory.sweep(new Set(numbers.map((row) => Number(row["number"]))));
    this.content.sweep(this.usedBlobs());
  }

  usedBlobs(): Set<string> {
    const used = new Set<string>();
    for (const row of this.database.all(
      "SELECT id, json_extract(record, '$.manifest.digest') AS manifest FROM image_records",
    )) {
      used.add(String(row["id"]));
      if (row["manifest"] !== null) used.add(String(row["manifest"]));
    }
    return used;
  }

  /** Layers written before an unclean reboot and never flushed may hold empty files: they go, and their images with them. */
  #dropTorn(): void {
    const torn = new Set(this.layers.torn(this.boot));
    if (torn.size === 0) return;
    const lost = this.images
      .ids()
      .filter((id) => this.images.get(id)?.chainIds.some((chainId) => torn.has(chainId)) === true);
    for (const id of lost) {
      this.#log.warn("an image was being written when the machine went down; it has to be loaded again", {
        image: id,
        names: this.images.get(id)?.repoTags,
      });
    }
    this.database.transaction(
      () => {
        for (const id of lost) this.images.remove(id);
      },
      { durable: true },
    );
    // Layers that a container stands on stay: its start may still work, and removing them would break it for certain.
  }
}

/** Children before parents, so that no row refers to one that is gone. */
function topFirst<T extends { readonly chainId: string; readonly parent: string | null }>(layers: readonly T[]): T[] {
  const byId = new Map(layers.map((layer) => [layer.chainId, layer]));
  const depth = (layer: T): number => {
    let count = 0;
    for (let at: T | undefined = layer; at !== undefined && at.parent !== null; at = byId.get(at.parent)) count++;
    return count;
  };
  return layers
    .map((layer) => ({ layer, depth: depth(layer) }))
    .sort((a, b) => b.depth - a.depth)
    .map(({ layer }) => layer);
}
