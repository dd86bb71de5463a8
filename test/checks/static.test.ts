import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { CHECKS, ROOT } from "../../.tools/checks.ts";

test.each(CHECKS)("$name", ({ command, args }) => {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: ROOT, encoding: "utf8" });
  expect(status, `${stdout}${stderr}`).toBe(0);
});
