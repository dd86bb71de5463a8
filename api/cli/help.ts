/** Help pages, made from the same tables as the parser. */
import { type Entry, type Group, listCommands, type Tree } from "./parse/tree.ts";
import type { Flag, FlagTable } from "./parse/flag.ts";

const MIN_TEXT = 24;

export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const paragraph of text.split("\n")) {
    let current = "";
    for (const word of paragraph.split(" ")) {
      if (current !== "" && current.length + 1 + word.length > width) {
        lines.push(current);
        current = word;
      } else current = current === "" ? word : `${current} ${word}`;
    }
    lines.push(current);
  }
  return lines;
}

function flagLine(name: string, flag: Flag<unknown>): readonly [string, string] {
  const short = flag.short === undefined ? "      " : `  -${flag.short}, `;
  const value = flag.metavar === "" ? "" : ` ${flag.metavar}`;
  const fallback = flag.shown === undefined ? "" : ` (default ${flag.shown})`;
  return [`${short}--${name}${value}`, flag.usage + fallback];
}

const columns = (rows: readonly (readonly [string, string])[], left: number, width: number): string[] =>
  rows.flatMap(([label, text]) => {
    const [first = "", ...more] = wrap(text, Math.max(MIN_TEXT, width - left));
    return [`${label.padEnd(left)}${first}`.trimEnd(), ...more.map((one) => `${" ".repeat(left)}${one}`)];
  });

export function flagHelp(table: FlagTable, width: number): string[] {
  const shown = Object.entries(table).filter(([, flag]) => !flag.hidden);
  const groups = [...new Set(shown.map(([, flag]) => flag.group ?? "Options"))];
  const lines: string[] = [];
  const label = Math.max(0, ...shown.map(([name, flag]) => flagLine(name, flag)[0].length)) + 3;
  for (const group of groups) {
    const rows = shown
      .filter(([, flag]) => (flag.group ?? "Options") === group)
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([name, flag]) => flagLine(name, flag));
    lines.push("", `${group}:`, ...columns(rows, Math.min(label, 41), width));
  }
  return lines;
}

export const usageLine = (program: string, path: string, entry: Entry): string =>
  `${program} ${path}${entry.command.synopsis === "" ? "" : ` ${entry.command.synopsis}`}`;

export function commandHelp(program: string, path: string, entry: Entry, width: number): string {
  const { command } = entry;
  const lines = [`Usage:  ${usageLine(program, path, entry)}`, "", command.summary];
  if (entry.paths.length > 1)
    lines.push("", "Aliases:", `  ${entry.paths.map((one) => `${program} ${one}`).join(", ")}`);
  lines.push(...flagHelp(command.flags, width));
  if (command.examples !== undefined && command.examples.length > 0) {
    lines.push("", "Examples:");
    for (const [text, meaning] of command.examples) lines.push(`  # ${meaning}`, `  ${program} ${text}`);
  }
  return `${lines.join("\n")}\n`;
}

const commandRows = (tree: Tree, group: string): (readonly [string, string])[] =>
  listCommands(tree, group).map(({ name, entry }) => [`  ${name}`, entry.command.summary]);

export function groupHelp(tree: Tree, program: string, group: Group, width: number): string {
  const rows = commandRows(tree, group.name);
  const lines = [`Usage:  ${program} ${group.name} COMMAND`, "", group.summary, "", "Commands:"];
  lines.push(
    ...columns(rows, 14, width),
    "",
    `Run '${program} ${group.name} COMMAND --help' for more information on a command.`,
  );
  return `${lines.join("\n")}\n`;
}

export function overview(tree: Tree, program: string, globals: FlagTable, width: number): string {
  const rows = commandRows(tree, "");
  const isCommon = ([label]: readonly [string, string]) => tree.common.includes(label.trim());
  const common = tree.common.flatMap((name) => rows.filter(([label]) => label.trim() === name));
  const groups = tree.groups.map(({ name, summary }): readonly [string, string] => [`  ${name}`, summary]);
  const lines = [`Usage:  ${program} [OPTIONS] COMMAND`, "", "Runs containers on this machine"];
  lines.push("", "Common Commands:", ...columns(common, 14, width));
  lines.push("", "Management Commands:", ...columns(groups, 14, width));
  lines.push(
    "",
    "Commands:",
    ...columns(
      rows.filter((row) => !isCommon(row)),
      14,
      width,
    ),
  );
  lines.push(...flagHelp(globals, width), "", `Run '${program} COMMAND --help' for more information on a command.`);
  return `${lines.join("\n")}\n`;
}
