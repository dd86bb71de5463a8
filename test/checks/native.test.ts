/** The C half: analyzer, sanitizer build, and each fuzz target for a few seconds over its corpus. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { run } from "../support/process.ts";

const native = join(import.meta.dirname, "../../native");
const missing = ["/usr/bin/gcc", "/usr/bin/make"].find((path) => !existsSync(path));

describe.skipIf(missing !== undefined)(
  `native${missing === undefined ? "" : ` (skipped: ${missing} is missing)`}`,
  () => {
    test.each(["analyzer", "asan", "fuzz"])("make %s", async (target) => {
      const { status, stdout, stderr } = await run("make", ["-C", native, target, "FUZZ_SECONDS=4"], {
        timeoutMs: 600_000,
      });
      expect(status, `${stdout}${stderr}`.slice(-8000)).toBe(0);
    });
  },
);
