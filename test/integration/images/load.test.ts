import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  buildImage,
  buildLayer,
  compress,
  digestOf,
  dockerArchive,
  LayoutBuilder,
  layerOfTar,
  ociLayout,
  type TestCompression,
  type TestImage,
  tarOf,
} from "../../support/image-archive.ts";
import { EMPTY, idle, TestStore } from "./store.ts";

let store: TestStore;
beforeEach(async () => {
  store = await TestStore.make();
});
afterEach(async () => {
  await store[Symbol.asyncDispose]();
});

const base = (compression: TestCompression = "none") =>
  buildLayer(
    [
      { name: "bin/", type: "directory" },
      { name: "bin/a", data: "A".repeat(1000), mode: 0o755 },
    ],
    compression,
  );
const upper = (compression: TestCompression = "none") =>
  buildLayer(
    [
      { name: "bin/", type: "directory" },
      { name: "bin/b", data: "B".repeat(300_000) },
    ],
    compression,
  );
const image = (compression: TestCompression = "none", tags = ["x:1"]): TestImage =>
  buildImage({
    layers: [base(compression), upper(compression)],
    tags,
    config: { Cmd: ["/bin/a"], Labels: { l: "v" } },
  });

/** A tar of one file of 600 MiB of zeros, 600 KiB as gzip. */
const zeros = (): Buffer =>
  (zeroArchive ??= gzipSync(tarOf([{ name: "zeros", data: Buffer.alloc(600 << 20) }]), { level: 9 }));
let zeroArchive: Buffer | undefined;

describe("what can be loaded", () => {
  it.each<[string, () => Buffer]>([
    ["docker-archive, old", () => dockerArchive([image()], "old")],
    ["docker-archive, old, gzip outside", () => dockerArchive([image()], "old", "gzip")],
    ["docker-archive, new", () => dockerArchive([image()], "new")],
    ["docker-archive, new, gzip layers", () => dockerArchive([image("gzip")], "new")],
    ["docker-archive, zstd layers, zstd outside", () => dockerArchive([image("zstd")], "new", "zstd")],
    ["OCI layout, plain", () => ociLayout([image("none", ["docker.io/library/x:1"])])],
    ["OCI layout, gzip", () => ociLayout([image("gzip", ["docker.io/library/x:1"])], "gzip")],
    ["OCI layout, zstd", () => ociLayout([image("zstd", ["x:1"])], "zstd")],
  ])("%s", async (_, archive) => {
    const result = await store.load(archive());
    const { id } = image();
    expect(result).toEqual({ loaded: [{ id, references: ["x:1"] }] });
    const loaded = store.images.resolve("x:1");
    expect(loaded).toMatchObject({
      id,
      repoTags: ["x:1"],
      repoDigests: [],
      size: 301_000,
      diffIds: [base().diffId, upper().diffId],
    });
    expect(digestOf(store.images.rawConfig(id))).toBe(id);
    expect(loaded.config.run).toMatchObject({ cmd: ["/bin/a"], labels: { l: "v" } });
    expect(store.events).toEqual([{ action: "load", id, name: id }]);
    expect(store.contents()).toMatchObject({ tmp: [], trash: [] });
  });

  it("an archive made by `tar -C dir .`", async () => {
    const plain = image();
    const [config, a, b] = [plain.configBytes, base().blob, upper().blob];
    const manifest = JSON.stringify([{ Config: "c.json", RepoTags: null, Layers: ["a/layer.tar", "./b/layer.tar"] }]);
    const tar = tarOf([
      { name: "./", type: "directory" },
      { name: "./c.json", data: config },
      { name: "./a/layer.tar", data: a },
      { name: "./b/layer.tar", data: b },
      { name: "./manifest.json", data: manifest },
    ]);
    expect(await store.load(tar)).toEqual({ loaded: [{ id: plain.id, references: [] }] });
  });

  it("several images that share layers, once on disk", async () => {
    const one = buildImage({ layers: [base()], tags: ["one:1"] });
    const two = buildImage({ layers: [base(), upper()], tags: ["two:1", "also/two:2"] });
    const result = await store.load(dockerArchive([one, two], "old"));
    expect(result.loaded.map(({ references }) => references)).toEqual([["one:1"], ["two:1", "also/two:2"]]);
    expect(store.contents().snapshots).toHaveLength(2);
    expect(store.images.list().find(({ id }) => id === one.id)).toMatchObject({ sharedSize: 1000, size: 1000 });
  });

  it("the same layer twice in one image", async () => {
    const twice = buildImage({ layers: [base(), base()], tags: ["twice:1"] });
    await store.load(dockerArchive([twice], "old"));
    expect(store.images.resolve("twice:1").layers).toHaveLength(2);
  });

  it("an image without layers", async () => {
    const empty = buildImage({ layers: [], tags: ["empty:1"] });
    await store.load(ociLayout([empty]));
    const { chainId } = store.images.resolve("empty:1");
    expect(chainId).toBeNull();
    expect((await store.images.snapshots.prepare("c", chainId)).lowers).toHaveLength(1);
  });

  it("the same archive again: nothing new, the name moves", async () => {
    await store.load(dockerArchive([image()]));
    const other = buildImage({ layers: [base()], tags: ["x:1"], config: { Cmd: ["other"] } });
    const progress: string[] = [];
    await store.load(dockerArchive([other]), { onProgress: ({ status }) => progress.push(status) });
    expect(progress).toEqual(["Layer already exists"]);
    expect(store.images.resolve("x:1").id).toBe(other.id);
    expect(store.images.resolve(image().id).repoTags).toEqual([]);
  });

  it("two loads at the same time", async () => {
    const archives = [
      dockerArchive([image("gzip")]),
      dockerArchive([image("gzip", ["y:1"])]),
      ociLayout([image("zstd", ["z:1"])]),
    ];
    await Promise.all(archives.map((archive) => store.load(archive)));
    expect(store.images.list()).toHaveLength(1);
    expect(store.images.resolve(image().id).repoTags).toEqual(["x:1", "y:1", "z:1"]);
    expect(store.contents().snapshots).toHaveLength(2);
  });
});

