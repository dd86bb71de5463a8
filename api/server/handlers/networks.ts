/** The three predefined networks, read-only, and the volumes that exist. */
import { invalid, notFound, TareError, type VolumeSnapshot } from "../../../engine/index.ts";
import type { Filters, Volume } from "../../schema/index.ts";
import { type Handlers, json } from "../answer.ts";
import type { Context } from "../context.ts";
import { anyOf, booleanFilter, matchesLabels, matchesPattern } from "../filters.ts";
import { type PredefinedNetwork, wireNetwork } from "../translate/network-out.ts";

type Own = Pick<
  Handlers,
  "NetworkList" | "NetworkInspect" | "NetworkDelete" | "NetworkPrune" | "VolumeList" | "VolumeInspect"
>;

export function networkHandlers(context: Context): Own {
  const { volumes } = context.engine;
  return {
    NetworkList: ({ query }) => {
      const shown = context.networks.filter((network) => networkMatches(network, query.filters));
      return json(shown.map((network) => wireNetwork(network, context.startedAt)));
    },
    NetworkInspect: ({ params }) =>
      json(wireNetwork(findNetwork(context.networks, params["id"] ?? ""), context.startedAt)),
    NetworkDelete: ({ params }) => {
      const { name } = findNetwork(context.networks, params["id"] ?? "");
      throw new TareError("forbidden", "network.predefined", `${name} is a pre-defined network and cannot be removed`);
    },
    NetworkPrune: () => json({ NetworksDeleted: null }),
    VolumeList: ({ query }) => {
      const used = usedVolumes(context);
      const shown = volumes.list().filter((volume) => volumeMatches(volume, query.filters, used));
      return json({ Volumes: shown.map(wireVolume), Warnings: null });
    },
    VolumeInspect: ({ params }) => json(wireVolume(volumes.find(params["name"] ?? ""))),
  };
}

/** Full id, then name, then unique id prefix. */
function findNetwork(networks: readonly PredefinedNetwork[], wanted: string): PredefinedNetwork {
  const exact = networks.find(({ id }) => id === wanted) ?? networks.find(({ name }) => name === wanted);
  if (exact !== undefined) return exact;
  const candidates = wanted === "" ? [] : networks.filter(({ id }) => id.startsWith(wanted));
  if (candidates.length > 1)
    throw invalid(
      "network.ambiguous",
      `network ${wanted} is ambiguous (${candidates.length} matches found based on ID prefix)`,
    );
  const [only] = candidates;
  if (only === undefined) throw notFound("network.not_found", `network ${wanted} not found`);
  return only;
}

function networkMatches({ id, name, driver }: PredefinedNetwork, filters: Filters): boolean {
  const checks = [
    anyOf(filters, "name", (value) => matchesPattern(name, value)),
    anyOf(filters, "id", (value) => matchesPattern(id, value)),
    anyOf(filters, "driver", (value) => value === driver),
    anyOf(filters, "scope", (value) => value === "local"),
    anyOf(filters, "type", isBuiltin),
    booleanFilter(filters, "dangling") !== true,
    matchesLabels({}, filters),
  ];
  return checks.every(Boolean);
}

function isBuiltin(type: string): boolean {
  if (type !== "builtin" && type !== "custom") throw invalid("api.bad_filter", `invalid filter: 'type'='${type}'`);
  return type === "builtin";
}

const usedVolumes = ({ engine }: Context): ReadonlySet<string> =>
  new Set(engine.containers.list().flatMap(({ mounts }) => mounts.map(({ name }) => name)));

function volumeMatches(volume: VolumeSnapshot, filters: Filters, used: ReadonlySet<string>): boolean {
  const dangling = booleanFilter(filters, "dangling");
  return (
    anyOf(filters, "name", (value) => matchesPattern(volume.name, value)) &&
    anyOf(filters, "driver", (value) => value === "local") &&
    (dangling === null || dangling === !used.has(volume.name)) &&
    matchesLabels(volume.labels ?? {}, filters)
  );
}

export const wireVolume = (volume: VolumeSnapshot): Volume => ({
  CreatedAt: volume.createdAt,
  Driver: "local",
  Labels: volume.labels === null ? null : { ...volume.labels },
  Mountpoint: volume.mountpoint,
  Name: volume.name,
  Options: null,
  Scope: "local",
});
