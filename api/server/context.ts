/** What all handlers share. */
import { createHash } from "node:crypto";
import type { ContainerSnapshot, Engine, Log } from "../../engine/index.ts";
import { type NetworkIds, type PredefinedNetwork, predefinedNetworks } from "./translate/network-out.ts";

export interface Context {
  readonly engine: Engine;
  readonly log: Log;
  readonly now: () => number;
  readonly networks: readonly PredefinedNetwork[];
  readonly networkIds: NetworkIds;
  /** RFC3339; what networks say they were created at. */
  readonly startedAt: string;
}

export function createContext(engine: Engine, log: Log, now: () => number = Date.now): Context {
  const networks = predefinedNetworks(engine.id, (text) => createHash("sha256").update(text).digest("hex"));
  return {
    engine,
    log,
    now,
    networks,
    networkIds: new Map(networks.map(({ name, id }) => [name, id])),
    startedAt: new Date(now()).toISOString(),
  };
}

/** Attributes of a container's events: its labels, its image as given, its name. */
export const eventAttributes = (container: ContainerSnapshot): Record<string, string> => ({
  ...container.config.labels,
  image: container.config.image,
  name: container.name,
});
