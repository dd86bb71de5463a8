/** What every row gets: the engines, a floor, a place on a fresh file system, and how many rounds. */
import type { Case } from "./measure.ts";
import type { Engine, Peers } from "./engines.ts";
import type { Floor } from "./floor.ts";

export interface Bench {
  readonly ours: Engine;
  /** Ours first, then the peers that run. */
  readonly engines: readonly Engine[];
  readonly peers: Peers | undefined;
  readonly floor: Floor;
  /** A directory on a fresh ext4, removed at the end. */
  readonly root: string;
  /** docker-archive of the busybox image. */
  readonly archive: Buffer;
  readonly n: number;
}

export const IMAGE = "busybox:latest";
export const DEFAULT_WARM_UPS = 2;

/** The body of a create request for a short container without a network. */
export const config = (cmd: readonly string[], hostConfig: Readonly<Record<string, unknown>> = {}) => ({
  Image: IMAGE,
  Cmd: cmd,
  HostConfig: { NetworkMode: "none", ...hostConfig },
});

/** The same case for every engine. */
export const everyEngine = (bench: Bench, sample: (engine: Engine) => Promise<number>): Case[] =>
  bench.engines.map((engine) => ({ engine: engine.name, sample: () => sample(engine) }));

/** Runs `act` for each item, `width` at a time. */
export async function pool<T>(items: readonly T[], width: number, act: (item: T) => Promise<unknown>): Promise<void> {
  const queue = items.values();
  const worker = async (): Promise<void> => {
    for (const item of queue) await act(item); // one iterator for all workers: each item is taken once
  };
  await Promise.all(Array.from({ length: width }, worker));
}

/** Containers that run until removed; resolves to their ids. */
export async function startMany(engine: Engine, count: number): Promise<string[]> {
  const ids: string[] = [];
  await pool(Array.from({ length: count }), 8, async () => {
    const id = await engine.api.create(config(["sleep", "100000"]));
    ids.push(id);
    await engine.api.start(id);
  });
  return ids;
}

/** Killed first: podman's forced removal waits ten seconds for a program that ignores SIGTERM. */
export const removeMany = ({ api }: Engine, ids: readonly string[]): Promise<void> =>
  pool(ids, 8, async (id) => {
    await api.text("POST", `/containers/${id}/kill`);
    await api.remove(id);
  });

/** Removes whatever a row left behind (after a failure), then stops the daemon: a container would keep the file system busy. */
export async function dismiss(engine: Engine): Promise<void> {
  const all = await engine.api.json<readonly { readonly Id: string }[]>("GET", "/containers/json?all=1");
  await pool(all, 8, ({ Id }) => engine.api.remove(Id));
  await engine.stop();
}
