/**
 * The unpacker's hot calls: a layer has tens of thousands of entries, so names come already ended by NUL (no copy) and
 * failures come as negative errno (no Error object for an expected EEXIST). Everything else uses the checked forms.
 */
import { check, lastErrno, libcFunction, libcFunctionAsync, systemCallError } from "./libc.ts";

const outcome = (result: number): number => (result < 0 ? -lastErrno() : result);

const openatCall = libcFunction("openat", "int", ["int", "const void *", "int", "uint"]);
/** A descriptor, or -errno. nameZ: one name (no slash), ended by NUL. */
export const openatZ = (dirfd: number, nameZ: Uint8Array, flags: number, mode: number): number =>
  outcome(openatCall(dirfd, nameZ, flags, mode));

const mkdiratCall = libcFunction("mkdirat", "int", ["int", "const void *", "uint"]);
export const mkdiratZ = (dirfd: number, nameZ: Uint8Array, mode: number): number =>
  outcome(mkdiratCall(dirfd, nameZ, mode));

const symlinkatCall = libcFunction("symlinkat", "int", ["const void *", "int", "const void *"]);
export const symlinkatZ = (targetZ: Uint8Array, dirfd: number, nameZ: Uint8Array): number =>
  outcome(symlinkatCall(targetZ, dirfd, nameZ));

const linkatCall = libcFunction("linkat", "int", ["int", "const void *", "int", "const void *", "int"]);
export const linkatZ = (oldDirfd: number, oldNameZ: Uint8Array, newDirfd: number, newNameZ: Uint8Array): number =>
  outcome(linkatCall(oldDirfd, oldNameZ, newDirfd, newNameZ, 0));

const futimensCall = libcFunction("futimens", "int", ["int", "const void *"]);
/** times: struct timespec[2]. */
export const futimens = (fd: number, times: Uint8Array | Int32Array): void =>
  void check(futimensCall(fd, times), "futimens");
const utimensatCall = libcFunction("utimensat", "int", ["int", "const void *", "const void *", "int"]);
/** Never follows a final symlink. times: struct timespec[2]. */
export const utimensatZ = (dirfd: number, nameZ: Uint8Array, times: Uint8Array | Int32Array): void =>
  void check(utimensatCall(dirfd, nameZ, times, 0x100), "utimensat");

const syncfsCall = libcFunctionAsync("syncfs", ["int"]);
/** Writes a whole filesystem out, on a pool thread: it may take seconds. */
export async function syncfs(fd: number): Promise<void> {
  const result = await syncfsCall(fd);
  if (result < 0) throw systemCallError(-result, "syncfs");
}

const mallocTrimCall = libcFunction("malloc_trim", "int", ["size_t"]);
/** Gives freed memory back to the system (glibc keeps it otherwise); a few milliseconds. Does nothing on other libcs. */
export function mallocTrim(): void {
  try {
    mallocTrimCall(0);
  } catch {
    // musl has no malloc_trim, and needs none.
  }
}
