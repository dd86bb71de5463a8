/**
 * An OCI layout of about 580 MB in 69,500 entries and 5 gzip layers, shaped like a language runtime on a distribution: many small
 * text files, some large binaries, links. Always the same bytes.
 */
import { createHash } from "node:crypto";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";

const LAYERS = 5;
const ENTRIES = 69_500 / LAYERS;
const LAYER_BYTES = (580 << 20) / LAYERS;
const MTIME = new Date("2026-01-01T00:00:00Z");

function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Text that gzip shrinks to about a third, as program sources and libraries do. */
function material(random: () => number): Buffer {
  const words = Array.from({ length: 4000 }, () =>
    random()
      .toString(36)
      .slice(2, 4 + Math.floor(random() * 9)),
  );
  const parts: string[] = [];
  for (let size = 0; size < 8 << 20; size += parts.at(-1)?.length ?? 1)
    parts.push(`${words[Math.floor(random() * words.length)]} `);
  return Buffer.from(parts.join(""));
}

/** Mean file 5 KB with a long tail: a few files of a megabyte carry a third of the bytes. */
const sizeOf = (random: () => number): number => (random() < 0.012 ? 200_000 + random() * 500_000 : random() * 7_400);

async function layer(index: number): Promise<Buffer> {
  const random = randomFrom(index + 1);
  const text = material(random);
  const tar = pack();
  const chunks: Buffer[] = [];
  const done = (async () => {
    for await (const chunk of tar) chunks.push(chunk as Buffer);
  })();
  let bytes = 0;
  for (let i = 0; i < ENTRIES; i += 1) {
    const dir = `usr/lib/layer${index}/d${Math.floor(i / 40)}`;
    if (i % 40 === 0) tar.entry({ name: `${dir}/`, type: "directory", mode: 0o755, mtime: MTIME });
    else if (i % 40 === 1) tar.entry({ name: `${dir}/link`, type: "symlink", linkname: "f2", mtime: MTIME });
    else {
      const size = Math.floor(bytes < LAYER_BYTES ? sizeOf(random) : 0);
      const at = Math.floor(random() * (text.length - size));
      bytes += size;
      tar.entry({ name: `${dir}/f${i % 40}`, mode: 0o644, mtime: MTIME }, text.subarray(at, at + size));
    }
  }
  tar.finalize();
  await done;
  return Buffer.concat(chunks);
}

const sha256 = (data: Buffer): string => `sha256:${createHash("sha256").update(data).digest("hex")}`;

export interface BigImage {
  /** The archive for `load`. */
  readonly archive: string;
  /** The gzip layers as files, for the floor of igzip and tar. */
  readonly layers: readonly string[];
}

/** Made once below `dir`; about 250 MB on disk. */
export async function bigImage(dir: string): Promise<BigImage> {
  const archive = join(dir, "big.tar");
  const layers = Array.from({ length: LAYERS }, (_, i) => join(dir, `layer${i}.tar.gz`));
  if (existsSync(archive)) return { archive, layers };
  mkdirSync(dir, { recursive: true });
  const diffIds: string[] = [];
  const blobs = new Map<string, Buffer>();
  const descriptors: unknown[] = [];
  const vendor = "application/vnd.oci.image";
  const put = (mediaType: string, data: Buffer): unknown => {
    blobs.set(sha256(data), data);
    return { mediaType, digest: sha256(data), size: data.length };
  };
  for (const [i, file] of layers.entries()) {
    const tar = await layer(i);
    diffIds.push(sha256(tar));
    const zipped = gzipSync(tar, { level: 6 });
    descriptors.push(put(`${vendor}.layer.v1.tar+gzip`, zipped));
    write(file, [zipped]);
  }
  const config = put(
    `${vendor}.config.v1+json`,
    Buffer.from(
      JSON.stringify({ architecture: "amd64", os: "linux", config: {}, rootfs: { type: "layers", diff_ids: diffIds } }),
    ),
  );
  const manifest = put(
    `${vendor}.manifest.v1+json`,
    Buffer.from(JSON.stringify({ schemaVersion: 2, config, layers: descriptors })),
  );
  const annotations = {
    "io.containerd.image.name": "docker.io/library/big:latest",
    "org.opencontainers.image.ref.name": "latest",
  };
  const index = { schemaVersion: 2, manifests: [{ ...(manifest as object), annotations }] };
  const blobName = (digest: string): string => `blobs/sha256/${digest.slice(7)}`;
  const digests = [...blobs.keys()];
  const legacy = [
    {
      Config: blobName(digests.at(-2) ?? ""),
      RepoTags: ["big:latest"],
      Layers: digests.slice(0, LAYERS).map(blobName),
    },
  ];
  const tar = pack();
  tar.entry({ name: "oci-layout", mtime: MTIME }, JSON.stringify({ imageLayoutVersion: "1.0.0" }));
  tar.entry({ name: "index.json", mtime: MTIME }, JSON.stringify(index));
  tar.entry({ name: "manifest.json", mtime: MTIME }, JSON.stringify(legacy));
  for (const [digest, data] of blobs) tar.entry({ name: blobName(digest), mtime: MTIME }, data);
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar) chunks.push(chunk as Buffer);
  write(archive, chunks);
  return { archive, layers };
}

function write(path: string, chunks: readonly Buffer[]): void {
  const fd = openSync(`${path}.tmp`, "w");
  for (const chunk of chunks) writeSync(fd, chunk);
  closeSync(fd);
  renameSync(`${path}.tmp`, path);
}

export const readArchive = (image: BigImage): Buffer => readFileSync(image.archive);
