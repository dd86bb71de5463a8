/**
 * Flags as data: a table of them is the parser, the help page and the completion of a command at once.
 * `read` turns the text of one occurrence into the flag's value, given the value so far; it throws FlagValueError.
 */
export type CompletionSource = "container" | "running" | "image" | "network" | "file" | "none";

export interface Flag<T> {
  readonly short?: string;
  /** What the help shows in place of the value, "" for a switch. */
  readonly metavar: string;
  readonly usage: string;
  readonly initial: T;
  /** The default in the help page; left out when there is nothing to say. */
  readonly shown?: string;
  /** Value of an occurrence without one (`--rm` means `--rm=true`); absent when the flag needs an argument. */
  readonly bare?: string;
  readonly hidden?: boolean;
  readonly group?: string;
  readonly complete?: CompletionSource | readonly string[];
  read(text: string, before: T): T;
}

// oxlint-disable-next-line typescript/no-explicit-any -- a table holds flags of every type; Values<F> gives each its own back
export type FlagTable = Readonly<Record<string, Flag<any>>>;
export type Values<F extends FlagTable> = { readonly [K in keyof F]: F[K] extends Flag<infer T> ? T : never };

/** Why a value is wrong; the parser says of which flag. */
export class FlagValueError extends Error {
  override readonly name = "FlagValueError";
}

type Extra<T> = Partial<Omit<Flag<T>, "read" | "usage">>;

export const flag = <T>(
  usage: string,
  metavar: string,
  initial: T,
  read: Flag<T>["read"],
  extra: Extra<T> = {},
): Flag<T> => ({
  usage,
  metavar,
  initial,
  read,
  ...extra,
});

const TRUE = new Set(["1", "t", "T", "TRUE", "true", "True"]);
const FALSE = new Set(["0", "f", "F", "FALSE", "false", "False"]);

function readBool(text: string): boolean {
  if (TRUE.has(text)) return true;
  if (FALSE.has(text)) return false;
  throw new FlagValueError(`strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`);
}

export const bool = (usage: string, extra: Extra<boolean> = {}): Flag<boolean> =>
  flag(usage, "", false, readBool, { bare: "true", ...extra });

export const string = (usage: string, extra: Extra<string> = {}): Flag<string> =>
  flag(usage, "string", "", (text) => text, extra);

/** A flag that may be given several times; each occurrence is one element, never split. */
export const list = (usage: string, extra: Extra<readonly string[]> = {}): Flag<readonly string[]> =>
  flag<readonly string[]>(usage, "list", [], (text, before) => [...before, text], extra);

/** Like `list`, with every element checked and possibly rewritten when it is read. */
export const listOf = <T>(usage: string, metavar: string, one: (text: string) => T, extra: Extra<readonly T[]> = {}) =>
  flag<readonly T[]>(usage, metavar, [], (text, before) => [...before, one(text)], extra);

const goInteger = (text: string, verb: string, min: bigint, max: bigint): number => {
  const quoted = JSON.stringify(text);
  const match = /^([+-]?)(0[xX][0-9a-fA-F]+|0[oO]?[0-7]+|0[bB][01]+|\d+)$/.exec(text);
  if (match === null) throw new FlagValueError(`strconv.${verb}: parsing ${quoted}: invalid syntax`);
  const digits = (match[2] ?? "").replace(/^0(?=[0-7]+$)/, "0o");
  const value = match[1] === "-" ? -BigInt(digits) : BigInt(digits);
  if (verb === "ParseUint" && match[1] !== "")
    throw new FlagValueError(`strconv.${verb}: parsing ${quoted}: invalid syntax`);
  if (value < min || value > max) throw new FlagValueError(`strconv.${verb}: parsing ${quoted}: value out of range`);
  return Number(value);
};

const INT64_MAX = 2n ** 63n - 1n;
/** Go's int: base prefixes are understood as strconv does. */
export const int = (usage: string, extra: Extra<number> = {}): Flag<number> =>
  flag(usage, "int", 0, (text) => goInteger(text, "ParseInt", -INT64_MAX - 1n, INT64_MAX), extra);
export const uint16 = (usage: string, extra: Extra<number> = {}): Flag<number> =>
  flag(usage, "uint16", 0, (text) => goInteger(text, "ParseUint", 0n, 65535n), { shown: "0", ...extra });
export const uint = (usage: string, extra: Extra<number> = {}): Flag<number> =>
  flag(usage, "uint", 0, (text) => goInteger(text, "ParseUint", 0n, 2n ** 64n - 1n), extra);

/** `key=value` pairs; the last one of a key wins. */
export const map = (usage: string, extra: Extra<Readonly<Record<string, string>>> = {}) =>
  flag<Readonly<Record<string, string>>>(
    usage,
    "map",
    {},
    (text, before) => {
      const at = text.indexOf("=");
      return at < 0 ? { ...before, [text]: "" } : { ...before, [text.slice(0, at)]: text.slice(at + 1) };
    },
    { shown: "map[]", ...extra },
  );

export type Filters = Readonly<Record<string, readonly string[]>>;
/** `key=value`; `label!=x` is the key "label!". */
export const filter = (usage: string, extra: Extra<Filters> = {}): Flag<Filters> =>
  flag<Filters>(
    usage,
    "filter",
    {},
    (text, before) => {
      if (text === "") return before;
      const at = text.indexOf("=");
      if (at < 0) throw new FlagValueError("bad format of filter (expected name=value)");
      const key = text.slice(0, at).trim().toLowerCase();
      const value = text.slice(at + 1).trim();
      return { ...before, [key]: [...(before[key] ?? []), value] };
    },
    extra,
  );