describe("platforms", () => {
  const of = (architecture: string, variant?: string): TestImage =>
    buildImage({
      layers: [buildLayer([{ name: architecture, data: architecture }])],
      platform: { os: "linux", architecture, ...(variant === undefined ? {} : { variant }) },
    });
  const multi = (): { archive: Buffer; ids: Record<string, string> } => {
    const builder = new LayoutBuilder();
    const images = [of("s390x"), of("amd64"), of("arm64", "v8")];
    const attestation = {
      ...builder.addImage(of("attestation")),
      platform: { os: "unknown", architecture: "unknown" },
      annotations: { "vnd.docker.reference.type": "attestation-manifest" },
    };
    const nested = builder.addIndex([attestation, ...images.map((one) => builder.addImage(one))]);
    return {
      archive: builder.tar([{ ...nested, annotations: { "io.containerd.image.name": "docker.io/library/m:1" } }]),
      ids: Object.fromEntries(images.map((one) => [one.platform.architecture, one.id])),
    };
  };
  it.each([
    ["linux/amd64", "amd64"],
    ["linux/arm64", "arm64"],
    ["s390x", "s390x"],
  ])("%s is chosen from a nested index", async (platform, architecture) => {
    const { archive, ids } = multi();
    expect(await store.load(archive, { platform })).toEqual({
      loaded: [{ id: ids[architecture], references: ["m:1"] }],
    });
  });
  it("one that is missing is an error that names it, and leaves nothing", async () => {
    await expect(store.load(multi().archive, { platform: "linux/riscv64" })).rejects.toMatchObject({
      kind: "not_found",
      message: "no matching manifest for linux/riscv64 in the manifest list entries",
    });
    await expect(store.load(dockerArchive([of("s390x")]), { platform: "linux/amd64" })).rejects.toMatchObject({
      kind: "not_found",
      message: expect.stringContaining("linux/s390x"),
    });
    await expect(store.load(multi().archive, { platform: "a/b/c/d" })).rejects.toMatchObject({
      kind: "invalid",
      message: expect.stringContaining('"a/b/c/d"'),
    });
    expect(store.contents()).toEqual(EMPTY);
  });
});

