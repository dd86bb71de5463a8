import { lstatSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { entryKind, removeTree } from "../../../../engine/base/fs.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "tare-fs-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

describe("removeTree", () => {
  test("takes links, not what they point to, and a missing tree is no error", () => {
    const kept = join(dir, "kept");
    const tree = join(dir, "tree");
    mkdirSync(join(tree, "deep"), { recursive: true });
    writeFileSync(kept, "");
    symlinkSync(kept, join(tree, "deep/link"));
    removeTree(tree);
    removeTree(tree);
    expect(entryKind(tree)).toBe("missing");
    expect(lstatSync(kept).isFile()).toBe(true);
  });

  test("leaves nothing while another removes entries of it at the same time", async () => {
    const turn = new Int32Array(new SharedArrayBuffer(4));
    const other = new Worker(
      `const { workerData, parentPort } = require("node:worker_threads");
       const { unlinkSync } = require("node:fs");
       const turn = new Int32Array(workerData.turn);
       parentPort.postMessage("ready");
       for (let seen = 0, now; (now = Atomics.load(turn, 0)) >= 0; seen = now)
         if (now !== seen) try { unlinkSync(workerData.dir + "/" + now + "/ctl"); } catch {}`,
      { eval: true, workerData: { turn: turn.buffer, dir } },
    );
    await once(other, "message");
    const left: number[] = [];
    for (let i = 1; i <= 400; i++) {
      const tree = join(dir, String(i));
      mkdirSync(tree);
      for (const name of ["ctl", "sandbox.json"]) writeFileSync(join(tree, name), "");
      Atomics.store(turn, 0, i);
      removeTree(tree);
      if (entryKind(tree) !== "missing") left.push(i);
    }
    Atomics.store(turn, 0, -1);
    await once(other, "exit");
    expect(left).toEqual([]);
  });
});
