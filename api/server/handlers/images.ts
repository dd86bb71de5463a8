/** Images: list, inspect, history, load, tag, delete, prune; pulling is refused with a sentence. */
import { invalid, unsupported } from "../../../engine/index.ts";
import type { Filters } from "../../schema/index.ts";
import { type Handlers, empty, json } from "../answer.ts";
import type { Context } from "../context.ts";
import { booleanFilter, matchesLabels, valuesFor } from "../filters.ts";
import { selectImages } from "../image-filters.ts";
import { isUp } from "../translate/container-out.ts";
import { type Image, wireImage, wireImageSummary, wireRemoved } from "../translate/image-out.ts";
import { parseUntil } from "../time.ts";
import { loadImages } from "./load.ts";

type Own = Pick<
  Handlers,
  | "ImageList"
  | "ImageInspect"
  | "ImageHistory"
  | "ImageLoad"
  | "ImageTag"
  | "ImageDelete"
  | "ImagePrune"
  | "ImageCreate"
>;

export function imageHandlers(context: Context): Own {
  const { images } = context.engine;
  const usedBy = (imageId: string) => imageUsers(context, imageId);
  return {
    ImageList: ({ query, api }) => {
      const createdOf = (name: string): number => images.resolve(name).created;
      const chosen = selectImages(images.list(), {
        all: query.all,
        filters: query.filters,
        nowMs: context.now(),
        createdOf,
      });
      const counts = containerCounts(context);
      return json(
        chosen.map((one) =>
          wireImageSummary(one, api >= 51 ? (counts.get(one.id) ?? 0) : -1, query["shared-size"], api),
        ),
      );
    },
    ImageInspect: ({ params, query, api }) => {
      if (query.manifests && query.platform !== "") {
        throw invalid("image.inspect_mode", "conflicting options: manifests and platform options cannot both be set");
      }
      return json(wireImage(images.inspect(name(params)), api));
    },
    ImageHistory: ({ params }) => json(images.history(name(params)).map(historyItem)),
    ImageLoad: (call) => loadImages(context, call),
    ImageTag: ({ params, query }) => {
      if (query.repo === "")
        throw invalid("image.no_repository", "a repository name is required (query parameter repo)");
      images.tag(name(params), query.tag === "" ? query.repo : `${query.repo}:${query.tag}`);
      return empty();
    },
    ImageDelete: async ({ params, query }) => {
      if (query.platforms.length > 0)
        throw unsupported("image.platforms", "deleting single platforms of an image is not supported");
      const removed = await images.remove(name(params), { force: query.force, noPrune: query.noprune, usedBy });
      return json(removed.map(wireRemoved));
    },
    ImagePrune: async ({ query }) => {
      const dangling = booleanFilter(query.filters, "dangling") ?? true;
      const match = pruneMatcher(query.filters, context.now());
      const { removed, spaceReclaimed } = await images.prune({ dangling, match, usedBy });
      return json({
        ImagesDeleted: removed.length === 0 ? null : removed.map(wireRemoved),
        SpaceReclaimed: spaceReclaimed,
      });
    },
    ImageCreate: ({ query }) => {
      const what =
        query.fromImage === ""
          ? "importing an archive"
          : `pulling ${pulled(query.fromImage, query.tag)} from a registry`;
      throw unsupported(
        "image.pull",
        `${what} is not implemented yet: load the image from an archive (docker load, ctr load)`,
      );
    },
  };
}

const name = (params: Readonly<Record<string, string>>): string => params["name"] ?? "";

const pulled = (canonical: string, tag: string): string => {
  const image = canonical.replace(/^docker\.io\/(library\/)?/, "");
  if (tag === "") return image;
  return tag.includes(":") ? `${image}@${tag}` : `${image}:${tag}`;
};

const historyItem = (row: ReturnType<Context["engine"]["images"]["history"]>[number]) => ({
  Id: row.id,
  Created: row.created,
  CreatedBy: row.createdBy,
  Tags: row.tags.length === 0 ? null : row.tags,
  Size: row.size,
  Comment: row.comment,
});

function imageUsers({ engine }: Context, imageId: string): { running: string[]; stopped: string[] } {
  const users = engine.containers.list().filter((container) => container.imageId === imageId);
  const ids = (up: boolean): string[] => users.filter(({ state }) => isUp(state) === up).map(({ id }) => id);
  return { running: ids(true), stopped: ids(false) };
}

export function containerCounts({ engine }: Context): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { imageId } of engine.containers.list()) counts.set(imageId, (counts.get(imageId) ?? 0) + 1);
  return counts;
}

function pruneMatcher(filters: Filters, nowMs: number): (image: Image) => boolean {
  const bounds = valuesFor(filters, "until").map((value) => parseUntil(value, nowMs) / 1000);
  return (image) => matchesLabels(image.config.run.labels, filters) && bounds.every((bound) => image.created < bound);
}
