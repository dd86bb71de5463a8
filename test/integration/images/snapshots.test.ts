import {
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Digest } from "../../../images/index.ts";
import { openDetached } from "../../../images/snapshot/overlay.ts";
import { buildImage, buildLayer, dockerArchive, type TestEntry } from "../../support/image-archive.ts";
import { EMPTY, idle, TestStore, Tree } from "./store.ts";

let store: TestStore;
beforeEach(async () => {
  store = await TestStore.make();
});
afterEach(async () => {
  await store[Symbol.asyncDispose]();
});
async function chainOf(...layers: (readonly TestEntry[])[]): Promise<Digest | null> {
  await store.load(
    dockerArchive([buildImage({ layers: layers.map((entries) => buildLayer(entries)), tags: ["s:1"] })]),
  );
  return store.images.resolve("s:1").chainId;
}
const open = (key: string, write = false): Tree => new Tree(store.images.snapshots.openRoot({ key, write }));
const mounts = (): string[] =>
  readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .filter((line) => line.includes(store.root));

describe("the init layer", () => {
  it("has Docker's mount points", async () => {
    await store.images.snapshots.prepare("c", await chainOf([{ name: "f", data: "1" }]));
    using tree = open("c");
    for (const name of [".dockerenv", "etc/resolv.conf", "etc/hosts", "etc/hostname", "dev/console"]) {
      expect(lstatSync(tree.path(name)), name).toMatchObject({ size: 0, mode: 0o100755 });
    }
    for (const name of ["dev/pts", "dev/shm", "proc", "sys"])
      expect(lstatSync(tree.path(name)), name).toMatchObject({ mode: 0o40755 });
    expect(readlinkSync(tree.path("etc/mtab"))).toBe("/proc/mounts");
  });
  it("keeps what the image's directories are like, and what is in them", async () => {
    const entries: TestEntry[] = [
      { name: "etc/", type: "directory", mode: 0o700, uid: 7, gid: 8 },
      { name: "etc/passwd", data: "p" },
      { name: "etc/hosts", data: "old" },
      { name: "dev/", type: "directory", mode: 0o711 },
    ];
    await store.images.snapshots.prepare("c", await chainOf(entries));
    using tree = open("c");
    expect(lstatSync(tree.path("etc"))).toMatchObject({ mode: 0o40700, uid: 7, gid: 8 });
    expect(lstatSync(tree.path("dev")).mode).toBe(0o40711);
    expect(readdirSync(tree.path("etc")).sort()).toEqual(["hostname", "hosts", "mtab", "passwd", "resolv.conf"]);
    expect(readFileSync(tree.path("etc/hosts"), "utf8")).toBe("");
  });
  it("is made once for all containers of an image", async () => {
    const chainId = await chainOf([{ name: "f", data: "1" }]);
    const [a, b] = await Promise.all(["a", "b"].map((key) => store.images.snapshots.prepare(key, chainId)));
    expect(a?.lowers).toEqual(b?.lowers);
    expect(a?.upper).not.toBe(b?.upper);
    expect(store.contents().snapshots).toHaveLength(4);
  });
  it("stays inside when the image's /etc and /dev lead out", async () => {
    const outside = mkdtempSync(join(tmpdir(), "tare-outside-"));
    try {
      const chainId = await chainOf([
        { name: "etc", type: "symlink", link: outside },
        { name: "dev", type: "symlink", link: `../../../../../..${outside}` },
        { name: "proc", type: "symlink", link: "/proc/self/root" },
        { name: "sys", data: "a file" },
      ]);
      await store.images.snapshots.prepare("c", chainId);
      using tree = open("c");
      expect(readdirSync(outside)).toEqual([]);
      for (const name of ["etc", "dev", "proc", "sys"])
        expect(lstatSync(tree.path(name)).isDirectory(), name).toBe(true);
    } finally {
      rmSync(outside, { recursive: true });
    }
  });
});

