// `npm test [-- vitest arguments]`: all set-up, then every test (unit, checks, and what needs root). The last line is exactly
// "N passed, N failed, N skipped", counted by vitest itself.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { testTools } from "./test-tools.mjs";
import { bundles, main, packages, ROOT, say, SetupError, shim, STATE, steps } from "./setup.mjs";

const REPORT = join(STATE, "test-report.json");

function count() {
  if (!existsSync(REPORT)) throw new SetupError("vitest wrote no report");
  const report = JSON.parse(readFileSync(REPORT, "utf8"));
  const skipped = report.numPendingTests + report.numTodoTests;
  // A file that could not even be loaded has no tests in it to count: it is one failure.
  const broken = report.testResults.filter(
    (file) => file.status === "failed" && file.assertionResults.length === 0,
  ).length;
  return { passed: report.numPassedTests, failed: report.numFailedTests + broken, skipped };
}

await main(() => {
  steps([
    ["packages", packages],
    ["shim", shim],
    ["bundles", bundles],
    ["test tools", testTools],
  ]);
  mkdirSync(STATE, { recursive: true });
  rmSync(REPORT, { force: true });
  const args = [
    "run",
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${REPORT}`,
    ...process.argv.slice(2),
  ];
  const vitest = spawnSync("vitest", args, { cwd: ROOT, stdio: ["ignore", "inherit", "inherit"] });
  if (vitest.error) say(`cannot run vitest: ${vitest.error.message}`);
  const { passed, failed, skipped } = count();
  if (failed > 0 || passed === 0 || vitest.status !== 0) process.exitCode = 1;
  if (failed === 0 && vitest.status !== 0)
    say(`vitest ended with ${vitest.signal ?? `status ${vitest.status}`} (an error outside a test)`);
  console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
});
