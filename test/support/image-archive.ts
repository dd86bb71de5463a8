/**
 * Builds test images in memory: layers from a list of entries, docker-archives (old and new style) and OCI layouts as tars,
 * in any compression. Deterministic: the same input gives the same bytes and ids.
 *
 *   const layer = buildLayer([{ name: "bin/", type: "directory" }, { name: "bin/hi", data: "…", mode: 0o755 }], "gzip");
 *   const image = buildImage({ layers: [layer], config: { Cmd: ["/bin/hi"] }, tags: ["hi:latest"] });
 *   await images.load(Readable.from([dockerArchive([image])]));
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { gzipSync, zstdCompressSync } from "node:zlib";

export type TestCompression = "none" | "gzip" | "zstd";
export interface TestEntry {
  readonly name: string | Buffer;
  /** default: file */
  readonly type?: "file" | "directory" | "symlink" | "hardlink" | "char" | "block" | "fifo";
  readonly data?: string | Buffer;
  /** Target of a symlink or hard link. */
  readonly link?: string | Buffer;
  /** default 0644, directories 0755 */
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  /** seconds, may have a fraction; default 1,700,000,000 */
  readonly mtime?: number;
  readonly device?: readonly [major: number, minor: number];
  readonly xattrs?: Readonly<Record<string, string | Buffer>>;
  /** Further pax records, verbatim. */
  readonly pax?: Readonly<Record<string, string | Buffer>>;
  /** Overrides the size field without changing the data. */
  readonly size?: number;
  /** Overrides the type flag. */
  readonly flag?: string;
}

const FLAGS = { file: "0", hardlink: "1", symlink: "2", char: "3", block: "4", directory: "5", fifo: "6" } as const;
const bytes = (value: string | Buffer | undefined): Buffer =>
  typeof value === "string" ? Buffer.from(value) : (value ?? Buffer.alloc(0));
const padded = (data: Buffer): Buffer => Buffer.concat([data, Buffer.alloc((512 - (data.length % 512)) % 512)]);
export const digestOf = (data: Buffer | string): string => `sha256:${createHash("sha256").update(data).digest("hex")}`;
const hexOf = (digest: string): string => digest.slice("sha256:".length);

function header(entry: TestEntry, name: Buffer, size: number): Buffer {
  const block = Buffer.alloc(512);
  const octal = (value: number, at: number, length: number): void => {
    if (value < 8 ** (length - 1)) block.write(value.toString(8).padStart(length - 1, "0"), at, "latin1");
    else {
      block[at] = 0x80;
      for (let index = length - 1, left = value; index > 0; index--, left = Math.floor(left / 256))
        block[at + index] = left % 256;
    }
  };
  const type = entry.type ?? "file";
  name.copy(block, 0, 0, 100);
  octal(entry.mode ?? (type === "directory" ? 0o755 : 0o644), 100, 8);
  octal(entry.uid ?? 0, 108, 8);
  octal(entry.gid ?? 0, 116, 8);
  octal(entry.size ?? size, 124, 12);
  octal(Math.max(0, Math.floor(entry.mtime ?? 1_700_000_000)), 136, 12);
  block.write(entry.flag ?? FLAGS[type], 156, "latin1");
  bytes(entry.link).copy(block, 157, 0, 100);
  block.write("ustar\x0000", 257, "latin1");
  octal(entry.device?.[0] ?? 0, 329, 8);
  octal(entry.device?.[1] ?? 0, 337, 8);
  block.fill(0x20, 148, 156);
  block.write(
    `${block
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, "0")}\0 `,
    148,
    "latin1",
  );
  return block;
}

function paxRecord(key: string, value: Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), value, Buffer.from("\n")]);
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

function paxOf(entry: TestEntry, name: Buffer): Buffer {
  const records: Buffer[] = [];
  const add = (key: string, value: string | Buffer): void => void records.push(paxRecord(key, bytes(value)));
  if (name.length > 100) add("path", name);
  if (bytes(entry.link).length > 100) add("linkpath", bytes(entry.link));
  if (entry.mtime !== undefined && (entry.mtime < 0 || !Number.isInteger(entry.mtime)))
    add("mtime", String(entry.mtime));
  for (const [key, value] of Object.entries(entry.xattrs ?? {})) add(`SCHILY.xattr.${key}`, value);
  for (const [key, value] of Object.entries(entry.pax ?? {})) add(key, value);
  return Buffer.concat(records);
}

