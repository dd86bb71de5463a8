/**
 * A push parser for tar streams: feed it chunks of any size, it calls the sink synchronously. No copy of file data is
 * made and nothing is kept but the current entry, so memory is bounded by META_MAX whatever the headers claim.
 */
import { parsePax, type PaxRecords } from "./pax.ts";
import {
  badTar,
  BLOCK,
  decodeHeader,
  EMPTY,
  type EntryType,
  isZeroBlock,
  type RawHeader,
  type TarEntry,
} from "./tar-header.ts";

export interface TarSink {
  /** A new entry; for a file `data` follows until size bytes came, then `end`. Not kept chunks: copy what must live on. */
  begin(entry: TarEntry): void;
  data(chunk: Buffer): void;
  end(): void;
}

/** Largest pax header or GNU long name, as Go's archive/tar. */
const META_MAX = 1 << 20;

const ENTRY_TYPES: Readonly<Record<number, EntryType>> = {
  0x00: "file", // v7
  0x30: "file",
  0x31: "hardlink",
  0x32: "symlink",
  0x33: "char",
  0x34: "block",
  0x35: "directory",
  0x36: "fifo",
  0x37: "file", // contiguous
};
const FLAG = { pax: 0x78, global: 0x67, longName: 0x4c, longLink: 0x4b, sparse: 0x53 } as const;

type Mode = "header" | "meta" | "data" | "skip" | "done";

export class TarReader {
  readonly #sink: TarSink;
  #mode: Mode = "header";
  /** Bytes still to come in meta, data or skip mode. */
  #left = 0;
  /** Padding after the data, up to the next block. */
  #padding = 0;
  readonly #partial = Buffer.alloc(BLOCK);
  #partialLength = 0;
  #meta: Buffer[] = [];
  #metaFlag = 0;
  #pax: PaxRecords | null = null;
  #longName: Buffer | null = null;
  #longLink: Buffer | null = null;
  #zeroBlocks = 0;
  #offset = 0;

  constructor(sink: TarSink) {
    this.#sink = sink;
  }

  /** Bytes consumed so far; inside `begin` it is the offset of the entry's data. */
  get offset(): number {
    return this.#offset;
  }

