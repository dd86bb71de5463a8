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

const WANTED = LINES * (LINE.length + 1);

/** Reads the log back and drops it. */
async function readBack({ api }: Engine, id: string): Promise<void> {
  const res = await api.open("GET", `/containers/${id}/logs?stdout=1&stderr=1&tail=all`);
  let bytes = 0;
  for await (const chunk of res) bytes += (chunk as Buffer).length;
  if (bytes < WANTED) throw new Error(`${bytes} bytes came back, ${WANTED} were printed`);
}

/** The same, taken apart: every byte that was printed must be there. Too slow to be part of what is timed. */
async function verify({ api }: Engine, id: string): Promise<void> {
  const res = await api.open("GET", `/containers/${id}/logs?stdout=1&stderr=1&tail=all`);
  let rest: Buffer = Buffer.alloc(0);
  let payload = 0;
  for await (const chunk of res) {
    rest = rest.length === 0 ? (chunk as Buffer) : Buffer.concat([rest, chunk as Buffer]);
    let at = 0;
    for (; rest.length >= at + 8; ) {
      const length = rest.readUInt32BE(at + 4);
      if (rest.length < at + 8 + length) break;
      payload += length;
      at += 8 + length;
    }
    rest = rest.subarray(at);
  }
  if (payload !== WANTED) throw new Error(`${payload} bytes of log came back, ${WANTED} were printed`);
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
  const ids = new Map<string, string>();
  const written = async (engine: Engine): Promise<string> => {
    const known = ids.get(engine.name);
    if (known !== undefined) return known;
    const { id } = await printed(engine);
    ids.set(engine.name, id);
    await verify(engine, id);
    return id;
  };
  return {
    id: "read",
    title: "reading 1,000,000 lines back, none lost",
    unit: "ms",
    cases: everyEngine(bench, async (engine) => {
      const ready = await written(engine);
      return timed(() => readBack(engine, ready));
    }),
    promises: [{ engine: "docker", atMost: 1 / 5 }],
    rounds: { n: Math.max(3, Math.floor(bench.n / 4)), warmUps: 1 },
    finish: async () => {
      for (const engine of bench.engines) {
        const id = ids.get(engine.name);
        if (id !== undefined) await engine.api.remove(id);
      }
    },
  };
}
