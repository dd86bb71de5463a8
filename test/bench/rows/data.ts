/** Bytes: loading a big image, writing and reading a log of a million lines. */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { run } from "../../support/process.ts";
import { type Bench, config, everyEngine, pool } from "../bench.ts";
import { type BigImage, readArchive } from "../big-image.ts";
import type { Engine } from "../engines.ts";
import { type Case, timed } from "../measure.ts";
import type { RowPlan } from "../row.ts";

const settle = (): Promise<unknown> => run("sync", []);

async function loadOnce({ api }: Engine, archive: Buffer): Promise<number> {
  await settle();
  const took = await timed(() => api.text("POST", "/images/load?quiet=1", archive));
  await api.text("DELETE", "/images/big:latest?force=1");
  return took;
}

/** What the tools of the system need for the same layers, two at a time. */
function toolsCase(root: string, image: BigImage): Case {
  const sample = async (): Promise<number> => {
    const target = join(root, "tools");
    await settle();
    const took = await timed(() =>
      pool(image.layers, 2, async (file) => {
        const dir = join(target, file.replaceAll("/", "_"));
        mkdirSync(dir, { recursive: true });
        const { status, stderr } = await run("sh", ["-c", 'igzip -dc "$1" | tar -xf - -C "$2"', "sh", file, dir]);
        if (status !== 0) throw new Error(stderr);
      }),
    );
    rmSync(target, { recursive: true });
    return took;
  };
  return { engine: "igzip | tar", sample };
}

export function load(bench: Bench, image: BigImage): RowPlan {
  const archive = readArchive(image);
  const peers = bench.engines.filter((engine) => engine !== bench.ours);
  return {
    id: "load",
    title: "load of a 580 MB image, 69,500 entries, 5 gzip layers, on a fresh ext4",
    unit: "ms",
    cases: [...everyEngine(bench, (engine) => loadOnce(engine, archive)), toolsCase(bench.root, image)],
    promises: [{ engine: "igzip | tar", atMost: 1.7 }, ...peers.map(({ name }) => ({ engine: name, atMost: 1 }))],
    rounds: { n: Math.max(3, Math.floor(bench.n / 5)), warmUps: 1 },
  };
}

const LINES = 1_000_000;
const LINE = "a line of an ordinary program's log, about eighty characters long, again and again";
const printer = config(["sh", "-c", `yes "${LINE}" | head -n ${LINES}`]);

async function printed({ api }: Engine): Promise<{ readonly id: string; readonly ms: number }> {
  const id = await api.create(printer);
  const ms = await timed(async () => {
    await api.start(id);
    await api.wait(id);
  });
  return { id, ms };
}

/** Reads the log back and counts its lines: the payload of the multiplexed frames. */
async function readBack({ api }: Engine, id: string): Promise<void> {
  const res = await api.open("GET", `/containers/${id}/logs?stdout=1&stderr=1&tail=all`);
  let bytes = 0;
  for await (const chunk of res) bytes += (chunk as Buffer).length;
  const least = LINES * (LINE.length + 1);
  if (bytes < least) throw new Error(`${bytes} bytes came back, at least ${least} were printed`);
}

export const print = (bench: Bench): RowPlan => ({
  id: "print",
  title: "a container that prints 1,000,000 lines, start to end",
  unit: "ms",
  cases: everyEngine(bench, async (engine) => {
    const { id, ms } = await printed(engine);
    await engine.api.remove(id);
    return ms;
  }),
  promises: [{ engine: "docker", atMost: 1 / 5 }],
  rounds: { n: Math.max(3, Math.floor(bench.n / 4)), warmUps: 1 },
});

/** Each engine's log is written once; what is measured is the reading. */
export function read(bench: Bench): RowPlan {
  const ids = new Map<string, Promise<string>>();
  return {
    id: "read",
    title: "reading 1,000,000 lines back, none lost",
    unit: "ms",
    cases: everyEngine(bench, async (engine) => {
      const id = ids.get(engine.name) ?? printed(engine).then((made) => made.id);
      ids.set(engine.name, id);
      const ready = await id;
      return timed(() => readBack(engine, ready));
    }),
    promises: [{ engine: "docker", atMost: 1 / 5 }],
    rounds: { n: Math.max(3, Math.floor(bench.n / 4)), warmUps: 1 },
    finish: async () => {
      for (const engine of bench.engines) {
        const id = await ids.get(engine.name);
        if (id !== undefined) await engine.api.remove(id);
      }
    },
  };
}
