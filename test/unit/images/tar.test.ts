import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NameSplitter } from "../../../images/layer/names.ts";
import { TarReader } from "../../../images/layer/tar.ts";
import type { TarEntry } from "../../../images/layer/tar-header.ts";
import { tarOf, type TestEntry } from "../../support/image-archive.ts";

interface Seen extends TarEntry {
  readonly data: string;
}
function read(tar: Buffer, chunkSize = tar.length): Seen[] {
  const seen: Seen[] = [];
  let open: { entry: TarEntry; data: Buffer[] } | undefined;
  const reader = new TarReader({
    begin: (entry) => void (open = { entry, data: [] }),
    data: (chunk) => void open?.data.push(Buffer.from(chunk)),
    end: () =>
      void seen.push({
        ...(open as { entry: TarEntry }).entry,
        data: Buffer.concat(open?.data ?? []).toString("latin1"),
      }),
  });
  for (let at = 0; at < tar.length; at += chunkSize) reader.write(tar.subarray(at, at + chunkSize));
  reader.end();
  return seen;
}

const sample: TestEntry[] = [
  { name: "dir/", type: "directory", mode: 0o2755 },
  { name: "dir/file", data: "hello", mode: 0o4755, uid: 1000, gid: 50, mtime: 12345.678901234 },
  { name: "dir/empty" },
  { name: "link", type: "symlink", link: "/etc/../x" },
  { name: "hard", type: "hardlink", link: "dir/file" },
  { name: "dev", type: "char", device: [5, 1] },
  { name: "fifo", type: "fifo" },
  { name: `${"d/".repeat(80)}long`, data: "long name" },
  {
    name: "x",
    xattrs: { "user.a": Buffer.from([0, 10, 255]), "security.capability": Buffer.alloc(20, 1) },
    data: "x".repeat(1500),
  },
  { name: "big-uid", uid: 4_000_000_000 - 1, gid: 3 },
];

