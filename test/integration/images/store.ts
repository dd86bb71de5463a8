/** A data root of its own for one test, with helpers to load archives and look at what was made. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { Database } from "../../../engine/base/database.ts";
import { silentLog } from "../../../engine/base/log.ts";
import { type ImageEvent, Images, type LoadOptions, type LoadResult } from "../../../images/index.ts";
import { sys } from "../../../native/binding/index.ts";
import {
  buildImage,
  buildLayer,
  dockerArchive,
  type TestCompression,
  type TestEntry,
} from "../../support/image-archive.ts";

export class TestStore implements AsyncDisposable {
  readonly root: string;
  readonly events: ImageEvent[] = [];
  images!: Images;
  database!: Database;

  private constructor(root: string) {
    this.root = root;
  }
  static async make(root = mkdtempSync(join(tmpdir(), "tare-images-"))): Promise<TestStore> {
    const store = new TestStore(root);
    await store.open();
    return store;
  }
  async open(): Promise<void> {
    this.database = Database.open(join(this.root, "db"));
    this.images = await Images.open({
      root: this.root,
      database: this.database,
      log: silentLog,
      onEvent: (event) => this.events.push(event),
    });
  }
  async close(): Promise<void> {
    await this.images.close();
    this.database.close();
  }
  load(archive: Buffer, options: LoadOptions = {}): Promise<LoadResult> {
    const chunks = Array.from({ length: Math.ceil(archive.length / 65536) }, (_, index) =>
      archive.subarray(index * 65536, (index + 1) * 65536),
    );
    return this.images.load(Readable.from(chunks), options);
  }
  /** One image of these layers; the merged root by handle. */
  async unpack(layers: readonly (readonly TestEntry[])[], compression: TestCompression = "none"): Promise<Tree> {
    const image = buildImage({
      layers: layers.map((entries) => buildLayer(entries, compression)),
      tags: ["test:latest"],
    });
    await this.load(dockerArchive([image]));
    const { chainId } = this.images.resolve("test");
    return new Tree(this.images.snapshots.openRoot({ chainId }));
  }
  /** Names below the data root that would be left over: everything there should be an image's or a snapshot's. */
  contents(): {
    readonly snapshots: string[];
    readonly trash: string[];
    readonly tmp: string[];
    readonly blobs: string[];
  } {
    const list = (name: string): string[] =>
      existsSync(join(this.root, name)) ? readdirSync(join(this.root, name)) : [];
    return { snapshots: list("snapshots"), trash: list("trash"), tmp: list("tmp"), blobs: list("blobs/sha256") };
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close().catch(() => {});
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** A merged root, looked at by paths under its descriptor. */
export class Tree implements Disposable {
  readonly #root: { readonly fd: number; close(): void };
  constructor(root: { readonly fd: number; close(): void }) {
    this.#root = root;
  }
  path(name: string): string {
    return `/proc/self/fd/${this.#root.fd}/${name}`;
  }
  xattr(name: string, key: string): Buffer | null {
    try {
      return sys.lgetxattr(this.path(name), key);
    } catch {
      return null;
    }
  }
  [Symbol.dispose](): void {
    this.#root.close();
  }
}

/** Entries in which nothing of a failed load may stand. */
export const EMPTY = { snapshots: [], trash: [], tmp: [], blobs: [] };
export const idle = { usedBy: () => ({ running: [], stopped: [] }) };
