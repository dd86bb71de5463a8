/** Archives that try to get out (security.md §2.5). Each is unpacked beside a victim tree whose every byte must stay. */
import { createHash } from "node:crypto";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { TestEntry } from "../../support/image-archive.ts";
import { TestStore } from "./store.ts";

let outer: string;
let victim = "/not/yet";
let store: TestStore;
beforeEach(async () => {
  outer = mkdtempSync(join(tmpdir(), "tare-hostile-"));
  victim = join(outer, "victim");
  mkdirSync(join(victim, "sub"), { recursive: true });
  writeFileSync(join(victim, "secret"), "untouched", { mode: 0o600 });
  writeFileSync(join(victim, "sub/other"), "untouched too");
  mkdirSync(join(outer, "root"));
  store = await TestStore.make(join(outer, "root"));
});
afterEach(async () => {
  await store[Symbol.asyncDispose]();
  rmSync(outer, { recursive: true, force: true });
});

function fingerprint(path: string): string {
  const stat = lstatSync(path);
  const own = `${path} ${stat.mode} ${stat.uid} ${stat.gid} ${stat.mtimeMs} ${stat.nlink}`;
  if (stat.isDirectory())
    return [
      own,
      ...readdirSync(path)
        .sort()
        .map((name) => fingerprint(join(path, name))),
    ].join("\n");
  return `${own} ${stat.isSymbolicLink() ? readlinkSync(path) : createHash("sha256").update(readFileSync(path)).digest("hex")}`;
}
/** Everything beside the data root, and the data root's own top level, as it was. */
async function staysInside(layers: readonly (readonly TestEntry[])[]): Promise<"loaded" | "refused"> {
  const before = fingerprint(victim);
  const outcome = await store.unpack(layers).then(
    (tree) => {
      tree[Symbol.dispose]();
      return "loaded" as const;
    },
    (error: unknown) => {
      expect(error).toMatchObject({ kind: "invalid" });
      return "refused" as const;
    },
  );
  expect(fingerprint(victim)).toBe(before);
  expect(readdirSync(outer).sort()).toEqual(["root", "victim"]);
  expect(
    readdirSync(store.root)
      .filter((name) => !name.startsWith("db"))
      .sort(),
  ).toEqual(["blobs", "snapshots", "tmp", "trash"]);
  expect(existsSync("/tare-escaped")).toBe(false);
  return outcome;
}

const up = "../".repeat(12);
const link = (name: string, target: string): TestEntry => ({ name, type: "symlink", link: target });
const file = (name: string): TestEntry => ({ name, data: "evil", mode: 0o4777 });

describe("hostile layers", () => {
  const attacks = (): Record<string, readonly (readonly TestEntry[])[]> => ({
    "dot dot": [[file(`${up}tare-escaped`)]],
    "absolute name": [[file("/tare-escaped")]],
    "dot dot in the middle": [[file("a/../../victim/secret")]],
    "absolute link, then through it": [
      [link("l", victim), file("l/secret"), { name: "l/sub/", type: "directory", mode: 0o777 }],
    ],
    "relative link, then through it": [[link("l", `${up}${victim.slice(1)}`), file("l/secret")]],
    "link to the root, then through it": [[link("l", "/"), file("l/tare-escaped")]],
    "link chains": [[link("a", "b"), link("b", "c"), link("c", victim), file("a/secret"), file("a/sub/other")]],
    "link loops": [[link("a", "b"), link("b", "a"), file("a/x")]],
    "file over a link": [[link("secret", join(victim, "secret")), file("secret")]],
    "directory over a link": [
      [link("sub", join(victim, "sub")), { name: "sub/", type: "directory", mode: 0o777, uid: 9 }, file("sub/other")],
    ],
    "hard link to the host": [[{ name: "h", type: "hardlink", link: join(victim, "secret") }, file("h")]],
    "hard link through a link": [[link("l", victim), { name: "h", type: "hardlink", link: "l/secret" }, file("h")]],
    "hard link to a link to the host": [
      [link("l", join(victim, "secret")), { name: "h", type: "hardlink", link: "l" }, file("h")],
    ],
    "hard link with dot dot": [[{ name: "h", type: "hardlink", link: `${up}${victim.slice(1)}/secret` }]],
    "hard link to a directory": [
      [
        { name: "d/", type: "directory" },
        { name: "h", type: "hardlink", link: "d" },
      ],
    ],
    "hard link to itself": [[{ name: "h", type: "hardlink", link: "h" }]],
    "whiteout through a link": [[link("l", victim)], [file("l/.wh.secret")]],
    "whiteout of dot dot": [[file("a")], [file(".wh...")]],
    "opaque through a link": [[link("l", victim)], [file("l/.wh..wh..opq")]],
    "link of a lower layer": [[link("l", victim)], [file("l/secret"), file("l/sub/other")]],
    "a lower link replaced and used": [[link("l", victim)], [link("l", `${victim}/sub`), file("l/other")]],
    "hard link to a lower layer's link": [
      [link("l", join(victim, "secret"))],
      [{ name: "h", type: "hardlink", link: "l" }, file("h")],
    ],
    "magic links": [
      [link("p", "/proc/self/root"), file(`p${victim}/secret`)],
      [link("q", "/proc/self/cwd"), file("q/tare-escaped")],
    ],
    "device nodes": [
      [
        { name: "mem", type: "char", device: [1, 1], mode: 0o666 },
        { name: "sda", type: "block", device: [8, 0], mode: 0o666 },
      ],
    ],
    "a name with NUL": [[{ name: "f", pax: { path: "a\0b" } }]],
    "an empty link target": [[link("l", "")]],
    "an owner out of range": [[{ name: "f", pax: { uid: "4294967295" } }]],
    "mount point names": [[link("etc", victim), link("dev", victim), link("proc", victim)]],
    "a directory named like a mount point": [
      [
        { name: "etc/hosts/", type: "directory" },
        { name: "etc/hosts/x", data: "" },
      ],
    ],
  });
  it.each(Object.keys(attacks()))("%s", async (name) => {
    await staysInside(attacks()[name] as TestEntry[][]);
  });

  it("an owner, a mode and times never reach a link's target", async () => {
    await staysInside([[{ ...link("l", join(victim, "secret")), mode: 0o777, uid: 12, gid: 12, mtime: 1 }]]);
  });

  it("any mixture of links, whiteouts and files stays inside", async () => {
    const name = fc.constantFrom(
      "a",
      "b",
      "a/b",
      "b/a",
      "a/a/b",
      ".wh.a",
      "a/.wh..wh..opq",
      "a/../b",
      "b/",
      "a/",
      "/a/b",
      "./b/a",
    );
    const target = fc.constantFrom(
      "a",
      "b",
      "..",
      "/",
      "../..",
      "a/b",
      victim,
      `${victim}/secret`,
      `${up}${victim.slice(1)}`,
      "/proc/self/root",
    );
    const type = fc.constantFrom("file", "directory", "symlink", "hardlink", "fifo", "char") as fc.Arbitrary<
      NonNullable<TestEntry["type"]>
    >;
    const entry = fc.record({ name, link: target, type, mode: fc.constantFrom(0o644, 0o4777) });
    const layer = fc.array(entry, { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(fc.array(layer, { minLength: 1, maxLength: 3 }), async (layers) => {
        await staysInside(layers);
      }),
      { numRuns: 120 },
    );
  });
});
