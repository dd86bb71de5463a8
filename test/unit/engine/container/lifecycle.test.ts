import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { invalid } from "../../../../engine/base/errors.ts";
import { openHarness } from "./harness.ts";
import { createRequest } from "./requests.ts";

const STOP = { signal: null, timeoutSeconds: null };

test("create, start, exit: states, events and wait in order", async () => {
  await using h = await openHarness();
  const { id, warnings } = await h.containers.create(
    createRequest({ name: "web", config: { labels: { tier: "front" } } }),
  );
  expect(id).toMatch(/^[0-9a-f]{64}$/);
  expect(warnings.join()).toContain("loopback only");
  expect(h.containers.find("web").state).toEqual({ status: "created", error: "", exitCode: 0 });
  expect(h.containers.find("web").config.hostname).toBe(id.slice(0, 12));
  expect(h.containers.find("web").host.networkMode).toBe("bridge");
  const wait = h.containers.wait("web", "next-exit");
  await h.containers.start("web");
  expect(h.containers.find(id.slice(0, 5)).state.status).toBe("running");
  h.backend.last.end(7);
  expect(await wait.result).toEqual({ exitCode: 7, error: null });
  const state = h.containers.find("/web").state;
  expect(state).toMatchObject({ status: "exited", exitCode: 7, finishedAt: "2026-11-22T10:00:03.000000000Z" });
  expect(h.actions()).toEqual(["create", "start", "die"]);
  expect(h.events.recent().at(-1)?.attributes).toEqual({
    exitCode: "7",
    execDuration: "3",
    image: "probe:latest",
    name: "web",
    tier: "front",
  });
  await h.containers.remove("web", { force: false, volumes: false });
  expect(h.backend.last.calls).toContain("destroy");
  expect(h.actions().at(-1)).toBe("destroy");
  expect(h.snapshots.live.size).toBe(0);
  expect(readdirSync(join(h.root, "data/containers"))).toEqual([]);
  expect(() => h.containers.find("web")).toThrow("No such container: web");
});

test("a failed create leaves nothing: no name, no directory, no snapshot", async () => {
  await using h = await openHarness();
  h.snapshots.failure = new Error("disk full");
  await expect(h.containers.create(createRequest({ name: "web" }))).rejects.toThrow("disk full");
  h.snapshots.failure = null;
  expect(h.records.all()).toEqual([]);
  expect(readdirSync(join(h.root, "data/containers"))).toEqual([]);
  await h.containers.create(createRequest({ name: "web" }));
});

test("a network that does not exist is named, and nothing is made", async () => {
  await using h = await openHarness();
  await expect(
    h.containers.create(createRequest({ name: "web", host: { networkMode: "nosuch" } })),
  ).rejects.toMatchObject({
    kind: "invalid",
    message: "network nosuch not found",
  });
  expect(h.records.all()).toEqual([]);
});

test("names: taken, malformed, drawn; prefixes: ambiguous and unique", async () => {
  await using h = await openHarness();
  const first = await h.containers.create(createRequest({ name: "web" }));
  await expect(h.containers.create(createRequest({ name: "/web" }))).rejects.toThrow(
    `Conflict. The container name "/web" is already in use by container "${first.id}". You have to remove (or rename) that container to be able to reuse that name.`,
  );
  await expect(h.containers.create(createRequest({ name: "x" }))).rejects.toMatchObject({
    kind: "invalid",
    message: "Invalid container name (x), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed",
  });
  const drawn = await h.containers.create(createRequest());
  expect(h.containers.find(drawn.id).name).toMatch(/^[a-z]+_[a-z]+$/);
  expect(() => h.containers.find("")).toThrow("No such container");
  for (let i = 0; i < 20; i++) await h.containers.create(createRequest());
  const letter = [..."0123456789abcdef"].find(
    (digit) => h.containers.list().filter(({ id }) => id.startsWith(digit)).length > 1,
  );
  expect(() => h.containers.find(letter as string)).toThrow(`multiple IDs found with provided prefix: ${letter}`);
  expect(h.containers.list()[0]?.createdAt ?? "").toSatisfy(
    (newest: string) => newest >= (h.containers.list().at(-1)?.createdAt ?? ""),
  );
});

