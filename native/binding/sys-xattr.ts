/**
 * Extended attributes. Linux has no *at form before 6.13, so a name under a directory handle is written as
 * `/proc/self/fd/DIRFD/NAME` with the l- calls, and an O_PATH handle as `/proc/self/fd/FD` with the following ones.
 */
import { check, cstring, libcFunction, type PathBytes } from "./libc.ts";

const XATTR_SIZE_MAX = 65536;
type Get = (target: string | Uint8Array, name: string | Uint8Array, buffer: Buffer | null, size: number) => number;
type GetFd = (fd: number, name: string | Uint8Array, buffer: Buffer | null, size: number) => number;

const getxattrCall: Get = libcFunction("getxattr", "ssize_t", ["const char *", "const char *", "void *", "size_t"]);
const lgetxattrCall: Get = libcFunction("lgetxattr", "ssize_t", ["const char *", "const char *", "void *", "size_t"]);
const fgetxattrCall: GetFd = libcFunction("fgetxattr", "ssize_t", ["int", "const char *", "void *", "size_t"]);
const llistxattrCall = libcFunction("llistxattr", "ssize_t", ["const char *", "void *", "size_t"]);
const flistxattrCall = libcFunction("flistxattr", "ssize_t", ["int", "void *", "size_t"]);
const setParameters = ["const char *", "const char *", "const void *", "size_t", "int"] as const;
const setxattrCall = libcFunction("setxattr", "int", setParameters);
const lsetxattrCall = libcFunction("lsetxattr", "int", setParameters);
const fsetxattrCall = libcFunction("fsetxattr", "int", ["int", "const char *", "const void *", "size_t", "int"]);
const lremovexattrCall = libcFunction("lremovexattr", "int", ["const char *", "const char *"]);

const scratch = Buffer.alloc(XATTR_SIZE_MAX);
const copy = (length: number): Buffer => Buffer.from(scratch.subarray(0, length));

export const getxattr = (path: PathBytes, name: string): Buffer =>
  copy(
    check(
      getxattrCall(cstring(path, "getxattr"), cstring(name, "getxattr"), scratch, XATTR_SIZE_MAX),
      "getxattr",
      path,
    ),
  );
export const lgetxattr = (path: PathBytes, name: string): Buffer =>
  copy(
    check(
      lgetxattrCall(cstring(path, "lgetxattr"), cstring(name, "lgetxattr"), scratch, XATTR_SIZE_MAX),
      "lgetxattr",
      path,
    ),
  );
export const fgetxattr = (fd: number, name: string): Buffer =>
  copy(check(fgetxattrCall(fd, cstring(name, "fgetxattr"), scratch, XATTR_SIZE_MAX), "fgetxattr", name));

const names = (length: number): string[] => {
  const list = scratch.toString("latin1", 0, length).split("\0");
  list.pop();
  return list;
};
/** Attribute names (bytes as latin1; in practice ASCII). */
export const llistxattr = (path: PathBytes): string[] =>
  names(check(llistxattrCall(cstring(path, "llistxattr"), scratch, XATTR_SIZE_MAX), "llistxattr", path));
export const flistxattr = (fd: number): string[] =>
  names(check(flistxattrCall(fd, scratch, XATTR_SIZE_MAX), "flistxattr"));

export const setxattr = (path: PathBytes, name: string, value: Uint8Array, flags = 0): void =>
  void check(
    setxattrCall(cstring(path, "setxattr"), cstring(name, "setxattr"), value, value.length, flags),
    "setxattr",
    path,
  );
export const lsetxattr = (path: PathBytes, name: string, value: Uint8Array, flags = 0): void =>
  void check(
    lsetxattrCall(cstring(path, "lsetxattr"), cstring(name, "lsetxattr"), value, value.length, flags),
    "lsetxattr",
    path,
  );
export const fsetxattr = (fd: number, name: string, value: Uint8Array, flags = 0): void =>
  void check(fsetxattrCall(fd, cstring(name, "fsetxattr"), value, value.length, flags), "fsetxattr", name);
export const lremovexattr = (path: PathBytes, name: string): void =>
  void check(lremovexattrCall(cstring(path, "lremovexattr"), cstring(name, "lremovexattr")), "lremovexattr", path);
