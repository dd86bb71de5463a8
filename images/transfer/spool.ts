/**
 * The archive on disk while it is loaded: its (decompressed) bytes in one nameless file, and where each entry lies in it.
 * The manifest usually comes last, so the order of the entries cannot be relied on; one sequential write of the whole is
 * cheaper than a file per entry, the threads read their layer at its offset, and a killed daemon leaves nothing.
 */
import { randomBytes } from "node:crypto";
import { constants, rmSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import type { Readable } from "node:stream";
import { cancelled, errnoCode, internal, invalid } from "../../engine/base/errors.ts";
import { inflate } from "../layer/inflate.ts";
import { checkSize, DEFAULT_LIMITS } from "../layer/limits.ts";
import { TarReader } from "../layer/tar.ts";
import type { TarEntry } from "../layer/tar-header.ts";

export interface SpoolEntry {
  readonly offset: number;
  readonly size: number;
}

const ENTRIES_MAX = 100_000;
/** Of all names and link targets together: they stay in memory while the archive is loaded. */
const NAME_BYTES_MAX = 32 << 20;
const LINKS_MAX = 16;
const WRITE_CHUNK = 1 << 20;
const LARGE = 4 << 20;

export class Spool implements AsyncDisposable {
  readonly #file: FileHandle;
  readonly #entries: ReadonlyMap<string, SpoolEntry>;
  readonly #links: ReadonlyMap<string, string>;

  constructor(file: FileHandle, entries: ReadonlyMap<string, SpoolEntry>, links: ReadonlyMap<string, string>) {
    this.#file = file;
    this.#entries = entries;
    this.#links = links;
  }

  get fd(): number {
    return this.#file.fd;
  }

  /** Follows links between entries (old `docker save` stores a repeated layer as a link to the first). */
  find(name: string): SpoolEntry | undefined {
    let at = normalize(name);
    for (let hops = 0; hops < LINKS_MAX; hops++) {
      const target = this.#links.get(at);
      if (target === undefined) return this.#entries.get(at);
      at = target;
    }
    throw invalid("image.bad_archive", `the archive's entry ${JSON.stringify(name)} is a chain of links without end`);
  }

  has(name: string): boolean {
    return this.find(name) !== undefined;
  }

  /** A small document. Throws invalid when it is missing or larger than `max` bytes. */
  async read(name: string, max: number): Promise<Buffer> {
    const entry = this.find(name);
    if (entry === undefined)
      throw invalid("image.bad_archive", `the archive has no entry ${JSON.stringify(name.slice(0, 300))}`);
    if (entry.size > max)
      throw invalid(
        "image.bad_archive",
        `the archive's ${JSON.stringify(name)} has ${entry.size} bytes (limit ${max})`,
      );
    const buffer = Buffer.alloc(entry.size);
    for (let at = 0; at < buffer.length; ) {
      const { bytesRead } = await this.#file.read(buffer, at, buffer.length - at, entry.offset + at);
      if (bytesRead === 0) throw internal("image.spool_short", `the spooled archive ends inside ${name}`);
      at += bytesRead;
    }
    return buffer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
  }
}

/** "a/b" from "./a//b"; ".." walks up within the archive and never above it. */
export function normalize(name: string): string {
  const parts: string[] = [];
  for (const part of name.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return parts.join("/");
}

/** Takes the whole stream; onLarge is called when there is so much of it that unpacking will take a while. Throws invalid for what is no tar, unsupported for xz and the like, internal when the disk is full. */
export async function spoolArchive(
  stream: Readable,
  directory: string,
  signal: AbortSignal | undefined,
  onLarge: () => void = () => {},
): Promise<Spool> {
  const path = `${directory}/load-${randomBytes(8).toString("hex")}`;
  const file = await open(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600);
  try {
    rmSync(path);
    const table = new EntryTable();
    await copyInto(file, stream, table.reader, signal, onLarge);
    table.reader.end();
    return new Spool(file, table.entries, table.links);
  } catch (error) {
    await file.close();
    stream.destroy();
    if (signal?.aborted === true) throw cancelled("image.cancelled", "the load was cancelled", { cause: error });
    if (errnoCode(error) === "ENOSPC" || errnoCode(error) === "EDQUOT") {
      throw internal("image.disk_full", "no space left on device while receiving the archive", { cause: error });
    }
    throw error;
  }
}

async function copyInto(
  file: FileHandle,
  stream: Readable,
  reader: TarReader,
  signal: AbortSignal | undefined,
  onLarge: () => void,
): Promise<void> {
  const source = new Counted(stream as AsyncIterable<Buffer>);
  const { chunks } = await inflate(source.chunks());
  let held: Buffer[] = [];
  let [size, position] = [0, 0];
  const flush = async (): Promise<void> => {
    const pending = held;
    held = [];
    const { bytesWritten } = await file.writev(pending, position);
    if (bytesWritten !== size) throw Object.assign(new Error("short write"), { code: "ENOSPC" });
    if (position < LARGE && position + size >= LARGE) onLarge();
    position += size;
    size = 0;
  };
  for await (const chunk of chunks) {
    signal?.throwIfAborted();
    reader.write(chunk);
    held.push(chunk);
    size += chunk.length;
    checkSize(DEFAULT_LIMITS, "the archive", position + size, source.bytes);
    if (size >= WRITE_CHUNK) await flush();
  }
  if (size > 0) await flush();
}

class Counted {
  readonly #source: AsyncIterable<Buffer>;
  bytes = 0;
  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source;
  }
  async *chunks(): AsyncGenerator<Buffer> {
    for await (const chunk of this.#source) {
      this.bytes += chunk.length;
      yield chunk;
    }
  }
}

/** Remembers where each entry's data begins; the first regular file of a name wins over nothing, the last over earlier ones. */
class EntryTable {
  readonly entries = new Map<string, SpoolEntry>();
  readonly links = new Map<string, string>();
  readonly reader = new TarReader({ begin: (entry) => this.#add(entry), data: () => {}, end: () => {} });

  #nameBytes = 0;

  #add(entry: TarEntry): void {
    this.#nameBytes += entry.name.length + entry.linkName.length;
    if (this.entries.size + this.links.size >= ENTRIES_MAX || this.#nameBytes > NAME_BYTES_MAX) {
      throw invalid(
        "image.bad_archive",
        `the archive has more than ${ENTRIES_MAX} entries, or names beyond ${NAME_BYTES_MAX} bytes`,
      );
    }
    const name = normalize(entry.name.toString("utf8"));
    const target = entry.linkName.toString("utf8");
    if (entry.type === "file") {
      this.links.delete(name);
      this.entries.set(name, { offset: this.reader.offset, size: entry.size });
    } else if (entry.type === "hardlink") this.links.set(name, normalize(target));
    else if (entry.type === "symlink") {
      const slash = name.lastIndexOf("/");
      this.links.set(name, normalize(target.startsWith("/") ? target : `${name.slice(0, slash + 1)}${target}`));
    }
  }
}
