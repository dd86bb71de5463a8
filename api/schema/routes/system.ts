import { Type } from "typebox";
import { EventMessage } from "../event.ts";
import { type Route, bool, filters, str, strings } from "../route.ts";
import { AuthConfig, DiskUsageReply, InfoReply, VersionReply } from "../system.ts";
import { later } from "./refusals.ts";

const eventFilters = filters(
  "config",
  "container",
  "daemon",
  "event",
  "image",
  "label",
  "network",
  "node",
  "plugin",
  "scope",
  "secret",
  "service",
  "type",
  "volume",
);
const session = { status: 501, message: "BuildKit sessions are not implemented yet; set DOCKER_BUILDKIT=0" } as const;

// biome-ignore format: one row per endpoint
export const systemRoutes = {
  SystemPing: { method: "GET", path: "/_ping", tag: "System", summary: "Are you there?", status: 200, reply: "plain" },
  SystemPingHead: { method: "HEAD", path: "/_ping", tag: "System", summary: "Are you there?", status: 200, reply: "plain" },
  SystemVersion: { method: "GET", path: "/version", tag: "System", summary: "Versions", status: 200, reply: "json", replySchema: VersionReply },
  SystemInfo: { method: "GET", path: "/info", tag: "System", summary: "The engine and its host", status: 200, reply: "json", replySchema: InfoReply },
  SystemEvents: { method: "GET", path: "/events", tag: "System", summary: "Stream events", status: 200, reply: "lines", replySchema: EventMessage,
    query: { since: str("seconds[.nanoseconds]"), until: str("seconds[.nanoseconds]"), filters: eventFilters } },
  SystemDataUsage: { method: "GET", path: "/system/df", tag: "System", summary: "Disk usage", status: 200, reply: "json", replySchema: DiskUsageReply,
    query: { type: strings("container, image, volume or build-cache (1.42)"), verbose: bool("ignored") } },
  SystemAuth: { method: "POST", path: "/auth", tag: "System", summary: "Log in to a registry", status: 200, reply: "json", body: AuthConfig, refused: later("logging in to a registry") },
  Session: { method: "POST", path: "/session", tag: "Build", summary: "BuildKit session", status: 101, reply: "hijack", refused: session },
  Grpc: { method: "POST", path: "/grpc", tag: "Build", summary: "BuildKit control", status: 101, reply: "hijack", refused: session },
  PluginList: { method: "GET", path: "/plugins", tag: "Plugin", summary: "List plugins", status: 200, reply: "json", replySchema: Type.Array(Type.Object({})),
    query: { filters: filters("capability", "enabled") } },
  PluginInspect: { method: "GET", path: "/plugins/{name}/json", tag: "Plugin", summary: "Inspect a plugin", status: 200, reply: "json", errors: [404] },
} as const satisfies Readonly<Record<string, Route>>;
