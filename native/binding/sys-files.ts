/** Files relative to directory handles, extended attributes, locks. No function here resolves more than it is told to. */
import { check, cstring, libcFunction, type PathBytes, syscallFunction } from "./libc.ts";

export const AT = {
  fdcwd: -100,
  symlinkNofollow: 0x100,
  removedir: 0x200,
  symlinkFollow: 0x400,
  emptyPath: 0x1000,
  recursive: 0x8000,
} as const;
export const RESOLVE = { noXdev: 1, noMagiclinks: 2, noSymlinks: 4, beneath: 8, inRoot: 0x10 } as const;
/** Flags that node:fs constants lack (x64 and arm64 agree on these). */
export const OPEN = { path: 0o10000000, cloexec: 0o2000000, tmpfile: 0o20000000 } as const;
export const RENAME = { noreplace: 1, exchange: 2, whiteout: 4 } as const;
export const LOCK = { shared: 1, exclusive: 2, nonBlocking: 4, unlock: 8 } as const;

export interface OpenHow {
  /** O_* bits; O_CLOEXEC is always added. */
  readonly flags: number;
  readonly mode?: number;
  /** RESOLVE bits. */
  readonly resolve?: number;
}

const openat2Call = syscallFunction(437, ["int", "const char *", "const void *", "size_t"]);
/** A descriptor of `path` under `dirfd`. The daemon's way into any tree that a container may have touched. */
export function openat2(dirfd: number, path: PathBytes, how: OpenHow): number {
  const buffer = Buffer.alloc(24);
  buffer.writeBigUInt64LE(BigInt(how.flags | OPEN.cloexec), 0);
  buffer.writeBigUInt64LE(BigInt(how.mode ?? 0), 8);
  buffer.writeBigUInt64LE(BigInt(how.resolve ?? 0), 16);
  // EAGAIN: a rename raced with "..", the kernel asks to try again.
  for (let attempt = 0; ; attempt++) {
    const fd = openat2Call(dirfd, cstring(path, "openat2"), buffer, 24);
    if (fd >= 0 || attempt === 32) return check(fd, "openat2", path);
    try {
      check(fd, "openat2", path);
    } catch (error) {
      if ((error as { code?: string }).code !== "EAGAIN") throw error;
    }
  }
}

const closeCall = libcFunction("close", "int", ["int"]);
export const close = (fd: number): void => void check(closeCall(fd), "close");

const mkdiratCall = libcFunction("mkdirat", "int", ["int", "const char *", "uint"]);
export const mkdirat = (dirfd: number, name: PathBytes, mode: number): void =>
  void check(mkdiratCall(dirfd, cstring(name, "mkdirat"), mode), "mkdirat", name);

/** dev_t in the kernel's wide encoding. */
export const makedev = (major: number, minor: number): bigint => {
  const [high, low] = [BigInt(major), BigInt(minor)];
  return (low & 0xffn) | ((high & 0xfffn) << 8n) | ((low & ~0xffn) << 12n) | ((high & ~0xfffn) << 32n);
};
const mknodatCall = libcFunction("mknodat", "int", ["int", "const char *", "uint", "uint64_t"]);
/** mode includes the type bits (S_IFCHR …). */
export const mknodat = (dirfd: number, name: PathBytes, mode: number, major = 0, minor = 0): void =>
  void check(mknodatCall(dirfd, cstring(name, "mknodat"), mode, makedev(major, minor)), "mknodat", name);

const linkatCall = libcFunction("linkat", "int", ["int", "const char *", "int", "const char *", "int"]);
export const linkat = (oldDirfd: number, oldName: PathBytes, newDirfd: number, newName: PathBytes, flags = 0): void =>
  void check(
    linkatCall(oldDirfd, cstring(oldName, "linkat"), newDirfd, cstring(newName, "linkat"), flags),
    "linkat",
    newName,
  );

const symlinkatCall = libcFunction("symlinkat", "int", ["const char *", "int", "const char *"]);
export const symlinkat = (target: PathBytes, dirfd: number, name: PathBytes): void =>
  void check(symlinkatCall(cstring(target, "symlinkat"), dirfd, cstring(name, "symlinkat")), "symlinkat", name);

const readlinkatCall = libcFunction("readlinkat", "ssize_t", ["int", "const char *", "void *", "size_t"]);
export function readlinkat(dirfd: number, name: PathBytes): Buffer {
  const buffer = Buffer.alloc(4096);
  return buffer.subarray(
    0,
    check(readlinkatCall(dirfd, cstring(name, "readlinkat"), buffer, buffer.length), "readlinkat", name),
  );
}

