/** Completion. The shells' scripts ask `ctr __complete WORD...`; the answer is one candidate per line, a tab, and a description. */
import { Client, DEFAULT_HOST } from "../client/index.ts";
import type { Surroundings } from "./app.ts";
import { parseArguments } from "./parse/arguments.ts";
import type { CompletionSource, FlagTable } from "./parse/flag.ts";
import { listCommands, resolveCommand, type Tree } from "./parse/tree.ts";

type Candidate = readonly [word: string, description: string];

/** Nobody waits for a daemon while pressing Tab. */
const DAEMON_TIMEOUT_MS = 1000;

const flagCandidates = (table: FlagTable, prefix: string): Candidate[] =>
  Object.entries(table)
    .filter(([name, flag]) => !flag.hidden && `--${name}`.startsWith(prefix))
    .map(([name, flag]) => [`--${name}`, flag.usage.split("\n")[0] ?? ""]);

function pendingFlag(table: FlagTable, word: string | undefined): string | null {
  if (word === undefined || !word.startsWith("-") || word.includes("=")) return null;
  const name = word.startsWith("--")
    ? word.slice(2)
    : Object.entries(table).find(([, flag]) => flag.short === word.at(-1) && flag.bare === undefined)?.[0];
  const flag = name === undefined ? undefined : table[name];
  return name !== undefined && flag !== undefined && flag.bare === undefined ? name : null;
}

function positionals(table: FlagTable, words: readonly string[]): number {
  let count = 0;
  for (let index = 0; index < words.length; index++) {
    if (pendingFlag(table, words[index]) !== null) index++;
    else if (!(words[index] ?? "").startsWith("-")) count++;
  }
  return count;
}

async function fromDaemon(outside: Surroundings, source: CompletionSource): Promise<Candidate[]> {
  if (source === "none" || source === "file") return [];
  const { env } = outside;
  using client = new Client(env["CTR_HOST"] || env["DOCKER_HOST"] || DEFAULT_HOST);
  const signal = AbortSignal.timeout(DAEMON_TIMEOUT_MS);
  try {
    if (source === "image") {
      const images = await client.call("GET /images/json", { signal });
      return images.flatMap(({ RepoTags }) => RepoTags.map((tag): Candidate => [tag, "image"]));
    }
    if (source === "network") {
      const networks = await client.call("GET /networks", { signal });
      return networks.map(({ Name, Driver }): Candidate => [Name, Driver]);
    }
    const containers = await client.call("GET /containers/json", { query: { all: source === "container" }, signal });
    return containers.map(({ Names, Status }): Candidate => [(Names[0] ?? "").slice(1), Status]);
  } catch {
    return [];
  }
}

const fromSource = (
  outside: Surroundings,
  source: CompletionSource | readonly string[] | undefined,
): Promise<Candidate[]> =>
  typeof source === "string"
    ? fromDaemon(outside, source)
    : Promise.resolve((source ?? []).map((word): Candidate => [word, ""]));

async function candidates(
  outside: Surroundings,
  tree: Tree,
  globals: FlagTable,
  words: readonly string[],
): Promise<Candidate[]> {
  const current = words.at(-1) ?? "";
  const before = words.slice(0, -1);
  const found = resolveCommand(tree, before);
  if (found.kind === "unknown") return [];
  if (found.kind !== "command") {
    if (current.startsWith("-")) return flagCandidates(globals, current);
    const group = found.kind === "group" ? found.group.name : "";
    const groups = group === "" ? tree.groups.map(({ name, summary }): Candidate => [name, summary]) : [];
    const commands = listCommands(tree, group).map(({ name, entry }): Candidate => [name, entry.command.summary]);
    return [...groups, ...commands].filter(([word]) => word.startsWith(current));
  }
  const { command } = found.entry;
  const pending = pendingFlag(command.flags, found.rest.at(-1));
  const count = positionals(command.flags, found.rest);
  if (pending !== null) return fromSource(outside, command.flags[pending]?.complete);
  if (current.startsWith("-") && (command.interspersed !== false || count === 0))
    return flagCandidates(command.flags, current);
  const sources = command.complete ?? [];
  return fromSource(outside, sources[Math.min(count, sources.length - 1)]);
}

/** The words after ctr's own flags, and the daemon that these name. */
function withoutGlobals(
  outside: Surroundings,
  globals: FlagTable,
  words: readonly string[],
): readonly [Surroundings, readonly string[]] {
  const before = words.slice(0, -1);
  try {
    const { args, flags } = parseArguments(globals, before, false);
    const host = (flags["host"] as readonly string[])[0];
    const there = host === undefined ? outside : { ...outside, env: { ...outside.env, CTR_HOST: host } };
    return [there, [...args, ...words.slice(-1)]];
  } catch {
    return [outside, words];
  }
}

export async function complete(
  outside: Surroundings,
  tree: Tree,
  globals: FlagTable,
  words: readonly string[],
): Promise<number> {
  const current = words.at(-1) ?? "";
  const [there, rest] = withoutGlobals(outside, globals, words);
  const found = await candidates(there, tree, globals, rest);
  const lines = found.filter(([word]) => word.startsWith(current)).map(([word, text]) => `${word}\t${text}\n`);
  await outside.stdout.write(lines.join(""));
  return 0;
}
