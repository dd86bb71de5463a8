/** The words after the last colon of a bind string, and tmpfs options, parsed and merged (docker-api.md §11). Pure. */

const PROPAGATION: ReadonlySet<string> = new Set(["private", "rprivate", "shared", "rshared", "slave", "rslave"]);
const KINDS: readonly ReadonlySet<string>[] = [
  new Set(["ro", "rw"]),
  new Set(["z", "Z"]),
  new Set(["nocopy"]),
  PROPAGATION,
  new Set(["consistent", "cached", "delegated", "default"]),
];

export const isPropagation = (word: string): boolean => PROPAGATION.has(word);

/** At most one word of each kind; "" is valid. */
export function isBindMode(mode: string): boolean {
  if (mode === "") return true;
  const used = new Set<number>();
  for (const word of mode.split(",")) {
    const kind = KINDS.findIndex((words) => words.has(word));
    if (kind < 0 || used.has(kind)) return false;
    used.add(kind);
  }
  return true;
}

export interface BindMode {
  readonly readWrite: boolean;
  readonly noCopy: boolean;
  /** "" = not given */
  readonly propagation: string;
}
export function parseBindMode(mode: string): BindMode {
  const words = mode.split(",");
  return {
    readWrite: !words.includes("ro"),
    noCopy: words.includes("nocopy"),
    propagation: words.find(isPropagation) ?? "",
  };
}

/** Words of one group exclude each other: the later wins. */
const TMPFS_FLAGS: readonly (readonly string[])[] = [
  ["exec", "noexec"],
  ["suid", "nosuid"],
  ["dev", "nodev"],
  ["ro", "rw"],
  ["sync", "async"],
  ["atime", "noatime"],
  ["diratime", "nodiratime"],
  ["relatime", "norelatime"],
  ["strictatime", "nostrictatime"],
  ["private", "rprivate", "shared", "rshared", "slave", "rslave", "unbindable", "runbindable"],
];
const TMPFS_VALUES: Readonly<Record<string, RegExp>> = {
  size: /^\d+[kmgtKMGT%]?$/,
  mode: /^0?[0-7]{1,4}$/,
  uid: /^\d{1,10}$/,
  gid: /^\d{1,10}$/,
  nr_inodes: /^\d+[kmgKMG]?$/,
  nr_blocks: /^\d+[kmgKMG]?$/,
  mpol: /^[a-z]+(=[a-z]+)?(:[0-9,-]+)?$/,
};

const flagGroup = (word: string): number => TMPFS_FLAGS.findIndex((group) => group.includes(word));

/** null when fine, else the offending word. */
export function tmpfsOptionProblem(word: string): string | null {
  const [key, value] = splitOption(word);
  if (value === null) return flagGroup(word) >= 0 || word === "defaults" ? null : word;
  return TMPFS_VALUES[key]?.test(value) === true ? null : word;
}

/** Later words win over earlier ones of the same group or key; the order of first appearance is kept. */
export function mergeTmpfsOptions(base: readonly string[], user: readonly string[]): readonly string[] {
  const merged = new Map<string, string>();
  for (const word of [...base, ...user]) {
    if (word === "defaults") continue;
    const [key, value] = splitOption(word);
    merged.set(value === null ? `#${flagGroup(word)}` : key, word);
  }
  return [...merged.values()];
}

export const TMPFS_BASE: readonly string[] = ["noexec", "nosuid", "nodev", "rprivate"];

function splitOption(word: string): readonly [key: string, value: string | null] {
  const at = word.indexOf("=");
  return at < 0 ? [word, null] : [word.slice(0, at), word.slice(at + 1)];
}
