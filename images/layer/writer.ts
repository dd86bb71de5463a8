/**
 * Writes the entries of one layer below a directory, as an overlay layer: whiteouts become character devices 0:0 and
 * the opaque attribute (oci.md §2; image-spec layer.md "Applying Changesets").
 *
 * The attack it stands against: an archive that plants a link and then writes through it, over it or out of it. A new
 * name is made with O_CREAT|O_EXCL|O_NOFOLLOW (or mkdirat, symlinkat, mknodat, linkat, none of which follows) under a
 * directory handle confined to the layer, so there is no path that could be walked out of it.
 */
import { closeSync, constants, fstatSync, writeSync } from "node:fs";
import { errnoCode, internal, invalid } from "../../engine/base/errors.ts";
import { sys } from "../../native/binding/index.ts";
import { applyToDirectory, applyToFile, applyToNode, validId } from "./attributes.ts";
import { type Below, Directories, NeedsParents } from "./directories.ts";
import { linkFromBelow } from "./link-below.ts";
import { cleanKey, type EntryPath, joinKey, keyBytes, NameSplitter, shownKey, zeroEnded } from "./names.ts";
import { removeTreeSync } from "./remove-tree.ts";
import type { TarSink } from "./tar.ts";
import { badTar, type TarEntry } from "./tar-header.ts";

export interface WriterOptions {
  readonly below: Below;
  /** The process's umask, so that a chmod is spent only where the kernel masked a bit away. */
  readonly umask: number;
  readonly maxEntries: number;
}

const CREATE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW | sys.OPEN.cloexec;
const WHITEOUT = ".wh.";
const OPAQUE = ".wh..wh..opq";
const AUFS = ".wh..wh.";
const { EEXIST, ENOENT } = { EEXIST: -17, ENOENT: -2 };
const XATTR_BYTES_MAX = 16 << 20;
const NODE_TYPE = { char: constants.S_IFCHR, block: constants.S_IFBLK, fifo: constants.S_IFIFO } as const;

export class LayerWriter implements TarSink {
  readonly #directories: Directories;
  readonly #options: WriterOptions;
  readonly #names = new NameSplitter();
  #entry: TarEntry | undefined;
  #fd = -1;
  #made = 0;
  #xattrBytes = 0;
  entries = 0;
  /** Sum of the sizes of regular files. */
  contentSize = 0;
  /** The archive said what the root directory is like. */
  get describesRoot(): boolean {
    return this.#directories.records.has("");
  }

  /** Directories whose attributes are to be looked up below (see adoptBelow); those the archive described later are not. */
  get assumed(): string[] {
    const { assumed, records } = this.#directories;
    return assumed.filter((key) => records.get(key)?.implicit !== false);
  }

  constructor(rootFd: number, options: WriterOptions) {
    this.#directories = new Directories(rootFd, options.below);
    this.#options = options;
  }

  begin(entry: TarEntry): void {
    this.#entry = entry;
    this.#fd = -1;
    if (++this.entries > this.#options.maxEntries) {
      throw invalid("layer.too_many_entries", `the layer has more than ${this.#options.maxEntries} entries`);
    }
    if (entry.type === "directory" && entry.xattrs !== null) this.#holdXattrs(entry);
    if (!validId(entry.uid) || !validId(entry.gid))
      throw badTar(`owner ${entry.uid}:${entry.gid} is out of range`, shown(entry));
    try {
      this.#write(entry, this.#names.split(entry.name));
    } catch (error) {
      throw explain(error, entry);
    }
  }

