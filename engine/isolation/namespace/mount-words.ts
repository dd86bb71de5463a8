/** Mount options of the OCI runtime spec and mount(8) → bits of the mount API and options of the filesystem. Pure. */
import { MOUNT_ATTR } from "./kernel.ts";

export const PROPAGATION: Readonly<Record<string, number>> = {
  private: 1 << 18,
  rprivate: (1 << 18) | 0x4000,
  slave: 1 << 19,
  rslave: (1 << 19) | 0x4000,
  shared: 1 << 20,
  rshared: (1 << 20) | 0x4000,
  unbindable: 1 << 17,
  runbindable: (1 << 17) | 0x4000,
};

const SET: Readonly<Record<string, number>> = {
  ro: MOUNT_ATTR.rdonly,
  nosuid: MOUNT_ATTR.nosuid,
  nodev: MOUNT_ATTR.nodev,
  noexec: MOUNT_ATTR.noexec,
  noatime: MOUNT_ATTR.noatime,
  strictatime: MOUNT_ATTR.strictatime,
  nodiratime: MOUNT_ATTR.nodiratime,
  nosymfollow: MOUNT_ATTR.nosymfollow,
};
/** Defaults of a new mount: they only take back an earlier word. */
const CLEAR: Readonly<Record<string, number>> = {
  rw: MOUNT_ATTR.rdonly,
  suid: MOUNT_ATTR.nosuid,
  dev: MOUNT_ATTR.nodev,
  exec: MOUNT_ATTR.noexec,
  atime: MOUNT_ATTR.noatime,
  relatime: MOUNT_ATTR.noatime | MOUNT_ATTR.strictatime,
  nostrictatime: MOUNT_ATTR.strictatime,
  diratime: MOUNT_ATTR.nodiratime,
  symfollow: MOUNT_ATTR.nosymfollow,
};
const NOTHING: ReadonlySet<string> = new Set(["defaults", "async", "norelatime", "loud", "noiversion", "nomand"]);

export interface MountWords {
  /** MOUNT_ATTR bits */
  readonly attributes: number;
  /** The attributes hold for everything below as well ("rro"). */
  readonly recursiveAttributes: boolean;
  /** "bind" or "rbind" was among the words. */
  readonly bind: boolean;
  readonly recursive: boolean;
  /** MS bits, 0 = not said. */
  readonly propagation: number;
  readonly idmapped: boolean;
  readonly copyUp: boolean;
  /** What is left: for the filesystem. */
  readonly data: readonly string[];
}

export function parseMountWords(words: readonly string[]): MountWords {
  let attributes = 0;
  let recursiveAttributes = false;
  let propagation = 0;
  const data: string[] = [];
  const seen = new Set(words);
  for (const word of words) {
    // "rro", "rnosuid", …: the same attribute for the whole tree
    const base = SET[word] === undefined && CLEAR[word] === undefined && word.startsWith("r") ? word.slice(1) : word;
    if (PROPAGATION[word] !== undefined) propagation = PROPAGATION[word];
    else if (SET[base] !== undefined) {
      attributes |= SET[base];
      recursiveAttributes ||= base !== word;
    } else if (CLEAR[base] !== undefined) attributes &= ~CLEAR[base];
    else if (!STRUCTURE.has(word) && !NOTHING.has(word)) data.push(word);
  }
  return {
    attributes,
    recursiveAttributes,
    bind: seen.has("bind") || seen.has("rbind"),
    recursive: seen.has("rbind"),
    propagation,
    idmapped: seen.has("idmap") || seen.has("ridmap"),
    copyUp: seen.has("tmpcopyup"),
    data,
  };
}
const STRUCTURE: ReadonlySet<string> = new Set(["bind", "rbind", "idmap", "ridmap", "tmpcopyup"]);
