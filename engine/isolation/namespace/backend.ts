/**
 * Containers in namespaces of this host. create: cgroup and limits, runtime directory, plan, launch. The monitor then
 * stands on its own; what this daemon holds is a connection to it.
 */
import { type LaunchHandle, type LaunchPlan, type Report, Shim } from "../../../native/binding/index.ts";
import { exists, makeDirectories, names, removeTree } from "../../base/fs.ts";
import { Rollback } from "../../base/rollback.ts";
import { syncPoint } from "../../base/sync-points.ts";
import { DEFAULT_CAPABILITIES } from "../../spec/defaults.ts";
import type { HostView } from "../../spec/host-view.ts";
import type { RunSpec } from "../../spec/run-spec.ts";
import type {
  Capabilities,
  IsolationBackend,
  Phase,
  Recovered,
  Sandbox,
  SandboxRecord,
  SandboxRequest,
} from "../backend.ts";
import { type Cgroup, type Cgroups, openCgroups } from "../cgroup/index.ts";
import { readHostView } from "../host-view.ts";
import type { BackendOptions } from "../select.ts";
import { probeCapabilities } from "./capabilities.ts";
import { compile } from "./compile.ts";
import type { SeccompFilter } from "./compile-process.ts";
import { timestamp } from "./exit.ts";
import { failureOf } from "./failure.ts";
import { bootId, startTimeOf } from "./process-facts.ts";
import { checkHooks, holdsCreation, runHooks } from "./hooks.ts";
import { lostExit, recoverRun } from "./recover.ts";
import { RunWatch } from "./run-watch.ts";
import { NamespaceSandbox } from "./sandbox.ts";
import { type SavedSandbox, toSaved, writeSaved } from "./saved.ts";
import { seccompFlags, seccompProgram } from "./seccomp/index.ts";

/** Nothing is ever mounted on it on the host: each container uses it in its own mount namespace. */
const MOUNT_POINT = "rootfs";
/** Where the engine's layout has runtime directories, by run id. */
const RUNS = "r";
const WARM_UP_MS = 80;

export class NamespaceBackend implements IsolationBackend {
  readonly name = "namespace";
  readonly capabilities: Capabilities;
  readonly #options: BackendOptions;
  readonly #shim: Shim;
  readonly #cgroups: Cgroups;
  readonly #view: HostView;
  readonly #mountPoint: string;
  readonly #watches = new Set<RunWatch>();
  /** Runtime directories that are in use: sweep leaves them alone. */
  readonly #inUse = new Set<string>();
  readonly #warn: (message: string) => void;

