/**
 * One container: its records, its lane, its run. State changes replace frozen data and are saved before anyone is told;
 * readers take the current snapshot and never wait. Only the verbs of this folder change a container, inside its lane
 * (exceptions: kill and attach, which only talk to the sandbox).
 */
import { Actor } from "../base/actor.ts";
import type { Phase as StartPhase, Sandbox } from "../isolation/backend.ts";
import type { RunSpec } from "../spec/run-spec.ts";
import { type ContainerPaths, containerPaths } from "../store/layout.ts";
import type { ContainerRecord, LiveRecord } from "../store/records.ts";
import type { ContainerSnapshot, ContainerState } from "../types.ts";
import type { AttachSlot } from "./attach.ts";
import type { Context } from "./context.ts";
import type { Exec } from "./exec.ts";
import { next, type StateEvent } from "./state.ts";
import { Waiters } from "./waiters.ts";

export const freshLive: LiveRecord = Object.freeze<LiveRecord>({
  state: { status: "created", error: "", exitCode: 0 },
  restartCount: 0,
  everStarted: false,
  manuallyStopped: false,
  previousDelayMs: 0,
  sandbox: null,
  isEnded: false,
  removesVolumes: false,
});

/** A run that is up: the sandbox and what it was made from (null after a recovery, until someone needs it). */
export interface Run {
  readonly sandbox: Sandbox;
  readonly spec: RunSpec | null;
  /** Settles when the exit has been recorded. */
  readonly ended: Promise<void>;
}

export class Container {
  readonly id: string;
  readonly paths: ContainerPaths;
  readonly lane: Actor;
  readonly waiters = new Waiters();
  readonly execs = new Map<string, Exec>();
  /** Attachments that wait for the next start. */
  readonly slots = new Set<AttachSlot>();
  readonly #context: Context;
  #record: ContainerRecord;
  #live: LiveRecord;
  #run: Run | null = null;
  #phases: readonly StartPhase[] = [];
  #snapshot: ContainerSnapshot | null = null;
  #cancelRestart: (() => void) | null = null;
  #keepOnExit = false;

  constructor(context: Context, record: ContainerRecord, live: LiveRecord) {
    this.id = record.id;
    this.paths = containerPaths(context.layout, record.id);
    this.lane = new Actor(`container ${record.id.slice(0, 12)}`);
    this.#context = context;
    this.#record = Object.freeze(record);
    this.#live = Object.freeze(live);
  }

  get record(): ContainerRecord {
    return this.#record;
  }
  get live(): LiveRecord {
    return this.#live;
  }
  get state(): ContainerState {
    return this.#live.state;
  }
  get run(): Run | null {
    return this.#run;
  }
  /** `restart` stops a container that must not be removed by its own auto-remove. */
  get keepOnExit(): boolean {
    return this.#keepOnExit;
  }

  setKeepOnExit(keep: boolean): void {
    this.#keepOnExit = keep;
  }

  replaceRecord(record: ContainerRecord): void {
    this.#context.records.saveRecord(record);
    this.#record = Object.freeze(record);
    this.#snapshot = null;
  }

  /** Saved first, then visible. Throws when it cannot be saved; nothing is changed then. */
  saveLive(changes: Partial<LiveRecord>): void {
    const live = { ...this.#live, ...changes };
    this.#context.records.saveLive(this.id, live);
    this.#show(live);
  }

  /**
   * For facts that are true whether the disk is full or not (an end, a removal): shown even when they cannot be saved. The
   * next save holds them too, and a daemon that starts before that finds them out again from the kernel and the exit file.
   */
  #saveFact(live: LiveRecord, save: (live: LiveRecord) => void): void {
    try {
      save(live);
    } catch (error) {
      this.#context.log.error("cannot save the state of a container", { container: this.id, error });
    }
    this.#show(live);
  }

  #show(live: LiveRecord): void {
    this.#live = Object.freeze(live);
    this.#snapshot = null;
  }

  /** A state event with other changes, in one save. false: the event means nothing in this state, nothing was changed. */
  apply(event: StateEvent, changes: Partial<LiveRecord> = {}): boolean {
    const state = next(this.#live.state, event);
    if (state === null) return false;
    if (event.type === "started") this.saveLive({ ...changes, state });
    else this.#saveFact({ ...this.#live, ...changes, state }, (live) => this.#context.records.saveLive(this.id, live));
    return true;
  }

  /** The run is taken down: nothing of it is left to be found. */
  forgetSandbox(): void {
    this.#saveFact({ ...this.#live, sandbox: null, isEnded: false }, (live) =>
      this.#context.records.saveLive(this.id, live),
    );
  }

  markRemoving(removesVolumes: boolean): void {
    const state = next(this.#live.state, { type: "remove" });
    if (state === null) return;
    this.#saveFact({ ...this.#live, state, removesVolumes }, (live) =>
      this.#context.records.markRemoving(this.id, live),
    );
  }

  attachRun(sandbox: Sandbox, spec: RunSpec | null, ended: Promise<void>): void {
    this.#run = { sandbox, spec, ended };
    if (sandbox.phases.length > 0) this.#phases = sandbox.phases;
    this.#snapshot = null;
  }
  rememberSpec(spec: RunSpec): void {
    if (this.#run !== null) this.#run = { ...this.#run, spec };
  }
  detachRun(): void {
    this.#run = null;
    this.#snapshot = null;
  }
  scheduleRestart(ms: number, act: () => void): void {
    this.#cancelRestart = this.#context.clock.after(ms, () => {
      this.#cancelRestart = null;
      act();
    });
  }
  cancelScheduledRestart(): void {
    this.#cancelRestart?.();
    this.#cancelRestart = null;
  }

  execsChanged(): void {
    this.#snapshot = null;
  }

  get snapshot(): ContainerSnapshot {
    this.#snapshot ??= Object.freeze(this.#picture());
    return this.#snapshot;
  }

  #picture(): ContainerSnapshot {
    const record = this.#record;
    const isJsonFile = record.host.logConfig.type === "json-file";
    return {
      id: record.id,
      name: record.name,
      createdAt: record.createdAt,
      imageId: record.imageId,
      config: record.config,
      host: record.host,
      endpoints: record.endpoints,
      path: record.path,
      args: record.args,
      state: this.#live.state,
      restartCount: this.#live.restartCount,
      mounts: record.mountPoints,
      logPath: isJsonFile ? this.paths.log : "",
      hostnamePath: this.paths.hostname,
      hostsPath: this.paths.hosts,
      resolvConfPath: this.paths.resolvConf,
      driver: "overlay2",
      graphDriverData: this.#graph(),
      apparmorProfile: record.apparmorProfile,
      execIds: [...this.execs.values()].filter((exec) => exec.isListed).map((exec) => exec.id),
      phases: this.#phases,
    };
  }

  #graph(): Readonly<Record<string, string>> {
    try {
      const { base, lowers, upper, work } = this.#context.snapshots.get(this.id);
      return {
        LowerDir: lowers.map((lower) => `${base}/${lower}`).join(":"),
        UpperDir: `${base}/${upper}`,
        WorkDir: `${base}/${work}`,
        MergedDir: "",
      };
    } catch {
      return {};
    }
  }
}
