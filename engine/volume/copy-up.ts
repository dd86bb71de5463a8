/**
 * Fills an empty volume with what the image has at its destination: content, owners, modes, extended attributes and the
 * attributes of the directory itself. Both trees are walked by directory handles (openat2 in the image's root, no links
 * followed in the volume): the image is hostile, and another container may have the volume mounted meanwhile.
 */
import { constants, fchmodSync, fchownSync, fstatSync, readSync, type Stats, writeSync } from "node:fs";
import { sys } from "../../native/binding/index.ts";
import { errnoCode } from "../base/errors.ts";
import { names } from "../base/fs.ts";
import { childLink, childNames, childStat } from "../base/fs-handle.ts";

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY } = constants;
const NO_LINKS = sys.RESOLVE.inRoot | sys.RESOLVE.noMagiclinks | sys.RESOLVE.noSymlinks;

/** Owner before mode (chown clears setuid), extended attributes (capabilities) after both. */
function copyAttributes(source: number, target: number, stat: Stats): void {
  fchownSync(target, stat.uid, stat.gid);
  fchmodSync(target, stat.mode & 0o7777);
  for (const name of sys.flistxattr(source)) {
    if (!name.startsWith("trusted.overlay.")) sys.fsetxattr(target, name, sys.fgetxattr(source, name));
  }
}

function copyFile(sourceDir: number, targetDir: number, name: Buffer, stat: Stats): void {
  const source = sys.openat2(sourceDir, name, { flags: O_RDONLY | O_NOFOLLOW, resolve: NO_LINKS });
  try {
    const target = sys.openat2(targetDir, name, {
      flags: O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW,
      mode: 0o600,
      resolve: NO_LINKS,
    });
    try {
      const block = Buffer.allocUnsafe(1 << 18);
      for (let bytes = readSync(source, block); bytes > 0; bytes = readSync(source, block))
        writeSync(target, block, 0, bytes);
      copyAttributes(source, target, stat);
    } finally {
      sys.close(target);
    }
  } finally {
    sys.close(source);
  }
}

function copyEntry(sourceDir: number, targetDir: number, name: Buffer): void {
  const stat = childStat(sourceDir, name);
  if (stat.isFile()) return copyFile(sourceDir, targetDir, name, stat);
  if (stat.isDirectory()) {
    sys.mkdirat(targetDir, name, 0o700);
    return copyInto(sourceDir, targetDir, name);
  }
  if (stat.isSymbolicLink()) sys.symlinkat(childLink(sourceDir, name), targetDir, name);
  else sys.mknodat(targetDir, name, stat.mode, (stat.rdev >>> 8) & 0xfff, stat.rdev & 0xff);
  sys.fchownat(targetDir, name, stat.uid, stat.gid);
}

const openDirectory = (dir: number, name: Buffer): number =>
  sys.openat2(dir, name, { flags: O_RDONLY | O_DIRECTORY | O_NOFOLLOW, resolve: NO_LINKS });

function copyInto(sourceDir: number, targetDir: number, name: Buffer): void {
  const source = openDirectory(sourceDir, name);
  try {
    const target = openDirectory(targetDir, name);
    try {
      copyChildren(source, target);
    } finally {
      sys.close(target);
    }
  } finally {
    sys.close(source);
  }
}

function copyChildren(source: number, target: number): void {
  for (const name of childNames(source)) copyEntry(source, target, name);
  copyAttributes(source, target, fstatSync(source));
}

/** Nothing happens when the volume is not empty or the image has no directory there. */
export function copyUp(rootFd: number, destination: string, volumeDir: string): void {
  if (names(volumeDir).length > 0) return;
  let source: number;
  try {
    source = sys.openat2(rootFd, destination.replace(/^\/+/, "") || ".", {
      flags: O_RDONLY | O_DIRECTORY,
      resolve: sys.RESOLVE.inRoot | sys.RESOLVE.noMagiclinks,
    });
  } catch (error) {
    if (errnoCode(error) === "ENOENT" || errnoCode(error) === "ENOTDIR") return;
    throw error;
  }
  try {
    const target = sys.openat2(sys.AT.fdcwd, volumeDir, { flags: O_RDONLY | O_DIRECTORY | O_NOFOLLOW });
    try {
      copyChildren(source, target);
    } finally {
      sys.close(target);
    }
  } finally {
    sys.close(source);
  }
}
