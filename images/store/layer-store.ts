/**
 * Unpacked layers by chain id: rows that name a number, and directories `<root>/snapshots/<number in base 36>`.
 *
 * A directory counts only when a row names it, and rows are written when everything of an image is in place. `boot` tells
 * the boot id under which the files were written and not yet flushed to the disk: after a power cut (another boot id) such
 * a layer is not trusted and goes, together with its images. A crash of the daemon alone loses nothing, so it stays.
 */
import type { Database, Row } from "../../engine/base/database.ts";
import type { Digest } from "../digest.ts";
import type { LayerInfo } from "../types.ts";

export interface StoredLayer extends LayerInfo {
  readonly parent: Digest | null;
  readonly number: number;
}

interface LayerRecord {
  readonly v: 1;
  readonly diffId: Digest;
  readonly blob: LayerInfo["blob"];
  readonly tarSize: number;
  readonly contentSize: number;
}

export class LayerStore {
  readonly #db: Database;
  readonly #cache = new Map<string, StoredLayer>();

  constructor(database: Database) {
    this.#db = database;
  }

  get(chainId: string): StoredLayer | undefined {
    const known = this.#cache.get(chainId);
    if (known !== undefined) return known;
    const row = this.#db.get("SELECT chain_id, parent, number, record FROM image_layers WHERE chain_id = ?", chainId);
    if (row === undefined) return undefined;
    const layer = fromRow(row);
    this.#cache.set(chainId, layer);
    return layer;
  }

  all(): StoredLayer[] {
    return this.#db.all("SELECT chain_id, parent, number, record FROM image_layers ORDER BY number").map(fromRow);
  }

  /** The layer and those below it, top first. Throws when one is missing (a broken database). */
  stack(chainId: string | null): StoredLayer[] {
    const stack: StoredLayer[] = [];
    for (let at = chainId; at !== null; ) {
      const layer = this.get(at);
      if (layer === undefined) throw new Error(`layer ${at} is not in the store`);
      stack.push(layer);
      at = layer.parent;
    }
    return stack;
  }

  add(layer: StoredLayer, boot: string): void {
    const { diffId, blob, tarSize, contentSize } = layer;
    const record: LayerRecord = { v: 1, diffId, blob, tarSize, contentSize };
    this.#db.run(
      "INSERT INTO image_layers (chain_id, parent, number, boot, record) VALUES (?, ?, ?, ?, ?)",
      layer.chainId,
      layer.parent,
      layer.number,
      boot,
      JSON.stringify(record),
    );
  }

  remove(chainId: string): void {
    this.#db.run("DELETE FROM image_layers WHERE chain_id = ?", chainId);
    this.#cache.delete(chainId);
  }

  /** Everything written before the last flush is on the disk now. */
  markFlushed(chainIds: readonly string[]): void {
    for (const chainId of chainIds) this.#db.run("UPDATE image_layers SET boot = NULL WHERE chain_id = ?", chainId);
  }

  /** Layers that a power cut may have torn: written under another boot and never flushed. */
  torn(boot: string): string[] {
    return this.#db
      .all("SELECT chain_id FROM image_layers WHERE boot IS NOT NULL AND boot <> ?", boot)
      .map((row) => String(row["chain_id"]));
  }
  unflushed(): string[] {
    return this.#db
      .all("SELECT chain_id FROM image_layers WHERE boot IS NOT NULL")
      .map((row) => String(row["chain_id"]));
  }
}

function fromRow(row: Row): StoredLayer {
  const record = JSON.parse(String(row["record"])) as LayerRecord;
  const { diffId, blob, tarSize, contentSize } = record;
  return {
    chainId: String(row["chain_id"]) as Digest,
    parent: row["parent"] === null ? null : (String(row["parent"]) as Digest),
    number: Number(row["number"]),
    diffId,
    blob,
    tarSize,
    contentSize,
  };
}
