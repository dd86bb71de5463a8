/** Local volumes: plain directories <data-root>/volumes/<name>/_data. The volume API is a later issue. */
import { join } from "node:path";
import { containerId } from "../base/ids.ts";
import { invalid, notFound } from "../base/errors.ts";
import { makeDirectories, removeTree, rename } from "../base/fs.ts";
import { type Clock, formatTimestamp } from "../base/time.ts";
import type { Layout } from "../store/layout.ts";
import type { RecordStore, VolumeRecord } from "../store/records.ts";
import type { VolumeService, VolumeSnapshot } from "../types.ts";

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

export interface VolumeWanted {
  /** "" = anonymous: a name is drawn. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

export class VolumeStore implements VolumeService {
  readonly #layout: Layout;
  readonly #records: RecordStore;
  readonly #clock: Clock;
  readonly #volumes = new Map<string, VolumeRecord>();

  constructor(layout: Layout, records: RecordStore, clock: Clock) {
    this.#layout = layout;
    this.#records = records;
    this.#clock = clock;
    for (const volume of records.volumes()) this.#volumes.set(volume.name, volume);
  }

  list(): readonly VolumeSnapshot[] {
    return [...this.#volumes.values()].map((volume) => this.#picture(volume));
  }

  find(name: string): VolumeSnapshot {
    const volume = this.#volumes.get(name);
    if (volume === undefined)
      throw notFound("volume.not_found", `get ${name}: no such volume`, { details: { volume: name } });
    return this.#picture(volume);
  }

  /** Idempotent for named ones. `created` false: it was there. Record first, then the directory. */
  ensure(wanted: VolumeWanted): { readonly volume: VolumeSnapshot; readonly created: boolean } {
    const anonymous = wanted.name === "";
    const name = anonymous ? containerId() : wanted.name;
    const known = this.#volumes.get(name);
    if (known !== undefined) return { volume: this.#picture(known), created: false };
    if (!NAME.test(name)) {
      throw invalid(
        "volume.bad_name",
        `create ${name}: "${name}" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`,
        { details: { volume: name } },
      );
    }
    const labels = anonymous ? { "com.docker.volume.anonymous": "", ...wanted.labels } : wanted.labels;
    const volume: VolumeRecord = {
      version: 1,
      name,
      createdAt: formatTimestamp(this.#clock.now()),
      labels: Object.keys(labels).length === 0 ? null : labels,
      anonymous,
    };
    this.#records.addVolume(volume);
    makeDirectories(this.#data(name), 0o755);
    this.#volumes.set(name, volume);
    return { volume: this.#picture(volume), created: true };
  }

  /** Idempotent. Moved aside first, so that a crash leaves a name that is swept, never half a volume. */
  remove(name: string): void {
    const volume = this.#volumes.get(name);
    if (volume === undefined) return;
    const dir = join(this.#layout.volumes, name);
    const grave = join(this.#layout.volumes, `.removed-${name}`);
    this.#volumes.delete(name);
    this.#records.removeVolume(name);
    try {
      rename(dir, grave);
    } catch {
      return;
    }
    // Node unlinks entries relative to directories it opened without following links; the tree is not mounted anywhere.
    removeTree(grave);
  }

  #data(name: string): string {
    return join(this.#layout.volumes, name, "_data");
  }
  #picture({ name, createdAt, labels, anonymous }: VolumeRecord): VolumeSnapshot {
    return { name, createdAt, labels, anonymous, mountpoint: this.#data(name) };
  }
}
