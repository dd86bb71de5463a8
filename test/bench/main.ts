/**
 * `npm run bench [-- --rows a,b] [--n 20] [--no-peers] [--out bench.json]`: prints a table per row and writes bench.json. Needs root.
 * Peers (docker, podman, crun) take part when `test/bench/peers.sh build` has fetched them.
 */
import { spawnSync } from "node:child_process";
import { closeSync, ftruncateSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { arch, cpus, loadavg, release } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { busyboxArchive } from "../support/busybox-image.ts";
import { type Bench, dismiss } from "./bench.ts";
import { bigImage } from "./big-image.ts";
import { hasPeers, type Peers, startPeers, startTare } from "./engines.ts";
import { makeFloor } from "./floor.ts";
import { renderRow, type RowPlan, type RowResult, runRow } from "./row.ts";
import * as data from "./rows/data.ts";
import * as footprint from "./rows/footprint.ts";
import * as lifecycle from "./rows/lifecycle.ts";

const CACHE = "/var/tmp/tare-bench";

const ROWS: Readonly<Record<string, (bench: Bench) => RowPlan | Promise<RowPlan>>> = {
  start: (bench) => lifecycle.start(bench, 0),
  "start-idle": (bench) => lifecycle.start(bench, 1000),
  cycle: lifecycle.wholeLife,
  cli: lifecycle.cli,
  exec: lifecycle.exec,
  hundred: lifecycle.hundred,
  idle: footprint.idle,
  ready: footprint.daemonReady,
  "daemon-memory": footprint.daemonMemory,
  load: async (bench) => data.load(bench, await bigImage(join(CACHE, "big"))),
  print: data.print,
  read: data.read,
  crowd: footprint.crowd,
};

const must = (command: string, ...args: string[]): void => {
  const { status, stderr } = spawnSync(command, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}: ${stderr}`);
};

/** A fresh ext4 in a sparse file: an aged file system creates files many times slower and would be what we measure. */
function freshFileSystem(): { readonly root: string; [Symbol.asyncDispose](): Promise<void> } {
  mkdirSync(CACHE, { recursive: true });
  const dir = mkdtempSync(join(CACHE, "run-"));
  const [image, root] = [join(dir, "disk"), join(dir, "fs")];
  const fd = openSync(image, "w");
  ftruncateSync(fd, 24 * 2 ** 30);
  closeSync(fd);
  must("mkfs.ext4", "-q", "-E", "lazy_itable_init=1", image);
  mkdirSync(root);
  must("mount", "-o", "loop", image, root);
  const dispose = async (): Promise<void> => {
    // The kernel lets go of the last containers' overlays a moment after their processes ended.
    for (let tries = 0; spawnSync("umount", [root]).status !== 0; tries += 1) {
      if (tries === 100) throw new Error(`${root} stays busy; unmount it and remove ${dir}`);
      await delay(50);
    }
    rmSync(dir, { recursive: true });
  };
  return { root, [Symbol.asyncDispose]: dispose };
}

const machine = () => ({
  kernel: release(),
  arch: arch(),
  cpus: cpus().length,
  cpu: cpus()[0]?.model,
  load: loadavg(),
  time: new Date(),
});

async function measureAll(bench: Bench, names: readonly string[]): Promise<RowResult[]> {
  const results: RowResult[] = [];
  for (const name of names) {
    const plan = ROWS[name];
    if (plan === undefined) throw new Error(`no row "${name}"; rows: ${Object.keys(ROWS).join(", ")}`);
    const result = await runRow(await plan(bench));
    console.log(`${renderRow(result)}\n`);
    results.push(result);
  }
  return results;
}

async function prepare(root: string, peers: Peers | undefined, n: number): Promise<Bench> {
  const { engine: ours } = await startTare(join(root, "tare"));
  const engines = [ours, ...(peers?.engines ?? [])];
  const { archive } = await busyboxArchive();
  for (const { api } of engines) await api.text("POST", "/images/load?quiet=1", archive);
  return { ours, engines, peers, floor: makeFloor(root), root, archive, n };
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rows: { type: "string", default: Object.keys(ROWS).join(",") },
      n: { type: "string", default: "20" },
      "no-peers": { type: "boolean", default: false },
      out: { type: "string", default: "bench.json" },
    },
  });
  if (process.getuid?.() !== 0) throw new Error("the benchmark needs root");
  await using disk = freshFileSystem();
  const withPeers = !values["no-peers"] && hasPeers();
  if (!withPeers) console.log("without peers (test/bench/peers.sh build fetches them)\n");
  const peers = withPeers ? await startPeers(join(disk.root, "peers")) : undefined;
  try {
    const bench = await prepare(disk.root, peers, Number(values.n));
    const before = machine();
    const rows = await measureAll(bench, values.rows.split(",")).finally(() => dismiss(bench.ours));
    writeFileSync(values.out, `${JSON.stringify({ machine: before, rows }, null, 2)}\n`);
  } finally {
    await peers?.stop();
  }
}

await main();
