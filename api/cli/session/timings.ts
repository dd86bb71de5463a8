/** --timings: this command's own steps and the daemon's phases of the start. */
import type { Context } from "../context.ts";
import { alignTabs } from "../render/tabwriter.ts";

interface Step {
  readonly name: string;
  /** Since the command began. */
  readonly atMs: number;
}

export class Stopwatch {
  readonly #clock: () => number;
  readonly #enabled: boolean;
  readonly steps: Step[] = [];
  daemon: readonly { readonly Name: string; readonly AtNs: number }[] = [];

  constructor(clock: () => number, enabled: boolean) {
    this.#clock = clock;
    this.#enabled = enabled;
    this.mark("program start");
  }

  /** The clock counts from the start of the process. Asked for the first time it costs 2 ms, so only with --timings. */
  mark(name: string): void {
    if (this.#enabled) this.steps.push({ name, atMs: this.#clock() });
  }

  /** Never fails: with --rm the container may be gone before it is asked. */
  async askDaemon(context: Context, id: string): Promise<void> {
    try {
      this.daemon = (await context.client.call("GET /containers/{id}/timings", { path: { id } })).Phases;
    } catch {
      this.daemon = [];
    }
  }
}

const milliseconds = (value: number): string => `${value.toFixed(2)} ms`;

export async function printTimings(context: Context, { steps, daemon }: Stopwatch): Promise<void> {
  const rows = ["PHASE\tAT\tTOOK"];
  let beforeMs = 0;
  for (const { name, atMs } of steps) {
    rows.push(`${name}\t${milliseconds(atMs)}\t${milliseconds(atMs - beforeMs)}`);
    beforeMs = atMs;
  }
  if (daemon.length > 0) rows.push("", "START IN THE DAEMON\tAT\tTOOK");
  let before = daemon[0]?.AtNs ?? 0;
  for (const { Name, AtNs } of daemon) {
    rows.push(`${Name}\t${milliseconds(AtNs / 1e6)}\t${milliseconds((AtNs - before) / 1e6)}`);
    before = AtNs;
  }
  await context.stderr.write(`${alignTabs(rows.join("\n"))}\n`);
}
