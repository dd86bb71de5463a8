/** The nouns of the images layer. Everything here is frozen data. */
import type { Digest } from "./digest.ts";
import type { Platform } from "./platform.ts";

/** Docker's extensions included (image-spec config.md; docker-api.md §3). Absent fields are given their empty value. */
export interface ImageRunConfig {
  readonly user: string;
  /** "80/tcp" */
  readonly exposedPorts: readonly string[];
  /** "NAME=value" */
  readonly env: readonly string[];
  readonly entrypoint: readonly string[] | null;
  readonly cmd: readonly string[] | null;
  readonly volumes: readonly string[];
  readonly workingDir: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly stopSignal: string | null;
  readonly stopTimeout: number | null;
  readonly healthcheck: ImageHealthcheck | null;
  readonly shell: readonly string[] | null;
  readonly onBuild: readonly string[];
  readonly argsEscaped: boolean;
}
export interface ImageHealthcheck {
  readonly test: readonly string[];
  /** nanoseconds; 0 = default */
  readonly interval: number;
  readonly timeout: number;
  readonly startPeriod: number;
  readonly startInterval: number;
  readonly retries: number;
}
export interface HistoryEntry {
  /** RFC3339, "" when absent */
  readonly created: string;
  readonly createdBy: string;
  readonly author: string;
  readonly comment: string;
  readonly emptyLayer: boolean;
}
/** The parsed OCI or Docker image config. Its raw bytes are in the content store under the image's id. */
export interface ImageConfig {
  /** RFC3339 as written, "" when absent */
  readonly created: string;
  readonly author: string;
  readonly comment: string;
  readonly dockerVersion: string;
  readonly platform: Platform;
  readonly run: ImageRunConfig;
  readonly diffIds: readonly Digest[];
  readonly history: readonly HistoryEntry[];
}

export interface LayerInfo {
  readonly chainId: Digest;
  readonly diffId: Digest;
  /** Digest, media type and size of the blob as it came; what push and save will name. */
  readonly blob: { readonly digest: Digest; readonly mediaType: string; readonly size: number };
  /** Bytes of the uncompressed tar. */
  readonly tarSize: number;
  /** Sum of the regular files' sizes, Docker's "layer size". */
  readonly contentSize: number;
}

export interface Image {
  /** sha256 of the config bytes, as Docker's classic store. */
  readonly id: Digest;
  readonly parentId: string;
  readonly config: ImageConfig;
  /** Digest and media type of the manifest it came with; null for docker-archives without one. */
  readonly manifest: { readonly digest: Digest; readonly mediaType: string; readonly size: number } | null;
  /** Familiar `alpine:latest`, in the order of the canonical names. */
  readonly repoTags: readonly string[];
  /** Familiar `alpine@sha256:…`, in the same order. */
  readonly repoDigests: readonly string[];
  readonly diffIds: readonly Digest[];
  readonly chainIds: readonly Digest[];
  /** The last of chainIds; null for an image without layers. What Snapshots.prepare takes. */
  readonly chainId: Digest | null;
  readonly layers: readonly LayerInfo[];
  /** Sum of the layers' contentSize. */
  readonly size: number;
  /** Seconds since the epoch; 0 when the config names no time. */
  readonly created: number;
  /** RFC3339 */
  readonly lastTagTime: string;
  readonly platform: Platform;
}

export interface ImageSummary {
  readonly id: Digest;
  readonly parentId: string;
  readonly repoTags: readonly string[];
  readonly repoDigests: readonly string[];
  /** seconds */
  readonly created: number;
  readonly size: number;
  /** Bytes of layers that another image has too. */
  readonly sharedSize: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly platform: Platform;
}

/** A row of `docker history`, newest first; id is the image id on the first row and "<missing>" below. */
export interface HistoryRow {
  readonly id: string;
  /** seconds */
  readonly created: number;
  readonly createdBy: string;
  readonly tags: readonly string[];
  readonly size: number;
  readonly comment: string;
}

export interface ImageEvent {
  readonly action: "load" | "tag" | "untag" | "delete" | "pull";
  readonly id: string;
  /** Familiar name, or the id where Docker says the id. */
  readonly name: string;
}

export interface LoadProgress {
  /** First 12 hex digits of the layer's diff id, or "" for a line about the whole. */
  readonly layer: string;
  readonly status: "Loading layer" | "Load complete" | "Layer already exists";
  /** bytes of the blob; total 0 = unknown */
  readonly current: number;
  readonly total: number;
}
export interface LoadOptions {
  readonly signal?: AbortSignal;
  /** "linux/arm64": which child of a multi-platform index; the host's by default. */
  readonly platform?: string;
  readonly onProgress?: (progress: LoadProgress) => void;
}
export interface LoadedImage {
  readonly id: Digest;
  /** Familiar names it got, [] when the archive names none ("Loaded image ID: …"). */
  readonly references: readonly string[];
}
export interface LoadResult {
  readonly loaded: readonly LoadedImage[];
}

export type RemovedRecord = { readonly untagged: string } | { readonly deleted: string };
export interface ImageUsers {
  /** Full ids of containers, running or paused. */
  readonly running: readonly string[];
  readonly stopped: readonly string[];
}
export interface RemoveOptions {
  readonly force?: boolean;
  readonly noPrune?: boolean;
  readonly usedBy: (imageId: string) => ImageUsers;
}
export interface PruneOptions {
  /** true (default): only images without a name. false: every image no container uses. */
  readonly dangling?: boolean;
  /** Further filter (label, until): true = may be removed. */
  readonly match?: (image: Image) => boolean;
  readonly usedBy: (imageId: string) => ImageUsers;
}
export interface PruneResult {
  readonly removed: readonly RemovedRecord[];
  readonly spaceReclaimed: number;
}

/** What an overlay mount needs; lowers top first, all relative to base, short so that hundreds fit in one option page. */
export interface RootSnapshot {
  readonly key: string;
  readonly base: string;
  readonly lowers: readonly string[];
  readonly upper: string;
  readonly work: string;
}

/** A root filesystem opened for reading by handle; a detached mount that disappears with it. */
export interface OpenRoot extends AsyncDisposable {
  /** Directory descriptor. Resolve below it with openat2(RESOLVE_IN_ROOT) only. */
  readonly fd: number;
  close(): void;
}

/** A user as Docker resolves it inside the image. */
export interface ResolvedUser {
  readonly uid: number;
  readonly gid: number;
  /** The primary gid first, then the user's groups of /etc/group; none of them when a group was given. */
  readonly additionalGids: readonly number[];
  readonly home: string;
  readonly name?: string;
}