/** One tar of these entries, with its end mark. */
export function tarOf(entries: readonly TestEntry[]): Buffer {
  const parts: Buffer[] = [];
  for (const entry of entries) {
    const name = bytes(entry.name);
    const data = bytes(entry.data);
    const pax = paxOf(entry, name);
    if (pax.length > 0) parts.push(header({ name: "pax", flag: "x" }, Buffer.from("pax"), pax.length), padded(pax));
    parts.push(header(entry, name, data.length), padded(data));
  }
  return Buffer.concat([...parts, Buffer.alloc(1024)]);
}

export const compress = (data: Buffer, compression: TestCompression): Buffer =>
  compression === "gzip" ? gzipSync(data, { level: 1 }) : compression === "zstd" ? zstdCompressSync(data) : data;

export interface TestLayer {
  readonly tar: Buffer;
  readonly blob: Buffer;
  readonly diffId: string;
  readonly digest: string;
  readonly compression: TestCompression;
}
export function layerOfTar(tar: Buffer, compression: TestCompression = "none"): TestLayer {
  const blob = compress(tar, compression);
  return { tar, blob, diffId: digestOf(tar), digest: digestOf(blob), compression };
}
export const buildLayer = (entries: readonly TestEntry[], compression: TestCompression = "none"): TestLayer =>
  layerOfTar(tarOf(entries), compression);

export interface TestImage {
  readonly layers: readonly TestLayer[];
  readonly configBytes: Buffer;
  readonly id: string;
  readonly tags: readonly string[];
  readonly platform: { readonly os: string; readonly architecture: string; readonly variant?: string };
}
export interface ImageInput {
  readonly layers: readonly TestLayer[];
  /** The `config` part: Cmd, Env, User … */
  readonly config?: Readonly<Record<string, unknown>>;
  readonly tags?: readonly string[];
  readonly platform?: TestImage["platform"];
  /** Further or overriding keys of the whole document. */
  readonly root?: Readonly<Record<string, unknown>>;
}
export function buildImage({
  layers,
  config = {},
  tags = [],
  platform = hostPlatform(),
  root = {},
}: ImageInput): TestImage {
  const document = {
    ...platform,
    created: "2023-11-14T22:13:20Z",
    config,
    rootfs: { type: "layers", diff_ids: layers.map(({ diffId }) => diffId) },
    history: layers.map((_, index) => ({ created: "2023-11-14T22:13:20Z", created_by: `layer ${index}` })),
    ...root,
  };
  const configBytes = Buffer.from(JSON.stringify(document));
  return { layers, configBytes, id: digestOf(configBytes), tags, platform };
}
const hostPlatform = () => ({ os: "linux", architecture: process.arch === "x64" ? "amd64" : process.arch });

/** style old: `<id>/layer.tar` and `<hex>.json`, repeated layers as links; new: `blobs/sha256/…`, layers as they are. */
export function dockerArchive(
  images: readonly TestImage[],
  style: "old" | "new" = "new",
  outer: TestCompression = "none",
): Buffer {
  const entries: TestEntry[] = [];
  const seen = new Map<string, string>();
  const manifest = images.map((image) => {
    const configName = style === "old" ? `${hexOf(image.id)}.json` : `blobs/sha256/${hexOf(image.id)}`;
    if (!seen.has(configName)) entries.push({ name: configName, data: image.configBytes });
    seen.set(configName, configName);
    const names = image.layers.map((layer, index) =>
      layerEntry(entries, seen, layer, `${hexOf(image.id).slice(0, 40)}${index}`, style),
    );
    return { Config: configName, RepoTags: image.tags.length === 0 ? null : image.tags, Layers: names };
  });
  entries.push({ name: "manifest.json", data: JSON.stringify(manifest) });
  return compress(tarOf(entries), outer);
}

function layerEntry(
  entries: TestEntry[],
  seen: Map<string, string>,
  layer: TestLayer,
  id: string,
  style: "old" | "new",
): string {
  const name = style === "old" ? `${id}/layer.tar` : `blobs/sha256/${hexOf(layer.digest)}`;
  const first = seen.get(layer.digest);
  if (first === undefined) entries.push({ name, data: layer.blob });
  else if (style === "old") entries.push({ name, type: "symlink", link: `../${first}` });
  if (first === undefined) seen.set(layer.digest, name);
  return name;
}

