/** Plan records ⇄ bytes, exactly as the table in `native/protocol.ts` says. C decodes the same bytes with bounds checks. */
import { createHash } from "node:crypto";
import {
  type FieldType,
  type LaunchPlan,
  LIMITS,
  type OpDefinition,
  type OpName,
  type OpRecord,
  OPS,
  PLAN_VERSION,
} from "../protocol.ts";

export const PLAN_MAGIC = "TARE";
export const PLAN_HEADER_BYTES = 24;
const RECORD_HEADER_BYTES = 8;

/** First 8 bytes of the SHA-256 of the table, little-endian. A shim built from another table refuses the plan. */
export const TABLE_HASH: bigint = createHash("sha256")
  .update(JSON.stringify([PLAN_VERSION, LIMITS, OPS]))
  .digest()
  .readBigUInt64LE(0);

const definitions: ReadonlyMap<number, readonly [OpName, OpDefinition]> = new Map(
  Object.entries(OPS).map(([name, definition]) => [definition.code, [name as OpName, definition]]),
);

/** Grows by doubling and is used again: a plan is written in one pass and copied out once. */
class Writer {
  #bytes = Buffer.alloc(16 << 10);
  length = 0;

  /** Zeros, so that padding and terminators need not be written. */
  #reserve(count: number): number {
    const at = this.length;
    const end = at + count;
    if (end > this.#bytes.length) {
      const larger = Buffer.alloc(Math.max(end, this.#bytes.length * 2));
      this.#bytes.copy(larger, 0, 0, at);
      this.#bytes = larger;
    }
    this.length = end;
    return at;
  }
  u32(value: number): void {
    this.set32(value, this.#reserve(4));
  }
  set32(value: number, at: number): void {
    const bytes = this.#bytes;
    bytes[at] = value;
    bytes[at + 1] = value >>> 8;
    bytes[at + 2] = value >>> 16;
    bytes[at + 3] = value >>> 24;
  }
  /** Not negative, safe. */
  number64(value: number): void {
    this.u32(value >>> 0);
    this.u32(Math.floor(value / 0x1_0000_0000));
  }
  u64(value: bigint): void {
    this.#bytes.writeBigUInt64LE(BigInt.asUintN(64, value), this.#reserve(8));
  }
  bytes(value: Uint8Array): void {
    this.u32(value.length);
    this.#bytes.set(value, this.#reserve(value.length + (-value.length & 3)));
  }
  /** Its length in bytes. */
  string(value: string): number {
    const most = value.length * 3 + 4;
    const lengthAt = this.#reserve(4);
    const at = this.#reserve(most);
    const length = this.#bytes.write(value, at, "utf8");
    this.set32(length, lengthAt);
    this.length = at + length + 1 + (-(length + 1) & 3);
    return length;
  }
  /** A copy; the writer is empty again. */
  finish(): Buffer {
    const bytes = Buffer.from(this.#bytes.subarray(0, this.length));
    this.clear();
    return bytes;
  }
  clear(): void {
    this.#bytes.fill(0, 0, this.length);
    this.length = 0;
  }
}
const shared = new Writer();

/** Whose field it is, put into words only when it is refused. */
type Where = () => string;
const refuse = (where: string, why: string): never => {
  throw new RangeError(`plan: ${where} ${why}`);
};

function putString(writer: Writer, value: string, where: Where): void {
  if (value.includes("\0")) refuse(where(), "contains a NUL byte");
  if (value.length > LIMITS.strBytes || writer.string(value) > LIMITS.strBytes)
    refuse(where(), `is longer than ${LIMITS.strBytes} bytes`);
}

function integer(value: unknown, low: bigint, high: bigint, where: Where): bigint {
  if (typeof value !== "bigint" && !(typeof value === "number" && Number.isSafeInteger(value)))
    refuse(where(), "is not an integer");
  const exact = BigInt(value as number | bigint);
  if (exact < low || exact > high) refuse(where(), "is out of range");
  return exact;
}
const isNatural = (value: unknown): value is number =>
  typeof value === "number" && value >= 0 && Number.isSafeInteger(value);

function putField(writer: Writer, type: FieldType, value: unknown, where: Where): void {
  switch (type) {
    case "u32":
      if (isNatural(value) && value <= 0xffff_ffff) writer.u32(value);
      else writer.u32(Number(integer(value, 0n, 0xffff_ffffn, where)));
      return;
    case "u64":
      if (isNatural(value)) writer.number64(value);
      else writer.u64(integer(value, 0n, (1n << 64n) - 1n, where));
      return;
    case "i64":
      if (isNatural(value)) writer.number64(value);
      else writer.u64(integer(value, -(1n << 63n), (1n << 63n) - 1n, where));
      return;
    case "str":
      putString(writer, value as string, where);
      return;
    case "bytes":
      writer.bytes(value as Uint8Array);
      return;
    case "strs": {
      const list = value as readonly string[];
      if (list.length > LIMITS.strsCount) refuse(where(), `has more than ${LIMITS.strsCount} items`);
      writer.u32(list.length);
      for (const item of list) putString(writer, item, where);
    }
  }
}

function encodeWith(write: (writer: Writer) => void): Buffer {
  try {
    write(shared);
    return shared.finish();
  } catch (error) {
    shared.clear();
    throw error;
  }
}

/** Encodes named fields as a frame's payload (REQUESTS) or a record's. */
export const encodeFields = (
  fields: Readonly<Record<string, FieldType>>,
  values: Readonly<Record<string, unknown>>,
  where: string,
): Buffer =>
  encodeWith((writer) => {
    for (const [field, type] of Object.entries(fields))
      putField(writer, type, values[field], () => `${where}.${field}`);
  });

interface RecordLayout {
  readonly code: number;
  readonly fields: readonly (readonly [name: string, type: FieldType])[];
}
const layoutOf = ({ code, fields }: OpDefinition): RecordLayout => ({ code, fields: Object.entries(fields) });
const layouts: ReadonlyMap<string, RecordLayout> = new Map(
  Object.entries(OPS).map(([name, definition]) => [name, layoutOf(definition)]),
);
const MAGIC = Buffer.from(PLAN_MAGIC).readUInt32LE(0);

function putRecord(writer: Writer, record: OpRecord, index: number): void {
  const { code, fields } = layouts.get(record.op) as RecordLayout;
  writer.u32(code);
  const lengthAt = writer.length;
  writer.u32(0);
  for (const [field, type] of fields) {
    const value = (record as unknown as Readonly<Record<string, unknown>>)[field];
    putField(writer, type, value, () => `record ${index} (${record.op}).${field}`);
  }
  writer.set32(writer.length - lengthAt - 4, lengthAt);
}

/** Throws RangeError that names record and field when a value does not fit; nothing is ever cut or wrapped. */
export function encodePlan(records: LaunchPlan): Buffer {
  if (records.length > LIMITS.records) refuse("plan", `has more than ${LIMITS.records} records`);
  return encodeWith((writer) => {
    writer.u32(MAGIC);
    writer.u32(PLAN_VERSION);
    writer.u32(0);
    writer.u32(records.length);
    writer.u64(TABLE_HASH);
    for (const [index, record] of records.entries()) putRecord(writer, record, index);
    if (writer.length > LIMITS.planBytes) refuse("plan", `is larger than ${LIMITS.planBytes} bytes`);
    writer.set32(writer.length, 8);
  });
}

class Reader {
  readonly #bytes: Buffer;
  #at: number;
  readonly #end: number;
  constructor(bytes: Buffer, at: number, end: number) {
    this.#bytes = bytes;
    this.#at = at;
    this.#end = end;
  }
  get atEnd(): boolean {
    return this.#at === this.#end;
  }
  #take(count: number): number {
    const at = this.#at;
    if (count > this.#end - at) throw new RangeError("plan: truncated");
    this.#at += count;
    return at;
  }
  u32(): number {
    return this.#bytes.readUInt32LE(this.#take(4));
  }
  u64(): bigint {
    return this.#bytes.readBigUInt64LE(this.#take(8));
  }
  bytes(terminated: boolean): Buffer {
    const length = this.u32();
    const stored = length + (terminated ? 1 : 0);
    const at = this.#take(stored + (-stored & 3));
    return this.#bytes.subarray(at, at + length);
  }
}

function takeField(reader: Reader, type: FieldType): unknown {
  const number = (value: bigint): number | bigint => (Number.isSafeInteger(Number(value)) ? Number(value) : value);
  switch (type) {
    case "u32":
      return reader.u32();
    case "u64":
      return number(reader.u64());
    case "i64":
      return number(BigInt.asIntN(64, reader.u64()));
    case "str":
      return reader.bytes(true).toString("utf8");
    case "bytes":
      return reader.bytes(false);
    case "strs":
      return Array.from({ length: reader.u32() }, () => reader.bytes(true).toString("utf8"));
  }
}

/** The inverse of `encodePlan`, for tests and for printing a kept plan. Throws RangeError on malformed bytes. */
export function decodePlan(bytes: Buffer): LaunchPlan {
  if (bytes.length < PLAN_HEADER_BYTES || bytes.toString("latin1", 0, 4) !== PLAN_MAGIC)
    throw new RangeError("plan: bad magic");
  if (bytes.readUInt32LE(8) !== bytes.length) throw new RangeError("plan: bad length");
  if (bytes.readBigUInt64LE(16) !== TABLE_HASH) throw new RangeError("plan: made from another protocol table");
  const records: OpRecord[] = [];
  let at = PLAN_HEADER_BYTES;
  for (let left = bytes.readUInt32LE(12); left > 0; left--) {
    const head = new Reader(bytes, at, bytes.length);
    const found = definitions.get(head.u32());
    const payload = head.u32();
    if (found === undefined || payload > bytes.length - at - RECORD_HEADER_BYTES)
      throw new RangeError("plan: bad record");
    const [op, definition] = found;
    at += RECORD_HEADER_BYTES;
    const body = new Reader(bytes, at, at + payload);
    const fields = Object.entries(definition.fields).map(([field, type]) => [field, takeField(body, type)] as const);
    if (!body.atEnd) throw new RangeError(`plan: trailing bytes in ${op}`);
    records.push({ op, ...Object.fromEntries(fields) } as OpRecord);
    at += payload;
  }
  if (at !== bytes.length) throw new RangeError("plan: trailing bytes");
  return records;
}
