/** -e, --env-file, -l, --label-file. */
import type { Files } from "../context.ts";
import { StatusError } from "../errors.ts";
import { FlagValueError } from "../parse/flag.ts";
import { cut } from "./csv.ts";

type Env = Readonly<Record<string, string | undefined>>;

export function environmentVariable(text: string): string {
  if (cut(text, "=")[0] === "") throw new FlagValueError(`invalid environment variable: ${text}`);
  return text;
}

export function label(text: string): string {
  if (cut(text, "=")[0] === "") throw new FlagValueError(`invalid label '${text}': empty name`);
  return text;
}

/** Lines of KEY=value; "#" lines and empty ones are skipped. `lookup` gives the value of a bare KEY; null leaves it out. */
function readPairs(files: Files, path: string, kind: string, lookup: (key: string) => string | null): string[] {
  let text: string;
  try {
    text = files.readText(path);
  } catch (error) {
    throw new StatusError(125, error instanceof Error ? error.message : String(error), { cause: error });
  }
  const pairs: string[] = [];
  for (const raw of text.replace(/^\uFEFF/, "").split(/\r?\n/)) {
    const line = raw.trimStart();
    if (line === "" || line.startsWith("#")) continue;
    const [key, value] = cut(line, "=");
    if (key === "") throw new StatusError(125, `invalid ${kind} file (${path}): no variable name on line '${line}'`);
    if (/\s/.test(value === null ? key.trim() : key)) {
      throw new StatusError(125, `invalid ${kind} file (${path}): variable '${key.trim()}' contains whitespaces`);
    }
    const found = value === null ? lookup(key.trim()) : value;
    if (found !== null) pairs.push(`${key.trim()}=${found}`);
  }
  return pairs;
}

/** The last one of a name wins, at the place of the first. */
function unique(variables: readonly string[]): string[] {
  const byName = new Map<string, string>();
  for (const text of variables) byName.set(cut(text, "=")[0], text);
  return [...byName.values()];
}

/** A bare NAME takes the caller's value; where there is none it stays bare, which unsets it in the container. */
export function compileEnvironment(
  files: Files,
  env: Env,
  paths: readonly string[],
  given: readonly string[],
): string[] {
  const fromFiles = paths.flatMap((path) => readPairs(files, path, "env", (key) => env[key] ?? null));
  const direct = given.map((text) => (text.includes("=") || env[text] === undefined ? text : `${text}=${env[text]}`));
  return unique([...fromFiles, ...direct]);
}

export function compileLabels(
  files: Files,
  paths: readonly string[],
  given: readonly string[],
): Record<string, string> {
  const lines = [...paths.flatMap((path) => readPairs(files, path, "label", () => "")), ...given];
  return Object.fromEntries(lines.map((text) => cut(text, "=")).map(([key, value]) => [key, value ?? ""]));
}
