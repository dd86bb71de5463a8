/**
 * Docker's init layer (docker-api.md §12): mount points that every container needs, in a layer between image and
 * writable layer, so that diff, commit and sizes do not show them. Made once per image chain.
 *
 * The image is hostile: /etc may be a link to anywhere. As in Docker everything on the way that is not a directory is
 * unlinked; no link is ever followed (RESOLVE_NO_SYMLINKS under the merged root).
 */
import { closeSync, constants, fchmodSync } from "node:fs";
import { errnoCode } from "../../engine/base/errors.ts";
import { removeTreeSync } from "../layer/remove-tree.ts";
import { sys } from "../../native/binding/index.ts";

const DIRECTORIES = ["dev/pts", "dev/shm", "proc", "sys"];
const FILES = [".dockerenv", "etc/resolv.conf", "etc/hosts", "etc/hostname", "dev/console"];
const MTAB = { path: "etc/mtab", target: "/proc/mounts" };

const HERE = { resolve: sys.RESOLVE.beneath | sys.RESOLVE.noSymlinks | sys.RESOLVE.noMagiclinks };
const OPEN_DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/** rootFd: the merged root, writable (an overlay whose upper directory is the init layer, or a plain directory). */
export function fillInitLayer(rootFd: number): void {
  for (const path of DIRECTORIES) closeSync(ensureDirectory(rootFd, path));
  for (const path of FILES) {
    inParent(rootFd, path, (parent, name) => {
      clear(parent, name);
      const fd = sys.openat2(parent, name, {
        flags: constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL,
        mode: 0o755,
        ...HERE,
      });
      fchmodSync(fd, 0o755);
      closeSync(fd);
    });
  }
  inParent(rootFd, MTAB.path, (parent, name) => {
    clear(parent, name);
    sys.symlinkat(MTAB.target, parent, name);
  });
}

function inParent(rootFd: number, path: string, act: (parent: number, name: string) => void): void {
  const slash = path.lastIndexOf("/");
  const parent = ensureDirectory(rootFd, slash === -1 ? "" : path.slice(0, slash));
  try {
    act(parent, path.slice(slash + 1));
  } finally {
    closeSync(parent);
  }
}

/** A handle; existing directories keep their attributes, anything else in the way is unlinked. */
function ensureDirectory(rootFd: number, path: string): number {
  let fd = sys.openat2(rootFd, ".", { flags: OPEN_DIRECTORY, ...HERE });
  for (const name of path.split("/").filter((part) => part !== "")) {
    try {
      const next = openOrMake(fd, name);
      closeSync(fd);
      fd = next;
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }
  return fd;
}

function openOrMake(parent: number, name: string): number {
  try {
    return sys.openat2(parent, name, { flags: OPEN_DIRECTORY, ...HERE });
  } catch (error) {
    const code = errnoCode(error);
    if (code !== "ENOENT" && code !== "ENOTDIR" && code !== "ELOOP") throw error;
    if (code !== "ENOENT") sys.unlinkat(parent, name);
  }
  sys.mkdirat(parent, name, 0o755);
  const fd = sys.openat2(parent, name, { flags: OPEN_DIRECTORY, ...HERE });
  fchmodSync(fd, 0o755);
  return fd;
}

/** Docker only unlinks here and fails on an image with a directory of that name; we remove it. */
const clear = (parent: number, name: string): void => removeTreeSync(parent, name);
