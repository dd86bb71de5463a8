/**
 * The files of one log: `path` is being written, `path.1` is the one before it, `path.N` the oldest. A reader follows a
 * file by its descriptor and inode, so that a rotation under its feet neither loses nor doubles a record.
 */
import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import { errnoCode } from "../../base/errors.ts";

const NEWLINE = 0x0a;
const BLOCK = 1 << 16;
const MAX_ROTATED = 1000;

export interface OpenLog {
  readonly fd: number;
  readonly inode: bigint;
  /** Where reading begins. */
  offset: number;
}

const nameOf = (path: string, index: number): string => (index === 0 ? path : `${path}.${index}`);

function open(path: string): OpenLog | null {
  try {
    const fd = openSync(path, "r");
    return { fd, inode: fstatSync(fd, { bigint: true }).ino, offset: 0 };
  } catch (error) {
    if (errnoCode(error) === "ENOENT") return null;
    throw error;
  }
}

const inodeOf = (path: string): bigint | null => statSync(path, { bigint: true, throwIfNoEntry: false })?.ino ?? null;

/**
 * All files, oldest first. A rotation in between shifts names upwards, so the same inode may be met twice (dropped) but
 * none is skipped: opening goes from the newest name to the oldest.
 */
export function openAll(path: string): OpenLog[] {
  const found: OpenLog[] = [];
  const seen = new Set<bigint>();
  for (let index = 0; index < MAX_ROTATED; index++) {
    const file = open(nameOf(path, index));
    if (file === null) {
      if (index === 0) continue;
      break;
    }
    if (seen.has(file.inode)) closeSync(file.fd);
    else found.push(file);
    seen.add(file.inode);
  }
  return found.reverse();
}

/** The file that was begun after the one with this inode; null while that is still the one being written. */
export function openNext(path: string, inode: bigint): OpenLog | null {
  for (let attempt = 0; attempt < 16; attempt++) {
    const current = inodeOf(path);
    if (current === inode || current === null) return null;
    let index = 1;
    while (index < MAX_ROTATED) {
      const found = inodeOf(nameOf(path, index));
      if (found === inode || found === null) break;
      index++;
    }
    const rotatedAway = inodeOf(nameOf(path, index)) !== inode;
    // Rotated out of existence: go on with the oldest that is left. maxFiles 1: that is the one being written.
    const next = open(nameOf(path, rotatedAway ? Math.max(index - 1, 0) : index - 1));
    if (next === null) continue;
    if (next.inode !== inode && (rotatedAway || inodeOf(nameOf(path, index)) === inode)) return next;
    closeSync(next.fd);
  }
  return null;
}

/** Sets each file's offset so that only the last `lines` complete records remain; closes files that have none of them. */
export function seekTail(files: readonly OpenLog[], lines: number): OpenLog[] {
  let wanted = lines;
  const kept: OpenLog[] = [];
  for (const file of [...files].reverse()) {
    const isNewest = kept.length === 0;
    if (wanted <= 0 && !isNewest) {
      closeSync(file.fd);
      continue;
    }
    const found = tailOffset(file.fd, wanted);
    file.offset = found.offset;
    wanted -= found.records;
    kept.push(file);
  }
  return kept.reverse();
}

/** Offset of the last `wanted` complete records; a partial last record is left for later and counts as none. */
function tailOffset(fd: number, wanted: number): { readonly offset: number; readonly records: number } {
  const block = Buffer.allocUnsafe(BLOCK);
  let position = fstatSync(fd).size;
  let newlines = 0;
  while (position > 0) {
    const from = Math.max(0, position - BLOCK);
    const length = readSync(fd, block, 0, position - from, from);
    for (let at = length - 1; at >= 0; at--) {
      if (block[at] !== NEWLINE) continue;
      newlines++;
      if (newlines > wanted) return { offset: from + at + 1, records: wanted };
    }
    position = from;
  }
  return { offset: 0, records: newlines };
}