describe("what is refused, leaving nothing", () => {
  const manifest = (value: unknown, ...more: { name: string; data: Buffer | string }[]) =>
    tarOf([...more, { name: "manifest.json", data: JSON.stringify(value) }]);
  const config = image().configBytes;
  const item = { Config: "c.json", RepoTags: ["x:1"], Layers: ["a", "b"] };
  const good = [
    { name: "c.json", data: config },
    { name: "a", data: base().blob },
  ];
  it.each<[string, () => Buffer, string]>([
    ["no tar at all", () => Buffer.from("hello world ".repeat(100)), "invalid tar archive"],
    ["nothing", () => Buffer.alloc(0), "neither manifest.json nor index.json"],
    ["a filesystem tar", () => tarOf([{ name: "etc/passwd", data: "x" }]), "neither manifest.json nor index.json"],
    ["xz", () => Buffer.from("fd377a585a000004", "hex"), "xz compression is not supported"],
    ["Docker before 1.10", () => tarOf([{ name: "repositories", data: "{}" }]), "older than 1.10"],
    ["a manifest that is no list", () => manifest({}), "manifest.json: expected a list"],
    ["an empty manifest", () => manifest([]), "holds no image"],
    ["a missing config", () => manifest([item]), 'no entry "c.json"'],
    ["a missing layer", () => manifest([item], ...good), 'no entry "b"'],
    [
      "a layer count that is wrong",
      () => manifest([{ ...item, Layers: ["a"] }], ...good),
      "1 layers, but its config names 2",
    ],
    ["a layer that is another", () => manifest([item], ...good, { name: "b", data: base().blob }), "unpacks to"],
    [
      "a layer of rubbish",
      () => manifest([item], ...good, { name: "b", data: "rubbish ".repeat(1000) }),
      "invalid tar archive",
    ],
    [
      "a bad tag",
      () => manifest([{ ...item, RepoTags: ["X Y"] }], ...good, { name: "b", data: upper().blob }),
      "invalid reference format",
    ],
    [
      "a config that is not what its name says",
      () =>
        manifest(
          [{ ...item, Config: `${"0".repeat(64)}.json` }],
          { name: `${"0".repeat(64)}.json`, data: config },
          ...good,
          { name: "b", data: upper().blob },
        ),
      "has the digest",
    ],
    [
      "a chain of links without end",
      () =>
        tarOf([
          { name: "l", type: "symlink", link: "l" },
          { name: "manifest.json", type: "symlink", link: "l" },
        ]),
      "links without end",
    ],
  ])("%s", async (_, archive, text) => {
    await expect(store.load(archive())).rejects.toMatchObject({
      kind: expect.stringMatching(/invalid|unsupported/),
      message: expect.stringContaining(text),
    });
    expect(store.contents()).toEqual(EMPTY);
    expect(store.images.list()).toEqual([]);
    expect(store.events).toEqual([]);
  });

  it.each<[string, (builder: LayoutBuilder) => Buffer, string]>([
    [
      "a blob that is not what its digest says",
      (builder) => {
        const descriptor = builder.addImage(image());
        builder.blobs.set(base().digest, Buffer.from(base().blob.toString("latin1").replace("AAAA", "AAAB"), "latin1"));
        return builder.tar([descriptor]);
      },
      `layer ${base().digest} has the digest`,
    ],
    [
      "a size that is wrong",
      (builder) => builder.tar([{ ...builder.addImage(image()), size: 5 }]),
      "its descriptor says 5",
    ],
    [
      "a manifest announced as an index",
      (builder) =>
        builder.tar([{ ...builder.addImage(image()), mediaType: "application/vnd.oci.image.index.v1+json" }]),
      "ambiguous",
    ],
    [
      "a digest that is a path",
      (builder) => builder.tar([{ ...builder.addImage(image()), digest: "sha256:../../../etc/passwd" }]),
      "invalid digest",
    ],
    [
      "indexes nested without end",
      (builder) => {
        let at = builder.addIndex([builder.addImage(image())]);
        for (let depth = 0; depth < 6; depth++) at = builder.addIndex([at]);
        return builder.tar([at]);
      },
      "nested more than",
    ],
    [
      "a missing blob",
      (builder) => {
        const descriptor = builder.addImage(image("gzip"));
        builder.blobs.delete(upper("gzip").digest);
        return builder.tar([descriptor]);
      },
      "has no blob",
    ],
  ])("OCI: %s", async (_, archive, text) => {
    await expect(store.load(archive(new LayoutBuilder()))).rejects.toMatchObject({
      kind: "invalid",
      message: expect.stringContaining(text),
    });
    expect(store.contents()).toEqual(EMPTY);
  });

  it("a decompression bomb, in bounded time and space", async () => {
    const bomb = {
      ...layerOfTar(Buffer.alloc(1024)),
      diffId: digestOf("zeros"),
      blob: zeros(),
      compression: "gzip" as const,
    };
    await expect(store.load(dockerArchive([buildImage({ layers: [bomb] })], "old"))).rejects.toMatchObject({
      code: "layer.bomb",
      message: expect.stringContaining("decompression bomb"),
    });
    expect(store.contents()).toEqual(EMPTY);
  });

  it("a bomb around the archive", async () => {
    await expect(store.load(zeros())).rejects.toMatchObject({
      code: "layer.bomb",
      message: expect.stringContaining("the archive unpacks to more than"),
    });
    expect(store.contents()).toEqual(EMPTY);
  });

  it("names without end", async () => {
    const name = "n".repeat(1 << 20);
    const archive = tarOf(Array.from({ length: 40 }, (_, index) => ({ name: `${index}${name}`, data: "" })));
    await expect(store.load(archive)).rejects.toMatchObject({ kind: "invalid" });
    const directories = Array.from({ length: 600 }, (_, index) => ({
      name: `d${index}/`,
      type: "directory" as const,
      xattrs: { "user.x": Buffer.alloc(60_000) },
    }));
    await expect(store.unpack([directories])).rejects.toMatchObject({
      kind: "invalid",
      message: expect.stringContaining("extended attributes"),
    });
    expect(store.contents()).toEqual(EMPTY);
  });

  it("a failing layer stops the others and discards them", async () => {
    const large = buildLayer([{ name: "large", data: Buffer.alloc(30 << 20, "x") }]);
    const broken = {
      ...buildLayer([{ name: "b", data: "1" }]),
      blob: compress(Buffer.from("no tar".repeat(1000)), "gzip"),
    };
    await expect(store.load(dockerArchive([buildImage({ layers: [large, broken] })], "old"))).rejects.toMatchObject({
      kind: "invalid",
    });
    expect(store.contents()).toEqual(EMPTY);
  });
});

