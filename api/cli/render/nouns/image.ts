/** A row of `images`: one per tag, or per digest where there is no tag. */
import type { ImageSummary } from "../../../schema/index.ts";
import type { Noun } from "../format.ts";
import { goTime, humanSize, since } from "../units.ts";
import { shortId } from "./container.ts";

export interface ImageView {
  readonly image: ImageSummary;
  readonly repository: string;
  readonly tag: string;
  readonly digest: string;
  readonly truncate: boolean;
  readonly nowMs: number;
}

const NONE = "<none>";

function splitTag(name: string): readonly [string, string] {
  const colon = name.lastIndexOf(":");
  return colon > name.lastIndexOf("/") ? [name.slice(0, colon), name.slice(colon + 1)] : [name, NONE];
}

function splitDigest(name: string): readonly [string, string] {
  const at = name.indexOf("@");
  return at < 0 ? [name, NONE] : [name.slice(0, at), name.slice(at + 1)];
}

interface Options {
  readonly truncate: boolean;
  readonly nowMs: number;
  readonly withDigests: boolean;
}

export function imageViews(image: ImageSummary, { truncate, nowMs, withDigests }: Options): readonly ImageView[] {
  const common = { image, truncate, nowMs };
  const digests = (image.RepoDigests ?? []).map(splitDigest).filter(([name]) => name !== NONE);
  const tags = (image.RepoTags ?? []).map(splitTag).filter(([name]) => name !== NONE);
  if (tags.length === 0 && digests.length === 0) return [{ ...common, repository: NONE, tag: NONE, digest: NONE }];
  const views: ImageView[] = [];
  const done = new Set<string>();
  for (const [repository, tag] of tags) {
    const own = digests.filter(([name]) => name === repository).map(([, digest]) => digest);
    done.add(repository);
    if (!withDigests || own.length === 0) views.push({ ...common, repository, tag, digest: NONE });
    else for (const digest of own) views.push({ ...common, repository, tag, digest });
  }
  for (const [repository, digest] of digests) {
    if (!done.has(repository)) views.push({ ...common, repository, tag: NONE, digest });
  }
  return views;
}

const orNotAvailable = (bytes: number): string => (bytes === -1 ? "N/A" : humanSize(bytes));

export const IMAGE: Noun<ImageView> = {
  typeName: "*formatter.imageContext",
  headers: {
    ID: "IMAGE ID",
    Repository: "REPOSITORY",
    Tag: "TAG",
    Digest: "DIGEST",
    CreatedSince: "CREATED",
    CreatedAt: "CREATED AT",
    Size: "SIZE",
    Containers: "CONTAINERS",
    VirtualSize: "SIZE",
    SharedSize: "SHARED SIZE",
    UniqueSize: "UNIQUE SIZE",
  },
  row: ({ image, repository, tag, digest, truncate, nowMs }) => ({
    ID: () => (truncate ? shortId(image.Id) : image.Id),
    Repository: () => repository,
    Tag: () => tag,
    Digest: () => digest,
    CreatedSince: () => (image.Created === 0 ? "N/A" : since(image.Created, nowMs)),
    CreatedAt: () => goTime(image.Created),
    Size: () => humanSize(image.Size, 3),
    Containers: () => (image.Containers === -1 ? "N/A" : String(image.Containers)),
    VirtualSize: () => humanSize(image.Size),
    SharedSize: () => orNotAvailable(image.SharedSize),
    UniqueSize: () => (image.SharedSize === -1 ? "N/A" : humanSize(image.Size - image.SharedSize)),
  }),
};
