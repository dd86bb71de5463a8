/** Resource usage, once or every second. */
import { readFileSync } from "node:fs";
import { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { invalid } from "../../../engine/index.ts";
import { type Handlers, json, stream } from "../answer.ts";
import type { Context } from "../context.ts";
import { jsonLine } from "../json.ts";
import { type Sample, type StatsContext, wireStats } from "../translate/stats-out.ts";
import { ref } from "./containers.ts";

const INTERVAL_MS = 1000;

export function statsHandlers(context: Context): Pick<Handlers, "ContainerStats"> {
  const { containers } = context.engine;
  return {
    ContainerStats: async ({ params, query, api, signal }) => {
      const { id } = containers.find(ref(params));
      const oneShot = query["one-shot"] && api >= 41;
      if (oneShot && query.stream) throw invalid("container.stats_mode", "cannot have stream=true and one-shot=true");
      if (query.stream)
        return stream(Readable.from(every(context, id, signal), { objectMode: false }), "application/json");
      const before = await sample(context, id);
      if (oneShot || before === null) return json(wireStats(describe(context, id), before, null));
      await delay(INTERVAL_MS, undefined, { signal });
      return json(wireStats(describe(context, id), await sample(context, id), before));
    },
  };
}

/** Until the client goes or the container is removed; a stopped one yields zeros. */
async function* every(context: Context, id: string, signal: AbortSignal): AsyncGenerator<string> {
  let before = await sample(context, id);
  while (!signal.aborted) {
    await delay(INTERVAL_MS, undefined, { signal }).catch(() => {});
    if (signal.aborted || !exists(context, id)) return;
    const now = await sample(context, id);
    yield jsonLine(wireStats(describe(context, id), now, before));
    before = now;
  }
}

function exists({ engine }: Context, id: string): boolean {
  try {
    return engine.containers.find(id).state.status !== "removing";
  } catch {
    return false;
  }
}

function describe({ engine }: Context, id: string): StatsContext {
  const facts = engine.facts();
  const { name } = engine.containers.find(id);
  return { id, name, cgroupVersion: facts.cgroupVersion, hostMemory: facts.memoryBytes };
}

async function sample({ engine }: Context, id: string): Promise<Sample | null> {
  const usage = await engine.containers.usage(id);
  return usage === null ? null : { usage, ...machineCpu(readFileSync("/proc/stat", "utf8")) };
}

/** The first seven columns of the `cpu` line in USER_HZ (100) ticks, and the number of CPUs listed. */
export function machineCpu(stat: string): { readonly systemNs: number; readonly onlineCpus: number } {
  const lines = stat.split("\n");
  const columns = (lines[0] ?? "").trim().split(/\s+/).slice(1, 8);
  const ticks = columns.reduce((sum, column) => sum + Number(column), 0);
  return { systemNs: ticks * 10_000_000, onlineCpus: lines.filter((line) => /^cpu\d/.test(line)).length };
}
