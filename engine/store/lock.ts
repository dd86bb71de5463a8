/** One daemon per root: exclusive locks that the kernel drops with the process, and the holder's pid for people. */
import { closeSync, constants, existsSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import { sys } from "../../native/binding/index.ts";
import { errnoCode, unavailable } from "../base/errors.ts";

export interface RootLock {
  release(): void;
}

/** Closes `fd` and throws `engine.root_in_use` (unavailable) when another process holds the lock. */
function lock(fd: number, what: string, holderPid: () => string): void {
  try {
    sys.flock(fd, sys.LOCK.exclusive);
  } catch (error) {
    closeSync(fd);
    if (errnoCode(error) !== "EAGAIN" && errnoCode(error) !== "EWOULDBLOCK") throw error;
    const holder = holderPid() || "unknown";
    throw unavailable("engine.root_in_use", `${what} is in use by another ctrd (pid ${holder})`, {
      cause: error,
      hint: "Give this daemon its own --data-root and --exec-root.",
      details: { root: what, pid: Number(holder) || 0 },
    });
  }
}

/** Throws `engine.root_in_use` (unavailable) naming the root and the holder's pid. */
export function lockRoot(dataRoot: string, path: string): RootLock {
  const fd = openSync(path, "a+", 0o600);
  lock(fd, `data root ${dataRoot}`, () => readFileSync(path, "utf8").trim());
  ftruncateSync(fd, 0);
  try {
    writeSync(fd, `${process.pid}\n`);
  } catch (error) {
    // The number is for people; a daemon must start on a full disk, or nothing there could be removed.
    if (errnoCode(error) !== "ENOSPC" && errnoCode(error) !== "EDQUOT") throw error;
  }
  return held(fd);
}

/**
 * The same for the runtime state, which another daemon's recovery would take for its own leftovers. The directory itself
 * is locked: nothing stays in it. `pidFile` is only read, for the message.
 */
export function lockExecRoot(execRoot: string, pidFile: string): RootLock {
  const fd = openSync(execRoot, constants.O_RDONLY | constants.O_DIRECTORY);
  lock(fd, `exec root ${execRoot}`, () => (existsSync(pidFile) ? readFileSync(pidFile, "utf8").trim() : ""));
  return held(fd);
}

function held(fd: number): RootLock {
  let open = true;
  return {
    release() {
      if (open) closeSync(fd);
      open = false;
    },
  };
}
