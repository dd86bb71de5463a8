/**
 * Finding a run again after the daemon was away. The order of belief: the boot id (another boot: everything is dead), the
 * exit file (written whole before anyone was told), the monitor (while it answers, it knows), the kernel.
 *
 * A monitor that is stopped (SIGSTOP) holds up nobody: after a short deadline the run is adopted on the kernel's word
 * that its process lives, and the conversation goes on whenever the monitor does.
 */
import { connectMonitor, type Report, ShimUnavailable } from "../../../native/binding/index.ts";
import { removeTree } from "../../base/fs.ts";
import type { Exit, Recovered, SandboxRecord } from "../backend.ts";
import type { Cgroup } from "../cgroup/index.ts";
import type { SeccompFilter } from "./compile-process.ts";
import { inferredExit, readExitFile, timestamp, toExit } from "./exit.ts";
import { bootId, isAlive, signalProcess } from "./process-facts.ts";
import type { Link, RunWatch } from "./run-watch.ts";
import { NamespaceSandbox } from "./sandbox.ts";
import { readSaved, type SavedSandbox } from "./saved.ts";

const ANSWER_MS = 2_000;
/** Longest delay a timer takes. */
const FOREVER_MS = 2 ** 31 - 1;
const SIGKILL = 9;
const KILLED = "the monitor process of the container was killed";

export interface RecoverInput {
  readonly record: SandboxRecord;
  readonly group: Cgroup;
  readonly watch: () => RunWatch;
  readonly seccomp: (saved: SavedSandbox) => SeccompFilter | null;
  readonly daemonOomScoreAdj: number;
  readonly warn: (message: string) => void;
}

/** The connection ended without an exit: what the monitor wrote last is true, else it was killed and took its word along. */
export async function lostExit(record: SandboxRecord, group: Cgroup, warn: (message: string) => void): Promise<Exit> {
  const written = readExitFile(record.exitPath, record.runId);
  if (written !== null) return written;
  try {
    await group.kill();
  } catch (error) {
    warn(`container with a dead monitor: ${String(error)}`);
  }
  return inferredExit(KILLED);
}

async function cleanUp({ record, group, warn }: RecoverInput): Promise<void> {
  try {
    await group.kill();
    await group.remove();
  } catch (error) {
    warn(`cleaning up after a run that ended: ${String(error)}`);
  }
  removeTree(record.runtimeDir);
}

async function concluded(input: RecoverInput, exit: Exit): Promise<Recovered> {
  await cleanUp(input);
  return { status: "exited", exit };
}

type Watched = Awaited<ReturnType<ReturnType<typeof connectMonitor>["watch"]>>;
const startWatch = (record: SandboxRecord, deadlineMs: number): Promise<Watched> =>
  connectMonitor(`${record.runtimeDir}/ctl`, { deadlineMs }).watch();

function adopt(input: RecoverInput, state: Report | null, link: Link | null): Recovered {
  const record: SandboxRecord =
    state === null ? input.record : { ...input.record, pid: state.pid ?? 0, pidStartTime: state.startTime ?? 0 };
  const watch = input.watch();
  const onLost = (): Promise<Exit> => lostExit(record, input.group, input.warn);
  if (link !== null) watch.follow(link, onLost);
  else void followLater(record, watch, onLost);
  const startedAt = timestamp(state?.started);
  const sandbox = new NamespaceSandbox({
    record,
    startedAt: () => startedAt,
    phases: () => [],
    group: input.group,
    watch,
    saved: readSaved(record.runtimeDir),
    warn: input.warn,
    seccomp: input.seccomp,
    daemonOomScoreAdj: input.daemonOomScoreAdj,
    start: async () => {},
  });
  return { status: "running", sandbox };
}

/** The monitor is stopped: its answer comes when it is continued, or its end when it is killed. */
async function followLater(record: SandboxRecord, watch: RunWatch, onLost: () => Promise<Exit>): Promise<void> {
  try {
    const { state, ...link } = await startWatch(record, FOREVER_MS);
    if (state.code === undefined) watch.follow(link, onLost);
    else watch.settle(toExit(state));
  } catch {
    watch.settle(await onLost());
  }
}

async function answered(input: RecoverInput, watched: Watched): Promise<Recovered> {
  const { state, ...link } = watched;
  if (state.run !== input.record.runId) {
    link.close();
    return concluded(input, inferredExit(KILLED));
  }
  if (state.code !== undefined) {
    link.close();
    return concluded(input, toExit(state));
  }
  if (state.started !== undefined) return adopt(input, state, link);
  // Parked before START: its daemon died, so it is on its way out (end of file on the launch socket).
  link.close();
  return concluded(input, inferredExit("the start was interrupted"));
}

async function silent(input: RecoverInput): Promise<Recovered> {
  const { record } = input;
  if (isAlive(record.pid, record.pidStartTime)) return adopt(input, null, null);
  signalProcess(record.monitorPid, record.monitorStartTime, SIGKILL);
  return concluded(input, await lostExit(record, input.group, input.warn));
}

export async function recoverRun(input: RecoverInput): Promise<Recovered> {
  const { record, group, warn } = input;
  const written = readExitFile(record.exitPath, record.runId);
  if (written !== null) return concluded(input, written);
  if (record.bootId !== bootId()) return concluded(input, inferredExit("the host was restarted", 255));
  try {
    return await answered(input, await startWatch(record, ANSWER_MS));
  } catch (error) {
    if (error instanceof ShimUnavailable && error.code === "deadline") return silent(input);
    return concluded(input, await lostExit(record, group, warn));
  }
}
