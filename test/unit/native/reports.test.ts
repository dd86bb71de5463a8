import { describe, expect, test } from "vitest";
import { parseReport, ShimFailure, ShimUnavailable } from "../../../native/binding/index.ts";
import { ReportLog } from "../../../native/binding/reports.ts";

const parse = (value: unknown) => parseReport(Buffer.from(typeof value === "string" ? value : JSON.stringify(value)));

describe("parseReport", () => {
  test("accepts the closed set of keys", () => {
    expect(parse({ at: "exit", code: 3, oom: false, time: "1.000000002" })).toEqual({
      at: "exit",
      code: 3,
      oom: false,
      time: "1.000000002",
    });
  });
  test.each([
    ["not JSON", "{"],
    ["not an object", "[]"],
    ["not an object", "null"],
    ["unknown key", { at: "exit", extra: 1 }],
    ["wrong type", { at: "exit", code: "3" }],
    ["inherited name", '{"at":"exit","constructor":1}'],
    ["unknown at", { at: "nothing" }],
    ["no at", { code: 1 }],
  ])("refuses %s", (_why, value) => {
    expect(() => parse(value)).toThrow(RangeError);
  });
});

test("ShimFailure says record, call, path and reason", () => {
  const error = new ShimFailure({ at: "failed", op: 7, name: "bind", call: "open_tree", errno: 2, path: "/data" });
  expect(error.message).toBe("bind: open_tree '/data': no such file or directory");
  expect(error.code).toBe("ENOENT");
});

describe("ReportLog", () => {
  test("gives past and future reports to everyone who waits or iterates", async () => {
    const log = new ReportLog();
    log.add({ at: "plan_ok" });
    const later = log.waitFor("created");
    log.add({ at: "created", pid: 5 });
    expect(await log.waitFor("plan_ok")).toEqual({ at: "plan_ok" });
    expect(await later).toMatchObject({ pid: 5 });
    log.end(new ShimUnavailable("gone", "bye"));
    const seen: string[] = [];
    for await (const { at } of log) seen.push(at);
    expect(seen).toEqual(["plan_ok", "created"]);
  });

  test("a failure rejects those who wait for anything else", async () => {
    const log = new ReportLog();
    const waiting = log.waitFor("execed");
    log.add({ at: "failed", name: "exec", call: "execve", errno: 13, path: "/x" });
    await expect(waiting).rejects.toMatchObject({ code: "EACCES" });
    expect(await log.waitFor("failed")).toMatchObject({ errno: 13 });
  });

  test("the end rejects those who still wait", async () => {
    const log = new ReportLog();
    const waiting = log.waitFor("exit");
    log.end(new ShimUnavailable("gone", "bye"));
    await expect(waiting).rejects.toMatchObject({ code: "gone" });
    await expect(log.waitFor("exit")).rejects.toMatchObject({ code: "gone" });
  });
});

test("a connection that lives long does not collect the reports of its execs", async () => {
  const log = new ReportLog();
  log.add({ at: "execed", pid: 1 });
  const seen: string[] = [];
  const reading = (async () => {
    for await (const { exec } of log) if (exec !== undefined) seen.push(exec);
  })();
  for (let i = 0; i < 5000; i++) log.add({ at: "exit", exec: `e${i}`, code: 0 });
  expect(log.all.length).toBeLessThan(200);
  expect(log.find("execed")).toMatchObject({ pid: 1 });
  log.end(new ShimUnavailable("gone", "bye"));
  await reading;
  expect(seen).toHaveLength(5000);
});
