/**
 * `npm run generate` runs every generator; `--check` runs them and fails when a checked-in file was not what its generator
 * makes (the file is put back as it was). A generator is a module that, run with an output path as its only argument, writes it.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "./checks.ts";

const GENERATED: Readonly<Record<string, string>> = {
  "native/protocol.gen.h": "native/generate.ts",
};

const check = process.argv.includes("--check");
const scratch = mkdtempSync(join(tmpdir(), "tare-generate-"));
try {
  for (const [output, generator] of Object.entries(GENERATED)) {
    const fresh = join(scratch, "out");
    const { status, stderr } = spawnSync(process.execPath, [join(ROOT, generator), fresh], { encoding: "utf8" });
    if (status !== 0) throw new Error(`${generator} failed: ${stderr}`);
    const file = join(ROOT, output);
    const same = existsSync(file) && readFileSync(file).equals(readFileSync(fresh));
    if (same) continue;
    if (!check) writeFileSync(file, readFileSync(fresh));
    else {
      console.error(`${output} is stale: npm run generate`);
      process.exitCode = 1;
    }
  }
} finally {
  rmSync(scratch, { recursive: true });
}
