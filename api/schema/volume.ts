/** Volumes. */
import { type Static, int, list, maybe, nullable, object, oneOf, text, textMap, texts } from "./common.ts";

export const Volume = object({
  CreatedAt: maybe(text),
  Driver: text,
  Labels: nullable(textMap),
  Mountpoint: text,
  Name: text,
  Options: nullable(textMap),
  Scope: oneOf("local", "global"),
  UsageData: maybe(object({ RefCount: int, Size: int })),
});
export type Volume = Static<typeof Volume>;
export const VolumeList = object({ Volumes: list(Volume), Warnings: nullable(texts) });
export const VolumePruneReply = object({ VolumesDeleted: nullable(texts), SpaceReclaimed: int });
