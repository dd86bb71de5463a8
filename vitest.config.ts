import { defineConfig } from "vitest/config";

/**
 * unit:   decisions; parallel threads in one context each (fast on two cores).
 * checks: the same commands as `npm run check`, as tests, so that CI counts them.
 * root:   whole engine on a real kernel; one file at a time in a process of its own, after everything else.
 */
export default defineConfig({
  test: {
    reporters: ["default"],
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/{unit,golden,types}/**/*.test.ts"],
          pool: "threads",
          isolate: true,
          maxWorkers: 2,
          testTimeout: 20_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: "checks",
          include: ["test/checks/**/*.test.ts"],
          pool: "forks",
          maxWorkers: 1,
          testTimeout: 600_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: "root",
          include: ["test/{integration,contract,conformance,fault,security}/**/*.test.ts"],
          pool: "forks",
          maxWorkers: 1,
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
