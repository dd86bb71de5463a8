import { createHash } from "node:crypto";
import { buffer } from "node:stream/consumers";
import { extract } from "tar-stream";
import { expect, test } from "vitest";
import { builtinImage } from "../../../.tools/builtin-image.ts";

async function entries(archive: Buffer): Promise<Map<string, Buffer>> {
  const found = new Map<string, Buffer>();
  const stream = extract();
  stream.end(archive);
  for await (const entry of stream) found.set(entry.header.name, await buffer(entry));
  return found;
}

test("the same program gives the same bytes, another program another image", async () => {
  const first = await builtinImage(Buffer.from("program"));
  expect(await builtinImage(Buffer.from("program"))).toEqual(first);
  expect((await builtinImage(Buffer.from("other"))).id).not.toBe(first.id);
});

test("every blob is stored under its digest, and both manifests name the config the id is made of", async () => {
  const { archive, id } = await builtinImage(Buffer.from("program"), "x64");
  const files = await entries(archive);
  for (const [name, data] of files) {
    const digest = /^blobs\/sha256\/(.+)$/.exec(name)?.[1];
    if (digest) expect(createHash("sha256").update(data).digest("hex")).toBe(digest);
  }
  const read = (name: string) => JSON.parse(String(files.get(name)));
  const path = `blobs/sha256/${id.slice("sha256:".length)}`;
  expect(read("manifest.json")[0]).toMatchObject({ Config: path, RepoTags: ["tare/hello:latest"] });
  const manifest = read(`blobs/sha256/${read("index.json").manifests[0].digest.slice(7)}`);
  expect(manifest.config.digest).toBe(id);
  expect(read(path)).toMatchObject({
    architecture: "amd64",
    os: "linux",
    rootfs: { diff_ids: [manifest.layers[0].digest] },
  });
});
