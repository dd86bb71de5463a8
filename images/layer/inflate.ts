/**
 * Decompression by what the bytes are, not by what a media type claims. Streams of many gzip members or zstd frames are
 * one stream. The inflater runs on the thread pool, one chunk ahead of the reader.
 */
import { Readable, type Transform } from "node:stream";
import { createGunzip, createZstdDecompress, zstdDecompressSync } from "node:zlib";
import { errnoCode, invalid, unsupported } from "../../engine/base/errors.ts";
import { isSkippable, ZSTD_MAGIC, zstdFrames } from "./zstd-frames.ts";

export type Compression = "none" | "gzip" | "zstd";

const CHUNK = 256 << 10;
/** Frames up to this size are inflated in place: zstd:chunked has one frame per file, and a stream each would be slow. */
const SMALL_FRAME = 128 << 10;

/** Needs the first 6 bytes where there are so many. Throws unsupported for xz, bzip2 and the like. */
export function sniffCompression(head: Buffer): Compression {
  if (head[0] === 0x1f && head[1] === 0x8b) return "gzip";
  if (head.length >= 4) {
    const magic = head.readUInt32LE(0);
    if (magic === ZSTD_MAGIC || isSkippable(magic)) return "zstd";
  }
  if (head.subarray(0, 6).equals(Buffer.from("fd377a585a00", "hex"))) throw refused("xz");
  if (head.subarray(0, 3).equals(Buffer.from("BZh"))) throw refused("bzip2");
  if (head.subarray(0, 4).equals(Buffer.from("04224d18", "hex"))) throw refused("lz4");
  return "none";
}

const refused = (name: string) =>
  unsupported("image.compression_unsupported", `${name} compression is not supported`, {
    hint: `decompress the archive first, or use gzip or zstd`,
  });

/** The uncompressed bytes of `source`, and what the compression was. */
export async function inflate(
  source: AsyncIterable<Buffer>,
): Promise<{ readonly compression: Compression; readonly chunks: AsyncIterable<Buffer> }> {
  const { head, all } = await peek(source, 6);
  const compression = sniffCompression(head);
  if (compression === "none") return { compression, chunks: all };
  return {
    compression,
    chunks: compression === "gzip" ? through(all, createGunzip({ chunkSize: CHUNK }), "gzip") : unzstd(all),
  };
}

/** Holds back chunks until `length` bytes are known, then gives everything back as one stream. */
async function peek(source: AsyncIterable<Buffer>, length: number) {
  const iterator = source[Symbol.asyncIterator]();
  const held: Buffer[] = [];
  let have = 0;
  while (have < length) {
    const next = await iterator.next();
    if (next.done === true) break;
    held.push(next.value);
    have += next.value.length;
  }
  async function* all(): AsyncGenerator<Buffer> {
    try {
      yield* held;
      held.length = 0;
      for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value;
    } finally {
      await iterator.return?.();
    }
  }
  return { head: Buffer.concat(held).subarray(0, length), all: all() };
}

async function* through(source: AsyncIterable<Buffer>, inflater: Transform, name: string): AsyncGenerator<Buffer> {
  const input = Readable.from(source, { objectMode: false, highWaterMark: CHUNK });
  let inputError: unknown;
  input.once("error", (error) => {
    inputError = error;
    inflater.destroy(error);
  });
  input.pipe(inflater);
  try {
    yield* inflater as AsyncIterable<Buffer>;
  } catch (error) {
    if (inputError !== undefined) throw inputError;
    throw corrupt(error, name);
  } finally {
    input.destroy();
    inflater.destroy();
  }
}

async function* unzstd(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  for await (const frame of zstdFrames(source)) {
    const pieces: Buffer[] = [];
    let size = 0;
    let ended = false;
    while (!ended && size <= SMALL_FRAME) {
      const next = await frame.next();
      if (next.done === true) ended = true;
      else {
        pieces.push(next.value);
        size += next.value.length;
      }
    }
    const small = ended ? inflateSmall(Buffer.concat(pieces)) : null;
    if (small !== null) yield small;
    else yield* through(chain(pieces, frame), createZstdDecompress({ chunkSize: CHUNK }), "zstd");
  }
}

async function* chain(pieces: Buffer[], rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  // Small pieces are joined: a block header alone is three bytes.
  yield Buffer.concat(pieces);
  let held: Buffer[] = [];
  let size = 0;
  for await (const piece of rest) {
    held.push(piece);
    size += piece.length;
    if (size < SMALL_FRAME) continue;
    yield Buffer.concat(held);
    held = [];
    size = 0;
  }
  if (size > 0) yield Buffer.concat(held);
}

/** null when the output is large after all (a bomb, or zeros): then it goes through the bounded stream. */
function inflateSmall(frame: Buffer): Buffer | null {
  try {
    return zstdDecompressSync(frame, { maxOutputLength: 8 << 20 });
  } catch (error) {
    if (errnoCode(error) === "ERR_BUFFER_TOO_LARGE") return null;
    throw corrupt(error, "zstd");
  }
}

const corrupt = (error: unknown, name: string) =>
  invalid(
    "layer.corrupt_compression",
    `corrupt ${name} data: ${error instanceof Error ? error.message : String(error)}`,
    { cause: error },
  );
