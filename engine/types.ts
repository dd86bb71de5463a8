/** The engine's public nouns and its door's verbs: what `api/server` may use. Implemented in `engine/daemon.ts`. */
import type { Readable } from "node:stream";
import type { Images } from "../images/index.ts";
import type { EngineConfig } from "./config.ts";
import type { StreamSession, Phase, UsageSample } from "./isolation/backend.ts";
import type {
  ContainerConfig,
  CreateRequest,
  EndpointRequest,
  ExecRequest,
  HostConfig,
  ResourceConfig,
  RestartPolicy,
} from "./spec/config.ts";

/** Times are RFC3339 with nanoseconds in UTC; zero time is "0001-01-01T00:00:00Z". */
export type Timestamp = string;
export const ZERO_TIME = "0001-01-01T00:00:00Z";

interface Ran {
  readonly startedAt: Timestamp;
}
export type ContainerState =
  | { readonly status: "created"; readonly error: string; readonly exitCode: number }
  | (Ran & { readonly status: "running"; readonly pid: number; readonly oomKilled: boolean })
  | (Ran & { readonly status: "paused"; readonly pid: number; readonly oomKilled: boolean })
  | (Ran & {
      readonly status: "restarting";
      readonly finishedAt: Timestamp;
      readonly exitCode: number;
      readonly oomKilled: boolean;
      readonly error: string;
    })
  | (Ran & {
      readonly status: "exited";
      readonly finishedAt: Timestamp;
      readonly exitCode: number;
      readonly oomKilled: boolean;
      readonly error: string;
      readonly signal: number | null;
    })
  | (Ran & {
      readonly status: "removing" | "dead";
      readonly finishedAt: Timestamp;
      readonly exitCode: number;
      readonly oomKilled: boolean;
      readonly error: string;
    });

/** A mount as inspect shows it. */
export interface MountPoint {
  readonly type: "bind" | "volume" | "tmpfs" | "image";
  readonly name: string;
  readonly source: string;
  readonly destination: string;
  readonly driver: string;
  readonly mode: string;
  readonly readWrite: boolean;
  readonly propagation: string;
}

/** An immutable picture of a container; lists and inspect are made of these and never wait for anything. */
export interface ContainerSnapshot {
  readonly id: string;
  /** Without slash. */
  readonly name: string;
  readonly createdAt: Timestamp;
  readonly imageId: string;
  readonly config: ContainerConfig;
  readonly host: HostConfig;
  readonly endpoints: Readonly<Record<string, EndpointRequest>>;
  readonly path: string;
  readonly args: readonly string[];
  readonly state: ContainerState;
  readonly restartCount: number;
  readonly mounts: readonly MountPoint[];
  readonly logPath: string;
  readonly hostnamePath: string;
  readonly hostsPath: string;
  readonly resolvConfPath: string;
  readonly driver: string;
  readonly graphDriverData: Readonly<Record<string, string>>;
  readonly apparmorProfile: string;
  readonly execIds: readonly string[];
  /** Phases of the last start, for `ctr run --timings`. */
  readonly phases: readonly Phase[];
}

export type WaitCondition = "not-running" | "next-exit" | "removed";
export interface WaitResult {
  readonly exitCode: number;
  readonly error: string | null;
}

export interface AttachRequest {
  readonly logs: boolean;
  readonly stream: boolean;
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
}

export interface LogOptions {
  readonly follow: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  /** Nanoseconds since the epoch; null = no bound. */
  readonly since: bigint | null;
  readonly until: bigint | null;
  /** null = all */
  readonly tail: number | null;
  readonly timestamps: boolean;
  readonly details: boolean;
}

export interface ExecSnapshot {
  readonly id: string;
  readonly containerId: string;
  readonly request: ExecRequest;
  readonly running: boolean;
  readonly exitCode: number | null;
  readonly pid: number;
}

export interface EngineEvent {
  readonly type: "container" | "image" | "network" | "volume" | "daemon";
  readonly action: string;
  readonly actorId: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** Nanoseconds since the epoch, strictly increasing within a daemon. */
  readonly timeNano: bigint;
}

export interface EventBus {
  publish(event: Omit<EngineEvent, "timeNano">): void;
  /** Ring of the last 256. */
  recent(): readonly EngineEvent[];
  /** Returns the unsubscriber. The listener must not throw or block. */
  subscribe(listener: (event: EngineEvent) => void): () => void;
}

