/**
 * Handles of the directories of one layer while it is unpacked.
 *
 * Every parent is opened with openat2(RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS): the kernel follows the links that the
 * archive made, and none of them leads out of the layer. Handles are cached because entries of a directory come together.
 *
 * An overlay layer holds only what the archive names, so a parent that the archive does not name may live in a layer
 * below. It then has to be repeated here, with its attributes, or the lower one would be hidden by a fresh 0755 (and a
 * lower symlink by a directory). `Below` says what is known: nothing is below ("none"), a handle on the merged tree below,
 * or "pending": those layers are still being unpacked. Then a plain directory is assumed and remembered, and
 * `adoptBelow` looks when they are there; what cannot be mended afterwards stops with NeedsParents and is run again.
 */
import { closeSync, constants, fstatSync, readlinkSync } from "node:fs";
import { errnoCode } from "../../engine/base/errors.ts";
import { sys } from "../../native/binding/index.ts";
import { applyToDirectory, type Attributes, readXattrs, timespecs } from "./attributes.ts";
import { cleanKey, joinKey, keyBytes, type PathKey, shownKey, zeroEnded } from "./names.ts";
import { badTar } from "./tar-header.ts";

export type Below = "none" | "pending" | { readonly fd: number };

/** The layer depends on layers that are not there yet. */
export class NeedsParents extends Error {}

export interface DirectoryRecord extends Attributes {
  /** Made because a child needed it, not because the archive named it. */
  readonly implicit: boolean;
}

const OPEN_PATH = sys.OPEN.path | constants.O_DIRECTORY;
const RESOLVE = sys.RESOLVE.inRoot | sys.RESOLVE.noMagiclinks;
const CACHE_MAX = 192;
const LINKS_MAX = 40;
const ASSUMED_MAX = 1000;
const IMPLICIT: DirectoryRecord = {
  mode: 0o755,
  uid: 0,
  gid: 0,
  mtimeSeconds: 0,
  mtimeNanoseconds: 0,
  xattrs: null,
  implicit: true,
};

type Kind = "missing" | "directory" | "symlink" | "whiteout" | "other";

export class Directories {
  readonly rootFd: number;
  readonly below: Below;
  readonly #rootPath: string;
  readonly #open = new Map<PathKey, number>();
  /** Attributes are applied at the very end: a child's creation would change the times, setgid and ACLs would be inherited. */
  readonly records = new Map<PathKey, DirectoryRecord>();
  /** Directories made without knowing what is below, parents first. */
  readonly assumed: PathKey[] = [];
  #lastKey: PathKey | undefined;
  #lastFd = -1;

  constructor(rootFd: number, below: Below) {
    this.rootFd = rootFd;
    this.below = below;
    this.#rootPath = readlinkSync(`/proc/self/fd/${rootFd}`);
  }

