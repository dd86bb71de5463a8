/**
 * Overlay snapshots: the writable layers of containers over an image's unpacked layers and its init layer.
 *
 * Nothing is mounted here for containers: `RootSnapshot` is data, and the shim mounts it in the container's own mount
 * namespace. A row in `snapshots` is the commit point; a directory without a row is swept at the next start.
 */
import { closeSync, constants, fchmodSync, fchownSync, fstatSync, openSync } from "node:fs";
import type { Database } from "../../engine/base/database.ts";
import { conflict, errnoCode, internal, notFound } from "../../engine/base/errors.ts";
import type { Digest } from "../digest.ts";
import { removeTreeSync } from "../layer/remove-tree.ts";
import type { LayerStore } from "../store/layer-store.ts";
import type { OpenRoot, RootSnapshot } from "../types.ts";
import type { SnapshotDirectory } from "./directory.ts";
import { fillInitLayer } from "./init-layer.ts";
import { openDetached, type OverlaySource } from "./overlay.ts";
import { treeSize } from "./usage.ts";

export type RootChoice = { readonly key: string; readonly write?: boolean } | { readonly chainId: Digest | null };

interface Row {
  readonly number: number;
  readonly chainId: Digest | null;
}

const NO_CHAIN = "";
const KNOWN_MAX = 256;

export class Snapshots {
  readonly #db: Database;
  readonly #layers: LayerStore;
  readonly #directory: SnapshotDirectory;
  /** Called after a snapshot went: layers of a removed image may have no user left. */
  readonly #onReleased: () => void;
  /** Data that never changes while its row exists; each start asks for it more than once. */
  readonly #known = new Map<string, RootSnapshot>();

  constructor(database: Database, layers: LayerStore, directory: SnapshotDirectory, onReleased: () => void) {
    this.#db = database;
    this.#layers = layers;
    this.#directory = directory;
    this.#onReleased = onReleased;
  }