const LAYER_TYPE = {
  none: "application/vnd.oci.image.layer.v1.tar",
  gzip: "application/vnd.oci.image.layer.v1.tar+gzip",
  zstd: "application/vnd.oci.image.layer.v1.tar+zstd",
};
export const OCI_INDEX = "application/vnd.oci.image.index.v1+json";
export const OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json";

export interface TestDescriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly platform?: TestImage["platform"];
  readonly annotations?: Readonly<Record<string, string>>;
}
/** Collects blobs; `descriptor` of anything may be changed before it is put into the index. */
export class LayoutBuilder {
  readonly blobs = new Map<string, Buffer>();
  add(data: Buffer, mediaType: string): TestDescriptor {
    const digest = digestOf(data);
    this.blobs.set(digest, data);
    return { mediaType, digest, size: data.length };
  }
  addJson(document: unknown, mediaType: string): TestDescriptor {
    return this.add(Buffer.from(JSON.stringify(document)), mediaType);
  }
  addImage(image: TestImage): TestDescriptor {
    const config = this.add(image.configBytes, "application/vnd.oci.image.config.v1+json");
    const layers = image.layers.map((layer) => this.add(layer.blob, LAYER_TYPE[layer.compression]));
    return {
      ...this.addJson({ schemaVersion: 2, mediaType: OCI_MANIFEST, config, layers }, OCI_MANIFEST),
      platform: image.platform,
    };
  }
  addIndex(manifests: readonly TestDescriptor[]): TestDescriptor {
    return this.addJson({ schemaVersion: 2, mediaType: OCI_INDEX, manifests }, OCI_INDEX);
  }
  tar(manifests: readonly TestDescriptor[], outer: TestCompression = "none"): Buffer {
    const entries: TestEntry[] = [...this.blobs].map(([digest, data]) => ({
      name: `blobs/sha256/${hexOf(digest)}`,
      data,
    }));
    entries.push({ name: "oci-layout", data: '{"imageLayoutVersion":"1.0.0"}' });
    entries.push({ name: "index.json", data: JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests }) });
    return compress(tarOf(entries), outer);
  }
}

/** One layout of single-platform images, named as containerd and buildx do. */
export function ociLayout(images: readonly TestImage[], outer: TestCompression = "none"): Buffer {
  const builder = new LayoutBuilder();
  const manifests = images.flatMap((image) => {
    const { mediaType, digest, size } = builder.addImage(image);
    const descriptor = { mediaType, digest, size };
    const named = image.tags.map((tag) => ({ ...descriptor, annotations: { "io.containerd.image.name": tag } }));
    return named.length === 0 ? [descriptor] : named;
  });
  return builder.tar(manifests, outer);
}

/** busybox as one layer: /bin/busybox and links for these applets, passwd, group, tmp. Needs busybox-static at /bin/busybox. */
export function busyboxImage(
  tags: readonly string[] = ["busybox:latest"],
  config: Readonly<Record<string, unknown>> = {},
): TestImage {
  const applets = [
    "sh",
    "echo",
    "cat",
    "ls",
    "sleep",
    "true",
    "false",
    "id",
    "env",
    "ps",
    "mount",
    "grep",
    "wc",
    "head",
    "tail",
    "stat",
    "touch",
  ];
  const layer = buildLayer(
    [
      { name: "bin/", type: "directory" },
      { name: "bin/busybox", data: readFileSync("/bin/busybox"), mode: 0o755 },
      ...[
        ...applets,
        "mkdir",
        "rm",
        "seq",
        "kill",
        "yes",
        "dd",
        "hostname",
        "nproc",
        "test",
        "printf",
        "date",
        "stty",
        "tty",
        "top",
      ].map((applet): TestEntry => ({ name: `bin/${applet}`, type: "symlink", link: "busybox" })),
      { name: "etc/", type: "directory" },
      {
        name: "etc/passwd",
        data: "root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1:daemon:/usr/sbin:/bin/false\nnobody:x:65534:65534:nobody:/home:/bin/false\n",
      },
      { name: "etc/group", data: "root:x:0:\ndaemon:x:1:\nwheel:x:10:root\nusers:x:100:nobody\nnogroup:x:65534:\n" },
      { name: "root/", type: "directory", mode: 0o700 },
      { name: "tmp/", type: "directory", mode: 0o1777 },
      { name: "usr/", type: "directory" },
      { name: "var/", type: "directory" },
    ],
    "gzip",
  );
  return buildImage({
    layers: [layer],
    config: { Cmd: ["sh"], Env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"], ...config },
    tags,
  });
}
