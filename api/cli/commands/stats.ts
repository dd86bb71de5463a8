import type { StatsReply } from "../../schema/index.ts";
import { command } from "../parse/command.ts";
import { bool, string } from "../parse/flag.ts";
import type { Context } from "../context.ts";
import { StatusError } from "../errors.ts";
import { explain } from "../explain.ts";
import { renderList } from "../render/format.ts";
import { STATS, type StatsView } from "../render/nouns/stats.ts";
import { FORMAT_USAGE, withoutSlash } from "./shared.ts";

const TABLE =
  "{{.ID}}\\t{{.Name}}\\t{{.CPUPerc}}\\t{{.MemUsage}}\\t{{.MemPerc}}\\t{{.NetIO}}\\t{{.BlockIO}}\\t{{.PIDs}}";
const CLEAR = "\u001b[2J\u001b[H";

async function namesToWatch(context: Context, given: readonly string[], all: boolean): Promise<readonly string[]> {
  if (given.length > 0) return given;
  const containers = await context.client.call("GET /containers/json", { query: { all } });
  return containers.map(({ Id }) => Id);
}

const sample = (context: Context, name: string): Promise<StatsReply> =>
  context.client.call("GET /containers/{id}/stats", {
    path: { id: withoutSlash(name) },
    query: { stream: false },
  }) as Promise<StatsReply>;

export const stats = command({
  synopsis: "[OPTIONS] [CONTAINER...]",
  summary: "Display a live stream of container(s) resource usage statistics",
  flags: {
    all: bool("Show all containers (default shows just running)", { short: "a" }),
    format: string(FORMAT_USAGE),
    "no-stream": bool("Disable streaming stats and only pull the first result"),
    "no-trunc": bool("Do not truncate output"),
  },
  args: { min: 0, max: Number.POSITIVE_INFINITY },
  complete: ["running"],
  run: async ({ context, flags, args }) => {
    const choice = { format: flags.format, quiet: false, table: TABLE, brief: "" };
    for (;;) {
      const names = await namesToWatch(context, args, flags.all);
      const results = await Promise.allSettled(names.map((name) => sample(context, name)));
      const views: StatsView[] = [];
      for (const result of results) {
        if (result.status === "fulfilled") views.push({ stats: result.value, truncate: !flags["no-trunc"] });
        else if (args.length > 0) throw new StatusError(1, explain(result.reason).text, { cause: result.reason });
      }
      const text = renderList(STATS, views, choice);
      // The samples themselves take a second: that is the pace.
      await context.stdout.write(flags["no-stream"] || !context.stdout.isTerminal ? text : CLEAR + text);
      if (flags["no-stream"]) return 0;
      if (names.length === 0) await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  },
});
