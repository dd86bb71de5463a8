/** Index and manifest documents: parsed, validated, and chosen from by platform (oci.md §3). */
import { invalid, notFound, unsupported } from "../engine/base/errors.ts";
import { type Digest, parseDigest } from "./digest.ts";
import {
  asCount,
  asList,
  asObject,
  asString,
  field,
  type JsonObject,
  optionalString,
  parseJson,
  stringMap,
} from "./json.ts";
import { isConfigType, isIndexType, isLayerType, isManifestType, isSchema1 } from "./media-types.ts";
import { normalizePlatform, type Platform, platformPreferences, platformRank, renderPlatform } from "./platform.ts";

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  readonly platform: Platform | null;
  readonly annotations: Readonly<Record<string, string>>;
}
export interface ImageManifest {
  readonly mediaType: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}
export interface ImageIndex {
  readonly mediaType: string;
  readonly manifests: readonly Descriptor[];
}

/** Overlayfs stacks at most 500 layers; two are ours. */
export const LAYERS_MAX = 490;
/** Bytes of an index or manifest; registries refuse more than 4 MiB. */
export const DOCUMENT_MAX = 4 << 20;

export function parseDescriptor(value: unknown, where: string): Descriptor {
  const object = asObject(value, where);
  const platform = field(object, "platform");
  return {
    mediaType: asString(field(object, "mediaType"), `${where}.mediaType`, 255),
    digest: parseDigest(field(object, "digest")),
    size: asCount(field(object, "size"), `${where}.size`),
    platform:
      platform === undefined || platform === null
        ? null
        : parsePlatformObject(asObject(platform, `${where}.platform`), where),
    annotations: stringMap(field(object, "annotations"), `${where}.annotations`),
  };
}

const parsePlatformObject = (object: JsonObject, where: string): Platform =>
  normalizePlatform(
    optionalString(field(object, "os"), `${where}.platform.os`),
    optionalString(field(object, "architecture"), `${where}.platform.architecture`),
    optionalString(field(object, "variant"), `${where}.platform.variant`),
  );

/** expected: the media type of the descriptor that led here; null for index.json, which has none. */
export function parseIndex(bytes: Buffer, where: string, expected: string | null): ImageIndex {
  const object = asObject(parseJson(bytes, where), where);
  refuseDual(object, where, ["config", "layers", "fsLayers"]);
  const mediaType = documentType(object, where, expected, isIndexType, "an image index");
  const manifests = asList(field(object, "manifests"), `${where}.manifests`, 1000);
  return {
    mediaType,
    manifests: manifests.map((item, index) => parseDescriptor(item, `${where}.manifests[${index}]`)),
  };
}

export function parseManifest(bytes: Buffer, where: string, expected: string | null): ImageManifest {
  const object = asObject(parseJson(bytes, where), where);
  if (field(object, "schemaVersion") === 1 || field(object, "fsLayers") !== undefined || isSchema1(expected ?? "")) {
    throw unsupported("image.schema1", `${where} is a Docker schema 1 manifest, which is no longer supported`);
  }
  refuseDual(object, where, ["manifests"]);
  const mediaType = documentType(object, where, expected, isManifestType, "an image manifest");
  const config = parseDescriptor(field(object, "config"), `${where}.config`);
  if (!isConfigType(config.mediaType)) {
    throw unsupported("image.not_runnable", `${where} is an artifact of type ${config.mediaType}, not an image`);
  }
  const list = asList(field(object, "layers"), `${where}.layers`);
  if (list.length > LAYERS_MAX)
    throw invalid("image.too_many_layers", `${where} has ${list.length} layers (limit ${LAYERS_MAX})`);
  const layers = list.map((item, index) => parseDescriptor(item, `${where}.layers[${index}]`));
  const foreign = layers.find((layer) => !isLayerType(layer.mediaType));
  if (foreign !== undefined)
    throw unsupported("image.layer_type", `${where} has a layer of unknown type ${foreign.mediaType}`);
  return { mediaType, config, layers };
}

/** CVE-2021-41190: a document that is an index to one reader and a manifest to another. */
function refuseDual(object: JsonObject, where: string, others: readonly string[]): void {
  const other = others.find((key) => field(object, key) !== undefined);
  if (other !== undefined)
    throw invalid("image.ambiguous_document", `${where} is ambiguous: it also has ${JSON.stringify(other)}`);
}

function documentType(
  object: JsonObject,
  where: string,
  expected: string | null,
  fits: (type: string) => boolean,
  what: string,
): string {
  if (field(object, "schemaVersion") !== 2)
    throw invalid("image.bad_document", `${where} is not ${what} of schema version 2`);
  const own = optionalString(field(object, "mediaType"), `${where}.mediaType`);
  if (own !== "" && expected !== null && own !== expected) {
    throw invalid("image.ambiguous_document", `${where} says it is ${own}, but was announced as ${expected}`);
  }
  if (own !== "" && !fits(own)) throw invalid("image.bad_document", `${where} is of type ${own}, not ${what}`);
  return own === "" ? (expected ?? "") : own;
}

const isAttestation = (descriptor: Descriptor): boolean =>
  descriptor.annotations["vnd.docker.reference.type"] === "attestation-manifest" ||
  (descriptor.platform?.os === "unknown" && descriptor.platform.architecture === "unknown");

/** Entries that may be images; others MUST be ignored (image-spec image-index.md). */
export const imageEntries = (manifests: readonly Descriptor[]): Descriptor[] =>
  manifests.filter(
    (entry) =>
      (isIndexType(entry.mediaType) || isManifestType(entry.mediaType) || isSchema1(entry.mediaType)) &&
      !isAttestation(entry),
  );

/**
 * The entry for a platform: first in order of preference, then first in the index; entries without a platform only when
 * nothing else fits. Without an explicit wish a lone entry is taken whatever it is for.
 */
export function selectEntry(manifests: readonly Descriptor[], wanted: Platform, explicit: boolean): Descriptor {
  const candidates = imageEntries(manifests);
  const preferences = platformPreferences(wanted);
  const ranked = candidates
    .map((entry, index) => ({
      entry,
      index,
      rank: entry.platform === null ? preferences.length : platformRank(preferences, entry.platform),
    }))
    .filter(({ rank }) => rank >= 0)
    .sort((a, b) => a.rank - b.rank || a.index - b.index);
  const chosen = ranked[0]?.entry ?? (explicit || candidates.length !== 1 ? undefined : candidates[0]);
  if (chosen !== undefined) return chosen;
  throw notFound(
    "image.no_platform",
    `no matching manifest for ${renderPlatform(wanted)} in the manifest list entries`,
    {
      details: { platform: renderPlatform(wanted) },
    },
  );
}
