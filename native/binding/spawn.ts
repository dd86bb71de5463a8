/** posix_spawn without libuv: it blocks the event loop 0.1 ms, not 1.5 ms, and the child is in a session of its own. */
import koffi from "koffi";
import { systemCallError } from "./libc.ts";

const libc = koffi.load(null);
const fileActionsInit = libc.func("posix_spawn_file_actions_init", "int", ["void *"]);
const fileActionsDestroy = libc.func("posix_spawn_file_actions_destroy", "int", ["void *"]);
const addDup2 = libc.func("posix_spawn_file_actions_adddup2", "int", ["void *", "int", "int"]);
const addOpen = libc.func("posix_spawn_file_actions_addopen", "int", ["void *", "int", "const char *", "int", "uint"]);
const attributesInit = libc.func("posix_spawnattr_init", "int", ["void *"]);
const setFlags = libc.func("posix_spawnattr_setflags", "int", ["void *", "short"]);
const spawn = libc.func("posix_spawn", "int", [
  koffi.out(koffi.pointer("int")),
  "const char *",
  "void *",
  "void *",
  "const char **",
  "const char **",
]);
const waitpid = libc.func("waitpid", "int", ["int", "void *", "int"]);

const setDefaults = libc.func("posix_spawnattr_setsigdefault", "int", ["void *", "const void *"]);

const POSIX_SPAWN_SETSID = 0x80;
const POSIX_SPAWN_SETSIGDEF = 0x04;
const O_RDWR = 2;
const WNOHANG = 1;
/** The child's descriptor that carries the launch socket. */
const LAUNCH_FD = 3;

let attributes: Buffer | undefined;
function detachedAttributes(): Buffer {
  if (attributes === undefined) {
    attributes = Buffer.alloc(512);
    attributesInit(attributes);
    setFlags(attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF);
    // every signal: without it libc asks for each one how it is first
    setDefaults(attributes, Buffer.alloc(128, 0xff));
  }
  return attributes;
}

/** /dev/null as 0, 1, 2; `socket` as 3; an empty environment. Everything else of Node's is close-on-exec. */
export function spawnDetached(path: string, argv: readonly string[], socket: number): number {
  reapNow();
  const actions = Buffer.alloc(256);
  fileActionsInit(actions);
  try {
    // 3 first: `socket` may itself be one of the low numbers in a daemon that was started without stdio.
    addDup2(actions, socket, LAUNCH_FD);
    for (const fd of [0, 1, 2]) addOpen(actions, fd, "/dev/null", O_RDWR, 0);
    const pid = [0];
    // posix_spawn returns the error, errno is not set.
    const error = spawn(pid, path, actions, detachedAttributes(), [...argv, null], [null]) as number;
    if (error !== 0) throw systemCallError(error, "posix_spawn", path);
    return pid[0] as number;
  } finally {
    fileActionsDestroy(actions);
  }
}

/** True once it has ended; it is collected then. Only for a child that `reapLater` was not asked to collect. */
export const hasEnded = (pid: number): boolean => waitpid(pid, null, WNOHANG) !== 0;

/**
 * Monitors are our children, libuv does not know them. They are collected without waiting: at the next spawn and a
 * moment after their socket closed. When the daemon restarts, the new parent (init) does it.
 */
const gone = new Set<number>();
function reapNow(): void {
  for (const pid of gone) if (waitpid(pid, null, WNOHANG) !== 0) gone.delete(pid);
}
const RETRY_MS = 20;
export function reapLater(pid: number): void {
  gone.add(pid);
  const again = (attempt: number): void => {
    reapNow();
    if (gone.has(pid) && attempt < 50) setTimeout(again, RETRY_MS * attempt, attempt + 1).unref();
  };
  again(1);
}
