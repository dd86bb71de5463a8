/**
 * One interface for every way to run a container (architecture §5): a namespace sandbox now, a microVM later. What
 * changes between them is where the program runs; everything decided before (RunSpec) and after (logs, exit, events) is shared.
 *
 * Lifecycle:  create → parked at CREATED → start → running → exit.   A daemon that comes back calls recover.
 *
 *   await using undo = new Rollback("container.start");
 *   const sandbox = await backend.create(request, signal);   // cgroup made, monitor up, process parked
 *   undo.defer("destroy sandbox", () => sandbox.destroy());
 *   await sandbox.start(signal);                              // resolves when the user's program executes
 *   undo.commit();
 *   const exit = await sandbox.exited;                        // the monitor wrote it to disk before telling us
 *   await sandbox.destroy();                                  // cgroup gone, runtime directory gone; idempotent
 */
import type { Readable } from "node:stream";
import type { ProcessSpec, Resources, RunSpec } from "../spec/run-spec.ts";

export interface LogTarget {
  /** none: nothing stored. json-file: Docker's format, written by the monitor. */
  readonly format: "none" | "json-file";
  readonly path: string;
  /** 0 = unlimited */
  readonly maxBytes: number;
  readonly maxFiles: number;
  /** JSON object text for each record's "attrs", or "". */
  readonly attrs: string;
}

export interface SandboxRequest {
  readonly spec: RunSpec;
  /** 16 hex digits, new for every start: tells this run's exit file and monitor from an older one's. */
  readonly runId: string;
  /** Directory for the control socket; made by the backend, removed by destroy(). At most 80 bytes long. */
  readonly runtimeDir: string;
  readonly exitPath: string;
  readonly log: LogTarget;
  /** Start without stopping at the gate: create() resolves when the program executes, start() is then a no-op. The fast path. */
  readonly startAtOnce: boolean;
}

export interface Phase {
  readonly name: string;
  /** CLOCK_MONOTONIC nanoseconds */
  readonly at: bigint;
}

/** Parsed from the exit file or the monitor's report. */
export interface Exit {
  /** 0..255, or 128 + signal */
  readonly code: number;
  readonly signal: number | null;
  readonly oomKilled: boolean;
  /** RFC3339 with nanoseconds, UTC */
  readonly finishedAt: string;
  /** Set when the exit was inferred ("monitor process was killed"), empty otherwise. */
  readonly reason: string;
}

/** What must be persisted to find a sandbox again. Plain JSON. */
export interface SandboxRecord {
  readonly backend: string;
  readonly runId: string;
  readonly monitorPid: number;
  readonly monitorStartTime: number;
  readonly pid: number;
  readonly pidStartTime: number;
  readonly runtimeDir: string;
  readonly exitPath: string;
  readonly cgroupsPath: string;
  /** Host's, from the boot id: a record of another boot is dead. */
  readonly bootId: string;
}

export interface AttachOptions {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
}

/**
 * A connection to a process's streams. `output` carries Docker's 8-byte frames when the process has no terminal and raw
 * bytes when it has; it ends when the process has ended and everything was delivered, or on close().
 */
export interface StreamSession extends AsyncDisposable {
  readonly output: Readable;
  /** Resolves when the bytes are accepted (back-pressure). */
  write(chunk: Uint8Array): Promise<void>;
  endStdin(): Promise<void>;
  /** Leaves the process alone. */
  close(): void;
}

export interface ExecHandle {
  readonly pid: number;
  readonly session: StreamSession;
  readonly exited: Promise<Exit>;
  signal(signal: number): Promise<void>;
  resize(rows: number, columns: number): Promise<void>;
}

export type SandboxEvent =
  | { readonly type: "oom" }
  | { readonly type: "log_error"; readonly errno: string; readonly dropped: number };

export interface UsageSample {
  readonly read: string;
  readonly cpu: {
    readonly totalNs: number;
    readonly userNs: number;
    readonly systemNs: number;
    readonly periods: number;
    readonly throttledPeriods: number;
    readonly throttledNs: number;
  };
  readonly memory: {
    readonly usage: number;
    readonly limit: number | null;
    readonly maxUsage: number | null;
    readonly failcnt: number | null;
    readonly stats: Readonly<Record<string, number>>;
  };
  readonly pids: { readonly current: number; readonly limit: number | null };
  readonly blkio: readonly {
    readonly major: number;
    readonly minor: number;
    readonly op: string;
    readonly value: number;
  }[];
}

export interface Sandbox extends AsyncDisposable {
  readonly record: SandboxRecord;
  readonly pid: number;
  /** When the program began to execute; RFC3339 nanoseconds. */
  readonly startedAt: string;
  readonly phases: readonly Phase[];
  /** Never rejects. Resolves also when the monitor vanishes (reason set), after the cgroup has been killed. */
  readonly exited: Promise<Exit>;
  onEvent(listener: (event: SandboxEvent) => void): void;
  start(signal?: AbortSignal): Promise<void>;
  signal(signal: number): Promise<void>;
  /** Every process of the container, frozen or not. */
  killAll(): Promise<void>;
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Returns warnings for limits that cannot be enforced. */
  update(resources: Resources): Promise<readonly string[]>;
  usage(): Promise<UsageSample>;
  processes(): Promise<readonly number[]>;
  attach(options: AttachOptions, signal?: AbortSignal): Promise<StreamSession>;
  /** execId: hex id; resolves when the program executes; a failure carries the shim's report as the container's start does. */
  exec(execId: string, process: ProcessSpec, options: AttachOptions, signal?: AbortSignal): Promise<ExecHandle>;
  resize(rows: number, columns: number): Promise<void>;
  /** Kills what is left, removes cgroup and runtime directory. Idempotent. */
  destroy(): Promise<void>;
}

/** What a backend can do; `spec/validate` turns a false into a sentence. */
export interface Capabilities {
  readonly name: string;
  readonly cgroupVersion: 1 | 2;
  /** Each limit the host can enforce: "memory", "swap", "pids", "cpu", "cpuset", "blkio", "hugetlb", "devices", "freezer", "oomKillDisable", … */
  readonly limits: ReadonlySet<string>;
  readonly apparmor: boolean;
  readonly seccomp: boolean;
  readonly userNamespaces: boolean;
  readonly timeNamespaces: boolean;
  readonly cgroupNamespaces: boolean;
  readonly hostNetwork: boolean;
}

export type Recovered =
  | { readonly status: "running"; readonly sandbox: Sandbox }
  | { readonly status: "exited"; readonly exit: Exit };

export interface IsolationBackend {
  readonly name: string;
  readonly capabilities: Capabilities;
  create(request: SandboxRequest, signal?: AbortSignal): Promise<Sandbox>;
  /** Adopts what lives, reports what ended, cleans up what is half. Never throws for a missing piece; never waits for a stopped monitor. */
  recover(record: SandboxRecord): Promise<Recovered>;
  /** Removes cgroups and runtime directories below this daemon's roots that no record names. */
  sweep(known: ReadonlySet<string>): Promise<void>;
  /** Lets go of every monitor; containers run on. */
  close?(): Promise<void>;
}

/** Thrown by create/start/exec when the program could not be executed. `report` is the shim's. */
export interface LaunchFailure {
  readonly operation: string;
  readonly call: string;
  readonly errno: string;
  readonly path: string;
}
