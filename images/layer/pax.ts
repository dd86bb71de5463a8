/** pax extended headers: `LENGTH KEY=VALUE\n` records. Values are bytes and may hold NUL and newlines; only LENGTH delimits. */
import { badTar } from "./tar-header.ts";

export interface PaxRecords {
  path?: Buffer;
  linkPath?: Buffer;
  size?: number;
  uid?: number;
  gid?: number;
  mtimeSeconds?: number;
  mtimeNanoseconds?: number;
  xattrs?: Map<string, Buffer>;
  /** Name of a GNU.sparse.* key that was seen. */
  sparse?: string;
}

const SPACE = 0x20;
const EQUALS = 0x3d;
const NEWLINE = 0x0a;
const SCHILY_XATTR = "SCHILY.xattr.";
const LIBARCHIVE_XATTR = "LIBARCHIVE.xattr.";
const XATTR_NAME_MAX = 255;

export function parsePax(body: Buffer): PaxRecords {
  const records: PaxRecords = {};
  let at = 0;
  while (at < body.length && body[at] !== 0) {
    const space = body.indexOf(SPACE, at);
    const digits = space === -1 ? "" : body.toString("latin1", at, space);
    if (!/^[0-9]{1,9}$/.test(digits)) throw badTar("a pax record has no length");
    const end = at + Number(digits);
    if (end > body.length || end <= space || body[end - 1] !== NEWLINE) throw badTar("a pax record has a wrong length");
    const equals = body.indexOf(EQUALS, space + 1);
    if (equals === -1 || equals > end - 2) throw badTar("a pax record has no key");
    apply(records, body.toString("latin1", space + 1, equals), body.subarray(equals + 1, end - 1));
    at = end;
  }
  return records;
}

function apply(records: PaxRecords, key: string, value: Buffer): void {
  // POSIX: an empty value means that the header's own field counts.
  if (value.length === 0 && !key.includes(".xattr.")) return;
  if (key === "path") records.path = noNul(value, key);
  else if (key === "linkpath") records.linkPath = noNul(value, key);
  else if (key === "size") records.size = integer(value, key);
  else if (key === "uid") records.uid = integer(value, key);
  else if (key === "gid") records.gid = integer(value, key);
  else if (key === "mtime") time(records, value);
  else if (key.startsWith(SCHILY_XATTR)) xattr(records, key.slice(SCHILY_XATTR.length), value);
  else if (key.startsWith(LIBARCHIVE_XATTR)) {
    xattr(records, unescapeName(key.slice(LIBARCHIVE_XATTR.length)), Buffer.from(value.toString("latin1"), "base64"));
  } else if (key.startsWith("GNU.sparse.")) records.sparse = key;
}

function noNul(value: Buffer, key: string): Buffer {
  if (value.includes(0)) throw badTar(`pax ${key} holds a NUL byte`);
  return value;
}

function integer(value: Buffer, key: string): number {
  const text = value.toString("latin1");
  const number = Number(text);
  if (!/^[0-9]+$/.test(text) || !Number.isSafeInteger(number)) throw badTar(`pax ${key} is not a number`);
  return number;
}

/** "seconds[.fraction]", possibly negative; more digits than nanoseconds are cut. */
function time(records: PaxRecords, value: Buffer): void {
  const match = /^(-?[0-9]{1,15})(?:\.([0-9]*))?$/.exec(value.toString("latin1"));
  if (match === null) throw badTar("pax mtime is not a time");
  records.mtimeSeconds = Number(match[1]);
  records.mtimeNanoseconds = Number((match[2] ?? "").slice(0, 9).padEnd(9, "0"));
}

function xattr(records: PaxRecords, name: string, value: Buffer): void {
  if (name === "" || name.length > XATTR_NAME_MAX || name.includes("\0"))
    throw badTar("an extended attribute has a bad name");
  records.xattrs ??= new Map();
  records.xattrs.set(name, value);
}

const unescapeName = (name: string): string =>
  name.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
