/**
 * The built-in image `tare/hello:latest` as one tar that is both an OCI layout and a `docker save` archive. The same
 * program gives the same bytes: fixed times, fixed order, uid 0, no compression.
 */
import { createHash } from "node:crypto";
import { pack } from "tar-stream";

const NAME = "tare/hello:latest";
const CREATED = "2026-11-22T00:00:00Z";
const ARCHITECTURE: Readonly<Record<string, string>> = { x64: "amd64", arm64: "arm64" };

interface TarEntry {
  readonly name: string;
  readonly mode: number;
  /** undefined: a directory. */
  readonly data?: Buffer;
}

export interface BuiltinImage {
  readonly archive: Buffer;
  /** "sha256:…", the image's id as any engine computes it: the digest of its config. */
  readonly id: string;
}

const sha256 = (data: Buffer): string => createHash("sha256").update(data).digest("hex");
const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

async function tar(entries: readonly TarEntry[]): Promise<Buffer> {
  const stream = pack();
  for (const { name, mode, data } of entries) {
    const header = { name, mode, mtime: new Date(CREATED), uid: 0, gid: 0 };
    if (data === undefined) stream.entry({ ...header, type: "directory" });
    else stream.entry(header, data);
  }
  stream.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

const layerEntries = (program: Buffer): TarEntry[] => [
  { name: "etc/", mode: 0o755 },
  {
    name: "etc/passwd",
    mode: 0o644,
    data: Buffer.from("root:x:0:0:root:/:/hello\nnobody:x:65534:65534:nobody:/:/hello\n"),
  },
  { name: "etc/group", mode: 0o644, data: Buffer.from("root:x:0:\nnogroup:x:65534:\n") },
  { name: "hello", mode: 0o755, data: program },
  { name: "tmp/", mode: 0o1777 },
];

const configOf = (layer: Buffer, architecture: string): Buffer =>
  json({
    architecture,
    os: "linux",
    created: CREATED,
    config: {
      Entrypoint: ["/hello"],
      Env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
      WorkingDir: "/",
      Labels: { "org.opencontainers.image.title": "tare/hello" },
    },
    rootfs: { type: "layers", diff_ids: [`sha256:${sha256(layer)}`] },
    history: [{ created: CREATED, created_by: "native/hello", comment: "built-in image" }],
  });

export async function builtinImage(program: Buffer, arch: string = process.arch): Promise<BuiltinImage> {
  const layer = await tar(layerEntries(program));
  const config = configOf(layer, ARCHITECTURE[arch] ?? arch);
  const descriptor = (mediaType: string, data: Buffer) => ({
    mediaType,
    digest: `sha256:${sha256(data)}`,
    size: data.length,
  });
  const vendor = "application/vnd.oci.image";
  const manifest = json({
    schemaVersion: 2,
    mediaType: `${vendor}.manifest.v1+json`,
    config: descriptor(`${vendor}.config.v1+json`, config),
    layers: [descriptor(`${vendor}.layer.v1.tar`, layer)],
  });
  const annotations = {
    "io.containerd.image.name": `docker.io/${NAME}`,
    "org.opencontainers.image.ref.name": "latest",
  };
  const index = {
    schemaVersion: 2,
    mediaType: `${vendor}.index.v1+json`,
    manifests: [{ ...descriptor(`${vendor}.manifest.v1+json`, manifest), annotations }],
  };
  const blob = (data: Buffer): TarEntry => ({ name: `blobs/sha256/${sha256(data)}`, mode: 0o644, data });
  const archived = [
    { Config: `blobs/sha256/${sha256(config)}`, RepoTags: [NAME], Layers: [`blobs/sha256/${sha256(layer)}`] },
  ];
  const archive = await tar([
    { name: "oci-layout", mode: 0o644, data: json({ imageLayoutVersion: "1.0.0" }) },
    { name: "index.json", mode: 0o644, data: json(index) },
    { name: "manifest.json", mode: 0o644, data: json(archived) },
    { name: "blobs/", mode: 0o755 },
    { name: "blobs/sha256/", mode: 0o755 },
    blob(config),
    blob(manifest),
    blob(layer),
  ]);
  return { archive, id: `sha256:${sha256(config)}` };
}
