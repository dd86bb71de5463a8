/**
 * Cuts a zstd stream into frames by reading block headers only (RFC 8878 §3.1). Needed because node:zlib stops silently
 * after the first frame, while pzstd, zstd:chunked and others write many, with skippable frames between them.
 */
import { invalid } from "../../engine/base/errors.ts";

export const ZSTD_MAGIC = 0xfd2fb528;
const SKIPPABLE_FIRST = 0x184d2a50;
export const isSkippable = (magic: number): boolean => magic >= SKIPPABLE_FIRST && magic <= SKIPPABLE_FIRST + 15;

const bad = (what: string) => invalid("layer.bad_zstd", `invalid zstd stream: ${what}`);

/** Reads a byte stream in pieces of chosen length without copying more than needed. */
class Cursor {
  readonly #source: AsyncIterator<Buffer>;
  #chunk: Buffer = Buffer.alloc(0);
  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source[Symbol.asyncIterator]();
  }
  async #fill(): Promise<boolean> {
    while (this.#chunk.length === 0) {
      const next = await this.#source.next();
      if (next.done === true) return false;
      this.#chunk = next.value;
    }
    return true;
  }
  /** At most `limit` bytes; null at the end. */
  async some(limit: number): Promise<Buffer | null> {
    if (!(await this.#fill())) return null;
    const piece = this.#chunk.subarray(0, limit);
    this.#chunk = this.#chunk.subarray(piece.length);
    return piece;
  }
  /** Exactly `length` bytes (small); null when the stream ends at once, an error when it ends inside. */
  async exactly(length: number): Promise<Buffer | null> {
    const first = await this.some(length);
    if (first === null || first.length === length) return first;
    const pieces = [first];
    for (let have = first.length; have < length; ) {
      const piece = await this.some(length - have);
      if (piece === null) throw bad("unexpected end");
      pieces.push(piece);
      have += piece.length;
    }
    return Buffer.concat(pieces);
  }
  async close(): Promise<void> {
    await this.#source.return?.();
  }
}

async function must(bytes: Promise<Buffer | null>): Promise<Buffer> {
  const got = await bytes;
  if (got === null) throw bad("unexpected end");
  return got;
}

/** Yields, for every frame, the pieces of its bytes; skippable frames are dropped. Consume one frame before the next. */
export async function* zstdFrames(source: AsyncIterable<Buffer>): AsyncGenerator<AsyncGenerator<Buffer>> {
  const cursor = new Cursor(source);
  try {
    for (let head = await cursor.exactly(4); head !== null; head = await cursor.exactly(4)) {
      const magic = head.readUInt32LE(0);
      if (isSkippable(magic)) {
        let left = (await must(cursor.exactly(4))).readUInt32LE(0);
        while (left > 0) left -= (await must(cursor.some(left))).length;
      } else if (magic === ZSTD_MAGIC) yield frame(cursor, head);
      else throw bad("a frame does not begin with the magic number");
    }
  } finally {
    await cursor.close();
  }
}

async function* frame(cursor: Cursor, magic: Buffer): AsyncGenerator<Buffer> {
  const descriptor = await must(cursor.exactly(1));
  const flags = descriptor[0] ?? 0;
  const singleSegment = (flags & 0x20) !== 0;
  const dictionary = [0, 1, 2, 4][flags & 3] ?? 0;
  const sizeField = [singleSegment ? 1 : 0, 2, 4, 8][flags >> 6] ?? 0;
  const rest = (singleSegment ? 0 : 1) + dictionary + sizeField;
  yield Buffer.concat([magic, descriptor, ...(rest === 0 ? [] : [await must(cursor.exactly(rest))])]);
  for (let last = false; !last; ) {
    const header = await must(cursor.exactly(3));
    const word = header.readUIntLE(0, 3);
    last = (word & 1) === 1;
    const type = (word >> 1) & 3;
    if (type === 3) throw bad("a block of reserved type");
    yield header;
    // A run-length block holds one byte whatever its size says.
    let left = type === 1 ? 1 : word >> 3;
    while (left > 0) {
      const piece = await must(cursor.some(left));
      left -= piece.length;
      yield piece;
    }
  }
  if ((flags & 4) !== 0) yield await must(cursor.exactly(4));
}
