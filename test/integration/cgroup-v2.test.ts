/** Boots a guest with cgroup v2 and reports each of its tests as one of ours. */
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { type GuestResult, guestMissing, runInGuest } from "../support/guest.ts";
import { TESTS } from "./cgroup-v2.guest.ts";

const missing = guestMissing();

describe.skipIf(missing !== undefined)(`cgroup v2${missing === undefined ? "" : ` (skipped: ${missing})`}`, () => {
  let results: Map<string, GuestResult>;
  beforeAll(async () => {
    results = await runInGuest(join(import.meta.dirname, "cgroup-v2.guest.ts"));
  }, 1_200_000);

  test.each(TESTS.map(({ name }) => name))("%s", (name) => {
    const result = results.get(name);
    expect(result, "the guest never came to this test").toBeDefined();
    expect(result?.error).toBeUndefined();
  });
});
