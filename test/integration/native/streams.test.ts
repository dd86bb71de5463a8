import { readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { STDIO, type Session, ShimUnavailable, sys } from "../../../native/binding/index.ts";
import { collect, Fixture, isAlive, until } from "./fixture.ts";

let fixture: Fixture;
beforeEach(() => {
  fixture = new Fixture();
});
afterEach(() => fixture.dispose());

const attached = (raw = false): Promise<Session> =>
  fixture.client().attach({ stdin: true, stdout: true, stderr: true, raw });
/** Parked at START with one client attached: nothing is printed before it listens. */
async function attachedFromStart(argv: readonly string[], stdio = 0, raw = false) {
  const handle = fixture.launch({ argv, stdio }, { early: "proceed" });
  await handle.waitFor("created");
  const session = await attached(raw);
  handle.start();
  await handle.waitFor("execed");
  return { handle, session };
}
/** Reads until the text has come. */
async function readUntil(session: Session, text: string): Promise<string> {
  let got = "";
  for (;;) {
    const chunk = session.output.read() as Buffer | null;
    if (chunk !== null) got += chunk.toString("latin1");
    if (got.includes(text)) return got;
    if (chunk === null) await new Promise((resolve) => session.output.once("readable", resolve));
  }
}

describe("attach", () => {
  test("gets Docker's multiplexed stream from the first byte to the last", async () => {
    const { session } = await attachedFromStart(["stderr", "oops"]);
    const bytes = Buffer.from(await collect(session.output), "latin1");
    expect(bytes).toEqual(Buffer.from([2, 0, 0, 0, 0, 0, 0, 5, ...Buffer.from("oops\n")]));
    expect(await session.reports.waitFor("exit")).toMatchObject({ code: 0 });
  });

  test("passes stdin, and its end", async () => {
    const { session } = await attachedFromStart(["cat"], STDIO.stdin, true);
    await session.write(Buffer.from("one\n"));
    await session.write(Buffer.from("two\n"));
    session.endStdin();
    expect(await collect(session.output)).toBe("one\ntwo\n");
  });

  test("4 MiB in both directions at once do not dead-lock and arrive whole", async () => {
    const { session } = await attachedFromStart(["cat"], STDIO.stdin, true);
    const block = Buffer.alloc(64 << 10, "abcdefghijklmno\n");
    const sending = (async () => {
      for (let i = 0; i < 64; i++) await session.write(block);
      session.endStdin();
    })();
    let length = 0;
    for await (const chunk of session.output) length += (chunk as Buffer).length;
    await sending;
    expect(length).toBe(4 << 20);
  });

  test("several clients see the same; one that leaves disturbs nobody", async () => {
    const { session } = await attachedFromStart(["cat"], STDIO.stdin, true);
    const second = await attached(true);
    const leaver = await attached(true);
    leaver.close();
    await leaver.closed;
    await session.write(Buffer.from("hi\n"));
    expect(await readUntil(second, "hi\n")).toBe("hi\n");
    expect(await readUntil(session, "hi\n")).toBe("hi\n");
    session.close();
    await session.closed;
    await second.write(Buffer.from("still\n"));
    expect(await readUntil(second, "still\n")).toBe("still\n");
    second.endStdin();
    await second.closed;
    expect(fixture.logged("stdout")).toBe("hi\nstill\n");
  });

  test("a client that does not read holds the container up; no line is lost", async () => {
    const { handle, session } = await attachedFromStart(["lines", "200000"], 0, true);
    // Nothing is read yet: the container cannot have finished 1.3 MiB with 1 MiB of queue and the sockets' buffers? It may;
    // what counts is that every line arrives in order when we read.
    const text = await collect(session.output);
    const lines = text.split("\n");
    expect(lines).toHaveLength(200_001);
    expect(lines[199_999]).toBe("200000");
    await handle.waitFor("exit");
    expect(fixture.records()).toHaveLength(200_000);
  });

  test("a container without stdin reads /dev/null", async () => {
    expect((await fixture.runToEnd({ argv: ["cat"] })).exit).toMatchObject({ code: 0 });
  });

  test("stdin stays open while nobody is attached", async () => {
    const handle = fixture.launch({ argv: ["cat"], stdio: STDIO.stdin });
    const { pid } = await handle.waitFor("execed");
    const visitor = await attached();
    visitor.close();
    await visitor.closed;
    expect((await fixture.client().watch()).state.code).toBeUndefined();
    expect(isAlive(pid as number)).toBe(true);
  });
});

describe("a terminal", () => {
  test("has the size asked for, and the new one after resize", async () => {
    const handle = fixture.launch(
      { argv: ["tty"], stdio: STDIO.tty | STDIO.stdin, rows: 33, cols: 111 },
      { early: "proceed" },
    );
    await handle.waitFor("created");
    const session = await attached(true);
    handle.start();
    expect(await readUntil(session, "\n")).toBe("33 111\r\n");
    session.resize(50, 132);
    expect(await readUntil(session, "50 132")).toContain("50 132");
    await fixture.client().resize("", 20, 40);
    expect(await readUntil(session, "20 40")).toContain("20 40");
    await session.write(Buffer.from("q\r"));
    expect(await session.reports.waitFor("exit")).toMatchObject({ code: 0 });
  });

  test("is the controlling one: ctrl-c interrupts", async () => {
    const { session } = await attachedFromStart(["cat"], STDIO.tty | STDIO.stdin, true);
    await session.write(Buffer.from("x\n"));
    await readUntil(session, "x\r\nx\r\n");
    await session.write(Buffer.from([3]));
    // pid 1 of its namespace ignores signals it has no handler for, as with any engine; the line discipline echoes ^C
    expect(await readUntil(session, "^C")).toContain("^C");
    await session.write(Buffer.from([4]));
    expect(await session.reports.waitFor("exit")).toMatchObject({ code: 0 });
  });

  test("with an init, ctrl-c ends the program", async () => {
    const handle = fixture.launch(
      { argv: ["cat"], stdio: STDIO.tty | STDIO.stdin, final: [{ op: "init" }] },
      { early: "proceed" },
    );
    await handle.waitFor("created");
    const session = await attached(true);
    handle.start();
    await handle.waitFor("execed");
    await session.write(Buffer.from("x\n"));
    await readUntil(session, "x\r\nx\r\n");
    await session.write(Buffer.from([3]));
    expect(await session.reports.waitFor("exit")).toMatchObject({ code: 130 });
  });

  test("all that was printed before the end arrives", async () => {
    const { session } = await attachedFromStart(["lines", "3000"], STDIO.tty, true);
    const text = await collect(session.output);
    expect(text.endsWith("2999\r\n3000\r\n")).toBe(true);
    expect(fixture.records()).toHaveLength(3000);
    expect(fixture.records()[0]).toMatchObject({ log: "1\r\n", stream: "stdout" });
  });
});

describe("exec", () => {
  async function running(flags?: number) {
    const handle = fixture.launch({ argv: ["pause"], ...(flags === undefined ? {} : { flags }) });
    return { handle, container: await handle.waitFor("execed") };
  }

  test("runs in the container's namespaces, gives output and exit code", async () => {
    const { container } = await running();
    const session = await fixture.client().exec(fixture.execPlan("e1", container, ["namespaces"]), { raw: true });
    const text = await collect(session.output);
    expect(await session.reports.waitFor("exit")).toMatchObject({ code: 0, exec: "e1" });
    for (const name of ["mnt", "pid", "net", "uts", "ipc"]) {
      const link = text.split("\n").find((line) => line.startsWith(`${name}:`));
      expect(link).toBeDefined();
      expect(link).not.toBe(readFileSync("/proc/self/mountinfo", "utf8"));
    }
    const code = await fixture.client().exec(fixture.execPlan("e2", container, ["exit", "42"]));
    expect(await code.reports.waitFor("exit")).toMatchObject({ code: 42, exec: "e2" });
  });

  test("several at once, each with its own streams", async () => {
    const { container } = await running();
    const sessions = await Promise.all(
      ["a", "b", "c"].map((id) =>
        fixture.client().exec(fixture.execPlan(id, container, ["cat"], { stdio: STDIO.stdin }), { raw: true }),
      ),
    );
    for (const [index, session] of sessions.entries()) {
      await session.write(Buffer.from(`exec ${index}`));
      session.endStdin();
    }
    expect(await Promise.all(sessions.map((session) => collect(session.output)))).toEqual([
      "exec 0",
      "exec 1",
      "exec 2",
    ]);
  });

  test("watchers learn of its end even when its client has left", async () => {
    const { handle, container } = await running();
    const session = await fixture.client().exec(fixture.execPlan("gone", container, ["cat"], { stdio: STDIO.stdin }));
    session.close();
    const exit = await handle.waitFor("exit");
    expect(exit).toMatchObject({ exec: "gone", code: 0 });
  });

  test("a descendant that keeps the streams open holds the session for two seconds at most", async () => {
    const { container } = await running();
    const session = await fixture
      .client(30_000)
      .exec(fixture.execPlan("hold", container, ["hold", "600"]), { raw: true });
    expect(await collect(session.output)).toBe("held\n");
    expect(await session.reports.waitFor("exit")).toMatchObject({ code: 7 });
  });

  test("a program that is not there is a failure that names it", async () => {
    const { container } = await running();
    const plan = fixture
      .execPlan("x", container, [])
      .map((r) => (r.op === "exec" ? { ...r, candidates: ["/nope"], argv: ["nope"] } : r));
    await expect(fixture.client().exec(plan)).rejects.toMatchObject({
      code: "ENOENT",
      report: { name: "exec", path: "nope", exec: "x" },
    });
  });

  test("a pid that is someone else's by now is refused", async () => {
    const { container } = await running();
    const plan = fixture.execPlan("x", { ...container, startTime: (container.startTime as number) + 1 }, ["true"]);
    await expect(fixture.client().exec(plan)).rejects.toMatchObject({
      code: "ESRCH",
      report: { name: "join_container" },
    });
  });

  test("with a terminal and resize by id", async () => {
    const { container } = await running();
    const plan = fixture.execPlan("t", container, ["tty"], { stdio: STDIO.tty | STDIO.stdin, rows: 10, cols: 20 });
    const session = await fixture.client().exec(plan, { raw: true });
    expect(await readUntil(session, "10 20")).toContain("10 20");
    await fixture.client().resize("t", 44, 55);
    expect(await readUntil(session, "44 55")).toContain("44 55");
    await fixture.client().signal("t", 9);
    expect(await session.reports.waitFor("exit")).toMatchObject({ code: 137, signal: 9, exec: "t" });
  });

  test("ends with 137 when the container is killed", async () => {
    const { container } = await running();
    const session = await fixture.client().exec(fixture.execPlan("e", container, ["pause"]));
    await fixture.client().signal("", 9);
    expect(await session.reports.waitFor("exit")).toMatchObject({ code: 137, exec: "e" });
  });

  test("in a container with the host's pids too", async () => {
    const flags = 0x20000 | 0x04000000 | 0x08000000 | 0x40000000;
    const { handle, container } = await running(flags);
    const session = await fixture.client().exec(fixture.execPlan("e", container, ["pause"], { namespaces: flags }));
    await fixture.client().signal("", 9);
    expect(await session.reports.waitFor("exit")).toMatchObject({ code: 137, exec: "e" });
    await handle.closed;
  });
});

test("a stopped monitor costs its caller the deadline, no more", async () => {
  const handle = fixture.launch({ argv: ["pause"] });
  await handle.waitFor("execed");
  sys.kill(handle.monitorPid, 19);
  await expect(fixture.client(100).watch()).rejects.toMatchObject({ code: "deadline" });
  sys.kill(handle.monitorPid, 18);
  expect((await fixture.client().watch()).state.at).toBe("state");
});

test("a monitor that is killed ends the session; the daemon sees it at once", async () => {
  const handle = fixture.launch({ argv: ["pause"] });
  const { pid } = await handle.waitFor("execed");
  const session = await attached();
  sys.kill(handle.monitorPid, 9);
  await session.closed;
  await handle.closed;
  await expect(session.reports.waitFor("exit")).rejects.toBeInstanceOf(ShimUnavailable);
  sys.kill(pid as number, 9);
  await until("container gone", () => !isAlive(pid as number));
});
