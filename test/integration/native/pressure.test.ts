/** Clients that are slow, silent, many or stopped: what they cost the container, and each other. */
import { once } from "node:events";
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  ATTACH,
  encodeFrame,
  FRAMES,
  type Session,
  ShimUnavailable,
  STDIO,
  sys,
} from "../../../native/binding/index.ts";
import { collect, Fixture, isAlive, until } from "./fixture.ts";

let fixture: Fixture;
beforeEach(() => {
  fixture = new Fixture();
});
afterEach(() => fixture.dispose());

/** Bytes of a line, with its end. */
const LINE = 101;
/** Parked at START: nothing is printed before the client listens. */
async function printing(lines: number) {
  const handle = fixture.launch({ argv: ["lines", String(lines), String(LINE - 1)] }, { early: "proceed" });
  await handle.waitFor("created");
  const session = await fixture.client().attach({ stdout: true, raw: true });
  handle.start();
  return { handle, session, execed: await handle.waitFor("execed") };
}
/** Bytes the container has printed, by the number in the log's last line. */
function printed(): number {
  const tail = Buffer.alloc(1024);
  const fd = openSync(fixture.logPath, "r");
  const length = readSync(fd, tail, 0, tail.length, Math.max(0, fstatSync(fd).size - tail.length));
  closeSync(fd);
  const numbers = [...tail.toString("latin1", 0, length).matchAll(/"log":"(\d+)/g)];
  return Number(numbers.at(-1)?.[1] ?? 0) * LINE;
}
/** The monitor's queue, its chunk, both buffers of the socket, the pipe, and what Node reads ahead. */
const IN_FLIGHT = 4 << 20;

test("a client that takes nothing is dropped after its ten seconds, the container goes on and every line is logged", async () => {
  const lines = 150_000;
  const { handle, session, execed } = await printing(lines);
  let before = -1;
  // nothing more is printed, though most is still to come
  await until("held up", () => {
    const now = printed();
    const held = now > 0 && now === before;
    before = now;
    return held;
  });
  expect(printed()).toBeLessThan(IN_FLIGHT);
  expect(isAlive(execed.pid as number)).toBe(true);
  const other = await fixture.client().attach({ stdout: true, raw: true });
  const seen = collect(other.output);
  expect(await handle.waitFor("exit")).toMatchObject({ code: 0 });
  await handle.closed;
  expect(fixture.records()).toHaveLength(lines);
  // the other one lost nothing of what came after it attached
  expect((await seen).endsWith("\n")).toBe(true);
  expect(await other.reports.waitFor("exit")).toMatchObject({ code: 0 });
  session.output.resume();
  await expect(session.reports.waitFor("exit")).rejects.toBeInstanceOf(ShimUnavailable);
}, 60_000);

test("a slow client loses nothing and slows the container down to its own pace", async () => {
  const lines = 120_000;
  const { handle, session } = await printing(lines);
  let read = 0;
  let ahead = 0;
  let reads = 0;
  for await (const chunk of session.output) {
    read += (chunk as Buffer).length;
    if (++reads % 8 === 0) ahead = Math.max(ahead, printed() - read);
    await turn();
  }
  expect(read).toBe(lines * LINE);
  expect(ahead).toBeLessThan(IN_FLIGHT);
  expect(await handle.waitFor("exit")).toMatchObject({ code: 0 });
  expect(await session.reports.waitFor("exit")).toMatchObject({ code: 0 });
}, 60_000);

describe("many clients", () => {
  test("a hundred attached see the same, also while half of them leave", async () => {
    const handle = fixture.launch({ argv: ["cat"], stdio: STDIO.stdin });
    await handle.waitFor("execed");
    const sessions: Session[] = [];
    for (let i = 0; i < 100; i++)
      sessions.push(await fixture.client().attach({ stdin: true, stdout: true, stderr: true, raw: true }));
    const texts = sessions.map((session) => collect(session.output).catch(() => "left"));
    const block = Buffer.alloc(64 << 10, "abcdefghijklmno\n");
    const writer = sessions[0] as Session;
    for (let i = 0; i < 16; i++) {
      await writer.write(block);
      if (i === 8) for (const session of sessions.filter((_, index) => index % 2 === 1)) session.close();
    }
    writer.endStdin();
    const stayed = (await Promise.all(texts)).filter((_, index) => index % 2 === 0);
    expect(stayed).toHaveLength(50);
    for (const text of stayed) expect(text.length).toBe(1 << 20);
    expect(await handle.waitFor("exit")).toMatchObject({ code: 0 });
  }, 60_000);

  test("more than a monitor takes wait until one leaves; the container runs on", async () => {
    const handle = fixture.launch({ argv: ["cat"], stdio: STDIO.stdin });
    const { pid } = await handle.waitFor("execed");
    const sockets: Socket[] = [];
    /** Resolves with the socket when the monitor has answered. */
    const watch = async (): Promise<Socket> => {
      const socket = connect(fixture.ctl);
      sockets.push(socket);
      await once(socket, "connect");
      socket.write(encodeFrame(FRAMES.watch));
      await once(socket, "data");
      return socket;
    };
    try {
      // the launch connection is one of the 1024
      for (let i = 0; i < 1023; i++) await watch();
      const late = watch();
      (sockets[5] as Socket).destroy();
      await late;
      expect(isAlive(pid as number)).toBe(true);
    } finally {
      for (const socket of sockets) socket.destroy();
    }
    const session = await fixture.client().attach({ stdin: true, stdout: true, raw: true });
    await session.write(Buffer.from("still here\n"));
    session.endStdin();
    expect(await collect(session.output)).toBe("still here\n");
    expect(await handle.waitFor("exit")).toMatchObject({ code: 0 });
  }, 60_000);

  test("one that sends half a frame and one that sends nonsense disturb nobody", async () => {
    const handle = fixture.launch({ argv: ["cat"], stdio: STDIO.stdin });
    await handle.waitFor("execed");
    const half = connect(fixture.ctl);
    half.write(encodeFrame(FRAMES.attach, Buffer.from([ATTACH.stdout, 0, 0, 0])).subarray(0, 10));
    const nonsense = connect(fixture.ctl);
    nonsense.on("error", () => {});
    nonsense.write(Buffer.alloc(4096, 0xa5));
    await once(nonsense, "close");
    const session = await fixture.client().attach({ stdin: true, stdout: true, raw: true });
    await session.write(Buffer.from("hi\n"));
    session.endStdin();
    expect(await collect(session.output)).toBe("hi\n");
    expect(await handle.waitFor("exit")).toMatchObject({ code: 0 });
    half.destroy();
  });
});

test("a stopped monitor disturbs no other container, and goes on where it was", async () => {
  const stopped = fixture.launch({ argv: ["cat"], stdio: STDIO.stdin });
  await stopped.waitFor("execed");
  const session = await fixture.client().attach({ stdin: true, stdout: true, raw: true });
  sys.kill(stopped.monitorPid, 19);
  const other = new Fixture();
  try {
    // more than every buffer on the way takes: it has to wait, and nothing else may
    const block = Buffer.alloc(4 << 20, "abcdefghijklmno\n");
    const sending = session.write(block).then(() => session.endStdin());
    const failing = fixture.client(200).watch();
    const handle = other.launch({ argv: ["pause"] });
    const container = await handle.waitFor("execed");
    const exec = await other.client().exec(other.execPlan("e", container, ["echo", "lively"]), { raw: true });
    expect(await collect(exec.output)).toBe("lively\n");
    await other.client().signal("", 9);
    await handle.closed;
    expect(handle.reports.all.find(({ at, exec: id }) => at === "exit" && id === undefined)).toMatchObject({
      code: 137,
    });
    await expect(failing).rejects.toMatchObject({ code: "deadline" });
    sys.kill(stopped.monitorPid, 18);
    const [text] = await Promise.all([collect(session.output), sending]);
    expect(text.length).toBe(block.length);
    expect(await stopped.waitFor("exit")).toMatchObject({ code: 0 });
    expect(fixture.logged("stdout").length).toBe(block.length);
  } finally {
    sys.kill(stopped.monitorPid, 18);
    await other.dispose();
  }
}, 60_000);
