/**
 * Owner, mode, extended attributes and times, in the only order that keeps them: chown clears setuid bits and
 * security.capability, so it comes first; writing xattrs and modes touches ctime only, so times come last.
 */
import { fchmodSync, fchownSync } from "node:fs";
import { errnoCode } from "../../engine/base/errors.ts";
import { sys } from "../../native/binding/index.ts";

export interface Attributes {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeSeconds: number;
  readonly mtimeNanoseconds: number;
  readonly xattrs: ReadonlyMap<string, Buffer> | null;
}

/** Years 1970 to 2242; anything else is clamped (kernels and tools disagree about the rest). */
const SECONDS_MAX = 2 ** 33;
const NO_ID = 0xffffffff;

const times = new Int32Array(8);
/** struct timespec[2], access time = modification time. The array is reused: consume it at once. */
export function timespecs(seconds: number, nanoseconds: number): Int32Array {
  const clamped = seconds < 0 ? 0 : Math.min(seconds, SECONDS_MAX);
  const exact = clamped === seconds ? nanoseconds : 0;
  times[0] = times[4] = clamped | 0;
  times[1] = times[5] = Math.floor(clamped / 0x100000000);
  times[2] = times[6] = exact;
  return times;
}

export const validId = (id: number): boolean => id >= 0 && id < NO_ID;

/** Attributes of the overlay itself must never come from an archive: they could redirect or hide files of other layers. */
export const isReservedXattr = (name: string): boolean =>
  name.startsWith("trusted.overlay.") || name.startsWith("user.overlay.");

/** For a regular file that was just made through this descriptor, owned by root with mode `made`. */
export function applyToFile(fd: number, wanted: Attributes, made: number): void {
  if (wanted.uid !== 0 || wanted.gid !== 0) fchownSync(fd, wanted.uid, wanted.gid);
  if (wanted.mode !== made) fchmodSync(fd, wanted.mode);
  if (wanted.xattrs !== null) setXattrs(wanted.xattrs, (name, value) => sys.fsetxattr(fd, name, value));
  sys.futimens(fd, timespecs(wanted.mtimeSeconds, wanted.mtimeNanoseconds));
}

/** For a readable directory descriptor. `times` false leaves them. */
export function applyToDirectory(fd: number, wanted: Attributes, withTimes: boolean): void {
  fchownSync(fd, wanted.uid, wanted.gid);
  fchmodSync(fd, wanted.mode);
  if (wanted.xattrs !== null) setXattrs(wanted.xattrs, (name, value) => sys.fsetxattr(fd, name, value));
  if (withTimes) sys.futimens(fd, timespecs(wanted.mtimeSeconds, wanted.mtimeNanoseconds));
}

/** For a symlink, device or fifo just made as `name` under dirfd. `chmod` is for all but symlinks. */
export function applyToNode(dirfd: number, nameZ: Buffer, wanted: Attributes, chmod: boolean): void {
  const name = nameZ.subarray(0, -1);
  if (wanted.uid !== 0 || wanted.gid !== 0) sys.fchownat(dirfd, name, wanted.uid, wanted.gid);
  if (chmod) sys.fchmodat(dirfd, name, wanted.mode);
  if (wanted.xattrs !== null) {
    const path = Buffer.concat([Buffer.from(`/proc/self/fd/${dirfd}/`), name]);
    setXattrs(wanted.xattrs, (key, value) => sys.lsetxattr(path, key, value));
  }
  sys.utimensatZ(dirfd, nameZ, timespecs(wanted.mtimeSeconds, wanted.mtimeNanoseconds));
}

function setXattrs(xattrs: ReadonlyMap<string, Buffer>, set: (name: string, value: Buffer) => void): void {
  for (const [name, value] of xattrs) {
    if (isReservedXattr(name)) continue;
    try {
      set(name, value);
    } catch (error) {
      const code = errnoCode(error);
      // The filesystem cannot hold it, or user.* on something that is neither file nor directory: Docker drops these too.
      if (code !== "ENOTSUP" && code !== "EOPNOTSUPP" && !(code === "EPERM" && name.startsWith("user."))) throw error;
    }
  }
}

/** All attributes but the overlay's own, of an open file or directory. */
export function readXattrs(fd: number): Map<string, Buffer> | null {
  const names = sys.flistxattr(fd).filter((name) => !isReservedXattr(name));
  return names.length === 0 ? null : new Map(names.map((name) => [name, sys.fgetxattr(fd, name)]));
}
