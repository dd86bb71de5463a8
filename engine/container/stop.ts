/** kill, stop, restart. They wait outside the lane, because the exit they wait for is recorded inside it. */
import { settledWithin } from "../base/deadline.ts";
import { conflict, errnoCode, internal, notModified, TareError, unavailable } from "../base/errors.ts";
import { syncPoint } from "../base/sync-points.ts";
import type { Container, Run } from "./container.ts";
import type { Context } from "./context.ts";
import { publish } from "./publish.ts";
import { parseSignal, SIGKILL, stopSignalOf } from "./signals.ts";
import { startContainer } from "./start.ts";
import { exitCodeOf, isRunning } from "./state.ts";

const DEFAULT_STOP_SECONDS = 10;
const KILL_WAIT_MS = 10_000;
const RECOVERY_WAIT_MS = 10_000;

export interface StopOptions {
  readonly signal: string | null;
  readonly timeoutSeconds: number | null;
}

/** The run of a container that is running; waits for a start or a recovery that is under way. */
async function currentRun(context: Context, container: Container): Promise<Run | null> {
  if (container.run !== null || container.lane.idle) return container.run;
  if (!(await settledWithin(container.lane.settled(), RECOVERY_WAIT_MS, context.clock))) {
    throw unavailable(
      "container.busy",
      `container ${container.id} does not answer: its ${container.lane.current ?? "operation"} is still under way`,
    );
  }
  return container.run;
}

/** SIGKILL, the stop signal, or any signal when none is configured: the restart policy must not undo it. */
const endsOnPurpose = (container: Container, signal: number): boolean =>
  signal === SIGKILL || container.record.config.stopSignal === null || signal === stopSignalOf(container.record);

/** The process ended a moment ago and its exit is not recorded yet. */
const isGone = (error: unknown): boolean =>
  errnoCode(error) === "ESRCH" || (error instanceof TareError && error.code === "container.not_running");

/** Sends the signal and thaws a paused container that is meant to end. A process that is gone already is no error. */
async function deliver(context: Context, container: Container, run: Run, signal: number): Promise<void> {
  const onPurpose = endsOnPurpose(container, signal);
  if (onPurpose && !container.live.manuallyStopped) container.saveLive({ manuallyStopped: true });
  try {
    await run.sandbox.signal(signal);
  } catch (error) {
    if (!isGone(error) && container.run === run) throw error;
  }
  publish(context, container, "kill", { signal: String(signal) });
  if (onPurpose && container.state.status === "paused" && container.run === run) {
    await run.sandbox.resume();
    if (container.apply({ type: "resumed" })) publish(context, container, "unpause", {});
  }
}

/** A container between two runs of its restart policy: the next one is called off. */
export function cancelRestart(container: Container): boolean {
  if (container.state.status !== "restarting") return false;
  container.cancelScheduledRestart();
  container.apply({ type: "restart_cancelled" }, { manuallyStopped: true });
  container.waiters.exited({ exitCode: exitCodeOf(container.state), error: null });
  return true;
}

/** SIGKILL and wait. Throws when even that does not end it. */
export async function killAndWait(context: Context, container: Container, run: Run): Promise<void> {
  await deliver(context, container, run, SIGKILL);
  if (await settledWithin(run.ended, KILL_WAIT_MS, context.clock)) return;
  await run.sandbox.killAll();
  if (await settledWithin(run.ended, KILL_WAIT_MS, context.clock)) return;
  // Everything is dead and nobody says so: a monitor that was stopped. Without it the exit is inferred.
  await run.sandbox.destroy();
  if (await settledWithin(run.ended, KILL_WAIT_MS, context.clock)) return;
  throw internal(
    "container.unkillable",
    `tried to kill container, but did not receive an exit event: container ${container.id} PID ${run.sandbox.pid}`,
  );
}

export async function killContainer(context: Context, container: Container, signalText: string): Promise<void> {
  const signal = signalText === "" ? SIGKILL : parseSignal(signalText);
  if (cancelRestart(container)) return;
  if (signal === SIGKILL && container.run === null) container.lane.interrupt("start", "kill");
  const run = await currentRun(context, container);
  if (run === null || !isRunning(container.state)) {
    throw conflict(
      "container.not_running",
      `cannot kill container: ${container.record.name}: container ${container.id} is not running`,
    );
  }
  if (signal === SIGKILL) await killAndWait(context, container, run);
  else await deliver(context, container, run, signal);
}

/** Ends the run: stop signal, grace, SIGKILL. */
async function terminate(context: Context, container: Container, run: Run, options: StopOptions): Promise<void> {
  const signal =
    options.signal === null || options.signal === "" ? stopSignalOf(container.record) : parseSignal(options.signal);
  const seconds = options.timeoutSeconds ?? container.record.config.stopTimeoutSeconds ?? DEFAULT_STOP_SECONDS;
  if (!container.live.manuallyStopped) container.saveLive({ manuallyStopped: true });
  await deliver(context, container, run, signal);
  if (container.state.status === "paused") {
    // A stop signal that is not the configured one: frozen processes would never see it.
    await run.sandbox.resume();
    if (container.apply({ type: "resumed" })) publish(context, container, "unpause", {});
  }
  await syncPoint("stop.signalled");
  if (await settledWithin(run.ended, seconds < 0 ? null : seconds * 1000, context.clock)) return;
  await killAndWait(context, container, run);
}

export async function stopContainer(context: Context, container: Container, options: StopOptions): Promise<void> {
  if (options.signal !== null && options.signal !== "") parseSignal(options.signal);
  if (cancelRestart(container)) {
    publish(context, container, "stop", {});
    return;
  }
  const run = await currentRun(context, container);
  if (run === null || !isRunning(container.state)) {
    throw notModified("container.already_stopped", `container ${container.id} is already stopped`);
  }
  await terminate(context, container, run, options);
  publish(context, container, "stop", {});
}

/** Stop (if it runs) and start; its own auto-remove does not strike in between. */
export async function restartContainer(context: Context, container: Container, options: StopOptions): Promise<void> {
  if (options.signal !== null && options.signal !== "") parseSignal(options.signal);
  cancelRestart(container);
  container.setKeepOnExit(true);
  try {
    const run = await currentRun(context, container);
    if (run !== null && isRunning(container.state)) {
      await terminate(context, container, run, options);
      publish(context, container, "stop", {});
    }
    await startContainer(context, container, { manual: true });
  } finally {
    container.setKeepOnExit(false);
  }
  publish(context, container, "restart", {});
}
