/** Reading files of a container's tree: every path is resolved by the kernel inside the given root. */
import { constants, fstatSync, readSync } from "node:fs";
import { errnoCode, invalid } from "../../engine/base/errors.ts";
import { sys } from "../../native/binding/index.ts";

/** O_NONBLOCK: a FIFO planted at /etc/passwd must not stop the daemon. */
const READ = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
const ABSENT = new Set(["ENOENT", "ENOTDIR", "ELOOP", "ENXIO", "EXDEV", "EACCES"]);

/**
 * A regular file inside a root, symlinks followed inside it only; null when it does not exist or is not a regular
 * file. Throws invalid when it is larger than maxBytes.
 */
export function readFileInRoot(rootFd: number, path: string, maxBytes: number): Buffer | null {
  let fd: number;
  try {
    fd = sys.openat2(rootFd, path, { flags: READ, resolve: sys.RESOLVE.inRoot | sys.RESOLVE.noMagiclinks });
  } catch (error) {
    if (ABSENT.has(errnoCode(error) ?? "")) return null;
    throw error;
  }
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) return null;
    if (stat.size > maxBytes)
      throw invalid("image.file_too_large", `${path} in the image has ${stat.size} bytes (limit ${maxBytes})`);
    return readUpTo(fd, path, stat.size, maxBytes);
  } finally {
    sys.close(fd);
  }
}

/** The size is only a hint: the file may grow while it is read. */
function readUpTo(fd: number, path: string, hint: number, maxBytes: number): Buffer {
  let buffer = Buffer.allocUnsafe(Math.min(hint + 1, maxBytes + 1));
  let length = 0;
  for (;;) {
    const count = readSync(fd, buffer, length, buffer.length - length, null);
    length += count;
    if (length > maxBytes)
      throw invalid("image.file_too_large", `${path} in the image has more than ${maxBytes} bytes`);
    if (count === 0) return buffer.subarray(0, length);
    if (length === buffer.length) {
      const larger = Buffer.allocUnsafe(Math.min(buffer.length * 2, maxBytes + 1));
      buffer.copy(larger);
      buffer = larger;
    }
  }
}