describe("snapshots", () => {
  it("are data with short relative names, top first, and mount nothing", async () => {
    const chainId = await chainOf([{ name: "a", data: "1" }], [{ name: "b", data: "2" }], [{ name: "a", data: "3" }]);
    const snapshot = await store.images.snapshots.prepare("c", chainId);
    expect(snapshot).toMatchObject({ key: "c", base: join(store.root, "snapshots"), lowers: expect.any(Array) });
    expect(snapshot.lowers).toHaveLength(4);
    for (const path of [...snapshot.lowers, snapshot.upper, snapshot.work]) {
      expect(path).toMatch(/^[0-9a-z]{1,3}\/(fs|work)$/);
      expect(statSync(join(snapshot.base, path)).isDirectory()).toBe(true);
    }
    expect(store.images.snapshots.get("c")).toEqual(snapshot);
    using tree = open("c");
    expect(readFileSync(tree.path("a"), "utf8")).toBe("3");
    expect(mounts()).toEqual([]);
  });
  it("take the root's attributes, and are private on the host", async () => {
    const snapshot = await store.images.snapshots.prepare(
      "c",
      await chainOf([{ name: "./", type: "directory", mode: 0o1711, uid: 3 }]),
    );
    expect(statSync(join(snapshot.base, snapshot.upper))).toMatchObject({ mode: 0o41711, uid: 3 });
    for (const name of ["snapshots", "trash", "tmp", "blobs"])
      expect(statSync(join(store.root, name)).mode & 0o777, name).toBe(0o700);
  });
  it("can be opened on kernels that take all layers in one string, of which more than ten fit", async () => {
    const layers = Array.from({ length: 40 }, (_, index): TestEntry[] => [{ name: `f${index}`, data: `${index}` }]);
    const { base, lowers, upper, work } = await store.images.snapshots.prepare("c", await chainOf(...layers));
    for (const source of [
      { base, lowers },
      { base, lowers, upper, work },
    ]) {
      const fd = openDetached(source, true);
      using tree = new Tree({ fd, close: () => closeSync(fd) });
      expect(readdirSync(tree.path(".")).filter((name) => name.startsWith("f"))).toHaveLength(40);
      if ("upper" in source) writeFileSync(tree.path("written"), "w");
    }
    expect([store.contents().tmp, mounts()]).toEqual([[], []]);
    expect(readFileSync(join(base, upper, "written"), "utf8")).toBe("w");
  });
  it("know each key once, and none that is missing", async () => {
    const chainId = await chainOf([{ name: "a", data: "1" }]);
    await store.images.snapshots.prepare("c", chainId);
    await expect(store.images.snapshots.prepare("c", chainId)).rejects.toMatchObject({ kind: "conflict" });
    await expect(store.images.snapshots.prepare("d", `sha256:${"0".repeat(64)}` as Digest)).rejects.toMatchObject({
      kind: "not_found",
    });
    expect(() => store.images.snapshots.get("nope")).toThrow(expect.objectContaining({ kind: "not_found" }));
    await store.images.snapshots.remove("nope");
    expect(store.images.snapshots.keys()).toEqual(["c"]);
  });
  it("are written through a private mount, measured, and removed whatever is in them", async () => {
    await store.images.snapshots.prepare(
      "c",
      await chainOf([
        { name: "a", data: "1" },
        { name: "d/x", data: "2" },
      ]),
    );
    {
      using tree = open("c", true);
      writeFileSync(tree.path("new"), "12345");
      rmSync(tree.path("a"));
      mkdirSync(tree.path(Array.from({ length: 200 }, () => "deep").join("/")), { recursive: true });
    }
    using tree = open("c");
    expect(existsSync(tree.path("a"))).toBe(false);
    expect(await store.images.snapshots.usage("c")).toBe(5);
    tree[Symbol.dispose]();
    await store.images.snapshots.remove("c");
    expect(store.images.snapshots.keys()).toEqual([]);
    await store.images.remove("s:1", idle);
    await store.images.close();
    expect(store.contents()).toEqual(EMPTY);
  });
  it("removes trees deeper than any path", async () => {
    const snapshot = await store.images.snapshots.prepare("c", await chainOf([{ name: "a", data: "1" }]));
    const top = join(snapshot.base, snapshot.upper);
    const below = Array.from({ length: 15 }, () => "x".repeat(200)).join("/");
    mkdirSync(join(top, "t"));
    // What is there goes to the bottom of a new tree, by renames that are each short enough: 36,000 bytes of path in the end.
    for (let level = 0; level < 12; level++) {
      mkdirSync(join(top, "w", below), { recursive: true });
      renameSync(join(top, "t"), join(top, "w", below, "t"));
      renameSync(join(top, "w"), join(top, "t"));
    }
    await store.images.snapshots.remove("c");
    expect(store.contents().trash).toEqual([]);
  });
  it("sweep at start: what no row names goes, what has one stays", async () => {
    const snapshot = await store.images.snapshots.prepare("c", await chainOf([{ name: "a", data: "1" }]));
    await store.close();
    mkdirSync(join(store.root, "snapshots/zzz/fs/half"), { recursive: true });
    mkdirSync(join(store.root, "snapshots/NOT A NUMBER"));
    mkdirSync(join(store.root, "trash/left"), { recursive: true });
    writeFileSync(join(store.root, "tmp/load-x"), "x");
    writeFileSync(join(store.root, "blobs/sha256", "f".repeat(64)), "orphan");
    await store.open();
    expect(store.images.snapshots.get("c")).toEqual(snapshot);
    const next = await store.images.snapshots.prepare("d", store.images.resolve("s:1").chainId);
    expect(existsSync(join(next.base, next.upper))).toBe(true);
    await store.images.close();
    expect(store.contents()).toMatchObject({ trash: [], tmp: [] });
    expect(store.contents().snapshots).toHaveLength(4);
    expect(store.contents().blobs).toHaveLength(1);
  });
});
