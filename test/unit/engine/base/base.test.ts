import { expect, test } from "vitest";
import { Actor } from "../../../../engine/base/actor.ts";
import { containerId } from "../../../../engine/base/ids.ts";
import { createLog } from "../../../../engine/base/log.ts";
import { formatTimestamp, parseTimestamp, systemClock } from "../../../../engine/base/time.ts";

test("actor: in order, one at a time, a failure stops no one; interrupt aborts only what runs under that label", async () => {
  const actor = new Actor("x");
  const seen: string[] = [];
  const gate = Promise.withResolvers<void>();
  const first = actor.run("first", async (signal) => {
    seen.push("first in");
    await gate.promise;
    seen.push(`first out ${signal.aborted}`);
  });
  const second = actor.run("second", () => {
    seen.push("second");
    throw new Error("no");
  });
  const third = actor.run("third", () => seen.push("third"));
  expect(actor.current).toBe("first");
  actor.interrupt("second", "test");
  actor.interrupt("first", "test");
  gate.resolve();
  await first;
  await expect(second).rejects.toThrow("no");
  await third;
  expect(seen).toEqual(["first in", "first out true", "second", "third"]);
  await actor.settled();
  expect(actor.idle).toBe(true);
});

test("actor: the first act of an idle lane begins at once", () => {
  let ran = false;
  void new Actor("x").run("now", () => {
    ran = true;
  });
  expect(ran).toBe(true);
});

test("time: nine digits in UTC both ways", () => {
  const ns = 1_795_359_845_000_000_005n;
  expect(parseTimestamp(formatTimestamp(ns))).toBe(ns);
  expect(parseTimestamp("2026-11-22T15:04:05Z")).toBe(parseTimestamp("2026-11-22T16:04:05.000+01:00"));
  expect(parseTimestamp("yesterday")).toBeNull();
  expect(Math.abs(Number(systemClock.now() / 1_000_000n) - Date.now())).toBeLessThan(1000);
});

test("ids: 64 hex digits that make a hostname", () => {
  for (let i = 0; i < 1000; i++) expect(containerId()).toMatch(/^(?!\d{12})[0-9a-f]{64}$/);
});

test("log: levels, fields, errors and big numbers as JSON lines", () => {
  const lines: string[] = [];
  const log = createLog("warn", (line) => lines.push(line));
  log.info("quiet");
  log.error("loud", { n: 1n, error: new Error("outer", { cause: new Error("inner") }) });
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({ level: "error", msg: "loud", n: "1", error: "outer: inner" });
});