  constructor(options: BackendOptions) {
    this.#options = options;
    this.#warn = options.onWarning ?? (() => {});
    this.#view = readHostView();
    this.#cgroups = openCgroups(options.cgroupParent);
    this.#shim = Shim.open(options.shimPath, { spares: 1 });
    this.#mountPoint = `${options.execRoot}/${MOUNT_POINT}`;
    makeDirectories(this.#mountPoint, 0o700);
    this.capabilities = probeCapabilities(this.name, this.#cgroups);
    setTimeout(() => this.#warmUp(), WARM_UP_MS).unref();
  }

  /** The default filter takes some 30 ms to compile once: not in the first container's start, nor before the daemon is ready. */
  #warmUp(): void {
    seccompProgram("default", { bounding: DEFAULT_CAPABILITIES, view: this.#view });
  }

  #seccomp(saved: SavedSandbox): SeccompFilter | null {
    if (saved.seccomp === null) return null;
    const filter = seccompProgram(saved.seccomp, { bounding: saved.bounding, view: this.#view });
    return { filter, flags: seccompFlags(saved.seccomp) };
  }

  async create(request: SandboxRequest, signal?: AbortSignal): Promise<Sandbox> {
    const { spec } = request;
    checkHooks(spec.hooks);
    const phases: Phase[] = [];
    const mark = (name: string): void => void phases.push({ name, at: process.hrtime.bigint() });
    await using undo = new Rollback("sandbox.create", (message, error) => this.#warn(`${message}: ${String(error)}`));
    mark("begin");
    this.#inUse.add(request.runtimeDir);
    makeDirectories(request.runtimeDir, 0o700);
    undo.defer("remove runtime directory", () => {
      removeTree(request.runtimeDir);
      this.#inUse.delete(request.runtimeDir);
    });
    const group = this.#cgroups.create(spec.cgroupsPath, spec.resources);
    undo.defer("remove cgroup", async () => {
      await group.kill();
      await group.remove();
    });
    mark("cgroup");
    const saved = toSaved(spec);
    const held = syncPoint("start.cgroup");
    if (held !== undefined) await held;
    const plan = compile({
      spec,
      runId: request.runId,
      runtimeDir: request.runtimeDir,
      exitPath: request.exitPath,
      log: request.log,
      mountPoint: this.#mountPoint,
      placement: group.placement,
      seccomp: this.#seccomp(saved),
      daemonOomScoreAdj: this.#view.oomScoreAdj,
    });
    mark("plan");
    const launch = this.#launch(request, plan, signal);
    undo.defer("close the launch connection", () => launch.close());
    mark("spawn");
    // in the same turn, while the other processor already runs the monitor
    writeSaved(request.runtimeDir, saved);
    const monitorStartTime = startTimeOf(launch.monitorPid) ?? 0;
    if (holdsCreation(spec.hooks)) await this.#holdForHooks(request, launch, plan);
    const parked = await this.#await(launch, plan, request.startAtOnce ? "execed" : "created");
    const launched = syncPoint("start.launched");
    if (launched !== undefined) await launched;
    const sandbox = this.#sandbox(request, launch, plan, group, saved, phases, parked, monitorStartTime);
    if (request.startAtOnce) await poststart(spec, sandbox.pid);
    undo.commit();
    return sandbox;
  }

  /** What nothing has to be waited for is sent along: one write for a whole start. */
  #launch(request: SandboxRequest, plan: LaunchPlan, signal: AbortSignal | undefined): LaunchHandle {
    return this.#shim.launch(plan, {
      ...(holdsCreation(request.spec.hooks) ? {} : { early: request.startAtOnce ? "start" : "proceed" }),
      ...(signal === undefined ? {} : { signal }),
    });
  }

  async #holdForHooks(request: SandboxRequest, launch: LaunchHandle, plan: LaunchPlan): Promise<void> {
    const { pid = 0 } = await this.#await(launch, plan, "namespaced");
    const { id, hooks, annotations } = request.spec;
    await runHooks(hooks, ["prestart", "createRuntime"], { id, status: "creating", pid, annotations });
    launch.proceed();
    if (request.startAtOnce) launch.start();
  }

  async #await(launch: LaunchHandle, plan: LaunchPlan, at: "namespaced" | "created" | "execed"): Promise<Report> {
    try {
      return await launch.waitFor(at);
    } catch (error) {
      throw failureOf(error, plan, "start");
    }
  }

  #sandbox(
    request: SandboxRequest,
    launch: LaunchHandle,
    plan: LaunchPlan,
    group: Cgroup,
    saved: SavedSandbox,
    phases: Phase[],
    parked: Report,
    monitorStartTime: number,
  ): Sandbox {
    const pid = parked.pid ?? launch.reports.find("namespaced")?.pid ?? 0;
    const record: SandboxRecord = {
      backend: this.name,
      runId: request.runId,
      monitorPid: launch.monitorPid,
      monitorStartTime,
      pid,
      pidStartTime: parked.startTime ?? startTimeOf(pid) ?? 0,
      runtimeDir: request.runtimeDir,
      exitPath: request.exitPath,
      cgroupsPath: request.spec.cgroupsPath,
      bootId: bootId(),
    };
    const watch = this.#watch();
    watch.follow(launch, () => lostExit(record, group, this.#warn));
    this.#track(request.runtimeDir, watch.exited);
    let running: Promise<void> | null = request.startAtOnce ? Promise.resolve() : null;
    const start = async (): Promise<void> => {
      launch.start();
      await this.#await(launch, plan, "execed");
      await poststart(request.spec, pid);
    };
    return new NamespaceSandbox({
      record,
      startedAt: () => timestamp(launch.reports.find("execed")?.started ?? launch.reports.find("execed")?.time),
      phases: () => [...phases, ...reportedPhases(launch)].sort((a, b) => (a.at < b.at ? -1 : 1)),
      group,
      watch,
      saved,
      warn: this.#warn,
      seccomp: (from) => this.#seccomp(from),
      daemonOomScoreAdj: this.#view.oomScoreAdj,
      start: () => (running ??= start()),
    });
  }

  #track(runtimeDir: string, exited: Promise<unknown>): void {
    this.#inUse.add(runtimeDir);
    void exited.then(() => this.#inUse.delete(runtimeDir));
  }

  #watch(): RunWatch {
    const watch = new RunWatch();
    this.#watches.add(watch);
    void watch.exited.then(() => this.#watches.delete(watch));
    return watch;
  }

  async recover(record: SandboxRecord): Promise<Recovered> {
    const group = this.#cgroups.open(record.cgroupsPath, record.pid);
    const recovered = await recoverRun({
      record,
      group,
      watch: () => this.#watch(),
      seccomp: (saved) => this.#seccomp(saved),
      daemonOomScoreAdj: this.#view.oomScoreAdj,
      warn: this.#warn,
    });
    if (recovered.status === "running") this.#track(record.runtimeDir, recovered.sandbox.exited);
    return recovered;
  }

  async sweep(known: ReadonlySet<string>): Promise<void> {
    for (const name of this.#cgroups.children(this.#options.cgroupParent)) {
      if (known.has(name)) continue;
      const group = this.#cgroups.open(`${this.#options.cgroupParent}/${name}`, 0);
      await group.kill();
      await group.remove();
    }
    const runs = `${this.#options.execRoot}/${RUNS}`;
    if (!exists(runs)) return;
    for (const name of names(runs)) if (!this.#inUse.has(`${runs}/${name}`)) removeTree(`${runs}/${name}`);
  }

  /** Lets go of every monitor; containers run on. */
  async close(): Promise<void> {
    for (const watch of this.#watches) watch.detach();
    this.#watches.clear();
    this.#shim.close();
    this.#cgroups.close();
  }
}

function poststart(spec: RunSpec, pid: number): Promise<void> | undefined {
  const { id, hooks, annotations } = spec;
  return hooks.poststart === undefined
    ? undefined
    : runHooks(hooks, ["poststart"], { id, status: "running", pid, annotations });
}

const PHASE_REPORTS: ReadonlySet<string> = new Set(["plan_ok", "namespaced", "created", "execed"]);
const reportedPhases = (launch: LaunchHandle): readonly Phase[] =>
  launch.reports.all
    .filter((report) => PHASE_REPORTS.has(report.at) && report.ns !== undefined)
    .map((report) => ({ name: report.at, at: BigInt(report.ns as number) }));

export const openNamespaceBackend = (options: BackendOptions): IsolationBackend => new NamespaceBackend(options);