  data(chunk: Buffer): void {
    if (this.#fd === -1) return;
    this.contentSize += chunk.length;
    try {
      for (let at = 0; at < chunk.length; ) at += writeSync(this.#fd, chunk, at, chunk.length - at);
    } catch (error) {
      throw explain(error, this.#entry);
    }
  }

  end(): void {
    if (this.#fd === -1) return;
    const fd = this.#fd;
    this.#fd = -1;
    try {
      applyToFile(fd, this.#entry as TarEntry, this.#made);
    } catch (error) {
      throw explain(error, this.#entry);
    } finally {
      closeSync(fd);
    }
  }

  /** After the last entry: directories get their attributes, now that nothing is made in them any more. */
  finish(): void {
    for (const [key, record] of this.#directories.records) {
      let fd: number;
      try {
        fd = sys.openat2(this.#directories.rootFd, keyBytes(key), {
          flags: constants.O_RDONLY | constants.O_DIRECTORY,
          resolve: sys.RESOLVE.inRoot | sys.RESOLVE.noMagiclinks,
        });
      } catch (error) {
        // Reached through a link that a later entry replaced: the directory itself has its own record or is gone.
        if (["ENOENT", "ENOTDIR", "ELOOP"].includes(errnoCode(error) ?? "")) continue;
        throw error;
      }
      try {
        applyToDirectory(fd, record, !record.implicit);
      } catch (error) {
        throw explain(error, undefined);
      } finally {
        closeSync(fd);
      }
    }
  }

  close(): void {
    if (this.#fd !== -1) closeSync(this.#fd);
    this.#fd = -1;
    this.#directories.close();
  }

  /** Directories' attributes are applied at the end, so they are held until then; files' are not. */
  #holdXattrs(entry: TarEntry): void {
    for (const value of entry.xattrs?.values() ?? []) this.#xattrBytes += value.length;
    if (this.#xattrBytes > XATTR_BYTES_MAX) {
      throw badTar(`extended attributes of directories beyond ${XATTR_BYTES_MAX} bytes`, shown(entry));
    }
  }

  #write(entry: TarEntry, path: EntryPath): void {
    if (path.base === "") {
      if (entry.type === "directory") this.#directories.record("", { ...entry, implicit: false });
      return;
    }
    if (path.base.startsWith(WHITEOUT)) return this.#whiteout(path);
    if (path.directory.includes(WHITEOUT) && /(?:^|\/)\.wh\./.test(path.directory)) {
      // aufs kept its own bookkeeping below .wh..wh.plnk and the like; anything else below a whiteout is nonsense.
      if (/(?:^|\/)\.wh\.\.wh\./.test(path.directory)) return;
      throw badTar("an entry below a whiteout", shown(entry));
    }
    const dirfd = this.#directories.open(path.directory);
    if (entry.type === "directory") return this.#directory(entry, path, dirfd);
    if (entry.type === "file") return this.#file(entry, path, dirfd);
    if (entry.type === "hardlink") return this.#hardLink(entry, path);
    this.#node(entry, path, dirfd);
  }

  #file(entry: TarEntry, path: EntryPath, dirfd: number): void {
    const bits = entry.mode & 0o777;
    let fd = sys.openatZ(dirfd, path.baseZ, CREATE, bits);
    if (fd === EEXIST) {
      this.#replace(path, dirfd);
      fd = sys.openatZ(this.#directories.open(path.directory), path.baseZ, CREATE, bits);
    }
    if (fd < 0) throw sys.systemCallError(-fd, "openat", shownKey(path.base));
    this.#fd = fd;
    this.#made = bits & ~this.#options.umask;
  }

  #directory(entry: TarEntry, path: EntryPath, dirfd: number): void {
    const key = joinKey(path.directory, path.base);
    let made = sys.mkdiratZ(dirfd, path.baseZ, 0o700);
    let opaque = false;
    if (made === EEXIST && this.#directories.kindOf(dirfd, path.baseZ) !== "directory") {
      this.#replace(path, dirfd);
      made = sys.mkdiratZ(this.#directories.open(path.directory), path.baseZ, 0o700);
      // Whatever was there (a whiteout, a file) hid the lower directory; the new one must go on hiding it.
      opaque = true;
    }
    if (made < 0 && made !== EEXIST) throw sys.systemCallError(-made, "mkdirat", shownKey(path.base));
    this.#directories.record(key, { ...entry, implicit: false });
    if (opaque) this.#directories.markOpaque(key);
  }

  #node(entry: TarEntry, path: EntryPath, dirfd: number): void {
    let made = this.#makeNode(entry, path, dirfd);
    let fd = dirfd;
    if (made === EEXIST) {
      this.#replace(path, dirfd);
      fd = this.#directories.open(path.directory);
      made = this.#makeNode(entry, path, fd);
    }
    if (made < 0)
      throw sys.systemCallError(-made, entry.type === "symlink" ? "symlinkat" : "mknodat", shownKey(path.base));
    applyToNode(fd, path.baseZ, entry, entry.type !== "symlink");
  }

  #makeNode(entry: TarEntry, path: EntryPath, dirfd: number): number {
    if (entry.type === "symlink") return sys.symlinkatZ(zeroEnded(entry.linkName), dirfd, path.baseZ);
    const type = NODE_TYPE[entry.type as keyof typeof NODE_TYPE];
    try {
      sys.mknodat(dirfd, path.baseZ.subarray(0, -1), type | entry.mode, entry.deviceMajor, entry.deviceMinor);
      return 0;
    } catch (error) {
      if (errnoCode(error) === "EEXIST") return EEXIST;
      throw error;
    }
  }

  #hardLink(entry: TarEntry, path: EntryPath): void {
    const target = this.#names.split(entry.linkName);
    if (target.base === "") throw badTar("a hard link to the root directory", shown(entry));
    let made = this.#link(target, path);
    if (made === ENOENT) {
      this.#copyUp(entry, target);
      made = this.#link(target, path);
    }
    if (made === EEXIST) {
      if (this.#isSameFile(target, path)) return;
      this.#replace(path, this.#directories.open(path.directory));
      made = this.#link(target, path);
    }
    if (made < 0) throw sys.systemCallError(-made, "linkat", shownKey(path.base));
  }

  #link(target: EntryPath, path: EntryPath): number {
    // The new name's directory first: opening it may push older handles out of the cache.
    const to = this.#directories.open(path.directory);
    const from = this.#directories.find(target.directory);
    return from === null ? ENOENT : sys.linkatZ(from, target.baseZ, to, path.baseZ);
  }

  #copyUp(entry: TarEntry, target: EntryPath): void {
    const { below } = this.#directories;
    if (below === "pending") throw new NeedsParents(target.base);
    if (below !== "none" && linkFromBelow(this.#directories, below.fd, target)) return;
    throw badTar(`a hard link to ${JSON.stringify(entry.linkName.toString())}, which does not exist`, shown(entry));
  }

  /** A link to itself, perhaps under another name of its directory: replacing it would delete the only copy. */
  #isSameFile(target: EntryPath, path: EntryPath): boolean {
    const identity = ({ directory, base }: EntryPath): string | null => {
      const fd = sys.openat2(this.#directories.rootFd, keyBytes(joinKey(directory, base)), {
        flags: sys.OPEN.path | constants.O_NOFOLLOW,
        resolve: sys.RESOLVE.inRoot | sys.RESOLVE.noMagiclinks,
      });
      try {
        const { dev, ino } = fstatSync(fd, { bigint: true });
        return `${dev}:${ino}`;
      } finally {
        closeSync(fd);
      }
    };
    return identity(target) === identity(path);
  }

