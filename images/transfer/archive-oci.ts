/** An OCI image layout in a tar: index.json, nested indexes, one child per image chosen by platform. */
import { invalid, notFound } from "../../engine/base/errors.ts";
import { CONFIG_MAX, parseImageConfig } from "../config.ts";
import { type Digest, digestAlgorithm, digestHex } from "../digest.ts";
import { type Descriptor, DOCUMENT_MAX, imageEntries, parseIndex, parseManifest, selectEntry } from "../manifest.ts";
import { isIndexType } from "../media-types.ts";
import { platformPreferences, platformRank, renderPlatform } from "../platform.ts";
import { parseReference, type Reference } from "../reference.ts";
import { verify } from "../store/content-store.ts";
import type { PlatformWish, RawImage } from "./archive.ts";
import type { Spool } from "./spool.ts";

const INDEX = "index.json";
const NESTING_MAX = 4;
const CONTAINERD_NAME = "io.containerd.image.name";
const OCI_NAME = "org.opencontainers.image.ref.name";

const blobName = (digest: Digest): string => `blobs/${digestAlgorithm(digest)}/${digestHex(digest)}`;

/** A document, verified by size and digest before anyone looks at it. */
async function readBlob(spool: Spool, descriptor: Descriptor, max: number): Promise<Buffer> {
  const bytes = await spool.read(blobName(descriptor.digest), max);
  if (bytes.length !== descriptor.size) {
    throw invalid(
      "image.digest_mismatch",
      `${descriptor.digest} has ${bytes.length} bytes, its descriptor says ${descriptor.size}`,
    );
  }
  verify(descriptor.digest, bytes);
  return bytes;
}

export async function readOciLayout(spool: Spool, wish: PlatformWish): Promise<RawImage[]> {
  const index = parseIndex(await spool.read(INDEX, DOCUMENT_MAX), INDEX, null);
  const images: RawImage[] = [];
  for (const [name, group] of groupByName(imageEntries(index.manifests))) {
    const names = name === "" ? [] : [parseReference(name).tagged()];
    for (const top of topEntries(group, wish)) images.push(await readImage(spool, top, wish, names));
  }
  return images;
}

/**
 * One name with several platform entries is one multi-platform image written flat: one is chosen. Entries without a
 * platform are images of their own.
 */
function topEntries(group: readonly Descriptor[], wish: PlatformWish): Descriptor[] {
  const plain = group.filter((entry) => entry.platform === null || isIndexType(entry.mediaType));
  const platforms = group.filter((entry) => !plain.includes(entry));
  return platforms.length === 0 ? plain : [...plain, selectEntry(platforms, wish.platform, wish.explicit)];
}

function groupByName(entries: readonly Descriptor[]): Map<string, Descriptor[]> {
  const groups = new Map<string, Descriptor[]>();
  for (const entry of entries) {
    const name = nameOf(entry);
    groups.set(name, [...(groups.get(name) ?? []), entry]);
  }
  return groups;
}

/** containerd's annotation is a full name; the OCI one may be only a tag ("latest"), which names no repository. */
function nameOf(entry: Descriptor): string {
  const full = entry.annotations[CONTAINERD_NAME];
  if (full !== undefined && full !== "") return full;
  const name = entry.annotations[OCI_NAME] ?? "";
  return /[:/@]/.test(name) ? name : "";
}

async function readImage(
  spool: Spool,
  top: Descriptor,
  wish: PlatformWish,
  names: readonly Reference[],
): Promise<RawImage> {
  const { descriptor, chosen } = await descend(spool, top, wish);
  const bytes = await readBlob(spool, descriptor, DOCUMENT_MAX);
  const manifest = parseManifest(bytes, `manifest ${descriptor.digest}`, descriptor.mediaType);
  const configBytes = await readBlob(spool, manifest.config, CONFIG_MAX);
  if (wish.explicit && !chosen) checkPlatform(configBytes, wish);
  const layers = manifest.layers.map((layer) => {
    const entry = spool.find(blobName(layer.digest));
    if (entry === undefined)
      throw invalid(
        "image.bad_archive",
        `the archive has no blob ${layer.digest}, a layer of manifest ${descriptor.digest}`,
      );
    if (entry.size !== layer.size) {
      throw invalid(
        "image.digest_mismatch",
        `layer ${layer.digest} has ${entry.size} bytes, its descriptor says ${layer.size}`,
      );
    }
    return { entry, blobDigest: layer.digest, mediaType: layer.mediaType };
  });
  const { digest, mediaType } = descriptor;
  return { configBytes, manifest: { digest, mediaType, bytes }, layers, names, claimedId: manifest.config.digest };
}

async function descend(
  spool: Spool,
  top: Descriptor,
  wish: PlatformWish,
): Promise<{ readonly descriptor: Descriptor; readonly chosen: boolean }> {
  let at = top;
  for (let depth = 0; isIndexType(at.mediaType); depth++) {
    if (depth === NESTING_MAX)
      throw invalid("image.bad_archive", `index ${top.digest} is nested more than ${NESTING_MAX} levels deep`);
    const nested = parseIndex(await readBlob(spool, at, DOCUMENT_MAX), `index ${at.digest}`, at.mediaType);
    at = selectEntry(nested.manifests, wish.platform, wish.explicit);
  }
  return { descriptor: at, chosen: at.platform !== null };
}

function checkPlatform(configBytes: Buffer, wish: PlatformWish): void {
  const { platform } = parseImageConfig(configBytes);
  if (platformRank(platformPreferences(wish.platform), platform) >= 0) return;
  throw notFound(
    "image.no_platform",
    `the image in the archive is for ${renderPlatform(platform)} and does not provide the specified platform (${renderPlatform(wish.platform)})`,
  );
}

/** All image manifests of a layout, to any depth, for archives whose images are named by Docker's manifest.json. */
export async function manifestDescriptors(
  spool: Spool,
): Promise<{ readonly descriptor: Descriptor; readonly bytes: Buffer }[]> {
  const found: { descriptor: Descriptor; bytes: Buffer }[] = [];
  let level: readonly Descriptor[] = parseIndex(await spool.read(INDEX, DOCUMENT_MAX), INDEX, null).manifests;
  for (let depth = 0; level.length > 0 && depth <= NESTING_MAX; depth++) {
    const next: Descriptor[] = [];
    for (const descriptor of imageEntries(level)) {
      // Docker lists children it did not save (other platforms): they are simply absent.
      if (!spool.has(blobName(descriptor.digest))) continue;
      const bytes = await readBlob(spool, descriptor, DOCUMENT_MAX);
      if (isIndexType(descriptor.mediaType))
        next.push(...parseIndex(bytes, `index ${descriptor.digest}`, descriptor.mediaType).manifests);
      else found.push({ descriptor, bytes });
    }
    level = next;
  }
  return found;
}
