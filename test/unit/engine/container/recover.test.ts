import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Recovered, SandboxRecord } from "../../../../engine/isolation/backend.ts";
import type { RestartPolicyName } from "../../../../engine/spec/config.ts";
import { FakeBackend } from "./fake-backend.ts";
import { type Harness, openHarness } from "./harness.ts";
import { createRequest } from "./requests.ts";

const withPolicy = (name: RestartPolicyName) =>
  createRequest({ host: { restartPolicy: { name, maximumRetryCount: 0 } } });
const sandboxOf = (h: Harness, id: string): SandboxRecord => {
  const record = h.records.all().find((row) => row.id === id)?.live?.sandbox;
  if (record === null || record === undefined) throw new Error("no sandbox is recorded");
  return record;
};
/** A backend that comes back and finds these answers. */
function answering(h: Harness, id: string, answer: Recovered | Promise<Recovered>): FakeBackend {
  const backend = new FakeBackend();
  backend.answers.set(sandboxOf(h, id).runId, Promise.resolve(answer));
  return backend;
}
const exited = (code: number, reason = ""): Recovered => ({
  status: "exited",
  exit: { code, signal: null, oomKilled: false, finishedAt: "2026-11-22T10:00:09.000000000Z", reason },
});

test("what runs is adopted: same state, and its end is seen", async () => {
  await using h = await openHarness();
  const { id } = await h.containers.create(createRequest({ name: "web" }));
  await h.containers.start(id);
  const sandbox = h.backend.last;
  const again = await h.reopen(answering(h, id, { status: "running", sandbox }));
  expect(again.containers.find("web").state).toEqual(h.containers.find("web").state);
  expect(again.actions()).toEqual([]);
  const wait = again.containers.wait(id, "not-running");
  sandbox.end(4);
  expect((await wait.result).exitCode).toBe(4);
  expect(again.backend.sweeps).toEqual([new Set([id])]);
  await again.drain();
  expect((await again.reopen()).backend.sweeps).toEqual([new Set()]);
});

test("what ended meanwhile has its code and time, and die is told", async () => {
  await using h = await openHarness();
  const { id } = await h.containers.create(createRequest());
  await h.containers.start(id);
  const again = await h.reopen(answering(h, id, exited(9)));
  expect(again.containers.find(id).state).toMatchObject({
    status: "exited",
    exitCode: 9,
    finishedAt: "2026-11-22T10:00:09.000000000Z",
  });
  expect(again.actions()).toEqual(["die"]);
});

test("a stopped monitor delays neither readiness nor lists nor other containers", async () => {
  await using h = await openHarness();
  const { id } = await h.containers.create(createRequest({ name: "stuck" }));
  const other = await h.containers.create(createRequest({ name: "other" }));
  await h.containers.start(id);
  const backend = new FakeBackend();
  const late = Promise.withResolvers<Recovered>();
  backend.answers.set(sandboxOf(h, id).runId, late.promise);
  const opening = h.reopen(backend);
  late.resolve(exited(0));
  const again = await opening;
  expect(again.containers.list()).toHaveLength(2);
  await again.containers.start(other.id);
  expect(again.containers.find("other").state.status).toBe("running");
});

test("verbs that come while runs are still being asked wait for the answer", async () => {
  await using h = await openHarness();
  const ids: string[] = [];
  const backend = new FakeBackend();
  const gate = Promise.withResolvers<void>();
  for (let i = 0; i < 40; i++) {
    const { id } = await h.containers.create(createRequest());
    await h.containers.start(id);
    ids.push(id);
    const sandbox = h.backend.last;
    backend.answers.set(
      sandboxOf(h, id).runId,
      gate.promise.then(() => ({ status: "running", sandbox })),
    );
  }
  const opening = h.reopenNow(backend);
  const removals = Promise.all(ids.map((id) => opening.containers.remove(id, { force: true, volumes: false })));
  gate.resolve();
  await removals;
  expect(opening.containers.list()).toEqual([]);
  await opening.drain();
});

test("a start that was cut: running if the program executes, created if it never did", async () => {
  await using h = await openHarness();
  const { id } = await h.containers.create(createRequest());
  let live = h.records.all()[0]?.live;
  h.backend.onCreate = () => {
    live = h.records.all()[0]?.live;
  };
  await h.containers.start(id);
  if (live === null || live === undefined) throw new Error("no intent was saved");
  expect(live.state.status).toBe("created");
  h.records.saveLive(id, live);
  const executed = h.backend.last;
  const first = await h.reopen(answering(h, id, { status: "running", sandbox: executed }));
  expect(first.containers.find(id).state).toMatchObject({ status: "running", pid: executed.pid });
  h.records.saveLive(id, live);
  const second = await h.reopen(answering(h, id, exited(255, "the monitor is gone")));
  expect(second.containers.find(id).state).toEqual({ status: "created", error: "", exitCode: 0 });
  await second.containers.start(id);
});

test("restart policies at boot", async () => {
  await using h = await openHarness();
  const ids: Record<string, string> = {};
  for (const name of ["no", "always", "unless-stopped", "on-failure"] as const) {
    const { id } = await h.containers.create(withPolicy(name));
    ids[name] = id;
    await h.containers.start(id);
    h.backend.last.ignores = new Set();
    await h.containers.stop(id, { signal: null, timeoutSeconds: null });
  }
  const { id: never } = await h.containers.create(withPolicy("always"));
  const again = await h.reopen();
  const statuses = Object.entries(ids).map(([name, id]) => `${name}: ${again.containers.find(id).state.status}`);
  expect(statuses).toEqual(["no: exited", "always: running", "unless-stopped: exited", "on-failure: exited"]);
  expect(again.containers.find(never).state.status).toBe("created");
});

test("one that was up under a policy and is gone (reboot) is started again", async () => {
  await using h = await openHarness();
  const { id } = await h.containers.create(withPolicy("unless-stopped"));
  await h.containers.start(id);
  const started = Promise.withResolvers<void>();
  const backend = new FakeBackend();
  backend.onCreate = () => started.resolve();
  const again = await h.reopen(backend);
  await started.promise;
  await again.drain();
  expect(again.containers.find(id).state.status).toBe("running");
});

test("half-made and half-removed ones are gone, and everything without a record", async () => {
  await using h = await openHarness();
  h.records.reserve("aa".repeat(32), "half", "sha256:x");
  await h.snapshots.prepare("aa".repeat(32));
  await h.snapshots.prepare("bb".repeat(32));
  mkdirSync(join(h.root, "data/containers", "bb".repeat(32)));
  writeFileSync(join(h.root, "data/containers", "bb".repeat(32), "hosts"), "");
  const { id } = await h.containers.create(
    createRequest({ name: "dying", config: { volumes: ["/data"] }, host: { autoRemove: true } }),
  );
  const live = h.records.all().find((row) => row.id === id)?.live;
  if (live !== null && live !== undefined) h.records.markRemoving(id, live);
  const again = await h.reopen();
  expect(again.containers.list()).toEqual([]);
  expect(again.records.all()).toEqual([]);
  expect(again.snapshots.live.size).toBe(0);
  expect(readdirSync(join(h.root, "data/containers"))).toEqual([]);
  await again.containers.create(createRequest({ name: "half" }));
});

test("auto-removed containers found stopped are removed", async () => {
  await using h = await openHarness();
  const { id } = await h.containers.create(createRequest({ host: { autoRemove: true } }));
  await h.containers.start(id);
  const again = await h.reopen(answering(h, id, exited(0)));
  await again.drain();
  expect(again.containers.list()).toEqual([]);
  expect(again.actions()).toEqual(["die", "destroy"]);
});