  /** An O_PATH handle of the directory, made (with its parents) when missing. Valid until the next call. */
  open(key: PathKey): number {
    if (key === this.#lastKey) return this.#lastFd;
    let fd = this.#open.get(key);
    if (fd === undefined) {
      const found = this.#tryOpen(key);
      fd = typeof found === "number" ? found : this.#ensure(key, 0);
      this.#remember(key, fd);
    }
    this.#lastKey = key;
    this.#lastFd = fd;
    return fd;
  }

  /** As open, but null when it does not exist in this layer. */
  find(key: PathKey): number | null {
    const cached = this.#open.get(key);
    if (cached !== undefined) return cached;
    const found = this.#tryOpen(key);
    if (typeof found !== "number") return null;
    this.#remember(key, found);
    return found;
  }

  record(key: PathKey, record: DirectoryRecord): void {
    this.records.delete(key);
    this.records.set(key, record);
  }

  /** After something was removed: handles and records of it and of everything below it are void. */
  forget(key: PathKey): void {
    this.#closeAll();
    for (const known of this.records.keys())
      if (known === key || known.startsWith(`${key}/`)) this.records.delete(known);
  }

  /** What `name` is in this layer, itself, not what it points to. */
  kindOf(dirfd: number, nameZ: Buffer): Kind {
    const fd = sys.openatZ(dirfd, nameZ, sys.OPEN.path | constants.O_NOFOLLOW | sys.OPEN.cloexec, 0);
    if (fd < 0) return "missing";
    try {
      const stat = fstatSync(fd);
      if (stat.isDirectory()) return "directory";
      if (stat.isSymbolicLink()) return "symlink";
      return stat.isCharacterDevice() && stat.rdev === 0 ? "whiteout" : "other";
    } finally {
      closeSync(fd);
    }
  }

  markOpaque(key: PathKey): void {
    if (this.below !== "none")
      sys.setxattr(`/proc/self/fd/${this.open(key)}`, "trusted.overlay.opaque", Buffer.from("y"));
  }

  close(): void {
    this.#closeAll();
  }

  #closeAll(): void {
    for (const fd of this.#open.values()) closeSync(fd);
    this.#open.clear();
    this.#lastKey = undefined;
  }

  #remember(key: PathKey, fd: number): void {
    if (this.#open.size >= CACHE_MAX) {
      for (const [oldest, oldFd] of this.#open) {
        if (oldest === this.#lastKey) continue;
        this.#open.delete(oldest);
        closeSync(oldFd);
        break;
      }
    }
    this.#open.set(key, fd);
  }

  #tryOpen(key: PathKey): number | string {
    try {
      return sys.openat2(this.rootFd, keyBytes(key), { flags: OPEN_PATH, resolve: RESOLVE });
    } catch (error) {
      const code = errnoCode(error);
      if (code === "ENOENT" || code === "ENOTDIR") return code;
      throw error;
    }
  }

  /** mkdir -p, one component at a time, from the root down. Returns a handle of the last. */
  #ensure(key: PathKey, links: number): number {
    if (links > LINKS_MAX) throw badTar(`too many symbolic links on the way to ${JSON.stringify(shownKey(key))}`);
    let parent: PathKey = "";
    for (const name of key === "" ? [] : key.split("/")) {
      const path = joinKey(parent, name);
      const found = this.#tryOpen(path);
      if (typeof found === "number") closeSync(found);
      else this.#make(parent, name, links);
      parent = path;
    }
    const fd = this.#tryOpen(key);
    if (typeof fd !== "number")
      throw badTar(`the parent directory ${JSON.stringify(shownKey(key))} cannot be made (${fd})`);
    return fd;
  }

  #make(parent: PathKey, name: string, links: number): void {
    const path = joinKey(parent, name);
    const parentFd = this.#tryOpen(parent);
    if (typeof parentFd !== "number")
      throw badTar(`the parent directory ${JSON.stringify(shownKey(parent))} is not a directory`);
    try {
      const nameZ = zeroEnded(keyBytes(name));
      const kind = this.kindOf(parentFd, nameZ);
      if (kind === "missing") this.#makeMissing(parentFd, path, nameZ, links);
      else if (kind === "symlink") this.#ensureTarget(parentFd, nameZ, links);
      else if (kind === "whiteout") {
        // Deleted from the layers below and now made anew: nothing of the lower directory may shine through.
        sys.unlinkat(parentFd, nameZ.subarray(0, -1));
        this.#mkdir(parentFd, path, nameZ, IMPLICIT);
        this.markOpaque(path);
      } else throw badTar(`${JSON.stringify(shownKey(path))} is used as a directory but is none`);
    } finally {
      closeSync(parentFd);
    }
  }

  #makeMissing(parentFd: number, path: PathKey, nameZ: Buffer, links: number): void {
    if (this.below === "pending") this.#assume(joinKey(this.#physical(parentFd), keyName(nameZ)));
    const lower =
      typeof this.below === "string"
        ? null
        : statBelow(this.below.fd, joinKey(this.#physical(parentFd), keyName(nameZ)));
    if (lower?.target !== undefined) {
      sys.symlinkatZ(zeroEnded(lower.target), parentFd, nameZ);
      sys.fchownat(parentFd, nameZ.subarray(0, -1), lower.uid, lower.gid);
      sys.utimensatZ(parentFd, nameZ, timespecs(lower.mtimeSeconds, lower.mtimeNanoseconds));
      this.#ensureTarget(parentFd, nameZ, links);
    } else this.#mkdir(parentFd, path, nameZ, lower ?? IMPLICIT);
  }

  #assume(path: PathKey): void {
    if (this.assumed.length >= ASSUMED_MAX) throw new NeedsParents(path);
    this.assumed.push(path);
  }

  #mkdir(parentFd: number, path: PathKey, nameZ: Buffer, record: DirectoryRecord): void {
    const made = sys.mkdiratZ(parentFd, nameZ, 0o700);
    if (made < 0) throw sys.systemCallError(-made, "mkdirat", shownKey(path));
    this.record(path, record);
  }

  #ensureTarget(parentFd: number, nameZ: Buffer, links: number): void {
    const target = sys.readlinkat(parentFd, nameZ.subarray(0, -1)).toString("latin1");
    const from = target.startsWith("/") ? "" : this.#physical(parentFd);
    closeSync(this.#ensure(resolveDots(from, target), links + 1));
  }

  /** The real path of an open directory, relative to the layer. */
  #physical(fd: number): PathKey {
    const path = readlinkSync(`/proc/self/fd/${fd}`, { encoding: "buffer" }).toString("latin1");
    return path.slice(Buffer.byteLength(this.#rootPath) + 1);
  }
}

