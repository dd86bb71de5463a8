import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Database } from "../../../../engine/base/database.ts";
import { freshLive } from "../../../../engine/container/container.ts";
import { exitPath, makeLayout, planLayout, runtimeDir } from "../../../../engine/store/layout.ts";
import { lockExecRoot, lockRoot } from "../../../../engine/store/lock.ts";
import { type ContainerRecord, RECORD_VERSION, RecordStore } from "../../../../engine/store/records.ts";
import { emptyConfig, emptyHost } from "../container/requests.ts";

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "tare-s-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const record = (id: string, name: string): ContainerRecord => ({
  version: RECORD_VERSION,
  id,
  name,
  createdAt: "2026-11-22T00:00:00.000000000Z",
  imageId: "sha256:x",
  chainId: null,
  config: emptyConfig,
  host: emptyHost,
  endpoints: {},
  path: "true",
  args: [],
  mountPoints: [],
  mounts: [],
  anonymousVolumes: [],
  createdSources: [],
  apparmorProfile: "",
  idRange: null,
});

test("records survive a reopen; names are taken by whoever was first", () => {
  const path = join(root, "db");
  const database = Database.open(path);
  const store = new RecordStore(database);
  store.reserve("a1", "web", "sha256:x");
  expect(() => store.reserve("b2", "web", "sha256:x")).toThrow(
    'The container name "/web" is already in use by container "a1"',
  );
  store.complete(record("a1", "web"), freshLive);
  store.reserve("b2", "db", "sha256:x");
  database.close();
  const again = new RecordStore(Database.open(path));
  expect(again.all().map(({ id, phase }) => `${id} ${phase}`)).toEqual(["a1 ready", "b2 creating"]);
  expect(again.all()[0]).toMatchObject({ record: { name: "web" }, live: freshLive });
  again.complete(record("b2", "db"), freshLive);
  expect(() => again.saveRecord(record("b2", "web"))).toThrow("already in use");
  again.remove("a1");
  again.saveRecord(record("b2", "web"));
  expect(again.nameHolder("web")).toBe("b2");
  expect(again.has("a1")).toBe(false);
  expect(again.meta("id", () => "one")).toBe("one");
  expect(again.meta("id", () => "two")).toBe("one");
});

test("a record of another version is refused, not guessed", () => {
  const store = new RecordStore(Database.open(":memory:"));
  store.reserve("a1", "web", "sha256:x");
  store.complete({ ...record("a1", "web"), version: 99 as never }, freshLive);
  expect(() => store.all()).toThrow("record version 99");
});

test("roots are private, paths short enough for sockets", () => {
  const layout = planLayout({ dataRoot: join(root, "data"), execRoot: `/${"x".repeat(59)}` });
  expect(Buffer.byteLength(`${runtimeDir(layout, "0123456789abcdef")}/ctl`)).toBeLessThan(108);
  const usable = planLayout({ dataRoot: join(root, "data"), execRoot: join(root, "run") });
  makeLayout(usable);
  expect(statSync(usable.dataRoot).mode & 0o777).toBe(0o700);
  expect(exitPath(usable, "id", "run")).toBe(join(root, "data/containers/id/exit-run"));
  writeFileSync(join(root, "file"), "");
  const bad = planLayout({ dataRoot: join(root, "file"), execRoot: join(root, "run") });
  expect(() => makeLayout(bad)).toThrow(`cannot use data-root ${root}/file`);
});

test("one holder of a root; the next is told who it is", () => {
  const path = join(root, "lock");
  const lock = lockRoot(root, path);
  expect(() => lockRoot(root, path)).toThrow(`data root ${root} is in use by another ctrd (pid ${process.pid})`);
  lock.release();
  lock.release();
  lockRoot(root, path).release();
});

test("one holder of an exec root too, and nothing is left in it", () => {
  const execRoot = mkdtempSync(join(root, "exec-"));
  const pidFile = join(execRoot, "ctrd.pid");
  const held = lockExecRoot(execRoot, pidFile);
  expect(() => lockExecRoot(execRoot, pidFile)).toThrow(
    `exec root ${execRoot} is in use by another ctrd (pid unknown)`,
  );
  writeFileSync(pidFile, "42\n");
  expect(() => lockExecRoot(execRoot, pidFile)).toThrow("(pid 42)");
  rmSync(pidFile);
  held.release();
  lockExecRoot(execRoot, pidFile).release();
  expect(readdirSync(execRoot)).toEqual([]);
});
