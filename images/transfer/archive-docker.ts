/** `docker save` of any engine since 1.10: manifest.json names config, layers and tags of each image. */
import { invalid, notFound } from "../../engine/base/errors.ts";
import { CONFIG_MAX, parseImageConfig } from "../config.ts";
import { type Digest, isDigest, sha256 } from "../digest.ts";
import { asList, asObject, asString, field, parseJson, strings } from "../json.ts";
import { DOCUMENT_MAX, LAYERS_MAX, parseManifest } from "../manifest.ts";
import { MEDIA } from "../media-types.ts";
import { platformPreferences, platformRank, renderPlatform } from "../platform.ts";
import { parseReference } from "../reference.ts";
import type { ArchiveImage, PlatformWish, RawImage } from "./archive.ts";
import { manifestDescriptors } from "./archive-oci.ts";
import type { Spool } from "./spool.ts";

const MANIFEST = "manifest.json";

export async function readDockerArchive(spool: Spool, wish: PlatformWish): Promise<RawImage[]> {
  const list = asList(parseJson(await spool.read(MANIFEST, DOCUMENT_MAX), MANIFEST), MANIFEST, 1000);
  const manifests = await manifestsByConfig(spool);
  const images: RawImage[] = [];
  for (const [index, item] of list.entries())
    images.push(await readItem(spool, item, `${MANIFEST}[${index}]`, manifests));
  return wish.explicit ? images.filter((image) => fits(image, wish, images.length === 1)) : images;
}

async function readItem(spool: Spool, item: unknown, where: string, manifests: ManifestTable): Promise<RawImage> {
  const object = asObject(item, where);
  const configName = asString(field(object, "Config"), `${where}.Config`, 4096);
  const layerNames = strings(field(object, "Layers"), `${where}.Layers`);
  if (layerNames.length > LAYERS_MAX)
    throw invalid("image.too_many_layers", `${where} has ${layerNames.length} layers (limit ${LAYERS_MAX})`);
  const configBytes = await spool.read(configName, CONFIG_MAX);
  const layers = layerNames.map((name) => {
    const entry = spool.find(name);
    if (entry === undefined)
      throw invalid(
        "image.bad_archive",
        `the archive has no entry ${JSON.stringify(name.slice(0, 300))}, a layer of ${where}`,
      );
    return { entry, blobDigest: digestInName(name), mediaType: MEDIA.dockerLayer };
  });
  const names = strings(field(object, "RepoTags"), `${where}.RepoTags`).map((tag) => parseReference(tag).tagged());
  return {
    configBytes,
    manifest: manifests.get(sha256(configBytes)) ?? null,
    layers,
    names,
    claimedId: digestInName(configName),
  };
}

/** "<hex>.json" and "blobs/sha256/<hex>" promise a digest; "<id>/layer.tar" does not (that id is no content hash). */
function digestInName(name: string): Digest | null {
  const hex = /^(?:\.\/)?(?:blobs\/sha256\/([0-9a-f]{64})|([0-9a-f]{64})\.json)$/.exec(name);
  const digest = `sha256:${hex?.[1] ?? hex?.[2] ?? ""}`;
  return isDigest(digest) ? digest : null;
}

type ManifestTable = ReadonlyMap<string, NonNullable<ArchiveImage["manifest"]>>;

/** Newer archives are OCI layouts too: then the manifest that belongs to a config is kept with the image. */
async function manifestsByConfig(spool: Spool): Promise<ManifestTable> {
  const table = new Map<string, NonNullable<ArchiveImage["manifest"]>>();
  if (!spool.has("index.json")) return table;
  for (const { bytes, descriptor } of await manifestDescriptors(spool)) {
    const { config } = parseManifest(bytes, `manifest ${descriptor.digest}`, descriptor.mediaType);
    table.set(config.digest, { digest: descriptor.digest, mediaType: descriptor.mediaType, bytes });
  }
  return table;
}

function fits(image: RawImage, wish: PlatformWish, only: boolean): boolean {
  const { platform } = parseImageConfig(image.configBytes);
  const [best] = platformPreferences(wish.platform);
  if (best === undefined || platformRank([best], platform) === 0) return true;
  if (!only) return false;
  throw notFound(
    "image.no_platform",
    `the image in the archive is for ${renderPlatform(platform)} and does not provide the specified platform (${renderPlatform(wish.platform)})`,
  );
}