const keyName = (nameZ: Buffer): string => nameZ.toString("latin1", 0, nameZ.length - 1);

/** A link's target as a path below the root; ".." stops at the root, as the kernel's does. */
function resolveDots(from: PathKey, target: string): PathKey {
  const parts = from === "" ? [] : from.split("/");
  for (const part of target.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return cleanKey(parts.join("/"));
}

/**
 * Gives assumed directories the attributes of those below, now that these are there. False: one of them is a symlink
 * below, so the layer has to be unpacked again, knowing it.
 */
export function adoptBelow(rootFd: number, belowFd: number, assumed: readonly PathKey[]): boolean {
  for (const path of assumed) {
    const lower = statBelow(belowFd, path);
    if (lower === null) continue;
    if (lower.target !== undefined) return false;
    let fd: number;
    try {
      fd = sys.openat2(rootFd, keyBytes(path), {
        flags: constants.O_RDONLY | constants.O_DIRECTORY,
        resolve: RESOLVE | sys.RESOLVE.noSymlinks,
      });
    } catch (error) {
      // A later entry of the layer put something else there.
      if (["ENOENT", "ENOTDIR", "ELOOP"].includes(errnoCode(error) ?? "")) continue;
      throw error;
    }
    try {
      applyToDirectory(fd, lower, true);
    } finally {
      closeSync(fd);
    }
  }
  return true;
}

type LowerStat = DirectoryRecord & { readonly target?: Buffer };

/** A directory or symlink in the merged tree below; null for anything else. */
function statBelow(belowFd: number, path: PathKey): LowerStat | null {
  let fd: number;
  try {
    fd = sys.openat2(belowFd, keyBytes(path), { flags: sys.OPEN.path | constants.O_NOFOLLOW, resolve: RESOLVE });
  } catch (error) {
    if (errnoCode(error) === "ENOENT" || errnoCode(error) === "ENOTDIR") return null;
    throw error;
  }
  try {
    const stat = fstatSync(fd, { bigint: true });
    const record = {
      mode: Number(stat.mode & 0o7777n),
      uid: Number(stat.uid),
      gid: Number(stat.gid),
      mtimeSeconds: Number(stat.mtimeNs / 1_000_000_000n),
      mtimeNanoseconds: Number(stat.mtimeNs % 1_000_000_000n),
      xattrs: null,
      implicit: false,
    };
    if (stat.isSymbolicLink()) return { ...record, target: sys.readlinkat(fd, "") };
    if (!stat.isDirectory()) return null;
    const readable = sys.openat2(belowFd, keyBytes(path), {
      flags: constants.O_RDONLY | constants.O_DIRECTORY,
      resolve: RESOLVE,
    });
    try {
      return { ...record, xattrs: readXattrs(readable) };
    } finally {
      closeSync(readable);
    }
  } finally {
    closeSync(fd);
  }
}
