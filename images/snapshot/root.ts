import { unsupported } from "../../engine/base/errors.ts";

/**
 * A regular file inside a root, symlinks followed inside it only; null when it does not exist or is not a regular
 * file. Throws invalid when it is larger than maxBytes.
 */
export function readFileInRoot(_rootFd: number, _path: string, _maxBytes: number): Buffer | null {
  throw unsupported("image.unfinished", "readFileInRoot is not implemented yet");
}
