/** What an archive holds, as data: which images, from which entries, under which names. No layer is read here. */
import { invalid, unsupported } from "../../engine/base/errors.ts";
import { parseImageConfig } from "../config.ts";
import { chainIdsOf, type Digest, digestHex, sha256 } from "../digest.ts";
import type { Platform } from "../platform.ts";
import type { Reference } from "../reference.ts";
import type { ImageConfig } from "../types.ts";
import { readDockerArchive } from "./archive-docker.ts";
import { readOciLayout } from "./archive-oci.ts";
import type { Spool, SpoolEntry } from "./spool.ts";

export interface ArchiveLayer {
  readonly entry: SpoolEntry;
  /** The blob's digest where the archive promises one. */
  readonly blobDigest: Digest | null;
  readonly mediaType: string;
  readonly diffId: Digest;
  readonly chainId: Digest;
  readonly parent: Digest | null;
}

export interface ArchiveImage {
  readonly id: Digest;
  readonly configBytes: Buffer;
  readonly config: ImageConfig;
  readonly manifest: { readonly digest: Digest; readonly mediaType: string; readonly bytes: Buffer } | null;
  /** Bottom first. */
  readonly layers: readonly ArchiveLayer[];
  readonly names: readonly Reference[];
}

export interface PlatformWish {
  readonly platform: Platform;
  /** The user asked for it; otherwise it is the host's. */
  readonly explicit: boolean;
}

/** What both formats come down to before layers are matched with diff ids. */
export interface RawImage {
  readonly configBytes: Buffer;
  readonly manifest: ArchiveImage["manifest"];
  readonly layers: readonly Pick<ArchiveLayer, "entry" | "blobDigest" | "mediaType">[];
  readonly names: readonly Reference[];
  /** Id that the archive claims, to be checked; null when it claims none. */
  readonly claimedId: Digest | null;
}

/** Docker's manifest.json wins where an archive has both forms: it names the tags. */
export async function readArchive(spool: Spool, wish: PlatformWish): Promise<ArchiveImage[]> {
  const raw = spool.has("manifest.json")
    ? await readDockerArchive(spool, wish)
    : spool.has("index.json")
      ? await readOciLayout(spool, wish)
      : refuseOther(spool);
  if (raw.length === 0) throw invalid("image.bad_archive", "the archive holds no image");
  return raw.map(complete);
}

function refuseOther(spool: Spool): never {
  if (spool.has("repositories")) {
    throw unsupported(
      "image.old_archive",
      "the archive was written by a Docker older than 1.10 (it has no manifest.json)",
      {
        hint: "load it with an older Docker and save it again",
      },
    );
  }
  throw invalid("image.bad_archive", "the archive is no image: it has neither manifest.json nor index.json", {
    hint: "`docker save` and OCI layouts are understood; a plain filesystem tar needs `import`",
  });
}

function complete(raw: RawImage): ArchiveImage {
  const id = sha256(raw.configBytes);
  if (raw.claimedId !== null && raw.claimedId !== id) {
    throw invalid("image.digest_mismatch", `the archive's config ${digestHex(raw.claimedId)} has the digest ${id}`);
  }
  const config = parseImageConfig(raw.configBytes, `config ${digestHex(id).slice(0, 12)}`);
  if (config.diffIds.length !== raw.layers.length) {
    throw invalid(
      "image.layer_count",
      `image ${digestHex(id).slice(0, 12)} has ${raw.layers.length} layers, but its config names ${config.diffIds.length}`,
    );
  }
  const chainIds = chainIdsOf(config.diffIds);
  const layers = raw.layers.map((layer, index) => ({
    ...layer,
    diffId: config.diffIds[index] as Digest,
    chainId: chainIds[index] as Digest,
    parent: chainIds[index - 1] ?? null,
  }));
  return { id, configBytes: raw.configBytes, config, manifest: raw.manifest, layers, names: raw.names };
}
