/** One daemon per data root: an exclusive lock that the kernel drops with the process, and the holder's pid for people. */
import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import { sys } from "../../native/binding/index.ts";
import { errnoCode, unavailable } from "../base/errors.ts";

export interface RootLock {
  release(): void;
}

/** Throws `engine.root_in_use` (unavailable) naming the root and the holder's pid. */
export function lockRoot(dataRoot: string, path: string): RootLock {
  const fd = openSync(path, "a+", 0o600);
  try {
    sys.flock(fd, sys.LOCK.exclusive);
  } catch (error) {
    closeSync(fd);
    if (errnoCode(error) !== "EAGAIN" && errnoCode(error) !== "EWOULDBLOCK") throw error;
    const holder = readFileSync(path, "utf8").trim() || "unknown";
    throw unavailable("engine.root_in_use", `data root ${dataRoot} is in use by another ctrd (pid ${holder})`, {
      cause: error,
      hint: "Give this daemon its own --data-root and --exec-root.",
      details: { dataRoot, pid: Number(holder) || 0 },
    });
  }
  ftruncateSync(fd, 0);
  writeSync(fd, `${process.pid}\n`);
  let held = true;
  return {
    release() {
      if (held) closeSync(fd);
      held = false;
    },
  };
}
