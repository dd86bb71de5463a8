/** Ping, version, info, disk usage, plugins. */
import { invalid, notFound } from "../../../engine/index.ts";
import {
  API_VERSION,
  type DiskUsageReply,
  MIN_API_VERSION,
  SERVER_VERSION,
  type VersionReply,
  type Volume,
} from "../../schema/index.ts";
import { type Answer, type Handlers, json } from "../answer.ts";
import { newestFirst } from "../container-filters.ts";
import type { Context } from "../context.ts";
import { wireImageSummary } from "../translate/image-out.ts";
import { wireInfo } from "../translate/info-out.ts";
import { summaries } from "./containers.ts";
import { containerCounts } from "./images.ts";
import { wireVolume } from "./networks.ts";

type Own = Pick<
  Handlers,
  "SystemPing" | "SystemPingHead" | "SystemVersion" | "SystemInfo" | "SystemDataUsage" | "PluginList" | "PluginInspect"
>;

const ping = (text: string): Answer => ({
  kind: "text",
  text,
  type: "text/plain; charset=utf-8",
  headers: {
    "Cache-Control": "no-cache, no-store, must-revalidate",
    Pragma: "no-cache",
    "Builder-Version": "2",
    Swarm: "inactive",
  },
});

export function systemHandlers(context: Context): Own {
  return {
    SystemPing: () => ping("OK"),
    SystemPingHead: () => ping(""),
    SystemVersion: () => json(version(context)),
    SystemInfo: () => json(wireInfo(context.engine, context.now())),
    SystemDataUsage: async ({ query, api }) => json(await diskUsage(context, api < 42 ? [] : query.type, api)),
    PluginList: () => json([]),
    PluginInspect: ({ params }) => {
      throw notFound("plugin.not_found", `plugin "${params["name"] ?? ""}" not found`);
    },
  };
}

const ARCHITECTURES: Readonly<Record<string, string>> = { x64: "amd64", arm64: "arm64", arm: "arm", ia32: "386" };
export const goArchitecture = ARCHITECTURES[process.arch] ?? process.arch;

function version({ engine }: Context): VersionReply {
  const { kernelVersion } = engine.facts();
  const component = (Name: string, Version: string, Details: Record<string, string>) => ({ Name, Version, Details });
  const details = {
    ApiVersion: API_VERSION,
    Arch: goArchitecture,
    BuildTime: "",
    Experimental: "false",
    GitCommit: "",
    GoVersion: "",
    KernelVersion: kernelVersion,
    MinAPIVersion: MIN_API_VERSION,
    Os: "linux",
  };
  return {
    Platform: { Name: "Tare" },
    Components: [component("Engine", SERVER_VERSION, details), component("node", process.version, { GitCommit: "" })],
    Version: SERVER_VERSION,
    ApiVersion: API_VERSION,
    MinAPIVersion: MIN_API_VERSION,
    GitCommit: "",
    GoVersion: "",
    Os: "linux",
    Arch: goArchitecture,
    KernelVersion: kernelVersion,
    BuildTime: "",
  };
}

const KINDS = ["container", "image", "volume", "build-cache"];

/** Docker's own client reads UsageData without asking whether it is there. Size -1: not known. */
function volumesInUse(engine: Context["engine"]): Volume[] {
  const uses = new Map<string, number>();
  for (const { mounts } of engine.containers.list())
    for (const name of new Set(mounts.filter((one) => one.type === "volume").map((one) => one.name)))
      uses.set(name, (uses.get(name) ?? 0) + 1);
  return engine.volumes
    .list()
    .map((one) => ({ ...wireVolume(one), UsageData: { RefCount: uses.get(one.name) ?? 0, Size: -1 } }));
}

async function diskUsage(context: Context, types: readonly string[], api: number): Promise<DiskUsageReply> {
  const unknown = types.find((type) => !KINDS.includes(type));
  if (unknown !== undefined) throw invalid("system.df_type", `unknown object type: ${unknown}`);
  const wants = (type: string): boolean => types.length === 0 || types.includes(type);
  const { engine } = context;
  const counts = containerCounts(context);
  return {
    LayersSize: wants("image") ? layersSize(engine.images) : 0,
    Images: wants("image")
      ? engine.images.list().map((one) => wireImageSummary(one, counts.get(one.id) ?? 0, true, api))
      : null,
    Containers: wants("container") ? await summaries(context, newestFirst(engine.containers.list()), true) : null,
    Volumes: wants("volume") ? volumesInUse(engine) : null,
    BuildCache: wants("build-cache") ? [] : null,
  };
}

/** Each layer counted once, however many images have it. */
function layersSize(images: Context["engine"]["images"]): number {
  const sizes = new Map<string, number>();
  for (const { id } of images.list()) {
    for (const { chainId, contentSize } of images.resolve(id).layers) sizes.set(chainId, contentSize);
  }
  return [...sizes.values()].reduce((sum, bytes) => sum + bytes, 0);
}
