/** argv → exit status. Everything that goes wrong below is turned into text and a status here, once. */
import { Client, DEFAULT_HOST } from "../client/index.ts";
import { complete } from "./complete.ts";
import { tree } from "./commands/index.ts";
import type { Context } from "./context.ts";
import { ArgumentError } from "./errors.ts";
import { causes, explain } from "./explain.ts";
import { commandHelp, groupHelp, overview, usageLine } from "./help.ts";
import { FlagError, parseArguments } from "./parse/arguments.ts";
import { bool, list, string } from "./parse/flag.ts";
import { type Entry, nearestPath, resolveCommand } from "./parse/tree.ts";
import { paintHelp, paintMessage } from "./render/paint.ts";
import { CLI_VERSION } from "./version.ts";

/** What the surroundings provide; the client and the debug switch depend on the flags. */
export type Surroundings = Omit<Context, "client" | "debug">;

const GLOBALS = {
  debug: bool("Show the causes of an error", { short: "D" }),
  host: list('Daemon to connect to: "unix:///PATH" or "tcp://HOST:PORT"', { short: "H", complete: "none" }),
  version: bool("Print version information and quit", { short: "v" }),
  config: string("", { hidden: true }),
  context: string("", { short: "c", hidden: true }),
  "log-level": string("", { short: "l", hidden: true }),
};

const width = (outside: Surroundings): number => Math.min(outside.stdout.size()?.columns ?? 80, 120);

function chooseHost(outside: Surroundings, given: readonly string[]): string {
  if (given.length > 1) throw new FlagError("specify only one -H");
  const { env } = outside;
  return given[0] || env["CTR_HOST"] || env["DOCKER_HOST"] || DEFAULT_HOST;
}

function checkCount(program: string, path: string, entry: Entry, count: number): void {
  const { min, max } = entry.command.args;
  if (count >= min && count <= max) return;
  const exact = min === max;
  const much = count < min ? min : max;
  const plural = much === 1 ? "argument" : "arguments";
  const bound = exact ? "" : count < min ? "at least " : "at most ";
  const text = max === 0 ? "accepts no arguments" : `requires ${bound}${much} ${plural}`;
  throw new ArgumentError(`'${program} ${path}' ${text}`);
}

async function runCommand(
  context: Context,
  path: string,
  entry: Entry,
  rest: readonly string[],
  columns: number,
): Promise<number> {
  const { program } = context;
  const usage = `Usage:  ${usageLine(program, path, entry)}\n\nRun '${program} ${path} --help' for more information\n`;
  try {
    const parsed = parseArguments(entry.command.flags, rest, entry.command.interspersed !== false);
    if (parsed.help) {
      await context.stdout.write(paintHelp(context.stdout, context.env, commandHelp(program, path, entry, columns)));
      return 0;
    }
    checkCount(program, path, entry, parsed.args.length);
    const { flags, changed, args } = parsed;
    return await entry.command.run({ name: `${program} ${path}`, flags, changed, args, context });
  } catch (error) {
    if (error instanceof FlagError) {
      await context.stderr.write(`${error.message}\n\n${usage}`);
      return 125;
    }
    if (error instanceof ArgumentError) {
      const few = entry.command.args.max === Number.POSITIVE_INFINITY;
      await context.stderr.write(
        `${program}: ${error.message}\n\n${few ? usage.replace("\nRun '", "\nSee '") : usage}`,
      );
      return 1;
    }
    const { status, text } = explain(error);
    const message = paintMessage(context.stderr, context.env, text);
    if (text !== "") await context.stderr.write(`${message}${context.debug ? causes(error) : ""}\n`);
    return status;
  }
}

async function dispatch(outside: Surroundings, argv: readonly string[]): Promise<number> {
  const { program, stdout, stderr } = outside;
  const globals = parseArguments(GLOBALS, argv, false);
  const flags = globals.flags as { host: readonly string[]; debug: boolean; version: boolean };
  if (flags.version) {
    await stdout.write(`Tare version ${CLI_VERSION}\n`);
    return 0;
  }
  const words = globals.args[0] === "help" ? [...globals.args.slice(1), "--help"] : globals.args;
  const found = globals.help ? ({ kind: "overview" } as const) : resolveCommand(tree, words);
  switch (found.kind) {
    case "overview":
      await stdout.write(paintHelp(stdout, outside.env, overview(tree, program, GLOBALS, width(outside))));
      return 0;
    case "group": {
      // Asked for it goes to stdout; as an answer to an unfinished command, to stderr.
      const output = found.rest.length > 0 ? stdout : stderr;
      await output.write(paintHelp(output, outside.env, groupHelp(tree, program, found.group, width(outside))));
      return 0;
    }
    case "unknown": {
      if (found.words === "--help") return dispatch(outside, ["--help"]);
      const near = nearestPath(tree, found.words);
      const hint = near === null ? "" : `\n\nDid you mean '${program} ${near}'?`;
      const group = found.words.includes(" ") ? ` ${found.words.split(" ")[0]}` : "";
      const usage = group === "" ? "" : `\n\nUsage:  ${program}${group}`;
      const pointer = `Run '${program}${group} --help' for more information`;
      await stderr.write(`${program}: unknown command: ${program} ${found.words}${hint}${usage}\n\n${pointer}\n`);
      return 1;
    }
    case "command": {
      using client = new Client(chooseHost(outside, flags.host));
      const debug = flags.debug || (outside.env["CTR_DEBUG"] ?? "") !== "";
      const context: Context = { ...outside, client, debug };
      return await runCommand(context, found.path, found.entry, found.rest, width(outside));
    }
  }
}

/** Never throws for anything the user can cause. */
export async function run(outside: Surroundings, argv: readonly string[]): Promise<number> {
  const { program, stderr } = outside;
  try {
    if (argv[0] === "__complete") return await complete(outside, tree, GLOBALS, argv.slice(1));
    return await dispatch(outside, argv);
  } catch (error) {
    if (error instanceof FlagError) {
      await stderr.write(
        `${error.message}\n\nUsage:  ${program} [OPTIONS] COMMAND [ARG...]\n\nRun '${program} --help' for more information\n`,
      );
      return 125;
    }
    const { status, text } = explain(error);
    await stderr.write(`${paintMessage(stderr, outside.env, text)}\n`);
    return status;
  }
}