  /** Only what layers below put there is deleted; what this layer made stays, wherever in the archive it came. */
  #whiteout(path: EntryPath): void {
    if (path.base === OPAQUE) {
      this.#directories.open(path.directory);
      return this.#directories.markOpaque(path.directory);
    }
    if (path.base.startsWith(AUFS)) return;
    const name = path.base.slice(WHITEOUT.length);
    if (name === "" || name === "." || name === "..")
      throw badTar(`the whiteout ${JSON.stringify(path.base)} names nothing`);
    if (this.#directories.below === "none") return;
    const nameZ = zeroEnded(keyBytes(name));
    const dirfd = this.#directories.open(path.directory);
    try {
      sys.mknodat(dirfd, nameZ.subarray(0, -1), constants.S_IFCHR, 0, 0);
    } catch (error) {
      if (errnoCode(error) !== "EEXIST") throw error;
      if (this.#directories.kindOf(dirfd, nameZ) === "directory")
        this.#directories.markOpaque(cleanKey(joinKey(path.directory, name)));
    }
  }

  #replace(path: EntryPath, dirfd: number): void {
    removeTreeSync(dirfd, path.baseZ.subarray(0, -1));
    this.#directories.forget(joinKey(path.directory, path.base));
  }
}

const shown = (entry: TarEntry): { readonly entry: string } => ({ entry: entry.name.toString("utf8").slice(0, 500) });

/** Adds the entry's name; a full disk is told apart from a bad archive. */
function explain(error: unknown, entry: TarEntry | undefined): unknown {
  const code = errnoCode(error);
  if (code === undefined || error instanceof NeedsParents) return error;
  // TareError carries "area.case" in code; errno codes have no dot.
  if (code.includes(".")) return error;
  const where = entry === undefined ? "" : ` ${JSON.stringify(shown(entry).entry)}`;
  const details = { errno: code, ...(entry === undefined ? {} : shown(entry)) };
  if (code === "ENOSPC" || code === "EDQUOT") {
    return internal("image.disk_full", `no space left on device while unpacking${where}`, { cause: error, details });
  }
  if (["ENAMETOOLONG", "EINVAL", "ENOENT", "ELOOP", "ENOTDIR", "EMLINK", "EPERM"].includes(code)) {
    return invalid("layer.bad_entry", `cannot unpack${where}: ${(error as Error).message}`, { cause: error, details });
  }
  return internal("layer.unpack_failed", `cannot unpack${where}: ${(error as Error).message}`, {
    cause: error,
    details,
  });
}
