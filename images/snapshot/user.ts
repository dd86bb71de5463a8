import { unsupported } from "../../engine/base/errors.ts";
import type { OpenRoot, ResolvedUser } from "../types.ts";

/**
 * Resolves a Docker user spec ("", "1000", "name", "uid:gid", "name:group") in an opened root.
 * Throws invalid `unable to find user x: no matching entries in passwd file`.
 */
export function lookupUser(_root: Pick<OpenRoot, "fd">, _spec: string): ResolvedUser {
  throw unsupported("image.unfinished", "lookupUser is not implemented yet");
}
