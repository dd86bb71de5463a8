/** `busybox:latest` as a docker-archive, made of the machine's static busybox: what `docker save busybox` would give. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { pack } from "tar-stream";
import { run } from "./process.ts";

const BINARY = ["/bin/busybox", "/usr/bin/busybox"].find((path) => existsSync(path));

/** Undefined when busybox-static is not installed: tests that need it skip and say so. */
export const busyboxPath = BINARY;

export interface BusyboxOptions {
  readonly reference?: string;
  /** Merged into the image's config ("Env", "Cmd", "User", "Volumes", "StopSignal", …). */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Further files of the layer: path → text. */
  readonly files?: Readonly<Record<string, string>>;
}

const MTIME = new Date("2026-11-22T00:00:00Z");
const DIRECTORIES = [
  "bin/",
  "dev/",
  "etc/",
  "home/",
  "proc/",
  "root/",
  "sys/",
  "usr/",
  "usr/bin/",
  "usr/sbin/",
  "var/",
];
const PASSWD =
  "root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1:daemon:/usr/sbin:/bin/false\nnobody:x:65534:65534:nobody:/home:/bin/false\n";
const GROUP = "root:x:0:\ndaemon:x:1:\nwww-data:x:33:\naudio:x:29:daemon\nnogroup:x:65534:\n";

async function layer(binary: string, files: Readonly<Record<string, string>>): Promise<Buffer> {
  const { stdout } = await run(binary, ["--list"]);
  const tar = pack();
  const base = { mtime: MTIME, uid: 0, gid: 0 };
  for (const name of DIRECTORIES) tar.entry({ ...base, name, type: "directory", mode: 0o755 });
  tar.entry({ ...base, name: "tmp/", type: "directory", mode: 0o1777 });
  tar.entry({ ...base, name: "bin/busybox", mode: 0o755 }, readFileSync(binary));
  for (const applet of stdout.split("\n").filter((name) => name !== "" && name !== "busybox")) {
    tar.entry({ ...base, name: `bin/${applet}`, type: "link", linkname: "bin/busybox", mode: 0o755 });
  }
  for (const [name, text] of Object.entries({ "etc/passwd": PASSWD, "etc/group": GROUP, ...files })) {
    tar.entry({ ...base, name, mode: 0o644 }, text);
  }
  tar.finalize();
  return collect(tar);
}

async function collect(stream: AsyncIterable<unknown>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** The archive's bytes and the image's id ("sha256:…"). */
export async function busyboxArchive(
  options: BusyboxOptions = {},
): Promise<{ readonly archive: Buffer; readonly id: string }> {
  if (BINARY === undefined) throw new Error("busybox-static is not installed");
  const data = await layer(BINARY, options.files ?? {});
  const digest = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");
  const path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  const config = Buffer.from(
    JSON.stringify({
      architecture: process.arch === "x64" ? "amd64" : process.arch,
      os: "linux",
      created: MTIME.toISOString(),
      config: { Cmd: ["sh"], Env: [path], ...options.config },
      rootfs: { type: "layers", diff_ids: [`sha256:${digest(data)}`] },
      history: [{ created: MTIME.toISOString(), created_by: "busybox" }],
    }),
  );
  const layerName = `${digest(data)}/layer.tar`;
  const manifest = [
    { Config: `${digest(config)}.json`, RepoTags: [options.reference ?? "busybox:latest"], Layers: [layerName] },
  ];
  const tar = pack();
  tar.entry({ name: `${digest(config)}.json`, mtime: MTIME }, config);
  tar.entry({ name: layerName, mtime: MTIME }, data);
  tar.entry({ name: "manifest.json", mtime: MTIME }, JSON.stringify(manifest));
  tar.finalize();
  return { archive: await collect(tar), id: `sha256:${digest(config)}` };
}
