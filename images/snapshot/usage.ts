/** The size of a tree, walked by handles, a little at a time so that the daemon's thread stays free. */
import { closeSync, constants, fstatSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { errnoCode } from "../../engine/base/errors.ts";
import { listNames } from "../layer/remove-tree.ts";
import { sys } from "../../native/binding/index.ts";

const DEPTH_MAX = 128;
const ENTRIES_PER_TURN = 256;

/** Sum of the sizes of regular files and symlinks; a file with several names counts once. Entries that vanish are skipped. */
export async function treeSize(rootFd: number): Promise<number> {
  const seen = new Set<string>();
  let [total, visited] = [0, 0];

  const visit = async (dirfd: number, depth: number): Promise<void> => {
    for (const name of listNames(dirfd)) {
      if (++visited % ENTRIES_PER_TURN === 0) await setImmediate();
      const fd = openPath(dirfd, name);
      if (fd === null) continue;
      try {
        const stat = fstatSync(fd, { bigint: true });
        if (stat.isDirectory()) {
          if (depth < DEPTH_MAX) await descend(dirfd, name, depth);
          continue;
        }
        const identity = stat.nlink > 1n ? `${stat.dev}:${stat.ino}` : null;
        if (identity !== null && seen.has(identity)) continue;
        if (identity !== null) seen.add(identity);
        if (stat.isFile() || stat.isSymbolicLink()) total += Number(stat.size);
      } finally {
        closeSync(fd);
      }
    }
  };
  const descend = async (dirfd: number, name: Buffer, depth: number): Promise<void> => {
    let fd: number;
    try {
      fd = sys.openat2(dirfd, name, { flags: constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW });
    } catch (error) {
      if (errnoCode(error) === "ENOENT" || errnoCode(error) === "ENOTDIR") return;
      throw error;
    }
    try {
      await visit(fd, depth + 1);
    } finally {
      closeSync(fd);
    }
  };
  await visit(rootFd, 0);
  return total;
}

function openPath(dirfd: number, name: Buffer): number | null {
  try {
    return sys.openat2(dirfd, name, { flags: sys.OPEN.path | constants.O_NOFOLLOW });
  } catch (error) {
    if (errnoCode(error) === "ENOENT") return null;
    throw error;
  }
}
