/**
 * Deletes a tree by handles: a name is only ever used under the descriptor of its own directory, opened without
 * following links, so a link planted in the tree is unlinked and never walked through.
 *
 * Descriptors are bounded: below DEPTH_MAX levels a directory is first moved up next to the tree that is being removed.
 */
import { closeSync, readdirSync } from "node:fs";
import { constants } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { sys } from "../../native/binding/index.ts";
import { errnoCode } from "../../engine/base/errors.ts";

const DEPTH_MAX = 64;
const OPEN_DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
/** Unlinks per turn of the event loop; about a millisecond. */
const STEPS_PER_TURN = 128;

interface Level {
  readonly fd: number;
  readonly name: Buffer;
  readonly children: Buffer[];
}

let movedCounter = 0;

/** One unlink per step; the caller decides when to breathe. A missing entry is no error. */
function* removeSteps(dirfd: number, name: Buffer): Generator<void, void> {
  const pending = [name];
  for (let top = pending.pop(); top !== undefined; top = pending.pop()) {
    if (!unlinkIsDirectory(dirfd, top)) continue;
    const stack: Level[] = [];
    try {
      push(stack, dirfd, top);
      while (stack.length > 0) {
        removeNext(stack, dirfd, pending);
        yield;
      }
    } finally {
      for (const level of stack) closeSync(level.fd);
    }
  }
}

function removeNext(stack: Level[], topFd: number, pending: Buffer[]): void {
  const level = stack.at(-1) as Level;
  const child = level.children.pop();
  if (child === undefined) {
    stack.pop();
    closeSync(level.fd);
    sys.unlinkat(stack.at(-1)?.fd ?? topFd, level.name, sys.AT.removedir);
    return;
  }
  if (!unlinkIsDirectory(level.fd, child)) return;
  if (stack.length < DEPTH_MAX) {
    push(stack, level.fd, child);
    return;
  }
  const moved = Buffer.from(`.removing-${process.pid}-${movedCounter++}`);
  sys.renameat2(level.fd, child, topFd, moved, sys.RENAME.noreplace);
  pending.push(moved);
}

function push(stack: Level[], dirfd: number, name: Buffer): void {
  const fd = sys.openat2(dirfd, name, { flags: OPEN_DIRECTORY, resolve: sys.RESOLVE.beneath | sys.RESOLVE.noSymlinks });
  stack.push({ fd, name, children: [] });
  (stack.at(-1) as Level).children.push(...listNames(fd));
}

/** Names under an open directory, as bytes. */
export const listNames = (fd: number): Buffer[] =>
  readdirSync(`/proc/self/fd/${fd}`, { encoding: "buffer" }) as unknown as Buffer[];

/** True when it is a directory (and still there); otherwise it is gone now. */
function unlinkIsDirectory(dirfd: number, name: Buffer): boolean {
  try {
    sys.unlinkat(dirfd, name);
    return false;
  } catch (error) {
    const code = errnoCode(error);
    if (code === "ENOENT") return false;
    if (code === "EISDIR" || code === "EPERM") return true;
    throw error;
  }
}

/** For a worker thread or a small tree. */
export function removeTreeSync(dirfd: number, name: Buffer | string): void {
  const steps = removeSteps(dirfd, Buffer.from(name as string));
  while (steps.next().done !== true);
}

/** For the daemon's thread: other work goes on between the steps. */
export async function removeTree(dirfd: number, name: Buffer | string): Promise<void> {
  const steps = removeSteps(dirfd, Buffer.from(name as string));
  for (let count = 1; steps.next().done !== true; count++) {
    if (count % STEPS_PER_TURN === 0) await setImmediate();
  }
}
