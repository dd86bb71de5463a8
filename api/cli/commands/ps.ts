import { command } from "../parse/command.ts";
import { bool, filter, int, string } from "../parse/flag.ts";
import { renderList, usesField } from "../render/format.ts";
import { CONTAINER } from "../render/nouns/container.ts";
import { FORMAT_USAGE } from "./shared.ts";

const TABLE = "{{.ID}}\\t{{.Image}}\\t{{.Command}}\\t{{.RunningFor}}\\t{{.Status}}\\t{{.Ports}}\\t{{.Names}}";
const RAW = [
  "container_id: {{.ID}}",
  "image: {{.Image}}",
  "command: {{.Command}}",
  "created_at: {{.CreatedAt}}",
  "state: {{- pad .State 1 0}}",
  "status: {{- pad .Status 1 0}}",
  "names: {{.Names}}",
  "labels: {{- pad .Labels 1 0}}",
  "ports: {{- pad .Ports 1 0}}",
  "",
].join("\n");

export const ps = command({
  synopsis: "[OPTIONS]",
  summary: "List containers",
  flags: {
    all: bool("Show all containers (default shows just running)", { short: "a" }),
    filter: filter("Filter output based on conditions provided", { short: "f" }),
    format: string(FORMAT_USAGE),
    last: int("Show n last created containers (includes all states)", { short: "n", initial: -1, shown: "-1" }),
    latest: bool("Show the latest created container (includes all states)", { short: "l" }),
    "no-trunc": bool("Don't truncate output"),
    quiet: bool("Only display container IDs", { short: "q" }),
    size: bool("Display total file sizes", { short: "s" }),
  },
  args: { min: 0, max: 0 },
  examples: [
    ["ps -a --filter status=exited", "containers that have ended"],
    ["ps --format '{{.Names}}: {{.Status}}'", "only what you want to see"],
  ],
  run: async ({ context, flags }) => {
    const limit = flags.latest && flags.last === -1 ? 1 : flags.last;
    const size = flags.size || (!flags.quiet && flags.format !== "json" && usesField(flags.format, "Size"));
    const containers = await context.client.call("GET /containers/json", {
      query: {
        ...(flags.all ? { all: true } : {}),
        ...(limit > 0 ? { limit } : {}),
        ...(size ? { size: true } : {}),
        filters: flags.filter,
      },
    });
    if (flags.format !== "" && flags.quiet) {
      await context.stderr.write("WARNING: Ignoring custom format, because both --format and --quiet are set.\n");
    }
    const nowMs = context.now();
    const views = containers.map((container) => ({ container, truncate: !flags["no-trunc"], nowMs }));
    const format = flags.format === "raw" ? (flags.size ? `${RAW}size: {{.Size}}\n` : RAW) : flags.format;
    const table = flags.size ? `${TABLE}\\t{{.Size}}` : TABLE;
    const choice = { format: flags.quiet ? "" : format, quiet: flags.quiet, table, brief: "{{.ID}}" };
    await context.stdout.write(renderList(CONTAINER, views, choice));
    return 0;
  },
});