/** Every `ref` is a full id, a name (leading slash optional) or a unique id prefix. Errors are TareError with Docker's texts. */
export interface ContainerService {
  list(): readonly ContainerSnapshot[];
  find(ref: string): ContainerSnapshot;
  create(
    request: CreateRequest,
    signal?: AbortSignal,
  ): Promise<{ readonly id: string; readonly warnings: readonly string[] }>;
  start(ref: string): Promise<void>;
  /** timeoutSeconds null = the container's own (10 by default), negative = for ever. Throws not_modified when not running. */
  stop(ref: string, options: { readonly signal: string | null; readonly timeoutSeconds: number | null }): Promise<void>;
  restart(
    ref: string,
    options: { readonly signal: string | null; readonly timeoutSeconds: number | null },
  ): Promise<void>;
  /** signal as the user wrote it ("9", "KILL", "SIGRTMIN+3"), "" = KILL. */
  kill(ref: string, signal: string): Promise<void>;
  pause(ref: string): Promise<void>;
  unpause(ref: string): Promise<void>;
  rename(ref: string, name: string): Promise<void>;
  update(
    ref: string,
    changes: { readonly resources: Partial<ResourceConfig>; readonly restartPolicy: RestartPolicy | null },
  ): Promise<readonly string[]>;
  remove(ref: string, options: { readonly force: boolean; readonly volumes: boolean }): Promise<void>;
  prune(
    match: (container: ContainerSnapshot) => boolean,
  ): Promise<{ readonly deleted: readonly string[]; readonly spaceReclaimed: number }>;
  /** Registers before it returns; `result` settles later. */
  wait(ref: string, condition: WaitCondition, signal?: AbortSignal): { readonly result: Promise<WaitResult> };
  /** Registers before it resolves: nothing printed after that is lost. On a container that does not run it waits for its next start. */
  attach(ref: string, request: AttachRequest, signal?: AbortSignal): Promise<StreamSession>;
  resize(ref: string, rows: number, columns: number): Promise<void>;
  /** Framed (no tty) or raw (tty) bytes, one frame per line; throws before the first byte when logs cannot be read. */
  logs(ref: string, options: LogOptions, signal?: AbortSignal): Readable;
  top(
    ref: string,
    psArgs: string,
  ): Promise<{ readonly titles: readonly string[]; readonly processes: readonly (readonly string[])[] }>;
  usage(ref: string): Promise<UsageSample | null>;
  /** Bytes of the writable layer and of the whole root filesystem. */
  size(ref: string): Promise<{ readonly sizeRw: number; readonly sizeRootFs: number }>;

  execCreate(ref: string, request: ExecRequest): Promise<string>;
  /** Attached: resolves when the program executes. Detached: the same, with a session already closed. */
  execStart(
    execId: string,
    options: {
      readonly detach: boolean;
      readonly tty: boolean;
      readonly consoleSize: readonly [number, number] | null;
    },
  ): Promise<StreamSession>;
  execResize(execId: string, rows: number, columns: number): Promise<void>;
  execInspect(execId: string): ExecSnapshot;
}

export interface HostFacts {
  readonly kernelVersion: string;
  readonly operatingSystem: string;
  readonly osVersion: string;
  readonly architecture: string;
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly hostname: string;
  readonly cgroupVersion: 1 | 2;
  readonly cgroupDriver: "cgroupfs" | "none";
  readonly limits: ReadonlySet<string>;
  readonly securityOptions: readonly string[];
  readonly ipv4Forwarding: boolean;
  readonly warnings: readonly string[];
}

/** A local volume: a directory below the data root. */
export interface VolumeSnapshot {
  readonly name: string;
  readonly createdAt: Timestamp;
  readonly mountpoint: string;
  readonly labels: Readonly<Record<string, string>> | null;
  readonly anonymous: boolean;
}
/** Listing only; the whole volume API is a later issue. */
export interface VolumeService {
  list(): readonly VolumeSnapshot[];
  /** Throws not_found: "get x: no such volume". */
  find(name: string): VolumeSnapshot;
}

/** What `openEngine` gives. */
export interface Engine {
  /** Stable per data root: a UUID. */
  readonly id: string;
  readonly config: EngineConfig;
  readonly containers: ContainerService;
  readonly images: Images;
  readonly events: EventBus;
  readonly volumes: VolumeService;
  /** Milliseconds openEngine took. */
  readonly readyMs: number;
  facts(): HostFacts;
  /** Stops serving; never stops containers. Idempotent. */
  close(): Promise<void>;
}
