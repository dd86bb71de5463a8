/** Remove: marked first, then sandbox, writable layer, volumes, files, record. A daemon that dies in between completes it. */
import { conflict } from "../base/errors.ts";
import { removeTree } from "../base/fs.ts";
import { syncPoint } from "../base/sync-points.ts";
import type { Container } from "./container.ts";
import type { Context } from "./context.ts";
import { abandonSlots } from "./attach.ts";
import { publish } from "./publish.ts";
import { exitCodeOf, isRunning } from "./state.ts";
import { cancelRestart, killAndWait } from "./stop.ts";

export interface RemoveOptions {
  readonly force: boolean;
  /** Its anonymous volumes too. */
  readonly volumes: boolean;
}

const inProgress = (container: Container) =>
  conflict("container.removal_in_progress", `removal of container ${container.id} is already in progress`);

function refuseRunning(container: Container): never {
  const { status } = container.state;
  const quoted = JSON.stringify(`/${container.record.name}`);
  const why =
    status === "paused"
      ? "container is paused and must be unpaused first"
      : `container is ${status}: stop the container before removing or force remove`;
  throw conflict("container.running", `cannot remove container ${quoted}: ${why}`, {
    details: { container: container.id, status },
  });
}

async function endRun(context: Context, container: Container, options: RemoveOptions): Promise<void> {
  const isUp = isRunning(container.state) || container.state.status === "restarting";
  if (isUp && !options.force) refuseRunning(container);
  if (options.force) container.lane.interrupt("start", "remove");
  if (cancelRestart(container)) return;
  if (!isUp) return;
  container.setKeepOnExit(true);
  if (container.run === null) await container.lane.settled();
  if (container.run !== null) await killAndWait(context, container, container.run);
}

/** Everything on disk that belongs to it; idempotent, also used to complete what a killed daemon began. */
export async function eraseContainer(
  context: Context,
  id: string,
  dir: string,
  volumes: readonly string[],
): Promise<void> {
  // Its logs first: on a full disk that is the room which the database needs for the rest. The directory is ours; the
  // container saw single files of it, bind mounted, and could not add or replace names.
  removeTree(dir);
  await context.snapshots.remove(id, { wait: false });
  await syncPoint("remove.snapshot");
  for (const volume of volumes) context.volumes.remove(volume);
  context.records.remove(id);
  await syncPoint("remove.recorded");
}

async function erase(context: Context, container: Container, options: RemoveOptions): Promise<void> {
  if (container.state.status === "removing") throw inProgress(container);
  if (isRunning(container.state)) refuseRunning(container);
  container.cancelScheduledRestart();
  container.markRemoving(options.volumes);
  await syncPoint("remove.marked");
  try {
    await syncPoint("remove.sandbox");
    await eraseContainer(
      context,
      container.id,
      container.paths.dir,
      options.volumes ? container.record.anonymousVolumes : [],
    );
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    container.apply({ type: "remove_failed", error: message });
    container.waiters.removalFailed({ exitCode: exitCodeOf(container.state), error: message });
    throw error;
  }
  const exitCode = exitCodeOf(container.state);
  context.catalog.remove(container);
  context.execs.forgetAll(container);
  abandonSlots(container);
  container.waiters.removed({ exitCode, error: null });
  publish(context, container, "destroy", {});
}

export async function removeContainer(context: Context, container: Container, options: RemoveOptions): Promise<void> {
  if (container.state.status === "removing") throw inProgress(container);
  await endRun(context, container, options);
  await container.lane.run("remove", () => erase(context, container, options));
}

export interface Pruned {
  readonly deleted: readonly string[];
  readonly spaceReclaimed: number;
}

/** Every container that does not run and matches; one that another request removes meanwhile is no error. */
export async function pruneContainers(context: Context, victims: readonly Container[]): Promise<Pruned> {
  const deleted: string[] = [];
  let spaceReclaimed = 0;
  for (const container of victims) {
    try {
      const bytes = await context.snapshots.usage(container.id);
      await removeContainer(context, container, { force: false, volumes: false });
      deleted.push(container.id);
      spaceReclaimed += bytes;
    } catch (error) {
      context.log.warn("prune left a container", { container: container.id, error });
    }
  }
  context.events.publish({
    type: "container",
    action: "prune",
    actorId: "",
    attributes: { reclaimed: String(spaceReclaimed) },
  });
  return { deleted, spaceReclaimed };
}
