/**
 * Bundles ctrd, ctr and the layer worker into dist/ and puts the shim, the launchers and the built-in image beside them.
 * Every file is written under a temporary name and renamed, so that a daemon or command that is starting never sees half of one.
 *
 * CommonJS for ctrd and ctr: an ESM `import … from "node:http"` costs 20 ms of start-up (dependencies.md §2). koffi stays outside:
 * it finds its native part relative to its own package.
 */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { spawnSync } from "node:child_process";
import { build, type BuildOptions, type Plugin } from "esbuild";
import { builtinImage } from "./builtin-image.ts";

const root = dirname(import.meta.dirname);
const dist = join(root, "dist");

function install(name: string, data: string | Uint8Array, mode = 0o644): void {
  const temporary = join(dist, `.${name}.${process.pid}`);
  writeFileSync(temporary, data);
  chmodSync(temporary, mode);
  renameSync(temporary, join(dist, name));
}

/**
 * What fastify brings along and we never use: at start it costs 30 ms (semver, to compare versions of plugins; node:http2), and in
 * the bundle a megabyte that has to be read (schema compilers, injection for tests). Fails when a new fastify looks different.
 */
const lean: Plugin = {
  name: "lean-fastify",
  setup({ onLoad, onResolve }) {
    const unused = /^(@fastify\/(ajv-compiler|fast-json-stringify-compiler).*|light-my-request)$/;
    onResolve({ filter: unused }, ({ path }) => ({ path, namespace: "unused" }));
    onLoad({ filter: /.*/, namespace: "unused" }, ({ path }) => ({
      contents: `throw new Error("${path} is not in the bundle");`,
    }));
    onResolve({ filter: /^semver$/ }, ({ path }) => ({ path, namespace: "lean" }));
    onLoad({ filter: /.*/, namespace: "lean" }, () => ({ contents: "exports.satisfies = () => true;" }));
    onLoad({ filter: /node_modules\/fastify\/lib\/server\.js$/ }, ({ path }) => {
      const text = readFileSync(path, "utf8");
      const eager = "const http2 = require('node:http2')";
      if (!text.includes(eager)) throw new Error(`${path} no longer loads node:http2 as expected`);
      return { contents: text.replace(eager, "const http2 = undefined // never enabled here") };
    });
  },
};

const common: BuildOptions = {
  bundle: true,
  platform: "node",
  target: "node22.15",
  external: ["koffi"],
  write: false,
  charset: "utf8",
  legalComments: "none",
  logLevel: "warning",
  absWorkingDir: root,
  plugins: [lean],
};

const commonJs: BuildOptions = {
  ...common,
  format: "cjs",
  // A CommonJS file has no import.meta; sources use it to find their neighbours.
  define: {
    "import.meta.url": "__bundleUrl",
    "import.meta.dirname": "__dirname",
    "import.meta.filename": "__filename",
  },
  banner: { js: 'const __bundleUrl = require("node:url").pathToFileURL(__filename).href;' },
};

const esm: BuildOptions = {
  ...common,
  format: "esm",
  banner: {
    js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
  },
};

const BUNDLES: readonly (readonly [entry: string, output: string, options: BuildOptions])[] = [
  ["api/server/main.ts", "ctrd.cjs", { ...commonJs, minifyWhitespace: true, minifySyntax: true }],
  ["api/cli/main.ts", "ctr.cjs", { ...commonJs, minify: true }],
  ["images/layer/worker.ts", "layer-worker.mjs", esm],
];

async function bundle(): Promise<void> {
  for (const [entry, output, options] of BUNDLES) {
    const result = await build({ ...options, entryPoints: [entry] });
    const text = result.outputFiles?.[0]?.contents;
    if (text === undefined) throw new Error(`esbuild made nothing of ${entry}`);
    install(output, text);
  }
}

function launcher(name: string, bundleName: string, flags: string): void {
  const text = readFileSync(join(root, ".tools/launcher.sh"), "utf8");
  install(name, text.replaceAll("@NAME@", name).replaceAll("@BUNDLE@", bundleName).replaceAll("@FLAGS@", flags), 0o755);
}

/** One run fills the compile cache beside the bundles, so that the first real start is as fast as the second. */
function warm(): void {
  rmSync(join(dist, ".cache"), { recursive: true, force: true });
  for (const name of ["ctrd", "ctr"]) spawnSync(join(dist, name), ["--version"], { stdio: "ignore", timeout: 20_000 });
}

mkdirSync(dist, { recursive: true });
await bundle();
// A small young generation: 3.5 MiB less of an idle daemon, which makes little garbage (bodies and logs are Buffers).
launcher("ctrd", "ctrd.cjs", "--disable-warning=ExperimentalWarning --max-semi-space-size=1");
launcher("ctr", "ctr.cjs", "");
install("ctr-shim", readFileSync(join(root, "native/build/ctr-shim")), 0o755);
const image = await builtinImage(readFileSync(join(root, "native/build/hello")));
install("builtin-image.tar", image.archive);
install("builtin-image.id", `${image.id}\n`);
const units = join(root, ".tools/systemd");
if (existsSync(units)) for (const name of readdirSync(units)) install(name, readFileSync(join(units, name)));
warm();