  write(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#mode === "done") {
        this.#offset += chunk.length - at;
        return;
      }
      at = this.#mode === "header" ? this.#header(chunk, at) : this.#body(chunk, at);
    }
  }

  /** Throws when the stream ended inside an entry. An absent or single end mark is tolerated. */
  end(): void {
    const inside = this.#partialLength > 0 || (this.#mode !== "header" && this.#mode !== "done");
    if (inside || this.#pax !== null || this.#longName !== null) throw badTar("it ends in the middle of an entry");
  }

  #header(chunk: Buffer, at: number): number {
    if (this.#partialLength === 0 && chunk.length - at >= BLOCK) {
      this.#offset += BLOCK;
      this.#block(chunk, at);
      return at + BLOCK;
    }
    const take = Math.min(BLOCK - this.#partialLength, chunk.length - at);
    chunk.copy(this.#partial, this.#partialLength, at, at + take);
    this.#partialLength += take;
    this.#offset += take;
    if (this.#partialLength === BLOCK) {
      this.#partialLength = 0;
      this.#block(this.#partial, 0);
    }
    return at + take;
  }

  #block(block: Buffer, at: number): void {
    if (block[at] === 0 && isZeroBlock(block, at)) {
      this.#zeroBlocks++;
      if (this.#zeroBlocks === 2) this.#mode = "done";
      return;
    }
    if (this.#zeroBlocks > 0) throw badTar("an entry follows the end mark");
    const header = decodeHeader(block, at);
    if (header.size < 0) throw badTar("an entry has a negative size");
    const { flag } = header;
    if (flag === FLAG.pax || flag === FLAG.global || flag === FLAG.longName || flag === FLAG.longLink) {
      if (header.size > META_MAX) throw badTar(`an extended header of ${header.size} bytes (limit ${META_MAX})`);
      this.#metaFlag = flag;
      this.#expect("meta", header.size);
      return;
    }
    this.#entry(header);
  }

  #expect(mode: "meta" | "data" | "skip", size: number): void {
    this.#left = size;
    this.#padding = (BLOCK - (size % BLOCK)) % BLOCK;
    this.#mode = mode;
    if (size === 0) this.#finishBody();
  }

  #body(chunk: Buffer, at: number): number {
    const take = Math.min(this.#left, chunk.length - at);
    this.#left -= take;
    this.#offset += take;
    if (this.#mode === "data") this.#sink.data(chunk.subarray(at, at + take));
    else if (this.#mode === "meta") this.#meta.push(Buffer.from(chunk.subarray(at, at + take)));
    if (this.#left === 0) this.#finishBody();
    return at + take;
  }

  #finishBody(): void {
    const mode = this.#mode;
    this.#left = this.#padding;
    this.#padding = 0;
    this.#mode = this.#left > 0 ? "skip" : "header";
    if (mode === "data") this.#sink.end();
    else if (mode === "meta") this.#finishMeta();
  }

  #finishMeta(): void {
    const body = this.#meta.length === 1 ? (this.#meta[0] as Buffer) : Buffer.concat(this.#meta);
    this.#meta = [];
    // A global header describes the whole archive; for layers it carries nothing that may be trusted.
    if (this.#metaFlag === FLAG.pax) this.#pax = parsePax(body);
    else if (this.#metaFlag === FLAG.longName) this.#longName = untilNul(body);
    else if (this.#metaFlag === FLAG.longLink) this.#longLink = untilNul(body);
  }

  #entry(header: RawHeader): void {
    const entry = this.#merge(header);
    const stored = this.#pax?.size ?? header.size;
    this.#pax = null;
    this.#longName = null;
    this.#longLink = null;
    if (entry.type !== "file") {
      this.#sink.begin(entry);
      this.#sink.end();
      // Only a "regular" entry with a trailing slash (old tars) can have bytes behind it; for links the size means nothing.
      const file = ENTRY_TYPES[header.flag] === "file";
      this.#expect("skip", file ? stored : 0);
      return;
    }
    this.#sink.begin(entry);
    this.#expect("data", stored);
  }

  #merge(header: RawHeader): TarEntry {
    const pax = this.#pax ?? NO_PAX;
    const name = pax.path ?? this.#longName ?? header.name;
    const sparse = header.flag === FLAG.sparse ? "GNU sparse" : pax.sparse;
    if (sparse !== undefined) throw badTar(`sparse files are not supported (${sparse})`, { entry: name.toString() });
    let type = ENTRY_TYPES[header.flag];
    if (type === undefined) {
      throw badTar(`entry of unknown type ${JSON.stringify(String.fromCharCode(header.flag))}`, {
        entry: name.toString(),
      });
    }
    if (type === "file" && name[name.length - 1] === 0x2f) type = "directory";
    return {
      type,
      name,
      linkName: pax.linkPath ?? this.#longLink ?? header.linkName,
      mode: header.mode,
      uid: pax.uid ?? header.uid,
      gid: pax.gid ?? header.gid,
      size: type === "file" ? (pax.size ?? header.size) : 0,
      mtimeSeconds: pax.mtimeSeconds ?? header.mtime,
      mtimeNanoseconds: pax.mtimeNanoseconds ?? 0,
      deviceMajor: header.deviceMajor,
      deviceMinor: header.deviceMinor,
      xattrs: pax.xattrs ?? null,
    };
  }
}

const NO_PAX: PaxRecords = {};

const untilNul = (body: Buffer): Buffer => {
  const end = body.indexOf(0);
  return end === -1 ? body : body.length === 0 ? EMPTY : body.subarray(0, end);
};
