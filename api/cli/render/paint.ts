/** Colour, only where a person looks: a terminal, unless NO_COLOR (or TERM=dumb) says otherwise. Text is never changed by it. */
import type { Output } from "../context.ts";

type Environment = Readonly<Record<string, string | undefined>>;

const CODES = { bold: "1", dim: "2", red: "31", yellow: "33" } as const;
export type Colour = keyof typeof CODES;

const paints = (output: Output, env: Environment): boolean =>
  output.isTerminal && (env["NO_COLOR"] ?? "") === "" && env["TERM"] !== "dumb";

const paint = (text: string, colour: Colour): string => `\u001b[${CODES[colour]}m${text}\u001b[0m`;

type Rule = readonly [where: RegExp, colour: Colour];

const HELP: readonly Rule[] = [[/^(?:Usage:|[A-Z][A-Za-z ]*:$)/gm, "bold"]];
const MESSAGE: readonly Rule[] = [
  [/^(?:\S+: )?Error\b[^:\n]*:/g, "red"],
  [/^WARNING:/gm, "yellow"],
  [/^hint: .*$/gm, "dim"],
];

const apply = (text: string, rules: readonly Rule[]): string =>
  rules.reduce((painted, [where, colour]) => painted.replace(where, (match) => paint(match, colour)), text);

/** A help page: its headings in bold. */
export const paintHelp = (output: Output, env: Environment, text: string): string =>
  paints(output, env) ? apply(text, HELP) : text;

/** An error or a warning: what it is in colour, the hint dim. */
export const paintMessage = (output: Output, env: Environment, text: string): string =>
  paints(output, env) ? apply(text, MESSAGE) : text;
