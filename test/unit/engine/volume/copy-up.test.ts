import {
  chmodSync,
  closeSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { copyUp } from "../../../../engine/volume/copy-up.ts";

let dir = "";
let image = "";
let volume = "";
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "tare-v-"));
  image = join(dir, "image");
  volume = join(dir, "volume");
  mkdirSync(join(image, "data/sub"), { recursive: true });
  mkdirSync(volume);
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function copy(destination: string): void {
  const root = openSync(image, "r");
  try {
    copyUp(root, destination, volume);
  } finally {
    closeSync(root);
  }
}

test("files, modes, links and the directory's own mode", () => {
  writeFileSync(join(image, "data/sub/f"), "text");
  chmodSync(join(image, "data/sub/f"), 0o4751);
  symlinkSync("/etc/passwd", join(image, "data/link"));
  chmodSync(join(image, "data"), 0o1777);
  copy("/data");
  expect(readFileSync(join(volume, "sub/f"), "utf8")).toBe("text");
  expect(lstatSync(join(volume, "sub/f")).mode & 0o7777).toBe(0o4751);
  expect(readlinkSync(join(volume, "link"))).toBe("/etc/passwd");
  expect(lstatSync(volume).mode & 0o7777).toBe(0o1777);
});

test("a volume that holds something stays as it is; a destination that is missing or no directory gives nothing", () => {
  writeFileSync(join(image, "data/f"), "");
  writeFileSync(join(image, "file"), "");
  copy("/nothing/here");
  copy("/file");
  expect(readdirSync(volume)).toEqual([]);
  writeFileSync(join(volume, "own"), "");
  copy("/data");
  expect(readdirSync(volume)).toEqual(["own"]);
});

test("a destination that is a link stays inside the image", () => {
  mkdirSync(join(dir, "outside"));
  writeFileSync(join(dir, "outside/secret"), "host");
  mkdirSync(join(image, "real"));
  writeFileSync(join(image, "real/f"), "image");
  symlinkSync("/real", join(image, "absolute"));
  symlinkSync("../../../../../../../../../../real", join(image, "climbing"));
  symlinkSync(join(dir, "outside"), join(image, "escape"));
  copy("/escape");
  expect(readdirSync(volume)).toEqual([]);
  copy("/climbing");
  expect(readdirSync(volume)).toEqual(["f"]);
});
