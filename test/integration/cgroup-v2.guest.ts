/** Runs inside the cgroup v2 guest, see test/support/guest.ts. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { type GuestTest, runGuestTests } from "../support/guest.ts";
import { ISOLATION_TESTS } from "./isolation/on-cgroup-v2.ts";

export const TESTS: readonly GuestTest[] = [
  {
    name: "the guest has the unified hierarchy with the controllers we use",
    run: () => {
      const controllers = readFileSync("/sys/fs/cgroup/cgroup.controllers", "utf8").trim().split(" ");
      for (const name of ["cpu", "cpuset", "io", "memory", "pids"]) assert.ok(controllers.includes(name), name);
    },
  },
  ...ISOLATION_TESTS,
];

if (import.meta.main) await runGuestTests(TESTS);
