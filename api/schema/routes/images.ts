import { ImageDeleteReply, ImageHistory, ImageInspect, ImageList, ImagePruneReply, ProgressMessage } from "../image.ts";
import { type Route, bool, boolTrue, filters, str, strings } from "../route.ts";
import { later } from "./refusals.ts";

const tag = "Image";

// biome-ignore format: one row per endpoint
export const imageRoutes = {
  ImageList: { method: "GET", path: "/images/json", tag, summary: "List images", status: 200, reply: "json", replySchema: ImageList,
    query: { all: bool("also untagged parents"), filters: filters("before", "dangling", "label", "label!", "reference", "since", "until"), "shared-size": bool("compute SharedSize (1.42)"),
      digests: bool("ignored"), manifests: bool("ignored (1.47)") } },
  ImageLoad: { method: "POST", path: "/images/load", tag, summary: "Load an archive", status: 200, reply: "progress", upload: "application/x-tar", replySchema: ProgressMessage,
    query: { quiet: boolTrue("no layer progress"), platform: strings("JSON platform to pick (1.48)") } },
  ImagePrune: { method: "POST", path: "/images/prune", tag, summary: "Delete unused images", status: 200, reply: "json", replySchema: ImagePruneReply,
    query: { filters: filters("dangling", "label", "label!", "until") }, since: "1.25" },
  ImageInspect: { method: "GET", path: "/images/{name}/json", tag, summary: "Inspect an image", status: 200, reply: "json", replySchema: ImageInspect,
    query: { manifests: bool("ignored (1.48)"), platform: str("JSON platform (1.49)") }, errors: [404] },
  ImageHistory: { method: "GET", path: "/images/{name}/history", tag, summary: "History of an image", status: 200, reply: "json", replySchema: ImageHistory,
    query: { platform: str("JSON platform (1.48)") }, errors: [404] },
  ImageTag: { method: "POST", path: "/images/{name}/tag", tag, summary: "Tag an image", status: 201, reply: "empty", query: { repo: str("repository"), tag: str("latest when absent") }, errors: [404, 409] },
  ImageDelete: { method: "DELETE", path: "/images/{name}", tag, summary: "Untag or delete an image", status: 200, reply: "json", replySchema: ImageDeleteReply,
    query: { force: bool("even if used by stopped containers"), noprune: bool("keep untagged parents"), platforms: strings("JSON platforms (1.50)") }, errors: [404, 409] },
  ImageCreate: { method: "POST", path: "/images/create", tag, summary: "Pull or import an image", status: 200, reply: "progress", replySchema: ProgressMessage,
    query: { fromImage: str("name to pull"), fromSrc: str("- or a URL to import"), repo: str("name for the import"), tag: str("tag or digest"), message: str("commit message"), changes: strings("Dockerfile instructions"), platform: str("os/architecture[/variant]") }, errors: [404, 501] },
  ImageSearch: { method: "GET", path: "/images/search", tag, summary: "Search a registry", status: 200, reply: "json", refused: later("searching a registry") },
  ImageGetAll: { method: "GET", path: "/images/get", tag, summary: "Save images", status: 200, reply: "tar", query: { names: strings("references") }, refused: later("saving images") },
  ImageGet: { method: "GET", path: "/images/{name}/get", tag, summary: "Save an image", status: 200, reply: "tar", refused: later("saving images") },
  ImagePush: { method: "POST", path: "/images/{name}/push", tag, summary: "Push an image", status: 200, reply: "progress", query: { tag: str("all when absent") }, refused: later("pushing to a registry") },
  ImageCommit: { method: "POST", path: "/commit", tag, summary: "Image from a container", status: 201, reply: "json", refused: later("committing a container") },
  DistributionInspect: { method: "GET", path: "/distribution/{name}/json", tag, summary: "Look at a registry", status: 200, reply: "json", refused: later("talking to a registry") },
  ImageBuild: { method: "POST", path: "/build", tag: "Build", summary: "Build an image", status: 200, reply: "progress", upload: "application/x-tar", refused: later("building images") },
  BuildPrune: { method: "POST", path: "/build/prune", tag: "Build", summary: "Empty the build cache", status: 200, reply: "json", refused: later("building images") },
  BuildCancel: { method: "POST", path: "/build/cancel", tag: "Build", summary: "Cancel a build", status: 200, reply: "empty", refused: later("building images") },
} as const satisfies Readonly<Record<string, Route>>;
