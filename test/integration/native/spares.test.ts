/** Monitors that were started before anyone asked for them. */
import { existsSync, readFileSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type LaunchHandle, Shim, sys } from "../../../native/binding/index.ts";
import { Fixture, isAlive, SHIM, until } from "./fixture.ts";

let fixture: Fixture;
let shim: Shim;
beforeEach(() => {
  fixture = new Fixture();
  shim = Shim.open(SHIM, { spares: 1 });
});
afterEach(() => {
  shim.close();
  fixture.dispose();
});

const titleOf = (pid: number): string => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "latin1").split("\0")[0]?.trimEnd() ?? "";
  } catch {
    return "";
  }
};
function childrenOfUs(): number[] {
  const text = readFileSync(`/proc/self/task/${process.pid}/children`, "latin1").trim();
  return text === "" ? [] : text.split(" ").map(Number);
}
/** It says so itself once it sleeps on its socket. */
async function spare(): Promise<number> {
  const found = (): number | undefined => childrenOfUs().find((pid) => titleOf(pid) === "ctr-shim (spare)");
  await until("a spare", () => found() !== undefined);
  return found() as number;
}
const start = (argv: readonly string[]): LaunchHandle => shim.launch(fixture.plan({ argv }), { early: "start" });

test("a launch takes the spare, which then carries the container's name, and another follows", async () => {
  const first = await spare();
  const handle = start(["pause"]);
  expect(handle.monitorPid).toBe(first);
  await handle.waitFor("execed");
  expect(titleOf(first)).not.toContain("spare");
  expect(await spare()).not.toBe(first);
  await fixture.client().signal("", 9);
  expect(await handle.waitFor("exit")).toMatchObject({ code: 137 });
  await handle.closed;
});

test("two at once: the second is started the ordinary way", async () => {
  const first = await spare();
  const handles = [start(["true"]), shim.launch(fixture.plan({ argv: ["true"] }))];
  expect(handles.map(({ monitorPid }) => monitorPid === first)).toEqual([true, false]);
  await handles[0]?.waitFor("exit");
  for (const handle of handles) handle.close();
});

test("a spare that was killed is not missed", async () => {
  const first = await spare();
  sys.kill(first, 9);
  await until("its end", () => readFileSync(`/proc/${first}/stat`, "latin1").includes(") Z "));
  const handle = start(["true"]);
  expect(handle.monitorPid).not.toBe(first);
  expect(await handle.waitFor("exit")).toMatchObject({ code: 0 });
  await handle.closed;
});

test("it ends with whoever started it", async () => {
  const first = await spare();
  shim.close();
  await until("its end", () => !isAlive(first) || !existsSync(`/proc/${first}/exe`));
  shim = Shim.open(SHIM);
});
