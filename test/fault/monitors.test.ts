/** Monitors that are killed or stopped, disks that are full. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { isRoot, processesWith, settled } from "../support/machine.ts";
import {
  busybox,
  busyboxPath,
  containerCgroups,
  endAll,
  EngineProcess,
  makeRoots,
  removeRoots,
  type Roots,
  unframe,
} from "./engine-process.ts";

const canRun = isRoot && busyboxPath !== undefined;
let roots: Roots;
beforeAll(async () => {
  if (!canRun) return;
  roots = await makeRoots();
  const engine = await EngineProcess.open(roots);
  await engine.call("load", roots.archive);
  await engine.close();
});
afterEach(endAll);
afterAll(() => {
  if (canRun) removeRoots(roots);
});

interface Found {
  readonly id: string;
  readonly state: { readonly status: string; readonly pid: number; readonly exitCode: number; readonly error: string };
}

function monitorOf(id: string): number {
  const found = processesWith([id.slice(0, 12)]).find((pid) =>
    readFileSync(`/proc/${pid}/cmdline`, "utf8").startsWith("ctr-shim"),
  );
  if (found === undefined) throw new Error(`container ${id} has no monitor`);
  return found;
}
async function up(
  engine: EngineProcess,
  name: string,
  cmd: readonly string[] = ["sleep", "1000"],
  changes: object = {},
): Promise<string> {
  const { id } = await engine.call<{ id: string }>("create", busybox(cmd, { name, ...changes }));
  await engine.call("start", id);
  return id;
}

test.skipIf(!canRun)(
  "kill -9 of a monitor: the container is reported dead with the reason, its processes are gone",
  async () => {
    const engine = await EngineProcess.open(roots);
    const id = await up(engine, "orphan", ["sh", "-c", "sleep 1000 & sleep 1000"]);
    const ended = engine.call("next", id);
    process.kill(monitorOf(id), "SIGKILL");
    expect(await ended).toMatchObject({ exitCode: 137 });
    const { state } = await engine.call<Found>("find", id);
    expect(state).toMatchObject({
      status: "exited",
      exitCode: 137,
      error: "the monitor process of the container was killed",
    });
    await settled(() => containerCgroups(roots), []);
    await engine.call("start", id);
    await engine.call("remove", id, true);
    await engine.close();
  },
);

test.skipIf(!canRun)("kill -9 of a monitor while no daemon is there: the same, found at the next start", async () => {
  const first = await EngineProcess.open(roots);
  const id = await up(first, "orphan");
  await first.kill();
  process.kill(monitorOf(id), "SIGKILL");
  const engine = await EngineProcess.open(roots);
  const { exitCode } = await engine.call<{ exitCode: number }>("wait", id);
  expect(exitCode).toBe(137);
  await settled(() => containerCgroups(roots), []);
  await engine.call("remove", id);
  await engine.close();
});

test.skipIf(!canRun)(
  "SIGSTOP of a monitor delays neither lists, nor other containers, nor a daemon that starts",
  async () => {
    const first = await EngineProcess.open(roots);
    const stuck = await up(first, "stuck");
    const monitor = monitorOf(stuck);
    process.kill(monitor, "SIGSTOP");
    try {
      const pending = first.call("exec", stuck, ["true"]).catch((error: Error) => error);
      expect(await first.call<unknown[]>("list")).toHaveLength(1);
      const other = await up(first, "other", ["true"]);
      await first.call("wait", other);
      await first.kill();
      await pending;

      const engine = await EngineProcess.open(roots);
      expect(await engine.call<unknown[]>("list")).toHaveLength(2);
      expect((await engine.call<Found>("find", stuck)).state.status).toBe("running");
      await engine.call("start", other);
      await engine.call("wait", other);
      await engine.call("remove", other);
      process.kill(monitor, "SIGCONT");
      expect(await engine.call("exec", stuck, ["true"])).toMatchObject({ exitCode: 0 });
      await engine.call("remove", stuck, true);
      await engine.close();
    } finally {
      try {
        process.kill(monitor, "SIGCONT");
      } catch {
        // it ended with its container
      }
    }
    await settled(() => containerCgroups(roots), []);
  },
);

test.skipIf(!canRun)("a container whose monitor was stopped can still be ended and removed", async () => {
  const engine = await EngineProcess.open(roots);
  const id = await up(engine, "mute");
  const monitor = monitorOf(id);
  process.kill(monitor, "SIGSTOP");
  await engine.call("remove", id, true);
  expect(await engine.call<unknown[]>("list")).toEqual([]);
  await engine.close();
  await settled(() => processesWith([id.slice(0, 12)]), []);
  await settled(() => containerCgroups(roots), []);
});

test.skipIf(!canRun)("what ended while no daemon was there has its code and its time", async () => {
  const first = await EngineProcess.open(roots);
  const gate = join(roots.base, "gate");
  mkdirSync(gate);
  const cmd = ["sh", "-c", "while [ ! -e /gate/go ]; do usleep 1000; done; exit 42"];
  const id = await up(first, "brief", cmd, { host: { binds: [`${gate}:/gate:ro`] } });
  await first.kill();
  writeFileSync(join(gate, "go"), "");
  await settled(() => processesWith([id.slice(0, 12)]), []);
  const endedBy = new Date().toISOString();
  const engine = await EngineProcess.open(roots);
  expect(await engine.call("wait", id)).toMatchObject({ exitCode: 42 });
  const { state } = await engine.call<{ state: { finishedAt: string } }>("find", id);
  expect(state.finishedAt <= endedBy).toBe(true);
  expect(await engine.call<string[]>("events")).toEqual([`die ${id.slice(0, 12)}`]);
  await engine.call("remove", id);
  await engine.close();
});

/** A small filesystem of its own; gone with the mount. */
function smallDisk(dir: string, megabytes: number): () => void {
  mkdirSync(dir, { recursive: true });
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m`, "tmpfs", dir]);
  return () => void execFileSync("umount", ["-l", dir]);
}

test.skipIf(!canRun)("a full disk while loading: a clear error, nothing counts as present", async () => {
  const full: Roots = { ...roots, data: join(roots.base, "full"), run: join(roots.base, "full-run") };
  const unmount = smallDisk(full.data, 2);
  try {
    const engine = await EngineProcess.open(full);
    await expect(engine.call("load", roots.archive)).rejects.toThrow(/no space left|ENOSPC/i);
    expect(await engine.call("images")).toEqual([]);
    await engine.close();
  } finally {
    unmount();
  }
});

test.skipIf(!canRun)(
  "a full disk while logging: the container goes on, lines that are there are whole, later ones come again",
  async () => {
    const full: Roots = { ...roots, data: join(roots.base, "full-log"), run: join(roots.base, "full-log-run") };
    const unmount = smallDisk(full.data, 24);
    try {
      const engine = await EngineProcess.open(full);
      await engine.call("load", roots.archive);
      const fill = "seq 1 600000; exit 5";
      const id = await up(engine, "talker", ["sh", "-c", fill], {
        host: { logConfig: { type: "json-file", config: { "max-size": "-1" } } },
      });
      expect(await engine.call("wait", id)).toMatchObject({ exitCode: 5 });
      const lines = unframe(await engine.call<string>("logs", id))
        .split("\n")
        .slice(0, -1);
      expect(lines.length).toBeGreaterThan(1000);
      expect(lines).toEqual(lines.map((_, index) => String(index + 1)));
      expect(engine.stderr).toMatch(/could not be logged/);
      await engine.call("remove", id);
      await engine.close();
    } finally {
      unmount();
    }
  },
);

test.skipIf(!canRun)("who fills the disk can be stopped and removed, by the next daemon too", async () => {
  const full: Roots = { ...roots, data: join(roots.base, "full-stop"), run: join(roots.base, "full-stop-run") };
  const unmount = smallDisk(full.data, 8);
  try {
    let engine = await EngineProcess.open(full);
    await engine.call("load", roots.archive);
    const host = { logConfig: { type: "json-file", config: { "max-size": "-1" } } };
    const stopped = await up(engine, "stopped", ["sh", "-c", "while :; do echo filling; done"], { host });
    const removed = await up(engine, "removed", ["sh", "-c", "while :; do echo filling; done"], { host });
    await expect.poll(() => engine.stderr, { timeout: 20_000 }).toMatch(/could not be logged/);
    await engine.call("stop", stopped);
    await engine.kill();
    engine = await EngineProcess.open(full);
    await engine.call("remove", removed, true);
    await engine.call("remove", stopped);
    const again = await up(engine, "again", ["true"]);
    expect(await engine.call("wait", again)).toMatchObject({ exitCode: 0 });
    await engine.call("remove", again);
    await engine.close();
  } finally {
    unmount();
  }
});

test.skipIf(!canRun)("two daemons on one data root: the second is refused and names the first", async () => {
  const engine = await EngineProcess.open(roots);
  await expect(EngineProcess.open(roots)).rejects.toThrow(
    `data root ${roots.data} is in use by another ctrd (pid ${engine.pid})`,
  );
  await engine.close();
});
