import { readFileSync } from "node:fs";
import { afterEach, expect, test } from "vitest";
import { type LaunchHandle, Shim, sys } from "../../../native/binding/index.ts";
import { Fixture, SHIM, until } from "./fixture.ts";

const COUNT = 20;
const fixtures: Fixture[] = [];
afterEach(async () => {
  for (const fixture of fixtures.splice(0)) await fixture.dispose();
});
const pss = (pid: number): number =>
  Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1]);

test.skipIf(SHIM.endsWith(".asan"))(
  "an idle monitor weighs at most 64 KiB, also after its container has printed much",
  async () => {
    const shim = Shim.open(SHIM);
    const handles: LaunchHandle[] = [];
    try {
      for (let i = 0; i < COUNT; i++) {
        const fixture = new Fixture();
        fixtures.push(fixture);
        handles.push(shim.launch(fixture.plan({ argv: ["cat"], stdio: 1 }), { early: "start" }));
      }
      for (const [index, handle] of handles.entries()) {
        await handle.waitFor("execed");
        const fixture = fixtures[index] as Fixture;
        const session = await fixture.client().attach({ stdin: true, stdout: true, raw: true });
        session.output.resume();
        for (let i = 0; i < 20; i++) await session.write(Buffer.alloc(50_000, "some words\n"));
        await until("logged", () => fixture.records().length >= 90_000);
        session.close();
      }
      await until("memory is given back", () => handles.every(({ monitorPid }) => pss(monitorPid) <= 64));
      // each sees 20 others: with 100 it is less
      for (const { monitorPid } of handles) expect(pss(monitorPid)).toBeLessThanOrEqual(64);
    } finally {
      for (const handle of handles) sys.kill(handle.reports.find("execed")?.pid as number, 9);
      for (const handle of handles) await handle.closed;
      shim.close();
    }
  },
  60_000,
);
