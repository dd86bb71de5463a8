/** Image records and names. Parsed configs are cached: `docker run` looks an image up on its start path. */
import type { Database } from "../../engine/base/database.ts";
import { internal } from "../../engine/base/errors.ts";
import { parseImageConfig } from "../config.ts";
import { chainIdsOf, type Digest, digestHex } from "../digest.ts";
import { parseReference } from "../reference.ts";
import type { Image } from "../types.ts";
import type { ContentStore } from "./content-store.ts";
import type { LayerStore } from "./layer-store.ts";

export interface ImageRecord {
  readonly v: 1;
  readonly id: Digest;
  readonly parentId: string;
  readonly manifest: Image["manifest"];
  /** RFC3339 */
  readonly lastTagTime: string;
}

type Fixed = Omit<Image, "repoTags" | "repoDigests" | "lastTagTime">;

export class ImageStore {
  readonly #db: Database;
  readonly #content: ContentStore;
  readonly #layers: LayerStore;
  readonly #cache = new Map<string, Image>();

  constructor(database: Database, content: ContentStore, layers: LayerStore) {
    this.#db = database;
    this.#content = content;
    this.#layers = layers;
  }

  ids(): Digest[] {
    return this.#db.all("SELECT id FROM image_records ORDER BY id").map((row) => String(row["id"]) as Digest);
  }

  get(id: string): Image | undefined {
    const known = this.#cache.get(id);
    if (known !== undefined) return known;
    const record = this.record(id);
    if (record === undefined) return undefined;
    const image = this.#read(record);
    this.#cache.set(id, image);
    return image;
  }

  /** Ids that begin with these hex digits; at most two are looked for. */
  withPrefix(hex: string): Digest[] {
    const rows = this.#db.all(
      "SELECT id FROM image_records WHERE id >= ? AND id < ? ORDER BY id LIMIT 2",
      `sha256:${hex}`,
      `sha256:${hex}g`,
    );
    return rows.map((row) => String(row["id"]) as Digest);
  }

  /** canonical: "docker.io/library/alpine:latest" or "…@sha256:…". */
  idOfName(canonical: string): Digest | undefined {
    const row = this.#db.get("SELECT image_id FROM image_names WHERE name = ?", canonical);
    return row === undefined ? undefined : (String(row["image_id"]) as Digest);
  }

  /** Canonical names, sorted. */
  names(id: string): string[] {
    return this.#db
      .all("SELECT name FROM image_names WHERE image_id = ? ORDER BY name", id)
      .map((row) => String(row["name"]));
  }

  has(id: string): boolean {
    return this.#db.get("SELECT 1 FROM image_records WHERE id = ?", id) !== undefined;
  }

  /** Topmost layers of all images, without reading any config. */
  chainIds(): string[] {
    return this.#db
      .all("SELECT DISTINCT chain_id FROM image_records WHERE chain_id IS NOT NULL")
      .map((row) => String(row["chain_id"]));
  }

  /** The stored record: enough to remove an image whose config cannot be read any more. */
  record(id: string): ImageRecord | undefined {
    const row = this.#db.get("SELECT record FROM image_records WHERE id = ?", id);
    return row === undefined ? undefined : (JSON.parse(String(row["record"])) as ImageRecord);
  }

  put(record: ImageRecord, chainId: Digest | null): void {
    this.#db.run(
      "INSERT OR IGNORE INTO image_records (id, chain_id, record) VALUES (?, ?, ?)",
      record.id,
      chainId,
      JSON.stringify(record),
    );
    this.#cache.delete(record.id);
  }

  /** Returns the image that had the name before. */
  setName(canonical: string, id: string, now: string): Digest | undefined {
    const before = this.idOfName(canonical);
    this.#db.run("INSERT OR REPLACE INTO image_names (name, image_id) VALUES (?, ?)", canonical, id);
    const record = this.record(id);
    this.#db.run(
      "UPDATE image_records SET record = ? WHERE id = ?",
      JSON.stringify({ ...record, lastTagTime: now }),
      id,
    );
    this.#cache.delete(id);
    if (before !== undefined) this.#cache.delete(before);
    return before;
  }

  removeName(canonical: string): void {
    const id = this.idOfName(canonical);
    this.#db.run("DELETE FROM image_names WHERE name = ?", canonical);
    if (id !== undefined) this.#cache.delete(id);
  }

  remove(id: string): void {
    this.#db.run("DELETE FROM image_names WHERE image_id = ?", id);
    this.#db.run("DELETE FROM image_records WHERE id = ?", id);
    this.#cache.delete(id);
  }

  children(id: string): string[] {
    return this.#db
      .all("SELECT id FROM image_records WHERE json_extract(record, '$.parentId') = ?", id)
      .map((row) => String(row["id"]));
  }

  #read(record: ImageRecord): Image {
    const fixed = this.#fixed(record);
    const references = this.names(record.id).map(parseReference);
    return Object.freeze({
      ...fixed,
      lastTagTime: record.lastTagTime,
      repoTags: references.filter(({ tag }) => tag !== undefined).map((reference) => reference.familiar()),
      repoDigests: references.filter(({ digest }) => digest !== undefined).map((reference) => reference.familiar()),
    });
  }

  #fixed(record: ImageRecord): Fixed {
    const config = parseImageConfig(
      this.#content.get(record.id),
      `config of image ${digestHex(record.id).slice(0, 12)}`,
    );
    const chainIds = chainIdsOf(config.diffIds);
    const layers = chainIds.map((chainId) => {
      const layer = this.#layers.get(chainId);
      if (layer === undefined)
        throw internal("image.layer_missing", `layer ${chainId} of image ${record.id} is missing`);
      return layer;
    });
    const created = Date.parse(config.created);
    return {
      id: record.id,
      parentId: record.parentId,
      config,
      manifest: record.manifest,
      diffIds: config.diffIds,
      chainIds,
      chainId: chainIds.at(-1) ?? null,
      layers,
      size: layers.reduce((sum, layer) => sum + layer.contentSize, 0),
      created: Number.isNaN(created) || created < 0 ? 0 : Math.floor(created / 1000),
      platform: config.platform,
    };
  }
}
