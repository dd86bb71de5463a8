/**
 * The dependency rules of the house (architecture §4) over the import graph of the product's TypeScript. Prints each
 * offending import, or the whole chain of a cycle, and ends with status 1.
 */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix, relative } from "node:path";

export interface Import {
  readonly from: string;
  /** A path from the root of the repository, or a package name. */
  readonly to: string;
  /** Erased before running: cannot make a cycle at run time. */
  readonly typeOnly: boolean;
  /** What stands between the braces; empty for `* as` and for side effects. */
  readonly names: readonly string[];
}

const PATTERN =
  /(?:^|\n)\s*(?:import|export)\s+(type\s)?(?:([^"'();]*?)\sfrom\s+)?["']([^"']+)["']|\b(?:import|require|getBuiltinModule)\(\s*["']([^"']+)["']/g;

export function importsOf(file: string, text: string): Import[] {
  const code = text.replace(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm, "");
  return [...code.matchAll(PATTERN)].map(([, type, clause, plain, dynamic]) => {
    const target = plain ?? dynamic ?? "";
    const to = target.startsWith(".") ? posix.join(posix.dirname(file), target) : target;
    const names = (/\{([^}]*)\}/.exec(clause ?? "")?.[1] ?? "").split(",").map((name) => name.trim());
    return { from: file, to, typeOnly: type !== undefined, names: names.filter((name) => name !== "") };
  });
}

/** The parts of the house and what each may import (itself always, engine/base and native/protocol.ts always). */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  "native/binding": [],
  images: ["native/binding"],
  engine: ["images", "native/binding"],
  "api/schema": [],
  "api/client": ["api/schema"],
  "api/compose": ["api/client"],
  "api/cli": ["api/compose", "api/client"],
  "api/server": ["engine", "api/schema"],
  "api/oci": ["engine"],
  "api/cri": ["engine", "api/schema"],
};
/** Inside engine: each folder sees these besides itself; files of engine's own root and container join everything. */
const INSIDE_ENGINE: Readonly<Record<string, readonly string[]>> = {
  base: [],
  spec: ["base"],
  isolation: ["base", "spec"],
  network: ["base", "spec", "store"],
  volume: ["base", "spec", "store"],
  events: ["base", "store"],
  store: ["base"],
  gc: ["base", "store"],
};
/** Nouns that all of engine speaks of; a type-only import of them brings nothing along that could be called. */
const SHAPES = ["types", "config", "isolation/backend", "spec/config", "spec/run-spec"].map(
  (name) => `engine/${name}.ts`,
);
const MAY_TOUCH_FILES =
  /^(api\/|native\/|engine\/((config|daemon|facts|isolation\/host-view)\.ts|(base|store|container\/logs|isolation\/cgroup)\/)|images\/(store|layer|snapshot|transfer)\/)/;