describe("cancelling", () => {
  it("while the archive is received", async () => {
    const controller = new AbortController();
    async function* stream(): AsyncGenerator<Buffer> {
      const archive = dockerArchive([image()]);
      yield archive.subarray(0, 2000);
      controller.abort(new Error("client gone"));
      yield archive.subarray(2000);
    }
    await expect(store.images.load(Readable.from(stream()), { signal: controller.signal })).rejects.toMatchObject({
      kind: "cancelled",
    });
    expect(store.contents()).toEqual(EMPTY);
  });
  it("while layers are unpacked", async () => {
    const controller = new AbortController();
    const large = buildLayer([{ name: "large", data: Buffer.alloc(64 << 20, "x") }]);
    const loading = store.load(dockerArchive([buildImage({ layers: [large] })]), {
      signal: controller.signal,
      onProgress: () => controller.abort(),
    });
    await expect(loading).rejects.toMatchObject({ kind: "cancelled" });
    expect(store.contents()).toEqual(EMPTY);
  });
  it("a stream that breaks", async () => {
    async function* stream(): AsyncGenerator<Buffer> {
      yield dockerArchive([image()]).subarray(0, 5000);
      throw new Error("connection reset");
    }
    await expect(store.images.load(Readable.from(stream()))).rejects.toThrow("connection reset");
    expect(store.contents()).toEqual(EMPTY);
  });
});

