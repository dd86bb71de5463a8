/**
 * SQLite for one data root: WAL, so that a commit is one append; one process, one connection, the file locked for it.
 *
 * Durability: with synchronous=NORMAL (33 µs per commit) a crash of the process loses nothing and a power cut may lose
 * the last commits but never corrupts. `transaction(body, { durable: true })` (0.4 ms) also survives the power cut.
 *
 * A full disk must not keep anyone from stopping and removing what filled it. So a little room is claimed at open, in the
 * file (free pages) and in the log (which is overwritten from its start after a checkpoint), and a write that finds the
 * disk full checkpoints and tries once more.
 */
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { internal } from "./errors.ts";

export type Row = Readonly<Record<string, null | number | bigint | string | Uint8Array>>;
export type { SQLInputValue };

export interface DatabaseOptions {
  /** How long a statement waits for another process's lock (a second daemon is refused elsewhere). Milliseconds. */
  readonly busyTimeoutMs?: number;
}

export class Database implements Disposable {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  #depth = 0;

  private constructor(db: DatabaseSync) {
    this.#db = db;
  }

  /** path ":memory:" for tests. The file is made with the process's umask; its directory must be private (0700). */
  static open(path: string, options: DatabaseOptions = {}): Database {
    const db = new DatabaseSync(path, { timeout: options.busyTimeoutMs ?? 5000, enableForeignKeyConstraints: true });
    // Exclusive before WAL: the log's index is then in our memory and not a shared file that a full disk could not hold.
    db.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL");
    db.exec("PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 1000");
    claimRoom(db);
    return new Database(db);
  }

  /**
   * Brings the schema to `steps.length`. Step i takes version i to i+1 and runs in its own durable transaction.
   * `area` keeps a version of its own, so that layers that share the file migrate apart; without it, SQLite's own
   * user_version is used. Throws internal when the file was written by a newer program.
   */
  migrate(steps: readonly string[], area?: string): void {
    const from = this.#version(area);
    if (from > steps.length) {
      throw internal(
        "database.newer",
        `the database${area === undefined ? "" : ` (${area})`} has version ${from}, this program knows ${steps.length}`,
      );
    }
    for (let version = from; version < steps.length; version++) {
      this.transaction(
        () => {
          this.#db.exec(steps[version] ?? "");
          this.#setVersion(area, version + 1);
        },
        { durable: true },
      );
    }
  }

  #version(area: string | undefined): number {
    if (area === undefined) return Number(this.#db.prepare("PRAGMA user_version").get()?.["user_version"] ?? 0);
    this.#db.exec("CREATE TABLE IF NOT EXISTS schema_version (area TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT");
    return Number(this.get("SELECT version FROM schema_version WHERE area = ?", area)?.["version"] ?? 0);
  }

  #setVersion(area: string | undefined, version: number): void {
    if (area === undefined) this.#db.exec(`PRAGMA user_version = ${version}`);
    else this.run("INSERT OR REPLACE INTO schema_version (area, version) VALUES (?, ?)", area, version);
  }

  /** All rows. Statements are compiled once per text: pass values as parameters, never inside the text. */
  all(sql: string, ...values: SQLInputValue[]): Row[] {
    return typed(() => this.#prepare(sql).all(...values) as Row[]);
  }
  get(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return typed(() => this.#prepare(sql).get(...values) as Row | undefined);
  }
  run(sql: string, ...values: SQLInputValue[]): { readonly changes: number; readonly lastId: number } {
    const result = this.#withRoom(() => this.#prepare(sql).run(...values));
    return { changes: Number(result.changes), lastId: Number(result.lastInsertRowid) };
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#db.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  /** All or nothing; `body` is synchronous. Nested calls join the outer transaction and its durability. */
  transaction<T>(body: () => T, options: { readonly durable?: boolean } = {}): T {
    if (this.#depth > 0) return body();
    return this.#withRoom(() => this.#transact(body, options));
  }

  #transact<T>(body: () => T, options: { readonly durable?: boolean }): T {
    const durable = options.durable === true;
    if (durable) this.#db.exec("PRAGMA synchronous = FULL");
    this.#depth++;
    try {
      this.#db.exec("BEGIN IMMEDIATE");
      const result = body();
      this.#db.exec("COMMIT");
      return result;
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      throw error;
    } finally {
      this.#depth--;
      if (durable) this.#db.exec("PRAGMA synchronous = NORMAL");
    }
  }

  /** Inside a transaction the error goes up to its start, where the whole is tried again. */
  #withRoom<T>(act: () => T): T {
    if (this.#depth > 0) return act();
    try {
      return act();
    } catch (error) {
      if (!isFull(error)) throw error;
    }
    return typed(() => {
      this.#db.exec("PRAGMA wal_checkpoint(RESTART)");
      return act();
    });
  }

  close(): void {
    if (!this.#db.isOpen) return;
    this.#statements.clear();
    this.#db.close();
  }
  [Symbol.dispose](): void {
    this.close();
  }
}

const ROOM_BYTES = 128 * 1024;
/** Written and deleted again: what remains is space that is ours. On a disk that is full already there is none to claim. */
function claimRoom(db: DatabaseSync): void {
  try {
    db.exec("CREATE TABLE IF NOT EXISTS room (bytes BLOB) STRICT");
    db.exec(`INSERT INTO room VALUES (zeroblob(${ROOM_BYTES})); DELETE FROM room; PRAGMA wal_checkpoint(RESTART)`);
  } catch (error) {
    if (db.isTransaction) db.exec("ROLLBACK");
    if (!isFull(error)) throw error;
  }
}

const SQLITE_FULL = 13;
const isFull = (error: unknown): boolean =>
  error instanceof Error && "errcode" in error && error.errcode === SQLITE_FULL;

/** A full disk is told apart; everything else is a bug or a broken disk and keeps SQLite's own words. */
function typed<T>(act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (isFull(error)) {
      throw internal("database.disk_full", "no space left on device while writing the database", { cause: error });
    }
    throw error;
  }
}
