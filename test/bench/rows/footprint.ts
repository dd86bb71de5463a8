/** What it costs to be there: memory of containers and of the daemon, time to ready, and a start among many. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type Bench, config, DEFAULT_WARM_UPS, dismiss, everyEngine, removeMany, startMany } from "../bench.ts";
import { type Engine, startTare } from "../engines.ts";
import { timed } from "../measure.ts";
import { pssKiB, totalPssKiB } from "../memory.ts";
import type { RowPlan } from "../row.ts";

const COUNT = 100;

const parentOf = (pid: number): number =>
  Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);

/** The processes that watch over containers: parents of their first processes (monitors, shims, conmons). */
async function watchersOf({ api, hostPids }: Engine, ids: readonly string[]): Promise<number[]> {
  const inspect = (id: string) =>
    api.json<{ readonly State: { readonly Pid: number } }>("GET", `/containers/${id}/json`);
  const containers = await Promise.all(ids.map(inspect));
  return [...new Set(hostPids(containers.map(({ State }) => State.Pid)).map(parentOf))];
}

async function idleCost(engine: Engine): Promise<number> {
  const ids = await startMany(engine, COUNT);
  try {
    await delay(500);
    const watchers = await watchersOf(engine, ids);
    if (watchers.length < COUNT) throw new Error(`${watchers.length} watching processes for ${COUNT} containers`);
    return totalPssKiB(watchers) / COUNT;
  } finally {
    await removeMany(engine, ids);
  }
}

export const idle = (bench: Bench): RowPlan => ({
  id: "idle",
  title: `memory of one idle container beside its own program, of ${COUNT} (PSS)`,
  unit: "KiB",
  cases: everyEngine(bench, idleCost),
  promises: [],
  limit: { atMost: 64 },
  rounds: { n: 3, warmUps: 0 },
});

export function daemonReady(bench: Bench): RowPlan {
  let count = 0;
  const sample = async (): Promise<number> => {
    count += 1;
    const { engine, readyMs } = await startTare(join(bench.root, `ready-${count}`));
    await engine.stop();
    return readyMs;
  };
  return {
    id: "ready",
    title: "daemon: from its start to its first answer",
    unit: "ms",
    cases: [{ engine: bench.ours.name, sample }],
    promises: [],
    limit: { atMost: 150 },
    rounds: { n: bench.n, warmUps: DEFAULT_WARM_UPS },
  };
}

export function daemonMemory(bench: Bench): RowPlan {
  const fresh = async (): Promise<number> => {
    const { engine } = await startTare(join(bench.root, "memory"));
    await delay(3000);
    const value = totalPssKiB(engine.pids()) / 1024;
    await engine.stop();
    return value;
  };
  const peers = bench.engines.filter((engine) => engine !== bench.ours);
  return {
    id: "daemon-memory",
    title: "daemon: idle memory (PSS; docker with containerd; peers after the rows before)",
    unit: "MiB",
    cases: [
      { engine: bench.ours.name, sample: fresh },
      ...peers.map((engine) => ({
        engine: engine.name,
        sample: async () => engine.pids().reduce((sum, pid) => sum + pssKiB(pid), 0) / 1024,
      })),
    ],
    promises: [],
    limit: { atMost: 70 },
    rounds: { n: 5, warmUps: 0 },
  };
}

/** Two daemons, one with 10 containers running and one with 1,000, sampled in turn. */
export function crowd(bench: Bench): RowPlan {
  const fields = new Map<number, Promise<Engine>>();
  const grow = async (count: number): Promise<Engine> => {
    const { engine } = await startTare(join(bench.root, `crowd-${count}`));
    await engine.api.text("POST", "/images/load?quiet=1", bench.archive);
    await startMany(engine, count);
    return engine;
  };
  const among = (count: number) => async (): Promise<number> => {
    const field = fields.get(count) ?? grow(count);
    fields.set(count, field);
    const { api } = await field;
    const id = await api.create(config(["true"]));
    const took = await timed(() => api.start(id));
    await api.remove(id);
    return took;
  };
  return {
    id: "crowd",
    title: "API start among 1,000 running containers, against 10",
    unit: "ms",
    cases: [
      { engine: bench.ours.name, sample: among(1000) },
      { engine: "among 10", sample: among(10) },
    ],
    promises: [{ engine: "among 10", atMost: 1.3 }],
    rounds: { n: bench.n, warmUps: DEFAULT_WARM_UPS },
    finish: async () => {
      for (const field of fields.values()) await dismiss(await field);
    },
  };
}
