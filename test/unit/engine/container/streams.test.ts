import { expect, test } from "vitest";
import type { ExecRequest } from "../../../../engine/spec/config.ts";
import { openHarness } from "./harness.ts";
import { createRequest } from "./requests.ts";

const ATTACH = { logs: false, stream: true, stdin: true, stdout: true, stderr: true };
const EXEC: ExecRequest = {
  attachStdin: true,
  attachStdout: true,
  attachStderr: true,
  tty: false,
  cmd: ["ls", "-l"],
  env: [],
  user: "",
  workingDir: "",
  privileged: false,
  detachKeys: "",
  consoleSize: null,
};
const START = { detach: false, tty: false, consoleSize: null };
const interactive = (config: object) => createRequest({ config: { openStdin: true, ...config } });

test("attached before the start: joined at the gate, so that nothing is lost", async () => {
  await using h = await openHarness();
  const { id } = await h.containers.create(createRequest());
  const session = await h.containers.attach(id, ATTACH);
  h.backend.onCreate = (sandbox) => expect(sandbox.request.startAtOnce).toBe(false);
  await h.containers.start(id);
  expect(h.backend.last.calls).toEqual(["attach", "start"]);
  h.backend.last.sessions[0]?.output.write("hello");
  h.backend.last.end(0);
  const chunks: string[] = [];
  for await (const chunk of session.output) chunks.push(String(chunk));
  expect(chunks.join("")).toBe("hello");
  expect(h.actions()).toEqual(["create", "attach", "start", "die"]);
});

test("nobody attached: one call to the backend", async () => {
  await using h = await openHarness();
  const { id } = await h.containers.create(createRequest());
  await h.containers.start(id);
  expect(h.backend.last.request.startAtOnce).toBe(true);
  expect(h.backend.last.calls).toEqual([]);
});

test("stdin written before the start arrives after it", async () => {
  await using h = await openHarness();
  const { id } = await h.containers.create(interactive({ stdinOnce: true }));
  const session = await h.containers.attach(id, ATTACH);
  const written = session.write(Buffer.from("early")).then(() => session.endStdin());
  await h.containers.start(id);
  await written;
  expect(h.backend.last.sessions[0]).toMatchObject({ written: ["early"], stdinEnded: true, closed: false });
});

test.each([
  [
    "StdinOnce without a terminal closes the container's stdin",
    { stdinOnce: true, tty: false },
    { stdinEnded: true, closed: false },
  ],
  [
    "otherwise the end of stdin ends this stream only",
    { stdinOnce: false, tty: false },
    { stdinEnded: false, closed: true },
  ],
  ["a terminal's too", { stdinOnce: true, tty: true }, { stdinEnded: false, closed: true }],
])("%s", async (_title, config, expected) => {
  await using h = await openHarness();
  const { id } = await h.containers.create(interactive(config));
  await h.containers.start(id);
  const session = await h.containers.attach(id, ATTACH);
  await session.endStdin();
  await Promise.resolve();
  await Promise.resolve();
  expect(h.backend.last.sessions[0]).toMatchObject(expected);
  expect(h.containers.find(id).state.status).toBe("running");
});

test("without OpenStdin nothing is written", async () => {
  await using h = await openHarness();
  const { id } = await h.containers.create(createRequest());
  await h.containers.start(id);
  const session = await h.containers.attach(id, ATTACH);
  await session.write(Buffer.from("x"));
  await session.endStdin();
  expect(h.backend.last.sessions[0]).toMatchObject({ written: [], stdinEnded: false, closed: false });
});

test("attach is refused while paused", async () => {
  await using h = await openHarness();
  const { id } = await h.containers.create(createRequest());
  await h.containers.start(id);
  await h.containers.pause(id);
  await expect(h.containers.attach(id, ATTACH)).rejects.toThrow(
    `container ${id} is paused, unpause the container before attach`,
  );
  await expect(h.containers.execCreate(id, EXEC)).rejects.toThrow(
    `Container ${id} is paused, unpause the container before exec`,
  );
});

test("exec: the exit code is known when the stream ends; a second start is refused", async () => {
  await using h = await openHarness();
  const { id } = await h.containers.create(createRequest());
  await expect(h.containers.execCreate(id, EXEC)).rejects.toThrow(`container ${id} is not running`);
  await h.containers.start(id);
  await expect(h.containers.execCreate(id, { ...EXEC, cmd: [] })).rejects.toThrow("No exec command specified");
  const execId = await h.containers.execCreate(id, EXEC);
  expect(h.containers.execInspect(execId)).toMatchObject({ running: false, exitCode: null });
  expect(h.containers.find(id).execIds).toEqual([execId]);
  const session = await h.containers.execStart(execId, START);
  expect(h.containers.execInspect(execId).running).toBe(true);
  await expect(h.containers.execStart(execId, START)).rejects.toMatchObject({
    kind: "conflict",
    message: `exec command ${execId} is already running`,
  });
  h.backend.last.execs[0]?.end(5);
  for await (const _ of session.output);
  expect(h.containers.execInspect(execId)).toMatchObject({ running: false, exitCode: 5 });
  await expect(h.containers.execStart(execId, START)).rejects.toMatchObject({
    message: `exec command ${execId} has already run`,
  });
  expect(h.actions().slice(2)).toEqual(["exec_create: ls -l", "exec_start: ls -l", "exec_die"]);
  expect(h.events.recent().at(-1)?.attributes).toMatchObject({ execID: execId, exitCode: "5" });
  expect(h.containers.find(id).execIds).toEqual([]);
});

test("ended execs are forgotten when there are many", async () => {
  await using h = await openHarness();
  const { id } = await h.containers.create(createRequest());
  await h.containers.start(id);
  const ids: string[] = [];
  for (let i = 0; i < 300; i++) {
    const execId = await h.containers.execCreate(id, EXEC);
    const session = await h.containers.execStart(execId, START);
    h.backend.last.execs.at(-1)?.end(0);
    for await (const _ of session.output);
    ids.push(execId);
  }
  expect(() => h.containers.execInspect(ids[0] as string)).toThrow("No such exec instance");
  expect(h.containers.execInspect(ids[299] as string).exitCode).toBe(0);
});
