import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, openSync, closeSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { descriptors, footprint, NOTHING, nothingLeft, processesWith, settled, tree } from "../../support/machine.ts";
import { run } from "../../support/process.ts";

function scratch(): string {
  const dir = mkdtempSync(join(tmpdir(), "tare-machine-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

test("a process is found by its working directory, and is gone after it ended", async () => {
  const dir = scratch();
  const child = spawn("sleep", ["60"], { cwd: dir });
  await once(child, "spawn");
  expect(processesWith([dir])).toEqual([child.pid]);
  await expect(nothingLeft([dir], 50)).rejects.toThrow("sleep 60");
  child.kill();
  await once(child, "exit");
  await nothingLeft([dir]);
});

test("a mark that nobody carries has an empty footprint", () => {
  expect(footprint(["/no/such/mark-4711"])).toEqual(NOTHING);
});

test("an open file shows among the descriptors", () => {
  const dir = scratch();
  const file = join(dir, "open");
  writeFileSync(file, "");
  const fd = openSync(file, "r");
  expect(descriptors(process.pid)).toContain(file);
  closeSync(fd);
  expect(descriptors(process.pid)).not.toContain(file);
  expect(tree(dir)).toEqual(["open"]);
});

test("settled waits for the last observation and shows both values when it never comes", async () => {
  let left = 3;
  await settled(() => (left -= 1), 0);
  await expect(settled(() => "a", "b", 30)).rejects.toThrow(/"a"[^]*"b"/);
});

test("a command's end is reported with its output, status and signal", async () => {
  expect(await run("sh", ["-c", "cat; echo no >&2; exit 3"], { input: "hi" })).toEqual({
    status: 3,
    signal: null,
    stdout: "hi",
    stderr: "no\n",
  });
  expect(await run("sh", ["-c", "kill -9 $$"])).toMatchObject({ status: 137, signal: "SIGKILL" });
  await expect(run("sleep", ["60"], { timeoutMs: 50 })).rejects.toThrow("did not end within 50 ms");
});
