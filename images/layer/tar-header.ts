/**
 * One 512-byte tar header, decoded (POSIX ustar, GNU, v7). Everything in it was written by a stranger: numbers are
 * bounded to safe integers, names stay bytes, the checksum must hold. Long names and pax values come from `tar.ts`.
 */
import { invalid, type TareError } from "../../engine/base/errors.ts";

export const BLOCK = 512;

export type EntryType = "file" | "directory" | "symlink" | "hardlink" | "char" | "block" | "fifo";

export interface TarEntry {
  readonly type: EntryType;
  /** Bytes as written: may begin with "/" or "./", may hold "..", may end with "/". */
  readonly name: Buffer;
  /** Target of a symlink (verbatim) or a hard link (relative to the root of the archive). */
  readonly linkName: Buffer;
  /** Permission bits, 07777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes of data that follow; 0 for everything but regular files. */
  readonly size: number;
  readonly mtimeSeconds: number;
  readonly mtimeNanoseconds: number;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  /** Attribute name → value, with `SCHILY.xattr.` removed. */
  readonly xattrs: ReadonlyMap<string, Buffer> | null;
}

export interface RawHeader {
  readonly flag: number;
  readonly name: Buffer;
  readonly linkName: Buffer;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: number;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
}

export const badTar = (message: string, details: Readonly<Record<string, string | number>> = {}): TareError =>
  invalid("layer.bad_tar", `invalid tar archive: ${message}`, { details });

export const isZeroBlock = (block: Buffer, at: number): boolean => {
  for (let index = at; index < at + BLOCK; index++) if (block[index] !== 0) return false;
  return true;
};

/** Octal text, or GNU base-256 when the first bit is set (0x80 positive, 0xff negative). */
export function parseNumber(block: Buffer, at: number, length: number): number {
  const first = block[at] ?? 0;
  if ((first & 0x80) !== 0) return parseBase256(block, at, length);
  let value = 0;
  let index = at;
  const end = at + length;
  while (index < end && (block[index] === 0x20 || block[index] === 0)) index++;
  for (; index < end; index++) {
    const byte = block[index] ?? 0;
    if (byte === 0 || byte === 0x20) break;
    if (byte < 0x30 || byte > 0x37) throw badTar("a number field holds a character that is not octal");
    value = value * 8 + (byte - 0x30);
  }
  return value;
}

function parseBase256(block: Buffer, at: number, length: number): number {
  const negative = block[at] === 0xff;
  let value = negative ? -1 : (block[at] ?? 0) & 0x7f;
  for (let index = at + 1; index < at + length; index++) {
    value = value * 256 + (block[index] ?? 0);
    if (!Number.isSafeInteger(value)) throw badTar("a number field is out of range");
  }
  return value;
}

/** Sum of all bytes with the checksum field as spaces; old writers summed signed bytes. */
function checksumHolds(block: Buffer, at: number): boolean {
  let unsigned = 8 * 0x20;
  let high = 0;
  for (let index = at; index < at + 148; index++) {
    const byte = block[index] as number;
    unsigned += byte;
    high += byte >> 7;
  }
  for (let index = at + 156; index < at + BLOCK; index++) {
    const byte = block[index] as number;
    unsigned += byte;
    high += byte >> 7;
  }
  const stored = /^[\0 ]*([0-7]+)/.exec(block.toString("latin1", at + 148, at + 156))?.[1];
  const sum = stored === undefined ? -1 : Number.parseInt(stored, 8);
  return sum === unsigned || sum === unsigned - 256 * high;
}

const text = (block: Buffer, at: number, length: number): Buffer => {
  const end = block.indexOf(0, at);
  return block.subarray(at, end === -1 || end > at + length ? at + length : end);
};

/** Copies out of `block`: the caller may reuse it. */
export function decodeHeader(block: Buffer, at: number): RawHeader {
  if (!checksumHolds(block, at)) throw badTar("header checksum does not match");
  let name = text(block, at, 100);
  // Only POSIX headers ("ustar\0") have a name prefix; GNU ("ustar  ") keeps times in that place.
  const posix = block.readUInt32BE(at + 257) === 0x75737461 && block[at + 261] === 0x72 && block[at + 262] === 0;
  const prefix = posix ? text(block, at + 345, 155) : name.subarray(0, 0);
  name = prefix.length > 0 ? Buffer.concat([prefix, Buffer.from("/"), name]) : Buffer.from(name);
  const device = block[at + 257] === 0x75;
  return {
    flag: block[at + 156] as number,
    name,
    linkName: block[at + 157] === 0 ? EMPTY : Buffer.from(text(block, at + 157, 100)),
    mode: parseNumber(block, at + 100, 8) & 0o7777,
    uid: parseNumber(block, at + 108, 8),
    gid: parseNumber(block, at + 116, 8),
    size: parseNumber(block, at + 124, 12),
    mtime: parseNumber(block, at + 136, 12),
    deviceMajor: device ? parseNumber(block, at + 329, 8) : 0,
    deviceMinor: device ? parseNumber(block, at + 337, 8) : 0,
  };
}

export const EMPTY = Buffer.alloc(0);
