/** The door of images/: names, content, layers, snapshots. Other layers import only this file. */
export { type Digest, digestHex, isDigest, parseDigest } from "./digest.ts";
export { Images, type ImagesOptions } from "./images.ts";
export { hostPlatform, parsePlatform, type Platform, renderPlatform } from "./platform.ts";
export { parseReference, type Reference } from "./reference.ts";
export { readFileInRoot } from "./snapshot/root.ts";
export type { RootChoice, Snapshots } from "./snapshot/snapshots.ts";
export { lookupGroups, lookupUser } from "./snapshot/user.ts";
export type {
  HistoryEntry,
  HistoryRow,
  Image,
  ImageConfig,
  ImageEvent,
  ImageHealthcheck,
  ImageRunConfig,
  ImageSummary,
  ImageUsers,
  LayerInfo,
  LoadedImage,
  LoadOptions,
  LoadProgress,
  LoadResult,
  OpenRoot,
  PruneOptions,
  PruneResult,
  RemovedRecord,
  RemoveOptions,
  ResolvedUser,
  RootSnapshot,
} from "./types.ts";
