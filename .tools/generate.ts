/**
 * `npm run generate` runs every generator; with `--check` each compares instead of writing and ends with status 1 when its
 * checked-in file is stale. Every *.gen.* file must have its generator in this list.
 */
import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./checks.ts";

const GENERATORS: Readonly<Record<string, string>> = {
  "native/protocol.gen.h": "native/generate.ts",
  "engine/isolation/namespace/seccomp/syscalls.gen.ts": ".tools/syscalls.ts",
};

for (const generator of new Set(Object.values(GENERATORS))) {
  const { status } = spawnSync(process.execPath, [join(ROOT, generator), ...process.argv.slice(2)], {
    stdio: "inherit",
  });
  if (status !== 0) process.exitCode = 1;
}
for (const file of globSync("{native,images,engine,api}/**/*.gen.*", { cwd: ROOT })) {
  if (file in GENERATORS) continue;
  console.error(`${file} has no generator in .tools/generate.ts`);
  process.exitCode = 1;
}