test("a start that fails: state created, error and exit code kept, waiting attachments end, nothing is left", async () => {
  await using h = await openHarness();
  const { id } = await h.containers.create(createRequest());
  const session = await h.containers.attach(id, {
    logs: false,
    stream: true,
    stdin: false,
    stdout: true,
    stderr: true,
  });
  h.backend.failure = invalid("container.exec", 'exec: "x": executable file not found in $PATH', {
    details: { exitCode: 127 },
  });
  await expect(h.containers.start(id)).rejects.toThrow("executable file not found");
  expect(h.containers.find(id).state).toEqual({
    status: "created",
    error: 'exec: "x": executable file not found in $PATH',
    exitCode: 127,
  });
  for await (const _ of session.output) throw new Error("no output was expected");
  expect(await h.containers.wait(id, "not-running").result).toEqual({ exitCode: 127, error: null });
});

test("start twice is not_modified, also when both are asked at once", async () => {
  await using h = await openHarness();
  const { id } = await h.containers.create(createRequest());
  const results = await Promise.allSettled([h.containers.start(id), h.containers.start(id)]);
  expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
  expect((results[1] as PromiseRejectedResult).reason).toMatchObject({ kind: "not_modified" });
  expect(h.backend.sandboxes).toHaveLength(1);
});

test("stop sends the stop signal, then kills; events in Docker's order", async () => {
  await using h = await openHarness({ Cmd: ["probe"], StopSignal: "SIGINT" });
  const { id } = await h.containers.create(createRequest());
  await h.containers.start(id);
  await h.containers.stop(id, STOP);
  expect(h.backend.last.signals).toEqual([2]);
  expect(h.actions()).toEqual(["create", "start", "kill", "die", "stop"]);
  await expect(h.containers.stop(id, STOP)).rejects.toMatchObject({ kind: "not_modified" });
  await h.containers.start(id);
  h.backend.last.ignores = new Set([2]);
  await h.containers.stop(id, { signal: null, timeoutSeconds: 0 });
  expect(h.backend.last.signals).toEqual([2, 9]);
  expect(h.containers.find(id).state).toMatchObject({ status: "exited", exitCode: 137, signal: 9 });
});

test("stop works on a paused container and thaws it", async () => {
  await using h = await openHarness();
  const { id } = await h.containers.create(createRequest());
  await h.containers.start(id);
  await h.containers.pause(id);
  await expect(h.containers.pause(id)).rejects.toMatchObject({
    kind: "conflict",
    message: `Container ${id} is already paused`,
  });
  await h.containers.stop(id, STOP);
  expect(h.backend.last.calls).toContain("resume");
  await expect(h.containers.unpause(id)).rejects.toMatchObject({
    kind: "internal",
    message: `Container ${id} is not paused`,
  });
});

test("kill: default waits for the end, others do not, none for one that does not run", async () => {
  await using h = await openHarness();
  const { id } = await h.containers.create(createRequest({ name: "web" }));
  await expect(h.containers.kill("web", "")).rejects.toMatchObject({
    kind: "conflict",
    message: `cannot kill container: web: container ${id} is not running`,
  });
  await h.containers.start(id);
  h.backend.last.ignores = new Set([10]);
  await h.containers.kill(id, "USR1");
  expect(h.backend.last.signals).toEqual([10]);
  await expect(h.containers.kill(id, "NOPE")).rejects.toMatchObject({
    kind: "invalid",
    message: "invalid signal: NOPE",
  });
  await h.containers.kill(id, "");
  expect(h.containers.find(id).state.status).toBe("exited");
});

test("remove: a running one is refused, force ends it first, a second concurrent one is told", async () => {
  await using h = await openHarness();
  const { id } = await h.containers.create(createRequest({ name: "web" }));
  await h.containers.start(id);
  await expect(h.containers.remove(id, { force: false, volumes: false })).rejects.toThrow(
    'cannot remove container "/web": container is running: stop the container before removing or force remove',
  );
  const removed = h.containers.wait(id, "removed");
  await h.containers.remove(id, { force: true, volumes: false });
  expect(await removed.result).toEqual({ exitCode: 137, error: null });
  expect(h.actions()).toEqual(["create", "start", "kill", "die", "destroy"]);
});

