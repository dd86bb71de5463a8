/** pflag's grammar, quirk for quirk: `--rm=false`, `-dit`, `-v/a:/b`, `-e --weird`, `-aq=true`, `--`, stop at the image. */
import { type Flag, type FlagTable, FlagValueError } from "./flag.ts";

/** A flag that does not parse; the app adds the usage line and exits 125. */
export class FlagError extends Error {
  override readonly name = "FlagError";
}

export interface Parsed {
  readonly flags: Readonly<Record<string, unknown>>;
  readonly changed: ReadonlySet<string>;
  readonly args: readonly string[];
  /** --help or -h (where -h is not something else) was seen; parsing stopped there. */
  readonly help: boolean;
}

interface State {
  readonly table: FlagTable;
  readonly shorts: ReadonlyMap<string, string>;
  readonly values: Record<string, unknown>;
  readonly changed: Set<string>;
  readonly rest: string[];
  help: boolean;
}

function assign(state: State, name: string, text: string): void {
  const flag = state.table[name] as Flag<unknown>;
  try {
    state.values[name] = flag.read(text, state.values[name]);
  } catch (error) {
    if (!(error instanceof FlagValueError)) throw error;
    const shown = flag.short === undefined ? `--${name}` : `-${flag.short}, --${name}`;
    throw new FlagError(`invalid argument ${JSON.stringify(text)} for "${shown}" flag: ${error.message}`, {
      cause: error,
    });
  }
  state.changed.add(name);
}

function long(state: State, word: string): void {
  const body = word.slice(2);
  if (body.startsWith("-") || body.startsWith("=")) throw new FlagError(`bad flag syntax: ${word}`);
  const equals = body.indexOf("=");
  const name = equals < 0 ? body : body.slice(0, equals);
  const flag = Object.hasOwn(state.table, name) ? state.table[name] : undefined;
  if (flag === undefined) {
    if (name !== "help") throw new FlagError(`unknown flag: --${name}`);
    state.help = equals < 0 || readHelp(body.slice(equals + 1));
  } else if (equals >= 0) assign(state, name, body.slice(equals + 1));
  else if (flag.bare !== undefined) assign(state, name, flag.bare);
  else {
    const value = state.rest.shift();
    if (value === undefined) throw new FlagError(`flag needs an argument: --${name}`);
    assign(state, name, value);
  }
}

function readHelp(text: string): boolean {
  if (/^(1|t|true)$/i.test(text)) return true;
  if (/^(0|f|false)$/i.test(text)) return false;
  const why = `strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`;
  throw new FlagError(`invalid argument ${JSON.stringify(text)} for "--help" flag: ${why}`);
}

/** One cluster, e.g. "-dit" or "-v/a:/b". */
function short(state: State, word: string): void {
  let letters = word.slice(1);
  while (letters !== "" && !state.help) {
    const letter = letters[0] ?? "";
    const name = state.shorts.get(letter);
    const flag = name === undefined ? undefined : state.table[name];
    if (name === undefined || flag === undefined) {
      if (letter !== "h") throw new FlagError(`unknown shorthand flag: '${letter}' in -${letters}`);
      state.help = true;
    } else if (letters.length > 2 && letters[1] === "=") {
      assign(state, name, letters.slice(2));
      return;
    } else if (flag.bare !== undefined) assign(state, name, flag.bare);
    else if (letters.length > 1) {
      assign(state, name, letters.slice(1));
      return;
    } else {
      const value = state.rest.shift();
      if (value === undefined) throw new FlagError(`flag needs an argument: '${letter}' in -${letters}`);
      assign(state, name, value);
      return;
    }
    letters = letters.slice(1);
  }
}

/** Throws FlagError. `interspersed` false ends at the first word that is not a flag. */
export function parseArguments(table: FlagTable, argv: readonly string[], interspersed: boolean): Parsed {
  const shorts = new Map<string, string>();
  for (const [name, flag] of Object.entries(table)) if (flag.short !== undefined) shorts.set(flag.short, name);
  const values = Object.fromEntries(Object.entries(table).map(([name, flag]) => [name, flag.initial]));
  const state: State = { table, shorts, values, changed: new Set(), rest: [...argv], help: false };
  const args: string[] = [];
  while (!state.help) {
    const word = state.rest.shift();
    if (word === undefined) break;
    if (word === "--") {
      args.push(...state.rest);
      break;
    }
    if (word.startsWith("--")) long(state, word);
    else if (word.startsWith("-") && word.length > 1) short(state, word);
    else if (interspersed) args.push(word);
    else {
      args.push(word, ...state.rest);
      break;
    }
  }
  return { flags: values, changed: state.changed, args, help: state.help };
}
