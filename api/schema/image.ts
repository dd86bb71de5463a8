/** Images. */
import { type Static, flag, int, list, maybe, nullable, object, set, text, textMap, texts } from "./common.ts";
import { DriverData, HealthConfig } from "./container.ts";

export const ImageSummary = object({
  Containers: int,
  Created: int,
  Id: text,
  Labels: nullable(textMap),
  ParentId: text,
  RepoDigests: texts,
  RepoTags: texts,
  SharedSize: int,
  Size: int,
  VirtualSize: maybe(int),
});
export type ImageSummary = Static<typeof ImageSummary>;
export const ImageList = list(ImageSummary);

export const ImageConfig = object({
  User: maybe(text),
  ExposedPorts: maybe(set),
  Env: nullable(texts),
  Cmd: nullable(texts),
  Healthcheck: maybe(HealthConfig),
  ArgsEscaped: maybe(flag),
  Volumes: nullable(set),
  WorkingDir: text,
  Entrypoint: nullable(texts),
  OnBuild: nullable(texts),
  Labels: nullable(textMap),
  StopSignal: maybe(text),
  Shell: maybe(texts),
});
export const ImageInspect = object({
  Id: text,
  RepoTags: texts,
  RepoDigests: texts,
  Parent: text,
  Comment: text,
  Created: maybe(text),
  DockerVersion: text,
  Author: text,
  Config: ImageConfig,
  Architecture: text,
  Variant: maybe(text),
  Os: text,
  OsVersion: maybe(text),
  Size: int,
  VirtualSize: maybe(int),
  GraphDriver: DriverData,
  RootFS: object({ Type: text, Layers: texts }),
  Metadata: object({ LastTagTime: text }),
});
export type ImageInspect = Static<typeof ImageInspect>;

export const ImageHistoryItem = object({
  Id: text,
  Created: int,
  CreatedBy: text,
  Tags: nullable(texts),
  Size: int,
  Comment: text,
});
export const ImageHistory = list(ImageHistoryItem);
export const ImageDeleteItem = object({ Untagged: maybe(text), Deleted: maybe(text) });
export type ImageDeleteItem = Static<typeof ImageDeleteItem>;
export const ImageDeleteReply = list(ImageDeleteItem);
export const ImagePruneReply = object({ ImagesDeleted: nullable(list(ImageDeleteItem)), SpaceReclaimed: int });
/** One object of a load, pull or build stream. */
export const ProgressMessage = object({
  stream: maybe(text),
  status: maybe(text),
  id: maybe(text),
  progress: maybe(text),
  progressDetail: maybe(object({ current: maybe(int), total: maybe(int) })),
  error: maybe(text),
  errorDetail: maybe(object({ code: maybe(int), message: text })),
});
export type ProgressMessage = Static<typeof ProgressMessage>;
