/** The mount API by descriptor. A detached mount (fsmount, open_tree) disappears with its descriptor: nothing to leak. */
import { check, cstring, libcFunction, type PathBytes, syscallFunction } from "./libc.ts";

export const FSCONFIG = {
  flag: 0,
  string: 1,
  binary: 2,
  path: 3,
  pathEmpty: 4,
  fd: 5,
  create: 6,
  reconfigure: 7,
} as const;
export const MOUNT_ATTR = {
  rdonly: 0x1,
  nosuid: 0x2,
  nodev: 0x4,
  noexec: 0x8,
  noatime: 0x10,
  strictatime: 0x20,
  atimeMask: 0x70,
  nodiratime: 0x80,
  idmap: 0x100000,
  nosymfollow: 0x200000,
} as const;
export const OPEN_TREE = { clone: 1, cloexec: 0o2000000 } as const;
export const MOVE_MOUNT = { fromEmptyPath: 0x4, toSymlinks: 0x10, toEmptyPath: 0x40 } as const;
export const MS = { rec: 0x4000, unbindable: 1 << 17, private: 1 << 18, slave: 1 << 19, shared: 1 << 20 } as const;
export const MNT = { force: 1, detach: 2, expire: 4, nofollow: 8 } as const;

const fsopenCall = syscallFunction(430, ["const char *", "uint"]);
export const fsopen = (fstype: string): number => check(fsopenCall(cstring(fstype, "fsopen"), 1), "fsopen", fstype);

const fsconfigCall = syscallFunction(431, ["int", "uint", "const char *", "const void *", "int"]);
export const fsconfigFlag = (fd: number, key: string): void =>
  void check(fsconfigCall(fd, FSCONFIG.flag, cstring(key, "fsconfig"), null, 0), "fsconfig", key);
export const fsconfigString = (fd: number, key: string, value: string): void => {
  if (value.includes("\0")) cstring(value, "fsconfig");
  check(
    fsconfigCall(fd, FSCONFIG.string, cstring(key, "fsconfig"), Buffer.from(`${value}\0`), 0),
    "fsconfig",
    `${key}=${value}`,
  );
};
export const fsconfigFd = (fd: number, key: string, value: number): void =>
  void check(fsconfigCall(fd, FSCONFIG.fd, cstring(key, "fsconfig"), null, value), "fsconfig", key);
export const fsconfigCreate = (fd: number): void =>
  void check(fsconfigCall(fd, FSCONFIG.create, null, null, 0), "fsconfig", "create");

const fsmountCall = syscallFunction(432, ["int", "uint", "uint"]);
/** A detached mount. attributes: MOUNT_ATTR bits. */
export const fsmount = (fsfd: number, attributes = 0): number => check(fsmountCall(fsfd, 1, attributes), "fsmount");

const moveMountCall = syscallFunction(429, ["int", "const char *", "int", "const char *", "uint"]);
export const moveMount = (fromFd: number, from: PathBytes, toFd: number, to: PathBytes, flags: number): void =>
  void check(
    moveMountCall(fromFd, cstring(from, "move_mount"), toFd, cstring(to, "move_mount"), flags),
    "move_mount",
    to,
  );

const openTreeCall = syscallFunction(428, ["int", "const char *", "uint"]);
/** flags: OPEN_TREE | AT. Close-on-exec is always added. */
export const openTree = (dirfd: number, path: PathBytes, flags: number): number =>
  check(openTreeCall(dirfd, cstring(path, "open_tree"), flags | OPEN_TREE.cloexec), "open_tree", path);

export interface MountAttributes {
  readonly set?: number;
  readonly clear?: number;
  /** MS propagation bit, or 0. */
  readonly propagation?: number;
  /** A user namespace descriptor, with MOUNT_ATTR.idmap in set. */
  readonly usernsFd?: number;
}
const mountSetattrCall = syscallFunction(442, ["int", "const char *", "uint", "const void *", "size_t"]);
/** flags: AT.emptyPath, AT.recursive … */
export function mountSetattr(dirfd: number, path: PathBytes, flags: number, attributes: MountAttributes): void {
  const buffer = Buffer.alloc(32);
  buffer.writeBigUInt64LE(BigInt(attributes.set ?? 0), 0);
  buffer.writeBigUInt64LE(BigInt(attributes.clear ?? 0), 8);
  buffer.writeBigUInt64LE(BigInt(attributes.propagation ?? 0), 16);
  buffer.writeBigUInt64LE(BigInt(attributes.usernsFd ?? 0), 24);
  check(mountSetattrCall(dirfd, cstring(path, "mount_setattr"), flags, buffer, 32), "mount_setattr", path);
}

const mountCall = libcFunction("mount", "int", [
  "const char *",
  "const char *",
  "const char *",
  "size_t",
  "const char *",
]);
export const mount = (source: PathBytes, target: PathBytes, fstype: string, flags = 0, data = ""): void =>
  void check(
    mountCall(
      cstring(source, "mount"),
      cstring(target, "mount"),
      cstring(fstype, "mount"),
      flags,
      cstring(data, "mount"),
    ),
    "mount",
    target,
  );

const umount2Call = libcFunction("umount2", "int", ["const char *", "int"]);
/** Never follows a symlink at the end of the path. */
export const umount2 = (path: PathBytes, flags = 0): void =>
  void check(umount2Call(cstring(path, "umount2"), flags | MNT.nofollow), "umount2", path);