test("auto-remove: die before destroy, its anonymous volumes go too, waiters for removal wake", async () => {
  await using h = await openHarness();
  const { id } = await h.containers.create(
    createRequest({ host: { autoRemove: true }, config: { volumes: ["/data"] } }),
  );
  const [mount] = h.containers.find(id).mounts;
  expect(mount).toMatchObject({ type: "volume", destination: "/data", driver: "local" });
  expect(existsSync(mount?.source ?? "")).toBe(true);
  const removed = h.containers.wait(id, "removed");
  await h.containers.start(id);
  h.backend.last.end(3);
  expect(await removed.result).toEqual({ exitCode: 3, error: null });
  expect(h.actions()).toEqual(["create", "start", "die", "destroy"]);
  expect(existsSync(mount?.source ?? "")).toBe(false);
});

test("restart keeps an auto-removed container and resets nothing else", async () => {
  await using h = await openHarness();
  const { id } = await h.containers.create(createRequest({ host: { autoRemove: true } }));
  await h.containers.start(id);
  await h.containers.restart(id, STOP);
  expect(h.containers.find(id).state.status).toBe("running");
  expect(h.actions()).toEqual(["create", "start", "kill", "die", "stop", "start", "restart"]);
});

test("an out-of-memory kill is told before die", async () => {
  await using h = await openHarness();
  const { id } = await h.containers.create(createRequest());
  await h.containers.start(id);
  h.backend.last.emit({ type: "oom" });
  h.backend.last.end(137, { signal: 9, oomKilled: true });
  await h.containers.wait(id, "not-running").result;
  expect(h.actions()).toEqual(["create", "start", "oom", "die"]);
  expect(h.containers.find(id).state).toMatchObject({ oomKilled: true });
});

test("rename: events, look-up by the new name, taken and same names", async () => {
  await using h = await openHarness();
  const { id } = await h.containers.create(createRequest({ name: "web" }));
  await h.containers.create(createRequest({ name: "db" }));
  await expect(h.containers.rename("web", "db")).rejects.toMatchObject({ kind: "conflict" });
  await expect(h.containers.rename("web", "web")).rejects.toMatchObject({ kind: "invalid" });
  await h.containers.rename("web", "front");
  expect(h.containers.find("front").id).toBe(id);
  expect(() => h.containers.find("web")).toThrow("No such container");
  expect(h.events.recent().at(-1)).toMatchObject({ action: "rename", attributes: { name: "front", oldName: "/web" } });
});

test("restart policy: restarts with a growing delay until the count is used up", async () => {
  await using h = await openHarness();
  const { id } = await h.containers.create(
    createRequest({ host: { restartPolicy: { name: "on-failure", maximumRetryCount: 1 } } }),
  );
  const started = Promise.withResolvers<void>();
  await h.containers.start(id);
  h.events.subscribe(({ action }) => action === "start" && started.resolve());
  h.backend.last.end(1);
  await started.promise;
  expect(h.containers.find(id)).toMatchObject({ restartCount: 1, state: { status: "running" } });
  const wait = h.containers.wait(id, "not-running");
  h.backend.last.end(1);
  expect((await wait.result).exitCode).toBe(1);
  expect(h.containers.find(id).state.status).toBe("exited");
});

test("stop during the restart delay calls the restart off", async () => {
  await using h = await openHarness();
  const { id } = await h.containers.create(
    createRequest({ host: { restartPolicy: { name: "always", maximumRetryCount: 0 } } }),
  );
  await h.containers.start(id);
  const died = h.containers.wait(id, "next-exit");
  h.backend.last.end(1);
  await died.result;
  expect(h.containers.find(id).state.status).toBe("restarting");
  await h.containers.stop(id, STOP);
  expect(h.containers.find(id).state.status).toBe("exited");
  expect(h.backend.sandboxes).toHaveLength(1);
});
