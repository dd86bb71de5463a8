/** List, create, inspect, delete, prune, rename, update, top, timings. */
import { type ContainerSnapshot, invalid, unsupported } from "../../../engine/index.ts";
import { type Handlers, empty, json } from "../answer.ts";
import { selectContainers } from "../container-filters.ts";
import type { Context } from "../context.ts";
import { matchesLabels, valuesFor } from "../filters.ts";
import { parseInteger } from "../query.ts";
import { epochMs, parseUntil } from "../time.ts";
import { createRequest } from "../translate/config-in.ts";
import { wireInspect } from "../translate/container-out.ts";
import { resources, restartPolicy } from "../translate/host-config-in.ts";
import { wireSummary } from "../translate/summary.ts";
import type { BodyFor, Filters } from "../../schema/index.ts";

type Own = Pick<
  Handlers,
  | "ContainerList"
  | "ContainerCreate"
  | "ContainerInspect"
  | "ContainerDelete"
  | "ContainerPrune"
  | "ContainerRename"
  | "ContainerUpdate"
  | "ContainerTop"
  | "ContainerTimings"
>;

export function containerHandlers(context: Context): Own {
  const { containers } = context.engine;
  return {
    ContainerList: async ({ query }) => {
      const limit = query.limit === "" ? 0 : parseInteger("limit", query.limit);
      const chosen = selectContainers(
        containers.list(),
        { all: query.all, limit, filters: query.filters },
        lookups(context),
      );
      return json(await summaries(context, chosen, query.size));
    },
    ContainerCreate: async ({ query, body, api, signal }) => {
      if (body === undefined) {
        throw invalid("container.no_config", "config cannot be empty in order to create a container");
      }
      const { id, warnings } = await containers.create(createRequest(body, query, api), signal);
      return json({ Id: id, Warnings: [...warnings, ...ignoredLimits(body)] });
    },
    ContainerInspect: async ({ params, query }) => {
      const container = containers.find(ref(params));
      const sizes = query.size ? await containers.size(container.id) : null;
      return json(wireInspect(container, context.networkIds, sizes));
    },
    ContainerDelete: async ({ params, query }) => {
      if (query.link)
        throw unsupported("container.links", "removing a link is not supported: legacy links do not exist here");
      await containers.remove(ref(params), { force: query.force, volumes: query.v });
      return empty();
    },
    ContainerPrune: async ({ query }) => {
      const { deleted, spaceReclaimed } = await containers.prune(pruneMatcher(query.filters, context.now()));
      return json({ ContainersDeleted: deleted.length === 0 ? null : deleted, SpaceReclaimed: spaceReclaimed });
    },
    ContainerRename: async ({ params, query }) => {
      await containers.rename(ref(params), query.name);
      return empty();
    },
    ContainerUpdate: async ({ params, body }) => {
      return json({ Warnings: await containers.update(ref(params), updateRequest(body ?? {})) });
    },
    ContainerTop: async ({ params, query }) => {
      const { titles, processes } = await containers.top(ref(params), query.ps_args || "-ef");
      return json({ Titles: titles, Processes: processes });
    },
    ContainerTimings: ({ params }) => {
      const { id, phases } = containers.find(ref(params));
      const first = phases[0]?.at ?? 0n;
      return json({ Id: id, Phases: phases.map(({ name, at }) => ({ Name: name, AtNs: Number(at - first) })) });
    },
  };
}

/** A limit is never dropped without a word. */
function ignoredLimits({ HostConfig }: NonNullable<BodyFor<"ContainerCreate">>): readonly string[] {
  const given = (["KernelMemory", "KernelMemoryTCP"] as const).filter((name) => (HostConfig?.[name] ?? 0) > 0);
  return given.map((name) => `${name} is not supported by current kernels: limit discarded.`);
}

export const ref = (params: Readonly<Record<string, string>>): string => params["id"] ?? "";

function lookups({ engine, networkIds }: Context): Parameters<typeof selectContainers>[2] {
  return {
    container: (name) => engine.containers.find(name),
    imageId: (name) => imageId(engine, name),
    networkId: (name) => networkIds.get(name) ?? "",
  };
}

function imageId(engine: Context["engine"], name: string): string | null {
  try {
    return engine.images.resolve(name).id;
  } catch {
    return null; // unknown or ambiguous: nothing descends from it
  }
}

/** Summaries of many containers; each image name is looked up once. */
export function summaries(context: Context, chosen: readonly ContainerSnapshot[], withSizes: boolean) {
  const ids = new Map<string, string | null>();
  const resolved = (name: string): string | null => {
    if (!ids.has(name)) ids.set(name, imageId(context.engine, name));
    return ids.get(name) ?? null;
  };
  const nowMs = context.now();
  return Promise.all(
    chosen.map(async (container) =>
      wireSummary(container, {
        nowMs,
        imageName: resolved(container.config.image) === container.imageId ? container.config.image : container.imageId,
        sizes: withSizes ? await context.engine.containers.size(container.id) : null,
        networkIds: context.networkIds,
      }),
    ),
  );
}

function pruneMatcher(filters: Filters, nowMs: number): (container: ContainerSnapshot) => boolean {
  const bounds = valuesFor(filters, "until").map((value) => parseUntil(value, nowMs));
  return (container) =>
    matchesLabels(container.config.labels, filters) && bounds.every((bound) => epochMs(container.createdAt) < bound);
}

/** Zero means unchanged, except for PidsLimit, where 0 and -1 mean unlimited and only null is unchanged. */
export function updateRequest(body: NonNullable<BodyFor<"ContainerUpdate">>) {
  const given = Object.entries(resources(body)).filter(([key, value]) => {
    if (key === "pidsLimit") return value !== null;
    return value !== null && value !== 0 && value !== "" && !(Array.isArray(value) && value.length === 0);
  });
  const policy = body.RestartPolicy;
  return {
    resources: Object.fromEntries(given) as Partial<ReturnType<typeof resources>>,
    restartPolicy: policy === undefined || (policy.Name ?? "") === "" ? null : restartPolicy(policy),
  };
}
