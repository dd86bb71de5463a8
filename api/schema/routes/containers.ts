import {
  ContainerCreateBody,
  ContainerCreateReply,
  ContainerInspect,
  ContainerList,
  ContainerPruneReply,
  FilesystemChange,
  TimingsReply,
  TopReply,
  UpdateReply,
  WaitReply,
} from "../container.ts";
import { list } from "../common.ts";
import { UpdateConfig } from "../host-config.ts";
import { type Route, bool, boolTrue, filters, str } from "../route.ts";
import { StatsReply } from "../stats.ts";
import { later } from "./refusals.ts";

const tag = "Container";
const experimental = {
  status: 501,
  message:
    "This experimental feature is disabled by default. Start the Docker daemon in experimental mode in order to enable it.",
} as const;
const attachQuery = {
  logs: bool("replay the log first"),
  stream: bool("stream what comes"),
  stdin: bool("send to the container's stdin"),
  stdout: bool("receive stdout"),
  stderr: bool("receive stderr"),
  detachKeys: str("key sequence that detaches, such as ctrl-p,ctrl-q"),
};
const logsQuery = {
  follow: bool("go on until the container ends"),
  stdout: bool("include stdout"),
  stderr: bool("include stderr"),
  since: str("seconds[.nanoseconds], inclusive"),
  until: str("seconds[.nanoseconds]"),
  timestamps: bool("a timestamp before each line"),
  tail: str("number of lines, or all"),
  details: bool("attributes before each line"),
};

