/** `npm run check`: every static check, then the unit tests. All of them run, so that one problem does not hide another. */
import { spawnSync } from "node:child_process";
import { CHECKS, ROOT } from "./checks.ts";

const unit = { name: "unit tests", command: "vitest", args: ["run", "--project", "unit", "--reporter=dot"] };
const failed: string[] = [];
for (const { name, command, args } of [...CHECKS, unit]) {
  const start = performance.now();
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: ROOT, encoding: "utf8" });
  console.log(`${status === 0 ? "ok  " : "FAIL"} ${name.padEnd(16)} ${Math.round(performance.now() - start)} ms`);
  if (status !== 0) {
    failed.push(name);
    console.log(`${stdout}${stderr}`.trimEnd());
  }
}
if (failed.length > 0) {
  console.log(`\nfailed: ${failed.join(", ")}`);
  process.exitCode = 1;
}