describe("TarReader", () => {
  it("reads every kind of entry", () => {
    const seen = read(tarOf(sample));
    expect(seen.map(({ type }) => type)).toEqual([
      "directory",
      "file",
      "file",
      "symlink",
      "hardlink",
      "char",
      "fifo",
      "file",
      "file",
      "file",
    ]);
    expect(seen[1]).toMatchObject({
      data: "hello",
      mode: 0o4755,
      uid: 1000,
      gid: 50,
      mtimeSeconds: 12345,
      mtimeNanoseconds: 678901234,
    });
    expect(seen[3]?.linkName.toString()).toBe("/etc/../x");
    expect(seen[5]).toMatchObject({ deviceMajor: 5, deviceMinor: 1 });
    expect(seen[7]?.name.toString()).toBe(`${"d/".repeat(80)}long`);
    expect(seen[8]?.xattrs?.get("user.a")).toEqual(Buffer.from([0, 10, 255]));
    expect(seen[9]?.uid).toBe(3_999_999_999);
  });
  it.each([1, 7, 511, 512, 513, 4096])("gives the same with chunks of %i bytes", (size) => {
    expect(read(tarOf(sample), size)).toEqual(read(tarOf(sample)));
  });
  it("keeps names that are no UTF-8", () => {
    expect(read(tarOf([{ name: Buffer.from([0xff, 0x2f, 0xfe]), data: "" }]))[0]?.name).toEqual(
      Buffer.from([0xff, 0x2f, 0xfe]),
    );
  });
  it("takes a regular entry with a trailing slash as a directory and skips its data", () => {
    expect(
      read(
        tarOf([
          { name: "d/", type: "file", data: "zzz" },
          { name: "f", data: "1" },
        ]),
      ).map(({ type }) => type),
    ).toEqual(["directory", "file"]);
  });
  it("ignores the size of links and directories", () => {
    expect(
      read(
        tarOf([
          { name: "h", type: "hardlink", link: "x", size: 9999 },
          { name: "f", data: "1" },
        ]),
      ),
    ).toHaveLength(2);
  });
  it("tolerates a missing end mark and trailing zeros, and reads nothing after the mark", () => {
    const tar = tarOf([{ name: "f", data: "1" }]);
    expect(read(tar.subarray(0, tar.length - 1024))).toHaveLength(1);
    expect(read(Buffer.concat([tar, Buffer.alloc(10240), Buffer.from("garbage")]))).toHaveLength(1);
    expect(read(Buffer.alloc(0))).toEqual([]);
  });
  it("obeys pax size, path and ids over the header", () => {
    const [entry] = read(
      tarOf([{ name: "short", data: "12345", size: 1, pax: { size: "5", path: "other", uid: "70000" } }]),
    );
    expect(entry).toMatchObject({ data: "12345", size: 5, uid: 70000 });
    expect(entry?.name.toString()).toBe("other");
  });
  it("ignores global pax headers", () => {
    const [entry] = read(
      tarOf([
        { name: "g", flag: "g", data: "20 path=replaced\n\n\n\n" },
        { name: "f", data: "1" },
      ]),
    );
    expect(entry?.name.toString()).toBe("f");
  });

  it.each<[string, Buffer, string]>([
    ["8 EiB of data", tarOf([{ name: "f", size: 2 ** 62 }]), "out of range"],
    ["a negative size", tarOf([{ name: "f", data: "", pax: { size: "-1" } }]), "pax size"],
    ["an endless pax header", tarOf([{ name: "p", flag: "x", size: 2 ** 31 }]), "extended header"],
    ["an endless long name", tarOf([{ name: "p", flag: "L", size: 2 ** 31 }]), "extended header"],
    ["GNU sparse files", tarOf([{ name: "s", flag: "S" }]), "sparse"],
    ["pax sparse files", tarOf([{ name: "s", pax: { "GNU.sparse.major": "1" } }]), "sparse"],
    ["unknown types", tarOf([{ name: "v", flag: "V" }]), "unknown type"],
    ["text", Buffer.alloc(1024, "this is no tar "), "checksum"],
    ["a pax record without length", tarOf([{ name: "p", flag: "x", data: "path=x\n" }, { name: "f" }]), "no length"],
    [
      "a pax record that lies about its length",
      tarOf([{ name: "p", flag: "x", data: "99 path=x\n" }, { name: "f" }]),
      "wrong length",
    ],
    ["a NUL in a path", tarOf([{ name: "f", pax: { path: "a\0b" } }]), "NUL"],
  ])("refuses %s", (_, tar, text) => {
    expect(() => read(tar)).toThrow(
      expect.objectContaining({ kind: "invalid", message: expect.stringContaining(text) }),
    );
  });

  it("notices every truncation inside an entry", () => {
    const tar = tarOf([
      { name: "a", data: "x".repeat(700) },
      { name: "b", xattrs: { "user.x": "1" }, data: "y" },
    ]);
    const boundaries = new Set([0, 512 + 1024]);
    for (let length = 1; length < tar.length - 1024; length += 13) {
      if (boundaries.has(length)) continue;
      const attempt = () => read(tar.subarray(0, length));
      // Behind the pad of the last entry's data nothing is missing any more.
      expect(attempt, `cut at ${length}`).toThrow("ends in the middle");
    }
  });

  it("answers any bytes with entries or a typed error", () => {
    const base = tarOf(sample);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(base.length - 1), fc.nat(255)), { maxLength: 6 }),
        fc.integer({ min: 1, max: 2000 }),
        (flips, chunk) => {
          const bytes = Buffer.from(base);
          for (const [at, value] of flips) bytes[at] = value;
          try {
            read(bytes, chunk);
          } catch (error) {
            expect(error).toMatchObject({ kind: "invalid" });
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe("NameSplitter", () => {
  const split = (name: string) => {
    const { directory, base } = new NameSplitter().split(Buffer.from(name));
    return [directory, base];
  };
  it.each([
    ["a/b/c", ["a/b", "c"]],
    ["./a/b", ["a", "b"]],
    ["/a/b/", ["a", "b"]],
    ["a//b/./c", ["a/b", "c"]],
    ["a", ["", "a"]],
    ["./", ["", ""]],
    ["/", ["", ""]],
    [".", ["", ""]],
    ["a/b/.", ["a", "b"]],
    ["..a/b..", ["..a", "b.."]],
  ])("%s", (name, parts) => expect(split(name)).toEqual(parts));
  it.each(["..", "a/..", "../a", "a/../b", "a/b/../../c", "/.."])("refuses %s", (name) =>
    expect(() => split(name)).toThrow('".."'),
  );
  it("refuses names that no filesystem holds", () => {
    expect(() => split("x".repeat(256))).toThrow("limit 255");
    expect(() => split("x/".repeat(2100))).toThrow("limit 4095");
  });
});
