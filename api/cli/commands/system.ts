import { parseJson } from "../../client/index.ts";
import type { VersionReply } from "../../schema/index.ts";
import { command } from "../parse/command.ts";
import { bool, filter, string } from "../parse/flag.ts";
import type { Context } from "../context.ts";
import { StatusError } from "../errors.ts";
import { infoText } from "../render/info.ts";
import { asStruct } from "../render/inspect-shape.ts";
import { compileValueFormat, showValue } from "../render/value.ts";
import { goTime, humanSize, rfc3339Nano } from "../render/units.ts";
import { CLI_API_VERSION, CLI_VERSION } from "../version.ts";
import { timeQuery } from "./logs.ts";
import { confirm, VALUE_FORMAT_USAGE } from "./shared.ts";

const format = string(VALUE_FORMAT_USAGE, { short: "f" });

const clientVersion = () => ({
  Version: CLI_VERSION,
  ApiVersion: CLI_API_VERSION,
  DefaultAPIVersion: CLI_API_VERSION,
  GitCommit: "",
  GoVersion: "",
  Os: "linux",
  Arch: process.arch === "x64" ? "amd64" : process.arch,
  BuildTime: "",
  Context: "default",
});

const row = (indent: string, name: string, value: string): string => `${indent}${`${name}:`.padEnd(18)}${value}`;

function componentLines({ Name, Version, Details }: VersionReply["Components"][number]): string[] {
  const details = Details ?? {};
  if (Name !== "Engine") {
    const rest = Object.keys(details)
      .sort()
      .map((key) => row("  ", key, details[key] ?? ""));
    return [` ${Name}:`, row("  ", "Version", Version), ...rest];
  }
  const built = details["BuildTime"] ?? "";
  return [
    " Engine:",
    row("  ", "Version", Version),
    row("  ", "API version", `${details["ApiVersion"]} (minimum version ${details["MinAPIVersion"]})`),
    row("  ", "Go version", details["GoVersion"] ?? ""),
    row("  ", "Git commit", details["GitCommit"] ?? ""),
    row("  ", "Built", built === "" || Number.isNaN(Date.parse(built)) ? built : goTime(Date.parse(built) / 1000)),
    row("  ", "OS/Arch", `${details["Os"]}/${details["Arch"]}`),
    row("  ", "Experimental", details["Experimental"] ?? "false"),
  ];
}

function versionText(server: VersionReply | null): string {
  const client = clientVersion();
  const lines = [
    "Client: ctr",
    row(" ", "Version", client.Version),
    row(" ", "API version", client.ApiVersion),
    row(" ", "OS/Arch", `${client.Os}/${client.Arch}`),
  ];
  if (server !== null) {
    lines.push(
      "",
      `Server: ${server.Platform?.Name ?? ""}`.trimEnd(),
      ...(server.Components ?? []).flatMap(componentLines),
    );
  }
  return `${lines.join("\n")}\n`;
}

export const version = command({
  synopsis: "[OPTIONS]",
  summary: "Show the version information of ctr and of the daemon",
  flags: { format },
  args: { min: 0, max: 0 },
  run: async ({ context, flags }) => {
    const template = flags.format === "" ? null : compileValueFormat(flags.format);
    let server: VersionReply | null = null;
    let failure: unknown;
    try {
      server = await context.client.call("GET /version");
    } catch (error) {
      failure = error;
    }
    const text =
      template === null
        ? versionText(server)
        : `${showValue(template, asStruct({ Client: clientVersion(), Server: server }, "system.versionInfo"))}\n`;
    await context.stdout.write(text);
    // The client's half is of use without a daemon.
    if (failure !== undefined) throw failure;
    return 0;
  },
});

export const info = command({
  synopsis: "[OPTIONS]",
  summary: "Display system-wide information",
  flags: { format },
  args: { min: 0, max: 0 },
  run: async ({ context, flags }) => {
    const template = flags.format === "" ? null : compileValueFormat(flags.format);
    const found = await context.client.call("GET /info");
    const client = clientVersion();
    if (template !== null) {
      const ClientInfo = { Debug: context.debug, ...client, Plugins: [], Warnings: null };
      await context.stdout.write(`${showValue(template, asStruct({ ...found, ClientInfo }, "system.dockerInfo"))}\n`);
      return 0;
    }
    await context.stdout.write(infoText(found, client.Version, context.debug));
    for (const warning of found.Warnings ?? []) await context.stderr.write(`${warning}\n`);
    return 0;
  },
});

