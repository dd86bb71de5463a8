/**
 * What outlives the daemon, as versioned JSON. Two columns, because they change at different times: `record` on create,
 * rename and update; `live` on every change of state. `phase` says what a crash left: "creating" is rolled back,
 * "removing" is completed, "ready" is a container.
 */
import type { Database } from "../base/database.ts";
import { conflict, internal } from "../base/errors.ts";
import type { SandboxRecord } from "../isolation/backend.ts";
import type { ContainerConfig, EndpointRequest, HostConfig } from "../spec/config.ts";
import type { Mount } from "../spec/run-spec.ts";
import type { ContainerState, MountPoint, Timestamp } from "../types.ts";

export const RECORD_VERSION = 1;

export interface ContainerRecord {
  readonly version: typeof RECORD_VERSION;
  readonly id: string;
  readonly name: string;
  readonly createdAt: Timestamp;
  readonly imageId: string;
  /** null for an image without layers. */
  readonly chainId: string | null;
  readonly config: ContainerConfig;
  readonly host: HostConfig;
  readonly endpoints: Readonly<Record<string, EndpointRequest>>;
  readonly path: string;
  readonly args: readonly string[];
  /** For inspect. */
  readonly mountPoints: readonly MountPoint[];
  /** For RunSpec. */
  readonly mounts: readonly Mount[];
  readonly anonymousVolumes: readonly string[];
  /** Bind sources that a start makes when they are missing. */
  readonly createdSources: readonly string[];
  readonly apparmorProfile: string;
  readonly idRange: { readonly start: number; readonly size: number } | null;
}

export interface LiveRecord {
  readonly state: ContainerState;
  readonly restartCount: number;
  readonly everStarted: boolean;
  readonly manuallyStopped: boolean;
  /** Last restart delay in ms; 0 = none since a manual start. */
  readonly previousDelayMs: number;
  /** The run that is up, being started, or (`isEnded`) recorded as ended but not yet taken down. */
  readonly sandbox: SandboxRecord | null;
  readonly isEnded: boolean;
  /** Phase "removing": its anonymous volumes go too. */
  readonly removesVolumes: boolean;
}

export type Phase = "creating" | "ready" | "removing";
export interface StoredContainer {
  readonly id: string;
  readonly phase: Phase;
  readonly record: ContainerRecord | null;
  readonly live: LiveRecord | null;
}

export interface VolumeRecord {
  readonly version: 1;
  readonly name: string;
  readonly createdAt: Timestamp;
  readonly labels: Readonly<Record<string, string>> | null;
  readonly anonymous: boolean;
}

// containers has row ids: without them a row of some 3 KB lies in overflow pages, and each change of state writes four
const MIGRATIONS: readonly string[] = [
  `CREATE TABLE containers (
     id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, image_id TEXT NOT NULL, phase TEXT NOT NULL,
     record TEXT NOT NULL DEFAULT '', live TEXT NOT NULL DEFAULT '') STRICT;
   CREATE TABLE volumes (name TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT, WITHOUT ROWID;
   CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;`,
];

const parse = <T>(text: unknown): T | null =>
  typeof text === "string" && text !== "" ? (JSON.parse(text) as T) : null;

/** Docker's text for a taken name. */
export const nameTaken = (name: string, holder: string) =>
  conflict(
    "container.name_in_use",
    `Conflict. The container name "/${name}" is already in use by container "${holder}". You have to remove (or rename) that container to be able to reuse that name.`,
    { details: { name, holder } },
  );

export class RecordStore {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
    db.migrate(MIGRATIONS, "engine");
  }

  meta(key: string, make: () => string): string {
    const row = this.#db.get("SELECT value FROM meta WHERE key = ?", key);
    if (row !== undefined) return String(row["value"]);
    const value = make();
    this.#db.run("INSERT INTO meta (key, value) VALUES (?, ?)", key, value);
    return value;
  }

  nameHolder(name: string): string | null {
    const row = this.#db.get("SELECT id FROM containers WHERE name = ?", name);
    return row === undefined ? null : String(row["id"]);
  }

  has(id: string): boolean {
    return this.#db.get("SELECT 1 FROM containers WHERE id = ?", id) !== undefined;
  }

  /** Takes id and name in one statement; throws `container.name_in_use` naming the holder. */
  reserve(id: string, name: string, imageId: string): void {
    const { changes } = this.#db.run(
      "INSERT INTO containers (id, name, image_id, phase) VALUES (?, ?, ?, 'creating') ON CONFLICT DO NOTHING",
      id,
      name,
      imageId,
    );
    if (changes === 0) throw nameTaken(name, this.nameHolder(name) ?? id);
  }

  complete(record: ContainerRecord, live: LiveRecord): void {
    this.#db.run(
      "UPDATE containers SET phase = 'ready', record = ?, live = ? WHERE id = ?",
      JSON.stringify(record),
      JSON.stringify(live),
      record.id,
    );
  }

  saveLive(id: string, live: LiveRecord): void {
    this.#db.run("UPDATE containers SET live = ? WHERE id = ?", JSON.stringify(live), id);
  }

  /** Also renames; throws `container.name_in_use`. */
  saveRecord(record: ContainerRecord): void {
    const { changes } = this.#db.run(
      "UPDATE OR IGNORE containers SET name = ?, record = ? WHERE id = ?",
      record.name,
      JSON.stringify(record),
      record.id,
    );
    if (changes === 0) throw nameTaken(record.name, this.nameHolder(record.name) ?? "");
  }

  markRemoving(id: string, live: LiveRecord): void {
    this.#db.run("UPDATE containers SET phase = 'removing', live = ? WHERE id = ?", JSON.stringify(live), id);
  }

  remove(id: string): void {
    this.#db.run("DELETE FROM containers WHERE id = ?", id);
  }

  all(): StoredContainer[] {
    return this.#db.all("SELECT id, phase, record, live FROM containers").map((row) => {
      const record = parse<ContainerRecord>(row["record"]);
      if (record !== null && record.version !== RECORD_VERSION) {
        throw internal(
          "engine.record_version",
          `container ${row["id"]} was written by another version of ctrd (record version ${record.version})`,
        );
      }
      return { id: String(row["id"]), phase: row["phase"] as Phase, record, live: parse<LiveRecord>(row["live"]) };
    });
  }

  volumes(): VolumeRecord[] {
    return this.#db.all("SELECT record FROM volumes").map((row) => JSON.parse(String(row["record"])) as VolumeRecord);
  }
  addVolume(volume: VolumeRecord): void {
    this.#db.run(
      "INSERT INTO volumes (name, record) VALUES (?, ?) ON CONFLICT DO NOTHING",
      volume.name,
      JSON.stringify(volume),
    );
  }
  removeVolume(name: string): void {
    this.#db.run("DELETE FROM volumes WHERE name = ?", name);
  }
}
