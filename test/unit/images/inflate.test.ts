import { brotliCompressSync, gzipSync, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { inflate, sniffCompression } from "../../../images/layer/inflate.ts";

async function all(input: Buffer, chunkSize = 1000): Promise<Buffer> {
  async function* source(): AsyncGenerator<Buffer> {
    for (let at = 0; at < input.length; at += chunkSize) yield input.subarray(at, at + chunkSize);
  }
  const { chunks } = await inflate(source());
  const out: Buffer[] = [];
  for await (const chunk of chunks) out.push(chunk);
  return Buffer.concat(out);
}

const text = Buffer.from("the quick brown fox ".repeat(30_000));
const skippable = Buffer.concat([Buffer.from([0x57, 0x2a, 0x4d, 0x18, 5, 0, 0, 0]), Buffer.from("hello")]);
const random = Buffer.from(Array.from({ length: 400_000 }, (_, index) => (index * 2654435761) >>> 13));

describe("inflate", () => {
  it.each<[string, Buffer, Buffer]>([
    ["plain", text, text],
    ["nothing", Buffer.alloc(0), Buffer.alloc(0)],
    ["less than a magic number", Buffer.from("ab"), Buffer.from("ab")],
    ["gzip", gzipSync(text), text],
    ["gzip of nothing", gzipSync(""), Buffer.alloc(0)],
    [
      "several gzip members",
      Buffer.concat([gzipSync(text), gzipSync("end")]),
      Buffer.concat([text, Buffer.from("end")]),
    ],
    ["gzip with zero padding", Buffer.concat([gzipSync(text), Buffer.alloc(100)]), text],
    ["zstd", zstdCompressSync(text), text],
    ["zstd that hardly compresses", zstdCompressSync(random), random],
    [
      "several zstd frames",
      Buffer.concat([zstdCompressSync(text), zstdCompressSync("mid"), zstdCompressSync(random)]),
      Buffer.concat([text, Buffer.from("mid"), random]),
    ],
    [
      "zstd with skippable frames",
      Buffer.concat([skippable, zstdCompressSync("a"), skippable, zstdCompressSync("b"), skippable]),
      Buffer.from("ab"),
    ],
    ["an empty zstd frame", zstdCompressSync(""), Buffer.alloc(0)],
  ])("%s, in chunks of any size", async (_, input, output) => {
    for (const size of [1 << 20, 4096, 997]) expect((await all(input, size)).equals(output)).toBe(true);
    if (input.length < 5000) expect((await all(input, 1)).equals(output)).toBe(true);
  });

  it("refuses compressions we do not read, by name", () => {
    expect(() => sniffCompression(Buffer.from("fd377a585a0000", "hex"))).toThrow("xz compression is not supported");
    expect(() => sniffCompression(Buffer.from("BZh91AY"))).toThrow("bzip2");
    expect(sniffCompression(brotliCompressSync("x"))).toBe("none");
  });

  it.each<[string, Buffer]>([
    ["gzip", gzipSync(text)],
    ["zstd", zstdCompressSync(text)],
    ["large zstd", zstdCompressSync(random)],
  ])("notices a %s stream cut at any byte", async (_, input) => {
    const step = Math.max(1, Math.floor(input.length / 60));
    for (let length = 7; length < input.length; length += step) {
      await expect(all(input.subarray(0, length)), `cut at ${length} of ${input.length}`).rejects.toMatchObject({
        kind: "invalid",
      });
    }
    await expect(all(input.subarray(0, input.length - 1))).rejects.toMatchObject({ kind: "invalid" });
  });

  it("answers damaged streams with a typed error or other bytes, never otherwise", async () => {
    const inputs = [gzipSync(text), zstdCompressSync(text), zstdCompressSync(random)];
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...inputs), fc.nat(), fc.nat(255), async (input, position, value) => {
        const bytes = Buffer.from(input);
        bytes[position % bytes.length] = value;
        await all(bytes).then(
          () => {},
          (error: unknown) => expect(error).toMatchObject({ kind: expect.stringMatching(/invalid|unsupported/) }),
        );
      }),
      { numRuns: 150 },
    );
  });

  it("stops reading the source when the reader stops", async () => {
    let closed = false;
    async function* source(): AsyncGenerator<Buffer> {
      try {
        for (;;) yield gzipSync(random);
      } finally {
        closed = true;
      }
    }
    const iterator = (await inflate(source())).chunks[Symbol.asyncIterator]();
    await iterator.next();
    await iterator.return?.();
    await expect.poll(() => closed).toBe(true);
  });
});
