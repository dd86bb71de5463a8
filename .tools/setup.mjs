// Set-up steps shared by `npm start`, `npm test` and `npm run build`. Runs under the system's Node (20 or later) on a
// fresh clone with nothing installed, so: plain JavaScript, node: imports only. Every step is skipped when its inputs have
// not changed since it last succeeded (stamps in .tare-setup/), and says what it is about to install before it does.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
export const STATE = join(ROOT, ".tare-setup");
const BIN = join(ROOT, "node_modules", ".bin");
// The project's own Node comes first for everything started from here (npm does the same for its scripts).
process.env.PATH = `${BIN}${delimiter}${process.env.PATH ?? ""}`;

export class SetupError extends Error {}

export const say = (line) => process.stderr.write(`tare: ${line}\n`);
export const isRoot = process.getuid?.() === 0;

/** Path of an executable on PATH, or undefined. */
export function which(name) {
  for (const dir of (process.env.PATH ?? "").split(delimiter)) {
    try {
      accessSync(join(dir, name), constants.X_OK);
      return join(dir, name);
    } catch {}
  }
  return undefined;
}

/** Runs a command with its output on our stderr (stdout belongs to the command the user asked for). */
export function run(command, args, options = {}) {
  const { status, signal, error } = spawnSync(command, args, { cwd: ROOT, stdio: ["ignore", 2, 2], ...options });
  if (error) throw new SetupError(`cannot run ${command}: ${error.message}`);
  if (status !== 0) throw new SetupError(`${[command, ...args].join(" ")} ended with ${signal ?? `status ${status}`}`);
}

/** Hash of names, sizes and mtimes below the given files and folders: cheap (one stat per file) and good enough for stamps. */
export function fingerprint(paths) {
  const hash = createHash("sha256");
  const visit = (path) => {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat === undefined) return;
    if (!stat.isDirectory()) return void hash.update(`${path}\0${stat.size}\0${stat.mtimeMs}\n`);
    for (const name of readdirSync(path).sort()) {
      if (name !== "node_modules" && name !== "build" && name !== "README.md") visit(join(path, name));
    }
  };
  for (const path of paths) visit(join(ROOT, path));
  return hash.digest("hex");
}

/** Performs `act` unless its inputs are as they were after the last success and all outputs exist. */
function stamped(name, inputs, outputs, act) {
  const file = join(STATE, `${name}.stamp`);
  const fresh = () => existsSync(file) && readFileSync(file, "utf8") === fingerprint(inputs);
  if (outputs.every((path) => existsSync(join(ROOT, path))) && fresh()) return "up to date";
  const note = act();
  mkdirSync(STATE, { recursive: true });
  writeFileSync(file, fingerprint(inputs));
  return note;
}

/** What package-lock.json asks for that node_modules does not have: "name want have", first one only. */
function missingPackage() {
  const read = (path) => JSON.parse(readFileSync(join(ROOT, path), "utf8")).packages;
  const want = read("package-lock.json");
  if (!existsSync(join(ROOT, "node_modules/.package-lock.json"))) return "everything";
  const have = read("node_modules/.package-lock.json");
  for (const [path, entry] of Object.entries(want)) {
    const needed = !entry.optional || path === `node_modules/node-linux-${process.arch}`;
    if (path !== "" && needed && have[path]?.version !== entry.version) return `${path.slice(13)} ${entry.version}`;
  }
  return undefined;
}

/** npm packages, the pinned Node among them. */
export function packages() {
  const missing = missingPackage();
  if (missing === undefined) return "up to date";
  say(`installing npm packages with "npm ci" (missing: ${missing})`);
  run("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"]);
  return "installed";
}

/** Installs Debian packages, or says which to install. `reasons` maps a package to why it is needed. */
export function debianPackages(reasons, { optional = false } = {}) {
  const names = Object.keys(reasons);
  if (names.length === 0) return "up to date";
  const list = names.map((name) => `${name} (${reasons[name]})`).join(", ");
  const apt = which("apt-get");
  if (!isRoot || apt === undefined) {
    if (optional) return `not installed: ${list}`;
    throw new SetupError(`please install ${list}${apt ? ": run this command as root once, or use apt-get" : ""}`);
  }
  say(`installing Debian packages: ${list}`);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const install = ["install", "-y", "-qq", "--no-install-recommends", "-o", "Dpkg::Use-Pty=0", ...names];
  const quiet = { env, stdio: ["ignore", "ignore", "pipe"] };
  if (spawnSync(apt, install, quiet).status === 0) return "installed";
  spawnSync(apt, ["update", "-qq"], quiet);
  const second = spawnSync(apt, install, quiet);
  if (second.status === 0) return "installed";
  const reason = String(second.stderr).trim().split("\n").at(-1);
  if (optional) return `not installed: ${reason}`;
  throw new SetupError(`apt-get could not install ${names.join(" ")}: ${reason}`);
}

const haveHeaders = () => existsSync("/usr/include/linux/mount.h");
const haveCompiler = () =>
  which("musl-gcc") !== undefined || (which("gcc") !== undefined && existsSync("/usr/include/stdio.h"));

/** A C compiler for the shim: musl gives the smaller and faster static executable, an existing glibc toolchain will do. */
export function compiler() {
  const reasons = {};
  if (!haveCompiler())
    Object.assign(reasons, { "musl-tools": "C library and wrapper for the static shim", gcc: "C compiler" });
  if (!haveHeaders()) reasons["linux-libc-dev"] = "kernel headers for the shim";
  if (which("make") === undefined) reasons.make = "builds the shim";
  return debianPackages(reasons);
}

const SHIM_INPUTS = ["native/src", "native/hello", "native/Makefile", "native/protocol.ts", "native/protocol.gen.h"];
const SHIM_OUTPUTS = ["native/build/ctr-shim", "native/build/hello"];

/** native/build/ctr-shim and native/build/hello. */
export function shim() {
  return stamped("shim", SHIM_INPUTS, SHIM_OUTPUTS, () => {
    compiler();
    run("make", ["-s", "-C", "native"]);
    return "built";
  });
}

const BUNDLE_INPUTS = [
  "api",
  "engine",
  "images",
  "native/binding",
  "native/protocol.ts",
  "native/build/ctr-shim",
].concat(
  ["native/build/hello", ".tools/build.ts", ".tools/builtin-image.ts", ".tools/launcher.sh", ".tools/systemd"],
  ["package.json", "package-lock.json"],
);
export const BUNDLES = ["dist/ctr", "dist/ctrd", "dist/ctr.cjs", "dist/ctrd.cjs", "dist/layer-worker.mjs"].concat([
  "dist/ctr-shim",
  "dist/builtin-image.tar",
  "dist/builtin-image.id",
]);

/** dist/: the bundles, their launchers, the shim, the built-in image. */
export function bundles() {
  return stamped("bundles", BUNDLE_INPUTS, BUNDLES, () => {
    const node = existsSync(join(BIN, "node")) ? join(BIN, "node") : process.execPath;
    run(node, [join(ROOT, ".tools/build.ts")]);
    return "built";
  });
}

/** Runs named steps in order and prints what each did and how long it took. */
export function steps(list) {
  for (const [name, act] of list) {
    const start = performance.now();
    const note = act();
    report(name, note, performance.now() - start);
  }
}

export const report = (name, note, ms) => say(`${name.padEnd(10)} ${note.padEnd(34)} ${Math.round(ms)} ms`);

/** Ends the process with a message instead of a stack trace when the problem is one the user can act on. */
export async function main(act) {
  try {
    await act();
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    say(error.message);
    process.exitCode = 1;
  }
}