const unlinkatCall = libcFunction("unlinkat", "int", ["int", "const char *", "int"]);
/** flags: AT.removedir for a directory. */
export const unlinkat = (dirfd: number, name: PathBytes, flags = 0): void =>
  void check(unlinkatCall(dirfd, cstring(name, "unlinkat"), flags), "unlinkat", name);

const renameat2Call = libcFunction("renameat2", "int", ["int", "const char *", "int", "const char *", "uint"]);
export const renameat2 = (
  oldDirfd: number,
  oldName: PathBytes,
  newDirfd: number,
  newName: PathBytes,
  flags = 0,
): void =>
  void check(
    renameat2Call(oldDirfd, cstring(oldName, "renameat2"), newDirfd, cstring(newName, "renameat2"), flags),
    "renameat2",
    newName,
  );

const fchownatCall = libcFunction("fchownat", "int", ["int", "const char *", "uint", "uint", "int"]);
/** flags default: never through a symlink. With AT.emptyPath and "" the handle itself. */
export const fchownat = (
  dirfd: number,
  name: PathBytes,
  uid: number,
  gid: number,
  flags: number = AT.symlinkNofollow,
): void => void check(fchownatCall(dirfd, cstring(name, "fchownat"), uid, gid, flags), "fchownat", name);

const fchmodatCall = libcFunction("fchmodat", "int", ["int", "const char *", "uint", "int"]);
/** Follows a final symlink (Linux has no other way below 6.6): call it only for names known not to be links. */
export const fchmodat = (dirfd: number, name: PathBytes, mode: number): void =>
  void check(fchmodatCall(dirfd, cstring(name, "fchmodat"), mode, 0), "fchmodat", name);

const utimensatCall = libcFunction("utimensat", "int", ["int", "const char *", "const void *", "int"]);
export interface FileTimes {
  /** Nanoseconds since the epoch; undefined leaves it alone. */
  readonly accessed?: bigint | undefined;
  readonly modified?: bigint | undefined;
}
const UTIME_OMIT = 0x3ffffffen;
export function utimensat(dirfd: number, name: PathBytes, times: FileTimes, flags: number = AT.symlinkNofollow): void {
  const buffer = Buffer.alloc(32);
  const put = (ns: bigint | undefined, offset: number): void => {
    const fraction = ns === undefined ? UTIME_OMIT : ((ns % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
    buffer.writeBigInt64LE(ns === undefined ? 0n : (ns - fraction) / 1_000_000_000n, offset);
    buffer.writeBigInt64LE(fraction, offset + 8);
  };
  put(times.accessed, 0);
  put(times.modified, 16);
  check(utimensatCall(dirfd, cstring(name, "utimensat"), buffer, flags), "utimensat", name);
}

const flockCall = libcFunction("flock", "int", ["int", "int"]);
/** Never waits: LOCK.nonBlocking is always added (a wait would stop the event loop). EWOULDBLOCK comes as EAGAIN. */
export const flock = (fd: number, operation: number): void =>
  void check(flockCall(fd, operation | LOCK.nonBlocking), "flock");

const fstatfsCall = libcFunction("fstatfs", "int", ["int", "void *"]);
const statfsCall = libcFunction("statfs", "int", ["const char *", "void *"]);
export interface StatFs {
  readonly type: number;
  readonly blockSize: number;
  readonly blocks: bigint;
  readonly blocksFree: bigint;
  readonly blocksAvailable: bigint;
  readonly files: bigint;
  readonly filesFree: bigint;
}
export const FS_MAGIC = {
  overlay: 0x794c7630,
  proc: 0x9fa0,
  tmpfs: 0x01021994,
  cgroup: 0x27e0eb,
  cgroup2: 0x63677270,
} as const;
const statFs = (buffer: Buffer): StatFs => ({
  type: Number(buffer.readBigInt64LE(0)),
  blockSize: Number(buffer.readBigInt64LE(8)),
  blocks: buffer.readBigUInt64LE(16),
  blocksFree: buffer.readBigUInt64LE(24),
  blocksAvailable: buffer.readBigUInt64LE(32),
  files: buffer.readBigUInt64LE(40),
  filesFree: buffer.readBigUInt64LE(48),
});
export function fstatfs(fd: number): StatFs {
  const buffer = Buffer.alloc(256);
  check(fstatfsCall(fd, buffer), "fstatfs");
  return statFs(buffer);
}
export function statfs(path: PathBytes): StatFs {
  const buffer = Buffer.alloc(256);
  check(statfsCall(cstring(path, "statfs"), buffer), "statfs", path);
  return statFs(buffer);
}
