/**
 * `<root>/snapshots`: numbered directories, named in base 36 so that an overlay option string of hundreds of layers stays
 * short, and a trash beside them. A number belongs to whoever's row names it; a directory without a row is rubbish.
 *
 * Removal is two steps: a rename into the trash (atomic; from then on the number does not exist) and the deletion by
 * handles, which a killed daemon may leave unfinished and the next sweep ends.
 */
import { randomBytes } from "node:crypto";
import { closeSync, constants, mkdirSync, openSync, readdirSync, renameSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { errnoCode } from "../../engine/base/errors.ts";
import type { Log } from "../../engine/base/log.ts";
import { sys } from "../../native/binding/index.ts";
import { removeTree } from "../layer/remove-tree.ts";

export class SnapshotDirectory {
  /** Absolute; the base that relative layer paths start from. */
  readonly base: string;
  readonly #trash: string;
  readonly #log: Log;
  #next = 1;
  readonly #removals = new Set<Promise<void>>();

  constructor(dataRoot: string, log: Log) {
    this.base = `${dataRoot}/snapshots`;
    this.#trash = `${dataRoot}/trash`;
    this.#log = log;
    // 0700: no user of the host may look into, or run setuid programs from, a container's files (CVE-2021-41103).
    mkdirSync(this.base, { recursive: true, mode: 0o700 });
    mkdirSync(this.#trash, { recursive: true, mode: 0o700 });
  }

  /** A new directory with these subdirectories (0755). */
  make(...names: readonly string[]): number {
    const number = this.#next++;
    const path = `${this.base}/${number.toString(36)}`;
    mkdirSync(path, { mode: 0o700 });
    for (const name of names) mkdirSync(`${path}/${name}`, { mode: 0o755 });
    return number;
  }

  relative = (number: number, name: string): string => `${number.toString(36)}/${name}`;
  absolute = (number: number, name: string): string => `${this.base}/${this.relative(number, name)}`;

  /** Resolves when the bytes are gone; the number is gone at once. Never throws: what stays is swept at the next start. */
  discard(number: number): Promise<void> {
    const name = `${number.toString(36)}-${randomBytes(6).toString("hex")}`;
    try {
      renameSync(`${this.base}/${number.toString(36)}`, `${this.#trash}/${name}`);
    } catch (error) {
      if (errnoCode(error) !== "ENOENT")
        this.#log.warn("a snapshot could not be moved to the trash", { number, error });
      return Promise.resolve();
    }
    return this.#empty(name);
  }

  #empty(name: string): Promise<void> {
    const removal = this.#delete(name).catch((error: unknown) => {
      this.#log.warn("a removed snapshot could not be deleted; it is tried again at the next start", { name, error });
    });
    this.#removals.add(removal);
    void removal.finally(() => this.#removals.delete(removal));
    return removal;
  }

  async #delete(name: string): Promise<void> {
    await setImmediate(); // whoever asked has its answer first
    const fd = openSync(this.#trash, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    try {
      await removeTree(fd, name);
    } finally {
      closeSync(fd);
    }
  }

  /** At start: everything without a row goes to the trash, and the trash is emptied in the background. */
  sweep(used: ReadonlySet<number>): void {
    for (const name of readdirSync(this.base)) {
      const number = /^[0-9a-z]{1,10}$/.test(name) ? Number.parseInt(name, 36) : Number.NaN;
      if (used.has(number) && number.toString(36) === name) continue;
      renameSync(`${this.base}/${name}`, `${this.#trash}/${name.slice(0, 100)}-${randomBytes(6).toString("hex")}`);
    }
    this.#next = Math.max(0, ...used) + 1;
    for (const name of readdirSync(this.#trash)) void this.#empty(name);
  }

  /** Writes everything unpacked so far to the disk. */
  async flush(): Promise<void> {
    const fd = openSync(this.base, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    try {
      await sys.syncfs(fd);
    } finally {
      closeSync(fd);
    }
  }

  /** Until all deletions have ended. */
  async settled(): Promise<void> {
    await Promise.all(this.#removals);
  }
}
