/** Composition root of the engine: the only file that knows every part. */
import { join } from "node:path";
import { type ImageEvent, Images } from "../images/index.ts";
import { Database } from "./base/database.ts";
import { unavailable } from "./base/errors.ts";
import { exists } from "./base/fs.ts";
import { engineId } from "./base/ids.ts";
import { type Log, silentLog } from "./base/log.ts";
import { Rollback } from "./base/rollback.ts";
import { systemClock } from "./base/time.ts";
import type { EngineConfig } from "./config.ts";
import { assemble, type Parts } from "./container/assemble.ts";
import { loadContainers, recoverContainers } from "./container/recover-run.ts";
import { Containers } from "./container/service.ts";
import { UserCache } from "./container/users.ts";
import { Bus } from "./events/bus.ts";
import { readFacts } from "./facts.ts";
import {
  type IsolationBackend,
  isNamespaceRuntime,
  observeDevices,
  openBackend,
  readHostView,
} from "./isolation/index.ts";
import { makeLayout, planLayout } from "./store/layout.ts";
import { lockExecRoot, lockRoot } from "./store/lock.ts";
import { RecordStore } from "./store/records.ts";
import type { Engine, HostFacts } from "./types.ts";

export interface EngineOptions {
  readonly log?: Log;
}

/** The shim this build came with: beside the bundle, or in the source tree. */
function findShim(config: EngineConfig): string {
  const candidates = [join(import.meta.dirname, "ctr-shim"), join(import.meta.dirname, "../native/build/ctr-shim")];
  const found = config.shimPath ?? candidates.find((path) => exists(path));
  if (found !== undefined) return found;
  throw unavailable("engine.no_shim", `ctr-shim was not found at ${candidates.join(" or ")}`, {
    hint: "Build it (npm run build) or name it with --shim.",
  });
}

const publishImage = (events: Bus, event: ImageEvent): void =>
  events.publish({ type: "image", action: event.action, actorId: event.id, attributes: { name: event.name } });

function openIsolation(config: EngineConfig, log: Log): IsolationBackend {
  return openBackend("", {
    shimPath: findShim(config),
    execRoot: config.execRoot,
    cgroupParent: config.cgroupParent,
    onWarning: (message) => log.warn(message),
  });
}

interface Opened {
  readonly parts: Parts;
  readonly images: Images;
  /** In reverse order of opening. */
  readonly close: () => Promise<void>;
}

/** Everything that can fail, undone when it does. */
async function openParts(config: EngineConfig, log: Log): Promise<Opened> {
  await using undo = new Rollback("engine.open", (message, error) => log.warn(message, { error }));
  const layout = planLayout(config);
  makeLayout(layout);
  const lock = lockRoot(config.dataRoot, layout.lock);
  undo.defer("unlock the data root", () => lock.release());
  const runtimeLock = lockExecRoot(config.execRoot, join(config.execRoot, "ctrd.pid"));
  undo.defer("unlock the exec root", () => runtimeLock.release());
  const database = Database.open(layout.database);
  undo.defer("close the database", () => database.close());
  const records = new RecordStore(database);
  const events = new Bus(systemClock);
  const onEvent = (event: ImageEvent): void => publishImage(events, event);
  const images = await Images.open({ root: config.dataRoot, database, log, onEvent });
  undo.defer("close images", () => images.close());
  const backend = openIsolation(config, log);
  const close = async (): Promise<void> => {
    await backend.close?.();
    await images.close();
    database.close();
    runtimeLock.release();
    lock.release();
  };
  undo.commit();
  const { snapshots } = images;
  const given = {
    config,
    layout,
    log,
    clock: systemClock,
    records,
    events,
    images,
    snapshots,
    backend,
    observeDevices,
  };
  const parts = { ...given, view: readHostView(), users: new UserCache(snapshots), isRuntime: isNamespaceRuntime };
  return { parts, images, close };
}

/**
 * Opens the data root (locked against a second daemon), loads every record, and is ready; runs are adopted in the
 * background, each in its container's lane. Errors: engine.root_in_use (names the holder's pid), engine.root_unusable,
 * engine.no_shim.
 */
export async function openEngine(config: EngineConfig, options: EngineOptions = {}): Promise<Engine> {
  const startedAt = performance.now();
  const { parts, images, close } = await openParts(config, options.log ?? silentLog);
  const { context, drain } = assemble(parts);
  try {
    context.background("recovery", recoverContainers(context, loadContainers(context)));
  } catch (error) {
    await close();
    throw error;
  }
  let facts: HostFacts | null = null;
  let closing: Promise<void> | null = null;
  const end = async (): Promise<void> => {
    for (const container of context.catalog.all()) container.cancelScheduledRestart();
    await drain();
    await close();
  };
  return {
    id: parts.records.meta("engine-id", engineId),
    config,
    containers: new Containers(context),
    images,
    events: parts.events,
    volumes: context.volumes,
    readyMs: performance.now() - startedAt,
    facts: () => (facts ??= readFacts(parts.backend.capabilities)),
    close: () => (closing ??= end()),
  };
}
