/**
 * Start: intent saved, sandbox made, attachments joined at the gate, program executing, state saved. A daemon that dies
 * anywhere in between finds the intent (live.sandbox of a container that is not running) and asks the backend.
 */
import { runId as newRunId } from "../base/ids.ts";
import { readText } from "../base/fs.ts";
import { conflict, notModified, TareError } from "../base/errors.ts";
import { Rollback } from "../base/rollback.ts";
import { syncPoint } from "../base/sync-points.ts";
import type { Sandbox, SandboxRecord } from "../isolation/backend.ts";
import type { RunSpec } from "../spec/run-spec.ts";
import { exitPath, runtimeDir } from "../store/layout.ts";
import { abandonSlots, joinSlots } from "./attach.ts";
import type { Container } from "./container.ts";
import type { Context } from "./context.ts";
import { watchExit } from "./exit.ts";
import { logTarget } from "./log-config.ts";
import { publish } from "./publish.ts";
import { buildSpec, makeBindSources } from "./run-spec.ts";

let bootIdCache = "";
const bootId = (): string => {
  if (bootIdCache === "") bootIdCache = (readText("/proc/sys/kernel/random/boot_id") ?? "").trim();
  return bootIdCache;
};

function requireStartable(container: Container): void {
  const { id, state } = container;
  switch (state.status) {
    case "running":
      throw notModified("container.already_running", `container ${id} is already running`);
    case "paused":
      throw conflict("container.paused", "cannot start a paused container, try unpause instead");
    case "removing":
    case "dead":
      throw conflict("container.dead", "container is marked for removal and cannot be started");
    case "created":
    case "exited":
    case "restarting":
      return;
  }
}

const intent = (context: Context, container: Container, spec: RunSpec, runId: string): SandboxRecord => ({
  backend: context.backend.name,
  runId,
  monitorPid: 0,
  monitorStartTime: 0,
  pid: 0,
  pidStartTime: 0,
  runtimeDir: runtimeDir(context.layout, runId),
  exitPath: exitPath(context.layout, container.id, runId),
  cgroupsPath: spec.cgroupsPath,
  bootId: bootId(),
});

function logOf(container: Container) {
  const { id, name, imageId, config, host } = container.record;
  return logTarget(host.logConfig, config, { id, name, imageId, image: config.image }, container.paths.log);
}

/** Creates and starts the sandbox; attachments that wait are joined while it is parked. */
async function launch(
  context: Context,
  container: Container,
  spec: RunSpec,
  record: SandboxRecord,
  signal: AbortSignal,
): Promise<Sandbox> {
  const startAtOnce = container.slots.size === 0;
  const sandbox = await context.backend.create(
    {
      spec,
      runId: record.runId,
      runtimeDir: record.runtimeDir,
      exitPath: record.exitPath,
      log: logOf(container),
      startAtOnce,
    },
    signal,
  );
  if (startAtOnce) return sandbox;
  await using undo = new Rollback("container.start", (message, error) =>
    context.log.warn(message, { container: container.id, error }),
  );
  undo.defer("destroy sandbox", () => sandbox.destroy());
  await joinSlots(container, sandbox);
  await sandbox.start(signal);
  undo.commit();
  return sandbox;
}

async function start(context: Context, container: Container, manual: boolean, signal: AbortSignal): Promise<void> {
  requireStartable(container);
  container.cancelScheduledRestart();
  makeBindSources(container);
  const spec = buildSpec(context, container);
  const record = intent(context, container, spec, newRunId());
  container.saveLive({ sandbox: record, isEnded: false });
  await syncPoint("start.intent");
  await using undo = new Rollback("container.start", (message, error) =>
    context.log.warn(message, { container: container.id, error }),
  );
  const sandbox = await launch(context, container, spec, record, signal);
  undo.defer("destroy sandbox", () => sandbox.destroy());
  await syncPoint("start.executed");
  container.apply(
    { type: "started", pid: sandbox.pid, startedAt: sandbox.startedAt },
    {
      sandbox: sandbox.record,
      everStarted: true,
      manuallyStopped: false,
      ...(manual ? { restartCount: 0, previousDelayMs: 0 } : { restartCount: container.live.restartCount + 1 }),
    },
  );
  await syncPoint("start.saved");
  undo.commit();
  container.attachRun(sandbox, spec, watchExit(context, container, sandbox));
  publish(context, container, "start", {});
  // Those who asked to attach while the start was under way.
  if (container.slots.size > 0) await joinSlots(container, sandbox);
}

const exitCodeOfFailure = (error: unknown): number => {
  const code = error instanceof TareError ? error.details["exitCode"] : undefined;
  return typeof code === "number" ? code : 128;
};

function recordFailure(context: Context, container: Container, error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  container.apply({ type: "start_failed", error: message, exitCode: exitCodeOfFailure(error) }, { sandbox: null });
  abandonSlots(container);
  if (container.record.host.autoRemove) {
    context.background("remove after failed start", context.followUps.autoRemove(container));
  }
}

/** manual: asked for by a user (resets RestartCount); otherwise by the restart policy. */
export function startContainer(
  context: Context,
  container: Container,
  options: { readonly manual: boolean },
): Promise<void> {
  return container.lane.run("start", async (signal) => {
    requireStartable(container);
    try {
      await start(context, container, options.manual, signal);
    } catch (error) {
      recordFailure(context, container, error);
      throw error;
    }
  });
}
