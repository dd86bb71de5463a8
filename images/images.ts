/** Images of one data root: load, names, look-up, removal. Reads are synchronous and cheap; writes settle when durable. */
import type { Readable } from "node:stream";
import type { Database } from "../engine/base/database.ts";
import { unsupported } from "../engine/base/errors.ts";
import type { Platform } from "./platform.ts";
import type { Snapshots } from "./snapshot/snapshots.ts";
import type {
  HistoryRow,
  Image,
  ImageEvent,
  ImageSummary,
  Logger,
  LoadOptions,
  LoadResult,
  PruneOptions,
  PruneResult,
  RemovedRecord,
  RemoveOptions,
} from "./types.ts";

export interface ImagesOptions {
  /** The data root, absolute; `blobs/`, `snapshots/` and `tmp/` are made below it. */
  readonly root: string;
  /** Shared with the engine; the tables of this layer begin with `image_`, `layer` and `snapshot`. */
  readonly database: Database;
  readonly platform?: Platform;
  readonly log: Logger;
  /** Must not throw. */
  readonly onEvent?: (event: ImageEvent) => void;
}

const later = (what: string): never => {
  throw unsupported("image.unfinished", `${what} is not implemented yet`);
};

export class Images {
  readonly snapshots: Snapshots;
  private constructor(snapshots: Snapshots) {
    this.snapshots = snapshots;
  }
  /** Opens the stores and sweeps what a killed daemon left (half-unpacked layers, temporary files). */
  static async open(_options: ImagesOptions): Promise<Images> {
    return later("images");
  }
  /** Loads a docker-archive or an OCI layout tar, plain or compressed. Nothing of a failed load counts as present. */
  async load(_stream: Readable, _options: LoadOptions = {}): Promise<LoadResult> {
    return later("load");
  }
  list(): ImageSummary[] {
    return later("list");
  }
  /** Full id, unique id prefix, name[:tag], name@digest. Throws not_found `No such image: x:latest`. */
  resolve(_ref: string): Image {
    return later("resolve");
  }
  /** The same as resolve; the raw config bytes are `rawConfig(image.id)`. */
  inspect(ref: string): Image {
    return this.resolve(ref);
  }
  rawConfig(_id: string): Buffer {
    return later("rawConfig");
  }
  history(_ref: string): HistoryRow[] {
    return later("history");
  }
  /** target: "repo[:tag]". Moves an existing name silently. */
  tag(_source: string, _target: string): void {
    later("tag");
  }
  /** Docker's rules and texts (docker-api.md §8.3). */
  async remove(_ref: string, _options: RemoveOptions): Promise<RemovedRecord[]> {
    return later("remove");
  }
  async prune(_options: PruneOptions): Promise<PruneResult> {
    return later("prune");
  }
  /** Waits for background work (flushing layers) and stops the workers. */
  async close(): Promise<void> {}
}
