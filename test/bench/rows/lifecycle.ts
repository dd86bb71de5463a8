/** Starting, running to the end, executing in, and many at once. */
import { setTimeout as delay } from "node:timers/promises";
import { run } from "../../support/process.ts";
import { type Bench, config, DEFAULT_WARM_UPS, everyEngine, IMAGE, pool, removeMany } from "../bench.ts";
import { PEERS, type Engine } from "../engines.ts";
import { crunCase } from "../floor.ts";
import { type Case, timed } from "../measure.ts";
import type { RowPlan } from "../row.ts";

async function startOnce({ api }: Engine, idleMs: number): Promise<number> {
  const id = await api.create(config(["true"]));
  try {
    if (idleMs > 0) await delay(idleMs);
    return await timed(() => api.start(id));
  } finally {
    await api.remove(id);
  }
}

export function start(bench: Bench, idleMs: number): RowPlan {
  const when = idleMs > 0 ? `after ${idleMs} ms idle` : "back to back";
  const crun: Case[] = bench.peers ? [crunCase(PEERS, bench.floor.rootfs, bench.peers.enter)] : [];
  const rested = (one: Case): Case => ({
    engine: one.engine,
    sample: () => (idleMs > 0 ? delay(idleMs) : Promise.resolve()).then(() => one.sample()),
  });
  return {
    id: idleMs > 0 ? "start-idle" : "start",
    title: `API start → process executing, ${when}`,
    unit: "ms",
    cases: [
      ...everyEngine(bench, (engine) => startOnce(engine, idleMs)),
      ...[bench.floor.case("exec"), ...crun].map(rested),
    ],
    promises: [
      { engine: "floor", atMost: 2 },
      { engine: "crun", atMost: 1 },
    ],
    rounds: { n: bench.n, warmUps: DEFAULT_WARM_UPS },
  };
}

async function cycle({ api }: Engine): Promise<number> {
  return timed(async () => {
    const id = await api.create(config(["true"]));
    await api.start(id);
    await api.wait(id);
    await api.remove(id);
  });
}

export const wholeLife = (bench: Bench): RowPlan => ({
  id: "cycle",
  title: "API create + start + wait + remove, keep-alive socket",
  unit: "ms",
  cases: [...everyEngine(bench, cycle), bench.floor.case("done")],
  promises: [
    { engine: "docker", atMost: 1 / 12 },
    { engine: "podman", atMost: 1 / 12 },
  ],
  rounds: { n: bench.n, warmUps: DEFAULT_WARM_UPS },
});

async function command(argv: readonly string[]): Promise<number> {
  const [name = "", ...args] = argv;
  return timed(async () => {
    const { status, stderr } = await run(name, args);
    if (status !== 0) throw new Error(`${argv.join(" ")}: ${stderr}`);
  });
}

export function cli(bench: Bench): RowPlan {
  const dockerOnOurs = ["docker", "--host", `unix://${bench.ours.api.socketPath}`, "run", "--rm", "--network", "none"];
  const lines: [string, readonly string[]][] = [
    ...bench.engines.map(({ name, cli: argv }): [string, readonly string[]] => [name, argv]),
    ["tare, docker's client", dockerOnOurs],
  ];
  // podman has no client that runs outside its namespaces: what entering them costs is taken off.
  const enter = bench.peers?.enter ?? [];
  const overhead = (name: string): Promise<number> =>
    name === "podman" ? command([...enter, "true"]) : Promise.resolve(0);
  return {
    id: "cli",
    title: "run --rm busybox true, the whole command",
    unit: "ms",
    cases: lines.map(([engine, argv]) => ({
      engine,
      sample: async () => {
        const less = await overhead(engine);
        return (await command([...argv, IMAGE, "true"])) - less;
      },
    })),
    promises: [
      { engine: "docker", atMost: 1 / 4 },
      { engine: "podman", atMost: 1 / 2 },
    ],
    rounds: { n: bench.n, warmUps: DEFAULT_WARM_UPS },
  };
}

/** One container per engine serves all samples. */
export function exec(bench: Bench): RowPlan {
  const holders = new Map<string, Promise<string>>();
  const holder = ({ name, api }: Engine): Promise<string> => {
    const make = async (): Promise<string> => {
      const id = await api.create(config(["sleep", "100000"]));
      await api.start(id);
      return id;
    };
    if (!holders.has(name)) holders.set(name, make());
    return holders.get(name) ?? make();
  };
  return {
    id: "exec",
    title: "API exec, create + start to end of stream",
    unit: "ms",
    cases: everyEngine(bench, async (engine) => {
      const id = await holder(engine);
      const body = { Cmd: ["true"], AttachStdout: true, AttachStderr: true };
      return timed(async () => {
        const { Id } = await engine.api.json<{ readonly Id: string }>("POST", `/containers/${id}/exec`, body);
        await engine.api.stream(`/exec/${Id}/start`, { Detach: false, Tty: false });
      });
    }),
    promises: [{ engine: "docker", atMost: 1 / 6 }],
    rounds: { n: bench.n, warmUps: DEFAULT_WARM_UPS },
    finish: async () => {
      for (const engine of bench.engines) await removeMany(engine, [await holder(engine)]);
    },
  };
}

export const hundred = (bench: Bench): RowPlan => ({
  id: "hundred",
  title: "100 containers created and started, 8 at a time, per container",
  unit: "ms",
  cases: everyEngine(bench, async (engine) => {
    const ids: string[] = [];
    const total = await timed(() =>
      pool(Array.from({ length: 100 }), 8, async () => {
        const id = await engine.api.create(config(["sleep", "100000"]));
        ids.push(id);
        await engine.api.start(id);
      }),
    );
    await removeMany(engine, ids);
    return total / 100;
  }),
  promises: [
    { engine: "docker", atMost: 1 / 10 },
    { engine: "podman", atMost: 1 / 3 },
  ],
  rounds: { n: Math.max(3, Math.floor(bench.n / 5)), warmUps: 1 },
});