/** These take a descriptor, not a path. */
const BY_HANDLE = /^(type .*|constants|(close|f[a-z]+|read|write|readv|writev)Sync)$/;
const PURE = /(^|\/)(compile[^/]*|plan|translate|[^/]*policy|state|mark|graph)\.ts$/;
const IMPURE_CODE =
  /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|\bperformance\.now\(|\basync\b|\bawait\b|\bnew Promise\b/;
const PURE_NODE = ["node:path", "node:path/posix", "node:buffer", "node:assert", "node:util"];

export const partOf = (file: string): string | undefined =>
  Object.keys(MAY_IMPORT).find((part) => file.startsWith(`${part}/`) || file.startsWith("native/"));
const everywhere = (file: string): boolean => file.startsWith("engine/base/") || file === "native/protocol.ts";
const engineFolder = (file: string): string => (file.split("/").length > 2 ? (file.split("/")[1] ?? "") : "");

function acrossParts({ from, to, typeOnly }: Import): string | undefined {
  const [source, target] = [partOf(from), partOf(to)];
  if (source === target || target === undefined || everywhere(to)) return undefined;
  if (everywhere(from)) return `${from} may import only node: and its own folder`;
  if (typeOnly && target === "api/schema" && source?.startsWith("api/")) return undefined;
  if (source === undefined || !MAY_IMPORT[source]?.includes(target))
    return `${source ?? from} may not import ${target}`;
  // A part's index.ts is its door: what is behind it can then be moved without asking the neighbours.
  return to === `${target}/index.ts` ? undefined : `other layers import only ${target}/index.ts`;
}

function insideEngine({ from, to, typeOnly }: Import): string | undefined {
  if (!from.startsWith("engine/") || !to.startsWith("engine/")) return undefined;
  const [source, target] = [engineFolder(from), engineFolder(to)];
  const backendOf = (file: string) => /^engine\/isolation\/(vm|namespace)\//.exec(file)?.[1];
  const [one, other] = [backendOf(from), backendOf(to)];
  if (one !== undefined && other !== undefined && one !== other)
    return `isolation/${one} may not import isolation/${other}`;
  const allowed = INSIDE_ENGINE[source];
  if (source === target || allowed === undefined || allowed.includes(target)) return undefined;
  if (typeOnly && SHAPES.includes(to)) return undefined;
  return `engine/${source} may not import ${target === "" ? to : `engine/${target}`}`;
}

function packages({ from, to, typeOnly, names }: Import): string | undefined {
  // Spawning and foreign calls block or split the process; one folder knows how to do them safely.
  // One exception: the command's own process runs stty, since Node cannot make a terminal wholly raw.
  const isStty = from === "api/cli/main.ts" && to === "node:child_process";
  if (/^(koffi|(node:)?child_process)$/.test(to) && !from.startsWith("native/") && !isStty)
    return `only native/binding may import ${to}`;
  // A path inside a container's tree, resolved by string, is an escape waiting to happen: handles from native/binding instead.
  const byPath = names.filter((name) => !BY_HANDLE.test(name));
  if (
    /^(node:)?fs(\/promises)?$/.test(to) &&
    !MAY_TOUCH_FILES.test(from) &&
    !typeOnly &&
    (byPath.length > 0 || names.length === 0)
  ) {
    return `only base/fs, store, logs and cgroup touch files by path (${byPath.join(", ")})`;
  }
  if (PURE.test(from) && to.startsWith("node:") && !PURE_NODE.includes(to))
    return `files of this name are pure: no ${to}`;
  return undefined;
}

/** The first cycle found by depth-first search over run-time imports, as a chain of files. */
export function findCycle(imports: readonly Import[]): string[] | undefined {
  const edges = Map.groupBy(
    imports.filter(({ typeOnly }) => !typeOnly),
    ({ from }) => from,
  );
  const done = new Set<string>();
  const visit = (file: string, chain: readonly string[]): string[] | undefined => {
    const at = chain.indexOf(file);
    if (at >= 0) return [...chain.slice(at), file];
    if (done.has(file)) return undefined;
    for (const { to } of edges.get(file) ?? []) {
      const cycle = visit(to, [...chain, file]);
      if (cycle !== undefined) return cycle;
    }
    done.add(file);
    return undefined;
  };
  for (const file of edges.keys()) {
    const cycle = visit(file, []);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}

/** Every broken rule among these files (path from the root → text), one line each. */
export function problemsOf(files: ReadonlyMap<string, string>): string[] {
  const imports = [...files].flatMap(([file, text]) => importsOf(file, text));
  const problems = imports.flatMap((edge) => {
    const reason = acrossParts(edge) ?? insideEngine(edge) ?? packages(edge);
    return reason === undefined ? [] : [`${edge.from} → ${edge.to}: ${reason}`];
  });
  for (const [file, text] of files) {
    const impure = PURE.test(file) ? IMPURE_CODE.exec(text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "")) : null;
    if (impure) problems.push(`${file}: files of this name are pure, but it uses "${impure[0]}"`);
  }
  const cycle = findCycle(imports);
  if (cycle !== undefined) problems.push(`cycle: ${cycle.join(" → ")}`);
  return problems;
}

function main(): void {
  const root = dirname(import.meta.dirname);
  const list = ["native", "images", "engine", "api"].flatMap((top) =>
    readdirSync(join(root, top), { recursive: true, encoding: "utf8" }).map((name) => join(root, top, name)),
  );
  const sources = list
    .filter((path) => path.endsWith(".ts"))
    .map((path) => relative(root, path))
    .sort();
  const problems = problemsOf(new Map(sources.map((file) => [file, readFileSync(join(root, file), "utf8")])));
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) process.exitCode = 1;
}

if (import.meta.main) main();
