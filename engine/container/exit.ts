/**
 * What happens when a run ends (docker-api.md §4 "Exit ordering"): state saved, waiters woken, event die, then the
 * sandbox taken down, then restart or auto-remove. The lane is held until the sandbox is gone, so that a start or a
 * remove that follows finds nothing of it.
 */
import { setImmediate } from "node:timers/promises";
import { removeFile } from "../base/fs.ts";
import { syncPoint } from "../base/sync-points.ts";
import { formatTimestamp, parseTimestamp } from "../base/time.ts";
import type { Exit, Sandbox } from "../isolation/backend.ts";
import type { LiveRecord } from "../store/records.ts";
import type { Container } from "./container.ts";
import type { Context } from "./context.ts";
import { publish } from "./publish.ts";
import { delayAfterExit } from "./restart-policy.ts";
import { isRunning } from "./state.ts";

const nanoseconds = (startedAt: string, finishedAt: string): bigint => {
  const from = parseTimestamp(startedAt);
  const to = parseTimestamp(finishedAt);
  return from === null || to === null || to < from ? 0n : to - from;
};

/** Saves the new state and tells everyone. Returns the delay before a restart, or null. Synchronous: no one sees half. */
export function concludeRun(context: Context, container: Container, exit: Exit): number | null {
  const { state, live, record } = container;
  if (!isRunning(state)) return null;
  const finishedAt = exit.finishedAt === "" ? formatTimestamp(context.clock.now()) : exit.finishedAt;
  const ranNs = nanoseconds(state.startedAt, finishedAt);
  const delay = delayAfterExit(record.host.restartPolicy, {
    exitCode: exit.code,
    ranMs: Number(ranNs / 1_000_000n),
    manuallyStopped: live.manuallyStopped,
    restartCount: live.restartCount,
    previousDelayMs: live.previousDelayMs,
  });
  const ended = { exitCode: exit.code, signal: exit.signal, oomKilled: exit.oomKilled, finishedAt, error: exit.reason };
  const changes: Partial<LiveRecord> = { isEnded: true, ...(delay === null ? {} : { previousDelayMs: delay }) };
  if (exit.oomKilled && !state.oomKilled) publish(context, container, "oom", {});
  container.apply({ type: delay === null ? "exited" : "restarting", ...ended }, changes);
  container.detachRun();
  container.waiters.exited({ exitCode: exit.code, error: null });
  publish(context, container, "die", { exitCode: String(exit.code), execDuration: String(ranNs / 1_000_000_000n) });
  return delay;
}

/** After concludeRun: the policy's restart or the auto-remove. */
export function followUp(context: Context, container: Container, delay: number | null): void {
  if (delay !== null) {
    container.scheduleRestart(delay, () => {
      if (container.state.status === "restarting") context.background("restart", context.followUps.restart(container));
    });
  } else if (container.record.host.autoRemove && !container.keepOnExit) {
    context.background("auto-remove", context.followUps.autoRemove(container));
  }
}

async function recordExit(context: Context, container: Container, sandbox: Sandbox, exit: Exit): Promise<void> {
  if (container.run?.sandbox !== sandbox) return;
  await syncPoint("stop.exited");
  const { exitPath } = sandbox.record;
  const delay = concludeRun(context, container, exit);
  await syncPoint("exit.saved");
  await setImmediate(); // those who waited are answered before the kernel takes its time
  try {
    await sandbox.destroy();
    removeFile(exitPath);
    container.forgetSandbox();
  } catch (error) {
    context.log.error("cannot take down a sandbox", { container: container.id, error });
  }
  followUp(context, container, delay);
}

/** Follows a run to its end. The promise settles when the exit is recorded and the sandbox is gone; it never rejects. */
export function watchExit(context: Context, container: Container, sandbox: Sandbox): Promise<void> {
  sandbox.onEvent((event) => {
    if (event.type === "log_error") {
      context.log.error("container output could not be logged", {
        container: container.id,
        errno: event.errno,
        dropped: event.dropped,
      });
      return;
    }
    if (container.run?.sandbox === sandbox && container.apply({ type: "oom" })) publish(context, container, "oom", {});
  });
  return sandbox.exited.then((exit) => {
    const work = container.lane.run("exit", () => recordExit(context, container, sandbox, exit));
    context.background("recording an exit", work);
    return work.catch(() => {});
  });
}
