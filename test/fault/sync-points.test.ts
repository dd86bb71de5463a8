/** kill -9 of the daemon at every named moment: the state is true afterwards, others are undisturbed, nothing is orphaned. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { SYNC_POINTS, type SyncPoint } from "../../engine/base/sync-points.ts";
import { footprint, isRoot, processesWith, settled } from "../support/machine.ts";
import {
  busybox,
  busyboxPath,
  containerCgroups,
  Died,
  endAll,
  EngineProcess,
  makeRoots,
  removeRoots,
  type Roots,
  unframe,
} from "./engine-process.ts";

const COUNTER = ["sh", "-c", "trap 'exit 0' TERM; i=0; while :; do echo $i; i=$((i+1)); usleep 20000; done"];
interface Listed {
  readonly id: string;
  readonly name: string;
  readonly status: string;
}

let roots: Roots;
let bystander = { id: "", pid: 0 };
const canRun = isRoot && busyboxPath !== undefined;

beforeAll(async () => {
  if (!canRun) return;
  roots = await makeRoots();
  const engine = await EngineProcess.open(roots);
  await engine.call("load", roots.archive);
  const { id } = await engine.call<{ id: string }>("create", busybox(COUNTER, { name: "bystander" }));
  await engine.call("start", id);
  const { state } = await engine.call<{ state: { pid: number } }>("find", id);
  bystander = { id, pid: state.pid };
  await engine.kill();
});
afterEach(endAll);
afterAll(() => {
  if (canRun) removeRoots(roots);
});

/** What is done with the doomed daemon; it dies somewhere in here. */
const ACTS: Readonly<Record<string, (engine: EngineProcess) => Promise<unknown>>> = {
  create: (engine) => engine.call("create", busybox(["true"], { name: "target" })),
  start: async (engine) => {
    await engine.call("create", busybox(["sleep", "1000"], { name: "target" }));
    await engine.call("start", "target");
  },
  attach: async (engine) => {
    await engine.call("create", busybox(["sleep", "1000"], { name: "target" }));
    await engine.call("attach", "target");
  },
  exec: async (engine) => {
    await engine.call("create", busybox(["sleep", "1000"], { name: "target" }));
    await engine.call("start", "target");
    await engine.call("exec", "target", ["sleep", "1000"]);
  },
  stop: async (engine) => {
    await engine.call("create", busybox(COUNTER, { name: "target" }));
    await engine.call("start", "target");
    while ((await engine.call("logs", "target")) === "") await delay(1);
    await engine.call("stop", "target");
  },
  exit: async (engine) => {
    await engine.call("create", busybox(["sh", "-c", "exit 9"], { name: "target" }));
    await engine.call("start", "target");
    await engine.call("wait", "target");
  },
  remove: async (engine) => {
    await engine.call("create", busybox(["true"], { name: "target", config: { volumes: ["/data"] } }));
    await engine.call("start", "target");
    await engine.call("wait", "target");
    await engine.call("remove", "target");
  },
  load: (engine) => engine.call("load", roots.archive),
};

/** What the target may be afterwards. */
function allowed(point: SyncPoint): readonly string[] {
  if (point === "create.recorded") return ["created"];
  if (point.startsWith("create.") || point.startsWith("remove.") || point.startsWith("load.")) return ["absent"];
  if (point === "start.intent" || point === "start.cgroup") return ["created"];
  if (point === "start.launched") return ["running"];
  if (point.startsWith("start.") || point.startsWith("exec.")) return ["running"];
  if (point === "attach.opened") return ["created"];
  return ["exited"];
}

async function statusOf(engine: EngineProcess): Promise<string> {
  const all = await engine.call<Listed[]>("list");
  return all.find(({ name }) => name === "target")?.status ?? "absent";
}

async function checkBystander(engine: EngineProcess): Promise<void> {
  const { state } = await engine.call<{ state: object }>("find", "bystander");
  expect(state).toMatchObject({ status: "running", pid: bystander.pid });
  const lines = unframe(await engine.call<string>("logs", "bystander"))
    .split("\n")
    .slice(0, -1);
  expect(lines).toEqual(lines.map((_, index) => String(index)));
}

const names = (dir: string): string[] => (existsSync(dir) ? readdirSync(dir) : []);
/** Everything of these roots that belongs to containers. */
const world = () => ({
  containers: names(join(roots.data, "containers")).sort(),
  runs: names(join(roots.run, "r")).length,
  cgroups: containerCgroups(roots),
  volumes: names(join(roots.data, "volumes")).length,
});
const alone = () => ({ containers: [bystander.id], runs: 1, cgroups: [bystander.id], volumes: 0 });

test.skipIf(!canRun).each(SYNC_POINTS)("killed at %s", async (point) => {
  const act = point === "stop.exited" || point === "exit.saved" ? "exit" : (point.split(".")[0] as string);
  if (point.startsWith("load.")) {
    const engine = await EngineProcess.open(roots);
    await engine.kill();
  }
  const doomed = await EngineProcess.open(roots, { TARE_SYNC_KILL: point });
  const done = ACTS[act]?.(doomed);
  if (point.startsWith("load.layer")) {
    // The layer is present already: nothing is unpacked. The images' own tests kill a first load.
    await done;
    await doomed.kill();
  } else {
    await expect(done).rejects.toThrow(Died);
    expect(await doomed.ended).toBe("SIGKILL");
  }

  const engine = await EngineProcess.open(roots);
  let status = await statusOf(engine);
  for (let attempt = 0; attempt < 500 && !allowed(point).includes(status); attempt++) {
    await delay(10);
    status = await statusOf(engine);
  }
  expect(allowed(point)).toContain(status);
  await checkBystander(engine);
  if (point.startsWith("stop.")) {
    const { state } = await engine.call<{ state: { exitCode: number } }>("find", "target");
    expect(state.exitCode).toBe(act === "exit" ? 9 : 0);
  }
  if (status === "created") await engine.call("start", "target");
  if (status === "running")
    expect(await engine.call("exec", "target", ["echo", "alive"])).toMatchObject({ exitCode: 0 });
  if (status !== "absent") await engine.call("remove", "target", true);
  await settled(world, alone());
  await engine.kill();
});

test.skipIf(!canRun)("afterwards: the bystander ends as asked, and nothing is left of anything", async () => {
  const engine = await EngineProcess.open(roots);
  await checkBystander(engine);
  await engine.call("stop", "bystander");
  expect((await engine.call<{ state: object }>("find", "bystander")).state).toMatchObject({
    status: "exited",
    exitCode: 0,
  });
  await engine.call("remove", "bystander");
  await engine.close();
  await settled(() => processesWith(roots.marks), []);
  const { mounts, namespaces } = footprint(roots.marks);
  expect({ mounts, namespaces }).toEqual({ mounts: [], namespaces: [] });
  await settled(world, { containers: [], runs: 0, cgroups: [], volumes: 0 });
});
