/**
 * Boot: carries out what recover.ts decided. Reading the records is synchronous, so that lists are complete before the
 * first request; asking the monitors goes on in each container's own lane, so that a stopped monitor delays no other
 * container and not the daemon's readiness. What is orphaned is swept when all have answered.
 */
import { join } from "node:path";
import { Turnstile } from "../base/turnstile.ts";
import { names, removeFile, removeTree } from "../base/fs.ts";
import { formatTimestamp } from "../base/time.ts";
import type { Exit, Sandbox } from "../isolation/backend.ts";
import { containerPaths } from "../store/layout.ts";
import type { StoredContainer } from "../store/records.ts";
import { Container } from "./container.ts";
import type { Context } from "./context.ts";
import { concludeRun, followUp, watchExit } from "./exit.ts";
import { judge, planBoot, restAction } from "./recover.ts";
import { eraseContainer } from "./remove.ts";
import { isRunning } from "./state.ts";

const WIDTH = 32;

interface Boot {
  readonly ask: readonly Container[];
  readonly rest: readonly Container[];
  readonly erase: readonly { readonly id: string; readonly volumes: readonly string[] }[];
}

/** Fills the catalog, oldest first. */
export function loadContainers(context: Context): Boot {
  const ask: Container[] = [];
  const rest: Container[] = [];
  const erase: { id: string; volumes: readonly string[] }[] = [];
  const stored = context.records
    .all()
    .sort((a, b) => ((a.record?.createdAt ?? "") < (b.record?.createdAt ?? "") ? -1 : 1));
  for (const row of stored) {
    const action = planBoot(row);
    if (action.do === "discard") erase.push({ id: row.id, volumes: [] });
    else if (action.do === "erase") erase.push({ id: row.id, volumes: doomedVolumes(row) });
    else (action.do === "ask" ? ask : rest).push(load(context, row));
  }
  return { ask, rest, erase };
}

const doomedVolumes = ({ record, live }: StoredContainer): readonly string[] =>
  record !== null && live?.removesVolumes === true ? record.anonymousVolumes : [];

function load(context: Context, { record, live }: StoredContainer): Container {
  if (record === null || live === null) throw new Error("a container without a record is not loaded");
  const container = new Container(context, record, live);
  context.catalog.add(container);
  return container;
}

function adopt(context: Context, container: Container, sandbox: Sandbox): void {
  if (!isRunning(container.state)) {
    container.apply(
      { type: "started", pid: sandbox.pid, startedAt: sandbox.startedAt },
      { sandbox: sandbox.record, everStarted: true },
    );
  }
  container.attachRun(sandbox, null, watchExit(context, container, sandbox));
}

/** Ended while no daemon was there. A start whose "running" was never saved is told as if it had been. */
function conclude(context: Context, container: Container, exit: Exit): void {
  if (!isRunning(container.state)) {
    container.apply(
      { type: "started", pid: 0, startedAt: exit.finishedAt || formatTimestamp(context.clock.now()) },
      { everStarted: true },
    );
  }
  followUp(context, container, concludeRun(context, container, exit));
}

async function ask(context: Context, container: Container): Promise<void> {
  const record = container.live.sandbox;
  if (record === null) return;
  const verdict = judge(container.live, await context.backend.recover(record));
  context.log.info("recovered", { container: container.id, outcome: verdict.do });
  if (verdict.do === "adopt") return adopt(context, container, verdict.sandbox);
  if (verdict.do === "conclude") conclude(context, container, verdict.exit);
  container.forgetSandbox();
  removeFile(record.exitPath);
  if (verdict.do === "forget") rest(context, container);
}

function rest(context: Context, container: Container): void {
  const action = restAction(container.live, container.record.host);
  if (action === "start") context.background("start at boot", context.followUps.restart(container));
  else if (action === "remove") context.background("auto-remove at boot", context.followUps.autoRemove(container));
  else if (container.state.status === "restarting") container.apply({ type: "restart_cancelled" });
}

/** Files of containers that no record names: left by a create or a remove that was cut between two steps. */
async function sweepFiles(context: Context): Promise<void> {
  for (const name of names(context.layout.containers)) {
    if (context.records.has(name)) continue;
    removeTree(join(context.layout.containers, name));
  }
  for (const key of context.snapshots.keys()) if (!context.records.has(key)) await context.snapshots.remove(key);
  for (const name of names(context.layout.volumes)) {
    if (name.startsWith(".removed-")) removeTree(join(context.layout.volumes, name));
  }
}

/**
 * Every lane is entered at once, so that a verb that comes early waits behind its container's recovery; the questions
 * themselves take turns.
 */
async function asking(context: Context, containers: readonly Container[]): Promise<void> {
  const turns = new Turnstile(WIDTH);
  const one = async (container: Container): Promise<void> => {
    try {
      await container.lane.run("recover", () => turns.run(() => ask(context, container)));
    } catch (error) {
      context.log.error("cannot recover a container", { container: container.id, error });
    }
  };
  await Promise.all(containers.map(one));
}

/** Resolves when every run was asked and what is orphaned is gone. Failures are logged, one container's never stops another's. */
export async function recoverContainers(context: Context, boot: Boot): Promise<void> {
  await asking(context, boot.ask);
  for (const { id, volumes } of boot.erase) {
    try {
      await eraseContainer(context, id, containerPaths(context.layout, id).dir, volumes);
    } catch (error) {
      context.log.error("cannot complete a removal", { container: id, error });
    }
  }
  await sweepFiles(context);
  const withRun = context.catalog.all().filter((container) => container.live.sandbox !== null);
  await context.backend.sweep(new Set(withRun.map((container) => container.id)));
  for (const container of boot.rest) rest(context, container);
}