describe("names and removal", () => {
  it("finds by name, id and prefix, with Docker's words when there is nothing", async () => {
    await store.load(dockerArchive([image()]));
    const { id } = image();
    for (const ref of ["x:1", "docker.io/library/x:1", id, id.slice(7), id.slice(7, 19), id.slice(0, 19)])
      expect(store.images.resolve(ref).id).toBe(id);
    expect(() => store.images.resolve("nope")).toThrow(
      expect.objectContaining({ kind: "not_found", message: "No such image: nope:latest" }),
    );
    expect(() => store.images.resolve("x")).toThrow("No such image: x:latest");
    expect(() => store.images.resolve(`sha256:${"0".repeat(64)}`)).toThrow("No such image: sha256:000");
    expect(() => store.images.resolve("X")).toThrow(expect.objectContaining({ kind: "invalid" }));
  });
  it("refuses an ambiguous prefix", async () => {
    const images = Array.from({ length: 17 }, (_, index) =>
      buildImage({ layers: [base()], config: { Labels: { n: String(index) } } }),
    );
    await store.load(dockerArchive(images, "old"));
    const [first, second] = images
      .map(({ id }) => id.slice(7))
      .sort()
      .flatMap((hex, index, all) => (hex[0] === all[index + 1]?.[0] ? [hex, all[index + 1] as string] : []));
    expect(() => store.images.resolve((first as string)[0] as string)).toThrow(
      expect.objectContaining({ code: "image.ambiguous" }),
    );
    expect(second).toBeDefined();
  });
  it("tags, retags and refuses what Docker refuses", async () => {
    await store.load(dockerArchive([image()]));
    store.images.tag("x:1", "y");
    store.images.tag("y", "ghcr.io/a/b:2");
    expect(store.images.resolve("x:1").repoTags).toEqual(["x:1", "y:latest", "ghcr.io/a/b:2"]);
    expect(() => store.images.tag("x:1", "sha256:1")).toThrow(
      "refusing to create an ambiguous tag using digest algorithm as name",
    );
    expect(() => store.images.tag("x:1", `y@sha256:${"1".repeat(64)}`)).toThrow(
      "refusing to create a tag with a digest reference",
    );
    expect(() => store.images.tag("nope", "y")).toThrow("No such image: nope:latest");
    expect(store.events.slice(1)).toEqual([
      { action: "tag", id: image().id, name: "y:latest" },
      { action: "tag", id: image().id, name: "ghcr.io/a/b:2" },
    ]);
  });
  it("deletes layers with their last image, top first, and keeps shared ones", async () => {
    const one = buildImage({ layers: [base()], tags: ["one:1"] });
    await store.load(dockerArchive([one, image()], "old"));
    const chainIds = store.images.resolve("x:1").chainIds;
    expect(await store.images.remove("x:1", idle)).toEqual([
      { untagged: "x:1" },
      { deleted: image().id },
      { deleted: chainIds[1] },
    ]);
    expect(await store.images.remove("one:1", idle)).toEqual([
      { untagged: "one:1" },
      { deleted: one.id },
      { deleted: chainIds[0] },
    ]);
    await store.images.close();
    expect(store.contents()).toEqual(EMPTY);
  });
  it("keeps the layers of a removed image while a container stands on them", async () => {
    await store.load(dockerArchive([image()]));
    const { chainId } = store.images.resolve("x:1");
    await store.images.snapshots.prepare("c", chainId);
    expect(await store.images.remove("x:1", { ...idle, force: true })).toHaveLength(2);
    store.images.snapshots.openRoot({ key: "c" }).close();
    await store.images.snapshots.remove("c");
    await store.images.close();
    expect(store.contents()).toEqual(EMPTY);
  });
  it("prunes dangling images, and all unused ones", async () => {
    await store.load(dockerArchive([image(), buildImage({ layers: [base()] })], "old"));
    expect((await store.images.prune(idle)).removed).toHaveLength(1);
    const result = await store.images.prune({ ...idle, dangling: false });
    expect(result).toMatchObject({
      spaceReclaimed: 301_000,
      removed: [{ untagged: "x:1" }, { deleted: image().id }, {}, {}],
    });
    expect(store.images.list()).toEqual([]);
  });
  it("lists history with sizes, newest first", async () => {
    const history = [
      { created_by: "add a" },
      { created_by: "env", empty_layer: true },
      { created_by: "add b", comment: "c" },
    ];
    await store.load(dockerArchive([buildImage({ layers: [base(), upper()], tags: ["h:1"], root: { history } })]));
    expect(
      store.images.history("h:1").map(({ id, size, createdBy, tags }) => [id.slice(0, 9), size, createdBy, tags]),
    ).toEqual([
      [store.images.resolve("h:1").id.slice(0, 9), 300_000, "add b", ["h:1"]],
      ["<missing>", 0, "env", []],
      ["<missing>", 1000, "add a", []],
    ]);
  });
  it("lists the others when one is damaged, and removes the damaged one", async () => {
    const other = buildImage({ layers: [base()], tags: ["other:1"] });
    await store.load(dockerArchive([image(), other], "old"));
    await store.close();
    writeFileSync(join(store.root, "blobs/sha256", image().id.slice(7)), "flipped");
    await store.open();
    expect(store.images.list().map(({ id }) => id)).toEqual([other.id]);
    expect(() => store.images.resolve("x:1")).toThrow("has the digest");
    await store.images.remove("x:1", idle);
    await store.load(dockerArchive([image()]));
    expect(store.images.resolve("x:1").id).toBe(image().id);
  });
  it("collects layers of an image whose removal was interrupted", async () => {
    await store.load(dockerArchive([image()]));
    await store.images.close();
    store.database.run("DELETE FROM image_names");
    store.database.run("DELETE FROM image_records");
    store.database.close();
    await store.open();
    await store.close();
    expect(store.contents()).toEqual(EMPTY);
    await store.open();
  });
  it("knows everything again after a restart", async () => {
    await store.load(ociLayout([image("gzip", ["x:1"])]));
    const before = store.images.resolve("x:1");
    await store.close();
    await store.open();
    expect(store.images.resolve("x:1")).toEqual(before);
  });
});