  /**
   * A writable layer for `key` (a container id) over the image's layers and its init layer; chainId null is an image
   * without layers. Throws conflict when the key exists, not_found when the chain does not.
   */
  async prepare(key: string, chainId: Digest | null): Promise<RootSnapshot> {
    if (this.#row(key) !== undefined) throw conflict("snapshot.exists", `a snapshot named ${key} exists already`);
    if (chainId !== null && this.#layers.get(chainId) === undefined) {
      throw notFound("snapshot.no_layer", `layer ${chainId} does not exist`);
    }
    const init = this.#ensureInit(chainId);
    const number = this.#directory.make("fs", "work");
    try {
      copyRootAttributes(this.#directory.absolute(init, "fs"), this.#directory.absolute(number, "fs"));
      this.#db.run("INSERT INTO snapshots (key, number, chain_id) VALUES (?, ?, ?)", key, number, chainId ?? NO_CHAIN);
    } catch (error) {
      void this.#directory.discard(number);
      throw diskFull(error, "making the writable layer");
    }
    return this.get(key);
  }

  /** Throws not_found. */
  get(key: string): RootSnapshot {
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const row = this.#need(key);
    const snapshot = Object.freeze({
      key,
      base: this.#directory.base,
      lowers: this.#lowers(row.chainId),
      upper: this.#directory.relative(row.number, "fs"),
      work: this.#directory.relative(row.number, "work"),
    });
    if (this.#known.size >= KNOWN_MAX) this.#known.clear();
    this.#known.set(key, snapshot);
    return snapshot;
  }

  has(key: string): boolean {
    return this.#row(key) !== undefined;
  }

  keys(): string[] {
    return this.#db.all("SELECT key FROM snapshots ORDER BY key").map((row) => String(row["key"]));
  }

  /**
   * Idempotent. Resolves when the bytes are gone, or with `wait: false` when they are on their way; what a killed daemon
   * leaves is swept at the next start.
   */
  async remove(key: string, { wait = true }: { readonly wait?: boolean } = {}): Promise<void> {
    const row = this.#row(key);
    if (row === undefined) return;
    this.#db.run("DELETE FROM snapshots WHERE key = ?", key);
    this.#known.delete(key);
    const gone = this.#directory.discard(row.number);
    this.#onReleased();
    if (wait) await gone;
  }

  /** Bytes of the writable layer: the sizes of its files, hard links once (Docker's SizeRw). */
  async usage(key: string): Promise<number> {
    const fd = openSync(
      this.#directory.absolute(this.#need(key).number, "fs"),
      constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW,
    );
    try {
      return await treeSize(fd);
    } finally {
      closeSync(fd);
    }
  }

  /**
   * The merged root by handle: of a container that does not run (write: its writable layer is written through), or of an
   * image. A detached mount; nothing is attached to the host's tree. Close it before the container starts.
   */
  openRoot(what: RootChoice): OpenRoot {
    const fd = openDetached(
      "key" in what ? this.#sourceOf(what.key, what.write === true) : this.#imageSource(what.chainId),
    );
    let open = true;
    const close = (): void => {
      if (open) closeSync(fd);
      open = false;
    };
    return { fd, close, [Symbol.asyncDispose]: async () => close() };
  }

  #sourceOf(key: string, write: boolean): OverlaySource {
    const { base, lowers, upper, work } = this.get(key);
    // Read-only, the writable layer is just the topmost of the lower ones: no second user of its work directory.
    return write ? { base, lowers, upper, work } : { base, lowers: [upper, ...lowers] };
  }

  #imageSource(chainId: Digest | null): OverlaySource {
    return { base: this.#directory.base, lowers: this.#lowers(chainId) };
  }

  /** The init layer, then the image's layers, top first. Makes the init layer when there is none yet. */
  #lowers(chainId: Digest | null): string[] {
    const numbers = [this.#ensureInit(chainId), ...this.#layers.stack(chainId).map(({ number }) => number)];
    return numbers.map((number) => this.#directory.relative(number, "fs"));
  }

  #ensureInit(chainId: Digest | null): number {
    const row = this.#db.get("SELECT number FROM snapshot_inits WHERE chain_id = ?", chainId ?? NO_CHAIN);
    if (row !== undefined) return Number(row["number"]);
    const number = this.#directory.make("fs", "work");
    try {
      this.#fillInit(number, chainId);
      this.#db.run("INSERT INTO snapshot_inits (chain_id, number) VALUES (?, ?)", chainId ?? NO_CHAIN, number);
    } catch (error) {
      void this.#directory.discard(number);
      throw diskFull(error, "making the init layer");
    }
    return number;
  }

  #fillInit(number: number, chainId: Digest | null): void {
    const { absolute, relative, base } = this.#directory;
    const lowers = this.#layers.stack(chainId).map((layer) => relative(layer.number, "fs"));
    const [top] = lowers;
    if (top !== undefined) copyRootAttributes(`${base}/${top}`, absolute(number, "fs"));
    const rootFd =
      top === undefined
        ? openSync(absolute(number, "fs"), constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
        : openDetached({ base, lowers, upper: relative(number, "fs"), work: relative(number, "work") });
    try {
      fillInitLayer(rootFd);
    } finally {
      closeSync(rootFd);
    }
    const own = openSync(
      `${base}/${number.toString(36)}`,
      constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW,
    );
    try {
      removeTreeSync(own, "work");
    } finally {
      closeSync(own);
    }
  }

  #row(key: string): Row | undefined {
    const row = this.#db.get("SELECT number, chain_id FROM snapshots WHERE key = ?", key);
    if (row === undefined) return undefined;
    const chainId = String(row["chain_id"]);
    return { number: Number(row["number"]), chainId: chainId === NO_CHAIN ? null : (chainId as Digest) };
  }

  #need(key: string): Row {
    const row = this.#row(key);
    if (row === undefined) throw notFound("snapshot.not_found", `no snapshot named ${key}`);
    return row;
  }
}

/** Overlay shows the topmost root directory's attributes, so every layer's root must repeat those of the one below. */
export function copyRootAttributes(from: string, to: string): void {
  const flags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
  const source = openSync(from, flags);
  try {
    const stat = fstatSync(source);
    const target = openSync(to, flags);
    try {
      fchownSync(target, stat.uid, stat.gid);
      fchmodSync(target, stat.mode & 0o7777);
    } finally {
      closeSync(target);
    }
  } finally {
    closeSync(source);
  }
}

const diskFull = (error: unknown, doing: string): unknown =>
  errnoCode(error) === "ENOSPC" || errnoCode(error) === "EDQUOT"
    ? internal("snapshot.disk_full", `no space left on device while ${doing}`, { cause: error })
    : error;
