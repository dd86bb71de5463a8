/** Names of entries: bytes, cut into a directory key and one final name. `..` is refused everywhere; nothing else is trusted. */
import { badTar } from "./tar-header.ts";

/** A path below the root, "" for the root itself; bytes as latin1, so every name has exactly one key. */
export type PathKey = string;

export interface EntryPath {
  readonly directory: PathKey;
  /** One name without slash; "" means the root itself. */
  readonly base: string;
  /** The base's bytes, ended by NUL. */
  readonly baseZ: Buffer;
}

const SLASH = 0x2f;
const NAME_MAX = 255;
const PATH_MAX = 4095;
const UNCLEAN = /(?:^|\/)(?:\.{1,2})?(?:\/|$)/;

/** "a/b" from "./a//b/"; throws for "..". Also used for targets of hard links. */
export function cleanKey(raw: string): PathKey {
  if (raw === "" || !UNCLEAN.test(raw)) return raw;
  const parts = raw.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.includes("..")) throw badTar(`the name ${JSON.stringify(raw)} leaves its directory with ".."`);
  return parts.join("/");
}

export const joinKey = (directory: PathKey, base: string): PathKey =>
  directory === "" ? base : `${directory}/${base}`;

export const keyBytes = (key: PathKey): Buffer => Buffer.from(key === "" ? "." : key, "latin1");

export const zeroEnded = (name: Uint8Array): Buffer => {
  const bytes = Buffer.allocUnsafe(name.length + 1);
  bytes.set(name);
  bytes[name.length] = 0;
  return bytes;
};

/** Readable form for messages: UTF-8 where it is. */
export const shownKey = (key: PathKey): string => Buffer.from(key, "latin1").toString("utf8").slice(0, 500);

/** Splits names of one archive; remembers the last directory, because entries of one directory follow each other. */
export class NameSplitter {
  #raw = "";
  #clean = "";

  split(name: Buffer): EntryPath {
    if (name.length > PATH_MAX) throw badTar(`a name of ${name.length} bytes (limit ${PATH_MAX})`);
    let end = name.length;
    while (end > 0 && name[end - 1] === SLASH) end--;
    const slash = name.lastIndexOf(SLASH, end - 1);
    const start = end === 0 || slash === -1 ? 0 : slash + 1;
    const base = name.toString("latin1", start, end);
    const directory = this.#directory(start === 0 ? "" : name.toString("latin1", 0, start - 1));
    if (base === "." || base === "") return this.#dot(directory);
    if (base === "..") throw badTar(`the name ${JSON.stringify(name.toString())} leaves its directory with ".."`);
    if (base.length > NAME_MAX)
      throw badTar(`a file name of ${base.length} bytes (limit ${NAME_MAX})`, { entry: shownKey(base) });
    return { directory, base, baseZ: zeroEnded(name.subarray(start, end)) };
  }

  #directory(raw: string): PathKey {
    if (raw === this.#raw) return this.#clean;
    this.#clean = cleanKey(raw);
    this.#raw = raw;
    return this.#clean;
  }

  /** "a/b/." is "a/b". */
  #dot(key: PathKey): EntryPath {
    if (key === "") return { directory: "", base: "", baseZ: zeroEnded(Buffer.alloc(0)) };
    const slash = key.lastIndexOf("/");
    const base = key.slice(slash + 1);
    return { directory: slash === -1 ? "" : key.slice(0, slash), base, baseZ: zeroEnded(Buffer.from(base, "latin1")) };
  }
}
