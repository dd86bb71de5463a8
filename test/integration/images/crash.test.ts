/** Truncation at any byte, kill -9 while loading, a full disk: nothing half-present, ever. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Database } from "../../../engine/base/database.ts";
import { silentLog } from "../../../engine/base/log.ts";
import { SYNC_POINTS } from "../../../engine/base/sync-points.ts";
import { Images } from "../../../images/index.ts";
import { sys } from "../../../native/binding/index.ts";
import { buildImage, buildLayer, dockerArchive, ociLayout } from "../../support/image-archive.ts";
import { EMPTY, TestStore } from "./store.ts";

let store: TestStore;
beforeEach(async () => {
  store = await TestStore.make();
});
afterEach(async () => {
  await store[Symbol.asyncDispose]();
});

const layers = () => [
  buildLayer(
    [
      { name: "d/", type: "directory" },
      ...Array.from({ length: 20 }, (_, index) => ({ name: `d/${index}`, data: `${index}`.repeat(200) })),
    ],
    "gzip",
  ),
  buildLayer([{ name: "e", data: "e".repeat(5000) }], "zstd"),
];
const image = () => buildImage({ layers: layers(), tags: ["t:1"] });

describe("an archive cut at any byte", () => {
  it.each<[string, () => Buffer]>([
    ["docker-archive", () => dockerArchive([image()], "old")],
    ["OCI layout", () => ociLayout([image()])],
    ["gzip outside", () => dockerArchive([image()], "new", "gzip")],
  ])("%s", async (_, archive) => {
    const whole = archive();
    // The end mark itself may be missing, as tar allows.
    const mark = whole[0] === 0x1f ? 0 : 1024;
    const step = Math.floor(whole.length / 60) + 1;
    for (let length = 0; length < whole.length - mark; length += step) {
      await expect(store.load(whole.subarray(0, length)), `cut at ${length} of ${whole.length}`).rejects.toMatchObject({
        kind: "invalid",
      });
      expect(store.contents()).toEqual(EMPTY);
    }
    expect(store.images.list()).toEqual([]);
    await store.load(whole);
    expect(store.images.resolve("t:1").id).toBe(image().id);
  });

  it("a layer cut at any byte inside a whole archive", async () => {
    const [first, second] = layers() as [ReturnType<typeof buildLayer>, ReturnType<typeof buildLayer>];
    for (let length = 0; length < first.blob.length; length += 17) {
      const cut = { ...first, blob: first.blob.subarray(0, length) };
      await expect(
        store.load(dockerArchive([{ ...image(), layers: [cut, second] }], "old")),
        `cut at ${length}`,
      ).rejects.toMatchObject({ kind: "invalid" });
    }
    expect(store.contents()).toEqual(EMPTY);
  });
});

describe("kill -9", () => {
  const large = () =>
    buildImage({
      layers: [0, 1, 2].map((layer) =>
        buildLayer(
          Array.from({ length: 1000 }, (_, index) => ({ name: `l${layer}/f${index}`, data: `${index}`.repeat(500) })),
          "gzip",
        ),
      ),
      tags: ["large:1"],
    });

  async function loadAndDie(
    archive: Buffer,
    environment: Readonly<Record<string, string>>,
    when?: RegExp,
  ): Promise<void> {
    await store.close();
    const file = join(store.root, "archive.tar");
    writeFileSync(file, archive);
    const child = spawn(process.execPath, [join(import.meta.dirname, "load-child.ts"), store.root, file], {
      env: { ...process.env, ...environment },
      stdio: ["ignore", "pipe", "inherit"],
    });
    if (when !== undefined) {
      let seen = "";
      for await (const chunk of child.stdout) {
        seen += String(chunk);
        if (when.test(seen)) break;
      }
      child.kill("SIGKILL");
    }
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    expect(child.signalCode).toBe("SIGKILL");
    await store.open();
  }
  async function nothingThere(): Promise<void> {
    expect(store.images.list()).toEqual([]);
    await store.close();
    expect(store.contents()).toEqual(EMPTY);
    await store.open();
  }

  it.each(SYNC_POINTS.filter((point) => point === "load.spooled" || point === "load.layer"))(
    "at %s leaves nothing",
    async (point) => {
      await loadAndDie(dockerArchive([large()]), { TARE_SYNC_KILL: point });
      await nothingThere();
      await store.load(dockerArchive([large()]));
      expect(store.images.resolve("large:1").id).toBe(large().id);
    },
  );
  it("at load.recorded leaves the whole image", async () => {
    await loadAndDie(dockerArchive([large()]), { TARE_SYNC_KILL: "load.recorded" });
    expect(store.images.resolve("large:1").id).toBe(large().id);
    expect(store.contents().snapshots).toHaveLength(3);
  });
  it("in the middle of a layer leaves nothing", async () => {
    const one = buildLayer(
      Array.from({ length: 12_000 }, (_, index) => ({ name: `f${index}`, data: `${index}`.repeat(50) })),
    );
    await loadAndDie(dockerArchive([buildImage({ layers: [one] })]), {}, /progress/);
    await nothingThere();
  });
});

it("layers that a power cut may have torn go, with their images", async () => {
  await store.load(dockerArchive([image()]));
  await store.images.close();
  store.database.run("UPDATE image_layers SET boot = 'another boot' WHERE parent IS NULL");
  store.database.close();
  await store.open();
  expect(store.images.list()).toEqual([]);
  await store.close();
  expect(store.contents()).toEqual(EMPTY);
  await store.open();
  await store.load(dockerArchive([image()]));
  await store.images.close();
  expect(store.database.all("SELECT boot FROM image_layers")).toEqual([{ boot: null }, { boot: null }]);
});

it("a full disk is a clear error and leaves nothing", async () => {
  // A small tmpfs that is attached nowhere: it is reached through its descriptor and vanishes with it.
  const context = sys.fsopen("tmpfs");
  sys.fsconfigString(context, "size", "8m");
  sys.fsconfigCreate(context);
  const mount = sys.fsmount(context);
  closeSync(context);
  const root = `/proc/self/fd/${mount}/root`;
  mkdirSync(root);
  const database = Database.open(":memory:");
  const images = await Images.open({ root, database, log: silentLog });
  const big = buildLayer(
    [
      { name: "a", data: "small" },
      { name: "big", data: Buffer.alloc(20 << 20, "ab") },
    ],
    "gzip",
  );
  const spool = images.load(
    Readable.from([
      dockerArchive([buildImage({ layers: [buildLayer([{ name: "x", data: Buffer.alloc(9 << 20) }])] })]),
    ]),
  );
  await expect(spool).rejects.toMatchObject({
    code: "image.disk_full",
    message: "no space left on device while receiving the archive",
  });
  const unpack = images.load(Readable.from([dockerArchive([buildImage({ layers: [big] })])]));
  await expect(unpack).rejects.toMatchObject({
    code: "image.disk_full",
    message: expect.stringContaining('no space left on device while unpacking "big"'),
  });
  expect(Number(sys.statfs(root).blocks - sys.statfs(root).blocksFree) * 4096).toBeLessThan(100_000);
  await images.load(Readable.from([dockerArchive([image()])]));
  await images.close();
  database.close();
  closeSync(mount);
});