// biome-ignore format: one row per endpoint
export const containerRoutes = {
  ContainerList: { method: "GET", path: "/containers/json", tag, summary: "List containers", status: 200, reply: "json", replySchema: ContainerList,
    query: { all: bool("also those that do not run"), limit: str("newest n; implies all"), size: bool("with SizeRw and SizeRootFs"),
      filters: filters("ancestor", "before", "exited", "expose", "health", "id", "isolation", "is-task", "label", "name", "network", "publish", "since", "status", "volume") } },
  ContainerCreate: { method: "POST", path: "/containers/create", tag, summary: "Create a container", status: 201, reply: "json", body: ContainerCreateBody, replySchema: ContainerCreateReply,
    query: { name: str("its name; drawn when absent"), platform: str("os/architecture[/variant]") }, errors: [404, 409] },
  ContainerPrune: { method: "POST", path: "/containers/prune", tag, summary: "Delete stopped containers", status: 200, reply: "json", replySchema: ContainerPruneReply,
    query: { filters: filters("label", "label!", "until") }, since: "1.25" },
  ContainerInspect: { method: "GET", path: "/containers/{id}/json", tag, summary: "Inspect a container", status: 200, reply: "json", replySchema: ContainerInspect,
    query: { size: bool("with SizeRw and SizeRootFs") }, errors: [404] },
  ContainerStart: { method: "POST", path: "/containers/{id}/start", tag, summary: "Start a container", status: 204, reply: "empty",
    query: { detachKeys: str("ignored"), checkpoint: str("experimental"), "checkpoint-dir": str("experimental") }, errors: [304, 404, 409] },
  ContainerStop: { method: "POST", path: "/containers/{id}/stop", tag, summary: "Stop a container", status: 204, reply: "empty",
    query: { t: str("seconds to wait before SIGKILL; negative: for ever"), signal: str("instead of the stop signal (1.42)") }, errors: [304, 404] },
  ContainerRestart: { method: "POST", path: "/containers/{id}/restart", tag, summary: "Stop and start a container", status: 204, reply: "empty",
    query: { t: str("seconds to wait before SIGKILL"), signal: str("instead of the stop signal (1.42)") }, errors: [404] },
  ContainerKill: { method: "POST", path: "/containers/{id}/kill", tag, summary: "Send a signal", status: 204, reply: "empty",
    query: { signal: str("name or number; KILL when absent") }, errors: [404, 409] },
  ContainerWait: { method: "POST", path: "/containers/{id}/wait", tag, summary: "Wait for a container to end", status: 200, reply: "json", replySchema: WaitReply,
    query: { condition: str("not-running, next-exit or removed (1.30)") }, errors: [404] },
  ContainerDelete: { method: "DELETE", path: "/containers/{id}", tag, summary: "Delete a container", status: 204, reply: "empty",
    query: { v: bool("also its anonymous volumes"), force: bool("kill it first"), link: bool("the link, not the container") }, errors: [404, 409] },
  ContainerLogs: { method: "GET", path: "/containers/{id}/logs", tag, summary: "Read the log", status: 200, reply: "log", query: logsQuery, errors: [404, 409, 501] },
  ContainerAttach: { method: "POST", path: "/containers/{id}/attach", tag, summary: "Attach to the streams", status: 101, reply: "hijack", query: attachQuery, errors: [404, 409] },
  ContainerAttachWebsocket: { method: "GET", path: "/containers/{id}/attach/ws", tag, summary: "Attach over a websocket", status: 101, reply: "hijack", query: attachQuery, errors: [404, 409] },
  ContainerResize: { method: "POST", path: "/containers/{id}/resize", tag, summary: "Resize the terminal", status: 200, reply: "empty",
    query: { h: str("rows"), w: str("columns") }, errors: [404, 409] },
  ContainerTop: { method: "GET", path: "/containers/{id}/top", tag, summary: "List processes", status: 200, reply: "json", replySchema: TopReply,
    query: { ps_args: str("arguments for ps; -ef when absent") }, errors: [404, 409] },
  ContainerStats: { method: "GET", path: "/containers/{id}/stats", tag, summary: "Resource usage", status: 200, reply: "lines", replySchema: StatsReply,
    query: { stream: boolTrue("one object per second"), "one-shot": bool("one sample, at once (1.41)") }, errors: [404] },
  ContainerUpdate: { method: "POST", path: "/containers/{id}/update", tag, summary: "Change limits and restart policy", status: 200, reply: "json", body: UpdateConfig, replySchema: UpdateReply, errors: [404, 409] },
  ContainerRename: { method: "POST", path: "/containers/{id}/rename", tag, summary: "Rename a container", status: 204, reply: "empty", query: { name: str("the new name") }, errors: [404, 409] },
  ContainerPause: { method: "POST", path: "/containers/{id}/pause", tag, summary: "Freeze a container", status: 204, reply: "empty", errors: [404, 409] },
  ContainerUnpause: { method: "POST", path: "/containers/{id}/unpause", tag, summary: "Thaw a container", status: 204, reply: "empty", errors: [404, 409] },
  ContainerTimings: { method: "GET", path: "/containers/{id}/timings", tag, summary: "Phases of the last start", status: 200, reply: "json", replySchema: TimingsReply, extension: true, errors: [404] },
  ContainerChanges: { method: "GET", path: "/containers/{id}/changes", tag, summary: "Changed paths", status: 200, reply: "json", replySchema: list(FilesystemChange), refused: later("listing a container's changes") },
  ContainerExport: { method: "GET", path: "/containers/{id}/export", tag, summary: "Root filesystem as tar", status: 200, reply: "tar", refused: later("exporting a container") },
  ContainerArchiveInfo: { method: "HEAD", path: "/containers/{id}/archive", tag, summary: "Stat a path", status: 200, reply: "empty", query: { path: str("in the container") }, refused: later("copying from a container") },
  ContainerArchive: { method: "GET", path: "/containers/{id}/archive", tag, summary: "Read a path as tar", status: 200, reply: "tar", query: { path: str("in the container") }, refused: later("copying from a container") },
  PutContainerArchive: { method: "PUT", path: "/containers/{id}/archive", tag, summary: "Extract a tar", status: 200, reply: "empty", upload: "application/x-tar",
    query: { path: str("in the container"), noOverwriteDirNonDir: bool("refuse to change kinds"), copyUIDGID: bool("chown to Config.User") }, refused: later("copying into a container") },
  ContainerCheckpointList: { method: "GET", path: "/containers/{id}/checkpoints", tag, summary: "List checkpoints", status: 200, reply: "json", refused: experimental },
  ContainerCheckpointCreate: { method: "POST", path: "/containers/{id}/checkpoints", tag, summary: "Make a checkpoint", status: 201, reply: "empty", refused: experimental },
  ContainerCheckpointDelete: { method: "DELETE", path: "/containers/{id}/checkpoints/{checkpoint}", tag, summary: "Delete a checkpoint", status: 204, reply: "empty", refused: experimental },
} as const satisfies Readonly<Record<string, Route>>;