export const ping = command({
  synopsis: "",
  summary: "Ask the daemon whether it is there",
  flags: {},
  args: { min: 0, max: 0 },
  run: async ({ context }) => {
    await context.stdout.write(`${(await context.client.text("GET /_ping")).trim()}\n`);
    return 0;
  },
});

function eventText(event: {
  Type: string;
  Action: string;
  Actor: { ID: string; Attributes: Record<string, string> };
  timeNano: number | bigint;
}): string {
  const time = rfc3339Nano(BigInt(event.timeNano));
  const attributes = Object.keys(event.Actor.Attributes ?? {}).sort();
  const shown = attributes.map((key) => `${key}=${event.Actor.Attributes[key]}`).join(", ");
  return `${time} ${event.Type} ${event.Action} ${event.Actor.ID}${shown === "" ? "" : ` (${shown})`}`;
}

async function streamEvents(
  context: Context,
  query: Record<string, unknown>,
  show: (event: never) => string,
): Promise<void> {
  const answer = await context.client.open("GET /events", { query });
  let held = "";
  for await (const chunk of answer.body) {
    held += chunk.toString("utf8");
    const lines = held.split("\n");
    held = lines.pop() ?? "";
    for (const line of lines) {
      if (line.trim() !== "") await context.stdout.write(`${show(parseJson(line) as never)}\n`);
    }
  }
}

export const events = command({
  synopsis: "[OPTIONS]",
  summary: "Get real time events from the server",
  flags: {
    filter: filter("Filter output based on conditions provided", { short: "f" }),
    format: string(VALUE_FORMAT_USAGE),
    since: string("Show all events created since timestamp"),
    until: string("Stream events until this timestamp"),
  },
  args: { min: 0, max: 0 },
  run: async ({ context, flags }) => {
    const template = flags.format === "" ? null : compileValueFormat(flags.format);
    const since = timeQuery(context, "since", flags.since);
    const until = timeQuery(context, "until", flags.until);
    const query = { ...(since === "" ? {} : { since }), ...(until === "" ? {} : { until }), filters: flags.filter };
    await streamEvents(
      context,
      query,
      template === null ? eventText : (event) => showValue(template, asStruct(event, "events.Message")),
    );
    return 0;
  },
});

export const systemPrune = command({
  synopsis: "[OPTIONS]",
  summary: "Remove unused data",
  flags: {
    all: bool("Remove all unused images not just dangling ones", { short: "a" }),
    filter: filter('Provide filter values (e.g. "label=<key>=<value>")'),
    force: bool("Do not prompt for confirmation", { short: "f" }),
  },
  args: { min: 0, max: 0 },
  run: async ({ context, flags }) => {
    const kind = flags.all ? "all images without at least one container associated to them" : "all dangling images";
    const warning = `WARNING! This will remove:\n  - all stopped containers\n  - ${kind}\n\nAre you sure you want to continue?`;
    if (!flags.force && !(await confirm(context, warning))) throw new StatusError(1, "system prune has been cancelled");
    const containers = await context.client.call("POST /containers/prune", { query: { filters: flags.filter } });
    const dangling = { ...flags.filter, dangling: [String(!flags.all)] };
    const images = await context.client.call("POST /images/prune", { query: { filters: dangling } });
    const deleted = containers.ContainersDeleted ?? [];
    if (deleted.length > 0) await context.stdout.write(`Deleted Containers:\n${deleted.join("\n")}\n\n`);
    const lines = (images.ImagesDeleted ?? []).map(({ Deleted, Untagged }) =>
      Deleted ? `deleted: ${Deleted}` : `untagged: ${Untagged}`,
    );
    if (lines.length > 0) await context.stdout.write(`Deleted Images:\n${lines.join("\n")}\n\n`);
    const reclaimed = containers.SpaceReclaimed + images.SpaceReclaimed;
    await context.stdout.write(`Total reclaimed space: ${humanSize(reclaimed)}\n`);
    return 0;
  },
});
