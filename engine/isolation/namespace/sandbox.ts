/** A running container, in namespaces of this host. Everything it does goes to the kernel or to the monitor. */
import { connectMonitor, type MonitorClient, ShimUnavailable } from "../../../native/binding/index.ts";
import { conflict, internal } from "../../base/errors.ts";
import { removeTree } from "../../base/fs.ts";
import type { ProcessSpec, Resources } from "../../spec/run-spec.ts";
import type {
  AttachOptions,
  ExecHandle,
  Exit,
  Phase,
  Sandbox,
  SandboxEvent,
  SandboxRecord,
  StreamSession,
  UsageSample,
} from "../backend.ts";
import type { Cgroup } from "../cgroup/index.ts";
import { compileExec } from "./compile.ts";
import { inferredExit, toExit } from "./exit.ts";
import { failureOf } from "./failure.ts";
import { runHooks } from "./hooks.ts";
import { signalProcess } from "./process-facts.ts";
import type { RunWatch } from "./run-watch.ts";
import type { SavedSandbox } from "./saved.ts";
import type { SeccompFilter } from "./compile-process.ts";
import { toStreamSession } from "./streams.ts";

const SIGKILL = 9;

export interface SandboxParts {
  readonly record: SandboxRecord;
  readonly startedAt: () => string;
  readonly phases: () => readonly Phase[];
  readonly group: Cgroup;
  readonly watch: RunWatch;
  /** null: nothing is known of how to enter it. */
  readonly saved: SavedSandbox | null;
  readonly seccomp: (saved: SavedSandbox) => SeccompFilter | null;
  readonly daemonOomScoreAdj: number;
  readonly warn: (message: string) => void;
  /** Past the gate; a no-op when it runs already. */
  readonly start: (signal?: AbortSignal) => Promise<void>;
}

export class NamespaceSandbox implements Sandbox {
  readonly record: SandboxRecord;
  readonly #parts: SandboxParts;
  #destroyed: Promise<void> | null = null;

  constructor(parts: SandboxParts) {
    this.record = parts.record;
    this.#parts = parts;
  }

  get pid(): number {
    return this.record.pid;
  }
  get startedAt(): string {
    return this.#parts.startedAt();
  }
  get phases(): readonly Phase[] {
    return this.#parts.phases();
  }
  get exited(): Promise<Exit> {
    return this.#parts.watch.exited;
  }
  onEvent(listener: (event: SandboxEvent) => void): void {
    this.#parts.watch.onEvent(listener);
  }

  start(signal?: AbortSignal): Promise<void> {
    return this.#parts.start(signal);
  }

  #monitor(signal?: AbortSignal): MonitorClient {
    return connectMonitor(`${this.record.runtimeDir}/ctl`, signal === undefined ? {} : { signal });
  }
  #notRunning(): Error {
    return conflict("container.not_running", "the container is not running");
  }

  /** Straight to the process, by pidfd: a monitor that is stopped does not matter. */
  async signal(signal: number): Promise<void> {
    if (!signalProcess(this.record.pid, this.record.pidStartTime, signal)) throw this.#notRunning();
  }
  async killAll(): Promise<void> {
    await this.#parts.group.kill();
  }
  async pause(): Promise<void> {
    await this.#parts.group.freeze();
  }
  async resume(): Promise<void> {
    await this.#parts.group.thaw();
  }
  async update(resources: Resources): Promise<readonly string[]> {
    return this.#parts.group.update(resources);
  }
  async usage(): Promise<UsageSample> {
    return this.#parts.group.usage();
  }
  async processes(): Promise<readonly number[]> {
    return this.#parts.group.processes();
  }

  async #talk<T>(act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      if (error instanceof ShimUnavailable && error.code === "gone") throw this.#notRunning();
      throw failureOf(error, [], "exec");
    }
  }

  async attach(options: AttachOptions, signal?: AbortSignal): Promise<StreamSession> {
    const raw = this.#parts.saved?.terminal ?? false;
    return this.#talk(async () => toStreamSession(await this.#monitor(signal).attach({ ...options, raw })));
  }

  async resize(rows: number, columns: number): Promise<void> {
    await this.#talk(() => this.#monitor().resize("", rows, columns));
  }

  async exec(execId: string, process: ProcessSpec, options: AttachOptions, signal?: AbortSignal): Promise<ExecHandle> {
    const { saved, watch, group } = this.#parts;
    if (saved === null)
      throw internal(
        "container.not_enterable",
        "the container was started by a daemon of another version and cannot be entered",
      );
    const plan = compileExec({
      execId,
      runId: this.record.runId,
      process,
      stdin: options.stdin,
      pid: this.record.pid,
      startTime: this.record.pidStartTime,
      namespaces: saved.namespaces,
      placement: group.placement,
      seccomp: this.#parts.seccomp(saved),
      daemonOomScoreAdj: this.#parts.daemonOomScoreAdj,
    });
    const ended = watch.execEnd(execId);
    try {
      const session = await this.#monitor(signal).exec(plan, { raw: process.terminal });
      const own = session.reports.waitFor("exit").then(toExit, () => ended);
      return {
        pid: session.execed.pid ?? 0,
        session: toStreamSession(session),
        exited: Promise.race([own, ended]),
        signal: (number) => this.#talk(() => this.#monitor().signal(execId, number)),
        resize: (rows, columns) => this.#talk(() => this.#monitor().resize(execId, rows, columns)),
      };
    } catch (error) {
      watch.forgetExec(execId);
      if (error instanceof ShimUnavailable && error.code === "gone") throw this.#notRunning();
      throw failureOf(error, plan, "exec");
    }
  }

  /** Concurrent callers share one teardown; a failed one may be tried again. */
  destroy(): Promise<void> {
    this.#destroyed ??= this.#teardown().catch((error: unknown) => {
      this.#destroyed = null;
      throw error;
    });
    return this.#destroyed;
  }

  async #teardown(): Promise<void> {
    const { watch, group } = this.#parts;
    await group.kill();
    // It has reported and goes by itself, or it is stuck or has nobody left to watch.
    if (watch.exit === null) signalProcess(this.record.monitorPid, this.record.monitorStartTime, SIGKILL);
    watch.settle(inferredExit("the container was removed while it ran"));
    watch.close();
    await group.remove();
    removeTree(this.record.runtimeDir);
    await this.#poststop();
  }

  /** By the specification a failure here is only told: there is nothing left to stop. */
  async #poststop(): Promise<void> {
    const { saved, warn } = this.#parts;
    if (saved === null || saved.poststop.length === 0) return;
    const { id, annotations, poststop } = saved;
    await runHooks({ poststop }, ["poststop"], { id, status: "stopped", pid: 0, annotations }).catch((error: unknown) =>
      warn(String(error)),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.destroy();
  }
}
