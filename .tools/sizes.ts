/** Caps that oxlint cannot see (it checks TypeScript's own): C files and functions, all of native, long tests. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";

const CAPS = { cFile: 450, cFunction: 80, native: 5000, test: 700 } as const;

/** Functions whose braces stand in column 0 or end a line that began there, as clang-format leaves them. */
export function cFunctions(text: string): { readonly line: number; readonly lines: number }[] {
  const found: { line: number; lines: number }[] = [];
  let start = 0;
  for (const [index, line] of text.split("\n").entries()) {
    if (start === 0 && (line === "{" || /^[A-Za-z_].*\)\s*\{$/.test(line))) start = index + 1;
    if (line !== "}" || start === 0) continue;
    found.push({ line: start, lines: index + 2 - start });
    start = 0;
  }
  return found;
}

function filesBelow(folder: string, pattern: RegExp): string[] {
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" });
  const wanted = names.filter((name) => pattern.test(name) && !/(^|\/)(build|node_modules)\/|\.gen\./.test(name));
  return wanted.map((name) => join(folder, name)).filter((path) => statSync(path).isFile());
}

function main(): void {
  const root = dirname(import.meta.dirname);
  const problems: string[] = [];
  let native = 0;
  for (const path of filesBelow(join(root, "native"), /\.[ch]$/)) {
    const text = readFileSync(path, "utf8");
    const lines = text.split("\n").length - 1;
    const name = relative(root, path);
    if (/^native\/(src|front)\//.test(name)) native += lines;
    if (lines > CAPS.cFile) problems.push(`${name}: ${lines} lines, cap ${CAPS.cFile}`);
    for (const fn of cFunctions(text)) {
      if (fn.lines > CAPS.cFunction)
        problems.push(`${name}:${fn.line}: function of ${fn.lines} lines, cap ${CAPS.cFunction}`);
    }
  }
  if (native > CAPS.native) problems.push(`native: ${native} lines of C, cap ${CAPS.native}`);
  for (const path of filesBelow(join(root, "test"), /\.ts$/)) {
    const lines = readFileSync(path, "utf8").split("\n").length - 1;
    if (lines > CAPS.test) problems.push(`${relative(root, path)}: ${lines} lines, cap ${CAPS.test}`);
  }
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) process.exitCode = 1;
}

if (import.meta.main) main();
