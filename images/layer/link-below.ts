/** A hard link to a file of a lower layer: the file is copied up, as overlayfs itself would do, and then linked. */
import { closeSync, constants, fstatSync, readSync, writeSync } from "node:fs";
import { errnoCode } from "../../engine/base/errors.ts";
import { sys } from "../../native/binding/index.ts";
import { applyToFile, applyToNode, readXattrs } from "./attributes.ts";
import type { Directories } from "./directories.ts";
import { type EntryPath, joinKey, keyBytes, shownKey, zeroEnded } from "./names.ts";
import { badTar } from "./tar-header.ts";

const CHUNK = 1 << 20;
const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** False when nothing below has that name. Throws for what cannot be linked (directories, devices). */
export function linkFromBelow(directories: Directories, belowFd: number, target: EntryPath): boolean {
  const path = keyBytes(joinKey(target.directory, target.base));
  const resolve = sys.RESOLVE.inRoot | sys.RESOLVE.noMagiclinks;
  let handle: number;
  try {
    handle = sys.openat2(belowFd, path, { flags: sys.OPEN.path | constants.O_NOFOLLOW, resolve });
  } catch (error) {
    if (errnoCode(error) === "ENOENT" || errnoCode(error) === "ENOTDIR") return false;
    throw error;
  }
  try {
    const stat = fstatSync(handle, { bigint: true });
    const attributes = {
      mode: Number(stat.mode & 0o7777n),
      uid: Number(stat.uid),
      gid: Number(stat.gid),
      mtimeSeconds: Number(stat.mtimeNs / 1_000_000_000n),
      mtimeNanoseconds: Number(stat.mtimeNs % 1_000_000_000n),
      xattrs: null,
    };
    const dirfd = directories.open(target.directory);
    if (stat.isSymbolicLink()) {
      const made = sys.symlinkatZ(zeroEnded(sys.readlinkat(handle, "")), dirfd, target.baseZ);
      if (made < 0) throw sys.systemCallError(-made, "symlinkat", shownKey(target.base));
      applyToNode(dirfd, target.baseZ, attributes, false);
      return true;
    }
    if (!stat.isFile()) throw badTar(`a hard link to ${JSON.stringify(shownKey(target.base))}, which is not a file`);
    const source = sys.openat2(belowFd, path, { flags: READ, resolve });
    try {
      copyUp(source, dirfd, target, { ...attributes, xattrs: readXattrs(source) });
    } finally {
      closeSync(source);
    }
    return true;
  } finally {
    closeSync(handle);
  }
}

function copyUp(source: number, dirfd: number, target: EntryPath, attributes: Parameters<typeof applyToFile>[1]): void {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW | sys.OPEN.cloexec;
  const fd = sys.openatZ(dirfd, target.baseZ, flags, 0o600);
  if (fd < 0) throw sys.systemCallError(-fd, "openat", shownKey(target.base));
  try {
    const buffer = Buffer.allocUnsafe(CHUNK);
    for (
      let count = readSync(source, buffer, 0, CHUNK, null);
      count > 0;
      count = readSync(source, buffer, 0, CHUNK, null)
    ) {
      for (let at = 0; at < count; ) at += writeSync(fd, buffer, at, count - at);
    }
    applyToFile(fd, attributes, -1);
  } finally {
    closeSync(fd);
  }
}
