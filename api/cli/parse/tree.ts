/** The command tree: every command with all the paths that lead to it ("ps", "container ls", ...). */
import type { Command } from "./command.ts";

export interface Group {
  readonly name: string;
  readonly summary: string;
}

export interface Entry {
  readonly command: Command;
  /** Space-separated words, the preferred one first. */
  readonly paths: readonly string[];
  readonly hidden?: boolean;
}

export interface Tree {
  readonly groups: readonly Group[];
  readonly entries: readonly Entry[];
  /** Paths shown first in the overview. */
  readonly common: readonly string[];
}

export type Resolution =
  | { readonly kind: "command"; readonly entry: Entry; readonly path: string; readonly rest: readonly string[] }
  | { readonly kind: "group"; readonly group: Group; readonly rest: readonly string[] }
  | { readonly kind: "overview" }
  | { readonly kind: "unknown"; readonly words: string };

const find = (tree: Tree, path: string): Entry | undefined => tree.entries.find((entry) => entry.paths.includes(path));

export function resolveCommand(tree: Tree, words: readonly string[]): Resolution {
  const [first, second, ...rest] = words;
  if (first === undefined) return { kind: "overview" };
  const group = tree.groups.find(({ name }) => name === first);
  if (group !== undefined) {
    if (second === undefined || second.startsWith("-")) return { kind: "group", group, rest: words.slice(1) };
    const path = `${first} ${second}`;
    const entry = find(tree, path);
    return entry === undefined ? { kind: "unknown", words: path } : { kind: "command", entry, path, rest };
  }
  const entry = find(tree, first);
  if (entry === undefined) return { kind: "unknown", words: first };
  return { kind: "command", entry, path: first, rest: words.slice(1) };
}

/** The commands right below a group (or the top, for ""), one path each, sorted. */
export function listCommands(tree: Tree, group: string): readonly { readonly name: string; readonly entry: Entry }[] {
  const prefix = group === "" ? "" : `${group} `;
  const found = [];
  for (const entry of tree.entries) {
    if (entry.hidden) continue;
    const path = entry.paths.find((one) => one.startsWith(prefix) && one.split(" ").length === (group === "" ? 1 : 2));
    if (path !== undefined) found.push({ name: path.slice(prefix.length), entry });
  }
  return found.sort((left, right) => (left.name < right.name ? -1 : 1));
}

function distance(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_unused, index) => index);
  for (let i = 1; i <= left.length; i++) {
    const next = [i];
    for (let j = 1; j <= right.length; j++) {
      const substitute = (row[j - 1] ?? 0) + (left[i - 1] === right[j - 1] ? 0 : 1);
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, substitute));
    }
    row = next;
  }
  return row[right.length] ?? 0;
}

/** The path the user may have meant, or null. */
export function nearestPath(tree: Tree, words: string): string | null {
  const names = tree.entries.filter(({ hidden }) => !hidden).flatMap(({ paths }) => paths);
  const typed = words.split(" ");
  const last = typed.at(-1) ?? "";
  let best: string | null = null;
  // One slip in three letters may be a typing error; more is another word.
  let least = Math.max(1, Math.floor(last.length / 3)) + 1;
  for (const name of names) {
    const parts = name.split(" ");
    if (parts.length !== typed.length || (parts.length === 2 && parts[0] !== typed[0])) continue;
    const away = distance(last, parts.at(-1) ?? "");
    if (away < least) [best, least] = [name, away];
  }
  return best;
}
