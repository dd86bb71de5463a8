import { lstatSync, readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { buildImage, buildLayer, dockerArchive, type TestEntry } from "../../support/image-archive.ts";
import { EMPTY, TestStore, Tree } from "./store.ts";

let store: TestStore;
beforeEach(async () => {
  store = await TestStore.make();
});
afterEach(async () => {
  await store[Symbol.asyncDispose]();
});
const dir = (name: string, more: Partial<TestEntry> = {}): TestEntry => ({
  name: `${name}/`,
  type: "directory",
  ...more,
});
const file = (name: string, data = name, more: Partial<TestEntry> = {}): TestEntry => ({ name, data, ...more });
const names = (tree: Tree, path = "."): string[] => readdirSync(tree.path(path)).sort();
const read = (tree: Tree, path: string): string => readFileSync(tree.path(path), "utf8");
/** Entries that every image has from its init layer. */
const INIT = [".dockerenv", "dev", "etc", "proc", "sys"];

describe("what an entry becomes", () => {
  it("attributes of files, directories and links", async () => {
    using tree = await store.unpack([
      [
        dir(".", { mode: 0o711, uid: 3, gid: 4 }),
        dir("d", { mode: 0o2775, uid: 5, gid: 50, mtime: 1_600_000_000 }),
        file("d/suid", "x", { mode: 0o4755, uid: 7, gid: 8, pax: { mtime: "1234567890.123456789" } }),
        file("d/plain", "y", { mode: 0o666 }),
        file("d/none", "", { mode: 0 }),
        { name: "d/link", type: "symlink", link: "/abs/../x", uid: 9, gid: 10, mtime: 5 },
        { name: "d/hard", type: "hardlink", link: "./d/suid" },
        { name: "d/tty", type: "char", device: [5, 0], mode: 0o620, gid: 5 },
        { name: "d/sda", type: "block", device: [8, 300] },
        { name: "d/fifo", type: "fifo", mode: 0o600 },
      ],
    ]);
    expect(statSync(tree.path("."))).toMatchObject({ uid: 3, gid: 4, mode: 0o40711 });
    expect(statSync(tree.path("d"))).toMatchObject({ uid: 5, gid: 50, mode: 0o42775, mtimeMs: 1_600_000_000_000 });
    const suid = statSync(tree.path("d/suid"), { bigint: true });
    expect(suid).toMatchObject({ uid: 7n, gid: 8n, mode: 0o104755n, nlink: 2n });
    expect(suid.mtimeNs.toString()).toBe("1234567890123456789");
    // The parent is setgid, but the archive says 0:0.
    expect(statSync(tree.path("d/plain"))).toMatchObject({ uid: 0, gid: 0, mode: 0o100666 });
    expect(statSync(tree.path("d/none")).mode).toBe(0o100000);
    expect(lstatSync(tree.path("d/link"))).toMatchObject({ uid: 9, gid: 10, mtimeMs: 5000 });
    expect(readlinkSync(tree.path("d/link"))).toBe("/abs/../x");
    expect(statSync(tree.path("d/hard")).ino).toBe(Number(suid.ino));
    expect(lstatSync(tree.path("d/tty"))).toMatchObject({ mode: 0o20620, rdev: 5 * 256, gid: 5 });
    expect(lstatSync(tree.path("d/sda")).isBlockDevice()).toBe(true);
    expect(lstatSync(tree.path("d/fifo"))).toMatchObject({ mode: 0o10600 });
  });

  it("xattrs with any bytes; the overlay's own are dropped", async () => {
    const capability = Buffer.from("0100000200200000000000000000000000000000", "hex");
    const xattrs = {
      "user.bytes": Buffer.from([0, 10, 61, 255]),
      "trusted.overlay.opaque": "y",
      "trusted.overlay.redirect": "/etc",
    };
    using tree = await store.unpack([
      [
        file("ping", "x", { uid: 1, mode: 0o755, xattrs: { "security.capability": capability, ...xattrs } }),
        dir("d", { xattrs }),
        { name: "l", type: "symlink", link: "x", xattrs: { "user.no": "1" } },
      ],
    ]);
    expect(tree.xattr("ping", "security.capability")?.toString("hex")).toBe(capability.toString("hex"));
    expect(tree.xattr("ping", "user.bytes")).toEqual(Buffer.from([0, 10, 61, 255]));
    expect(tree.xattr("d", "user.bytes")).toEqual(Buffer.from([0, 10, 61, 255]));
    for (const name of ["ping", "d"]) expect(tree.xattr(name, "trusted.overlay.redirect")).toBeNull();
  });

  it("names that are no UTF-8, long names, many levels", async () => {
    const deep = Array.from({ length: 40 }, (_, index) => `level-${index}-${"x".repeat(60)}`).join("/");
    using tree = await store.unpack([
      [{ name: Buffer.from([0xff, 0xfe]), data: "bytes" }, file(`${deep}/f`, "deep"), file("y".repeat(255), "long")],
    ]);
    expect(
      readdirSync(Buffer.from(tree.path(".")), { encoding: "buffer" }).some((name) =>
        name.equals(Buffer.from([0xff, 0xfe])),
      ),
    ).toBe(true);
    expect(read(tree, `${deep}/f`)).toBe("deep");
    expect(read(tree, "y".repeat(255))).toBe("long");
  });

  it("the later of two entries of one name wins, whatever they are", async () => {
    using tree = await store.unpack([
      [
        file("a", "1"),
        file("a", "2"),
        dir("b"),
        file("b/x"),
        file("b", "now a file"),
        file("c", "1"),
        dir("c", { mode: 0o700 }),
        file("c/y"),
        dir("d", { mode: 0o700 }),
        file("d/kept"),
        dir("d", { mode: 0o755 }),
        { name: "e", type: "symlink", link: "d" },
        file("e", "file"),
        dir("real"),
        file("real/f", "kept"),
        { name: "alias", type: "symlink", link: "real" },
        { name: "alias/f", type: "hardlink", link: "real/f" },
        file("h", "h"),
        { name: "h", type: "hardlink", link: "a" },
        { name: "a", type: "hardlink", link: "a" },
      ],
    ]);
    expect([read(tree, "a"), read(tree, "b"), read(tree, "e"), read(tree, "h")]).toEqual([
      "2",
      "now a file",
      "file",
      "2",
    ]);
    expect(names(tree, "c")).toEqual(["y"]);
    expect(read(tree, "real/f")).toBe("kept");
    expect([names(tree, "d"), statSync(tree.path("d")).mode & 0o777]).toEqual([["kept"], 0o755]);
  });

  it("times before 1970 and far away are clamped", async () => {
    using tree = await store.unpack([
      [file("old", "", { mtime: -5 }), file("far", "", { pax: { mtime: "99999999999999" } })],
    ]);
    expect(statSync(tree.path("old")).mtimeMs).toBe(0);
    expect(statSync(tree.path("far")).mtimeMs).toBeGreaterThan(0);
  });
});

describe("whiteouts", () => {
  const lower = [
    dir("d"),
    file("d/a"),
    file("d/b"),
    dir("d/sub"),
    file("d/sub/x"),
    file("gone"),
    dir("o"),
    file("o/old"),
    dir("o/dir"),
    file("o/dir/old"),
  ];
  it("remove files and trees of lower layers", async () => {
    using tree = await store.unpack([
      lower,
      [dir("d"), file("d/.wh.a", ""), file("d/.wh.sub", ""), file(".wh.gone", "")],
    ]);
    expect(names(tree, "d")).toEqual(["b"]);
    expect(names(tree)).toEqual(["d", "o", ...INIT].sort());
  });
  it("opaque directories hide what is below, but nothing of their own layer, in any order", async () => {
    using tree = await store.unpack([lower, [dir("o"), file("o/new1"), file("o/.wh..wh..opq", ""), file("o/new2")]]);
    expect(names(tree, "o")).toEqual(["new1", "new2"]);
  });
  it("spare what their own layer made, before or after", async () => {
    using tree = await store.unpack([
      lower,
      [
        dir("d"),
        file("d/a", "new"),
        file("d/.wh.a", ""),
        file("d/.wh.b", ""),
        file("d/b", "new"),
        dir("d/sub"),
        file("d/sub/y"),
        file("d/.wh.sub", ""),
      ],
    ]);
    expect([read(tree, "d/a"), read(tree, "d/b"), names(tree, "d/sub")]).toEqual(["new", "new", ["y"]]);
  });
  it("followed by a directory of that name hide its old content", async () => {
    using tree = await store.unpack([
      lower,
      [dir("d"), file("d/.wh.sub", ""), dir("d/sub"), file("d/sub/new")],
      [dir("d"), dir("d/sub"), file("d/sub/newer")],
    ]);
    expect(names(tree, "d/sub")).toEqual(["new", "newer"]);
  });
  it("followed by a child without its directory do too", async () => {
    using tree = await store.unpack([lower, [file("d/.wh.sub", ""), file("d/sub/new")]]);
    expect(names(tree, "d/sub")).toEqual(["new"]);
  });
  it("of nothing, in the lowest layer, and aufs bookkeeping are harmless", async () => {
    using tree = await store.unpack([
      [file(".wh.never", ""), file(".wh..wh.plnk/1.2", "x"), file(".wh..wh.aufs", "x"), file("f")],
      [file(".wh.absent", "")],
    ]);
    expect(names(tree)).toEqual(["f", ...INIT].sort());
  });
  it.each([".wh.", ".wh..", ".wh...", "d/.wh."])("%s is refused", async (name) => {
    await expect(store.unpack([lower, [file(name, "")]])).rejects.toMatchObject({ kind: "invalid" });
    expect(store.contents()).toEqual(EMPTY);
  });
  it("below a whiteout is refused", async () => {
    await expect(store.unpack([lower, [file(".wh.d/x", "")]])).rejects.toThrow("below a whiteout");
  });
});

describe("what a layer takes from those below", () => {
  const base = [
    dir("opt", { mode: 0o700, uid: 11, gid: 12, mtime: 1_500_000_000, xattrs: { "user.k": "v" } }),
    dir("opt/deep", { mode: 0o1777 }),
    file("opt/f"),
    dir("usr"),
    dir("usr/lib", { mode: 0o711 }),
    { name: "lib", type: "symlink", link: "usr/lib" } as TestEntry,
  ];

  it("attributes of directories it does not name itself", async () => {
    using tree = await store.unpack([base, [file("opt/deep/new"), file("fresh/new")]]);
    expect(statSync(tree.path("opt"))).toMatchObject({ mode: 0o40700, uid: 11, gid: 12, mtimeMs: 1_500_000_000_000 });
    expect(tree.xattr("opt", "user.k")?.toString()).toBe("v");
    expect(statSync(tree.path("opt/deep")).mode).toBe(0o41777);
    expect(statSync(tree.path("fresh")).mode).toBe(0o40755);
    expect(names(tree, "opt")).toEqual(["deep", "f"]);
  });
  it("links in place of directories: files go where the link leads", async () => {
    using tree = await store.unpack([base, [file("lib/a.so"), file("usr/lib/b.so")], [file("lib/c.so")]]);
    expect(readlinkSync(tree.path("lib"))).toBe("usr/lib");
    expect(names(tree, "usr/lib")).toEqual(["a.so", "b.so", "c.so"]);
    expect(statSync(tree.path("usr/lib")).mode).toBe(0o40711);
  });
  it("targets of hard links, copied up and then shared", async () => {
    const lower = [
      dir("d", { mode: 0o750 }),
      file("d/target", "content", { mode: 0o4755, uid: 3, mtime: 1_111_111_111, xattrs: { "user.k": "v" } }),
      { name: "d/sym", type: "symlink", link: "target" } as TestEntry,
    ];
    using tree = await store.unpack([
      lower,
      [
        { name: "hard", type: "hardlink", link: "d/target" },
        { name: "hardsym", type: "hardlink", link: "d/sym" },
      ],
    ]);
    expect(read(tree, "hard")).toBe("content");
    expect(statSync(tree.path("hard"))).toMatchObject({ mode: 0o104755, uid: 3, mtimeMs: 1_111_111_111_000 });
    expect(statSync(tree.path("hard")).ino).toBe(statSync(tree.path("d/target")).ino);
    expect(tree.xattr("hard", "user.k")?.toString()).toBe("v");
    expect(statSync(tree.path("d")).mode).toBe(0o40750);
    expect(readlinkSync(tree.path("hardsym"))).toBe("target");
  });
  it("the root directory's attributes", async () => {
    using tree = await store.unpack([[dir(".", { mode: 0o700, uid: 5, gid: 6 }), file("a")], [file("b")], [file("c")]]);
    expect(statSync(tree.path("."))).toMatchObject({ mode: 0o40700, uid: 5, gid: 6 });
  });
  it("a directory in place of a file, and a file in place of a directory", async () => {
    using tree = await store.unpack([
      [dir("a"), file("a/x"), file("b")],
      [file("a", "file"), dir("b"), file("b/y")],
    ]);
    expect([read(tree, "a"), names(tree, "b")]).toEqual(["file", ["y"]]);
  });
  it("is right too when the layers below were loaded before", async () => {
    const [one, two] = [buildLayer(base), buildLayer([file("lib/later"), file("opt/later")])];
    await store.load(dockerArchive([buildImage({ layers: [one], tags: ["one"] })]));
    await store.load(dockerArchive([buildImage({ layers: [one, two], tags: ["two"] })], "old"));
    using tree = new Tree(store.images.snapshots.openRoot({ chainId: store.images.resolve("two").chainId }));
    expect([names(tree, "usr/lib"), statSync(tree.path("opt")).mode]).toEqual([["later"], 0o40700]);
  });
});
