/** Records of a chunk of a log file to the bytes a client gets: frames (or raw text with a terminal), filtered and stamped. */
import { formatTimestamp } from "../../base/time.ts";
import type { LogOptions } from "../../types.ts";
import { newRecordView, parseRecord, type RecordView, type SlowRecord, STDERR, STDOUT } from "./parse.ts";

const NEWLINE = 0x0a;
const Z = 0x5a;
const DOT = 0x2e;
const ZERO = 0x30;
const SPACE = 0x20;
/** "2006-01-02T15:04:05." */
const TO_FRACTION = 20;
const STAMP_BYTES = 30;

export interface Encoder {
  /** Complete records of `chunk`; stops early (and says so) when `until` is passed. */
  encode(chunk: Buffer): Buffer;
  readonly passedUntil: boolean;
}

const encodeComponent = (text: string): string =>
  encodeURIComponent(text)
    .replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll("%20", "+");

/** Docker's details: sorted, query-escaped k=v,k2=v2. */
const details = (attrs: Readonly<Record<string, string>>): string =>
  Object.entries(attrs)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${encodeComponent(key)}=${encodeComponent(value)}`)
    .join(",");

class LogEncoder implements Encoder {
  readonly #options: LogOptions;
  readonly #raw: boolean;
  readonly #view: RecordView = newRecordView();
  readonly #since: Buffer | null;
  readonly #until: Buffer | null;
  #out = Buffer.allocUnsafe(1 << 16);
  #length = 0;
  passedUntil = false;

  constructor(options: LogOptions, raw: boolean) {
    this.#options = options;
    this.#raw = raw;
    this.#since = boundOf(options.since);
    this.#until = boundOf(options.until);
  }

  encode(chunk: Buffer): Buffer {
    // A frame is shorter than its record: {"log":"","stream":"stdout","time":""} is 40 bytes and more; header and stamp are 39.
    this.#out = Buffer.allocUnsafe(chunk.length + 64);
    this.#length = 0;
    for (let start = 0; start < chunk.length && !this.passedUntil; ) {
      const end = chunk.indexOf(NEWLINE, start);
      if (end < 0) break;
      const parsed = parseRecord(chunk, start, end, this.#view);
      if (parsed === true) this.#fast(chunk);
      else if (parsed !== null) this.#slow(parsed);
      start = end + 1;
    }
    return this.#out.subarray(0, this.#length);
  }

  #wanted(stream: number): boolean {
    return (stream === STDOUT && this.#options.stdout) || (stream === STDERR && this.#options.stderr);
  }

  #inTime(source: Buffer, start: number, end: number): boolean {
    if (this.#until !== null && compareTime(source, start, end, this.#until) > 0) {
      this.passedUntil = true;
      return false;
    }
    return this.#since === null || compareTime(source, start, end, this.#since) >= 0;
  }

  #fast(chunk: Buffer): void {
    const view = this.#view;
    if (!this.#wanted(view.stream)) return;
    if (!this.#inTime(chunk, view.timeStart, view.timeEnd)) return;
    const extra =
      this.#options.details && view.attrsEnd > view.attrsStart
        ? details(JSON.parse(chunk.toString("utf8", view.attrsStart, view.attrsEnd)) as Record<string, string>)
        : "";
    const textBytes = view.text === null ? view.textEnd - view.textStart + (view.newline ? 1 : 0) : view.text.length;
    const prefix = this.#begin(view.stream, textBytes, extra);
    if (this.#options.timestamps) this.#stamp(chunk, view.timeStart, view.timeEnd);
    if (prefix !== "") this.#length += this.#out.write(prefix, this.#length);
    if (view.text !== null) {
      this.#length += view.text.copy(this.#out, this.#length);
      return;
    }
    this.#length += chunk.copy(this.#out, this.#length, view.textStart, view.textEnd);
    if (view.newline) this.#out[this.#length++] = NEWLINE;
  }

  #slow(record: SlowRecord): void {
    const time = Buffer.from(record.time, "latin1");
    if (!this.#wanted(record.stream) || !this.#inTime(time, 0, time.length)) return;
    const text = Buffer.from(record.log, "utf8");
    const prefix = this.#begin(
      record.stream,
      text.length,
      this.#options.details && record.attrs !== null ? details(record.attrs) : "",
    );
    if (this.#options.timestamps) this.#stamp(time, 0, time.length);
    if (prefix !== "") this.#length += this.#out.write(prefix, this.#length);
    this.#length += text.copy(this.#out, this.#length);
  }

  /** Makes room and writes the frame's header; returns the details to write, with their space. */
  #begin(stream: number, textBytes: number, extra: string): string {
    const prefix = this.#options.details ? `${extra} ` : "";
    const payload = textBytes + (this.#options.timestamps ? STAMP_BYTES + 1 : 0) + Buffer.byteLength(prefix);
    this.#reserve(payload + 8);
    if (this.#raw) return prefix;
    const out = this.#out;
    let at = this.#length;
    out[at++] = stream;
    out[at++] = 0;
    out[at++] = 0;
    out[at++] = 0;
    out[at++] = payload >>> 24;
    out[at++] = (payload >>> 16) & 0xff;
    out[at++] = (payload >>> 8) & 0xff;
    out[at++] = payload & 0xff;
    this.#length = at;
    return prefix;
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#out.length) return;
    const larger = Buffer.allocUnsafe((this.#length + bytes) * 2);
    this.#out.copy(larger, 0, 0, this.#length);
    this.#out = larger;
  }

  /** The time padded to nine digits ("….5Z" → "….500000000Z") and a space. Records are in UTC. */
  #stamp(source: Buffer, start: number, end: number): void {
    const out = this.#out;
    const from = this.#length;
    const last = source[end - 1] === Z ? end - 1 : end;
    for (let i = 0; i < STAMP_BYTES - 1; i++) {
      const at = start + i;
      out[from + i] = at < last ? (source[at] as number) : i === TO_FRACTION - 1 ? DOT : ZERO;
    }
    out[from + STAMP_BYTES - 1] = Z;
    out[from + STAMP_BYTES] = SPACE;
    this.#length = from + STAMP_BYTES + 1;
  }
}

const boundOf = (ns: bigint | null): Buffer | null =>
  ns === null ? null : Buffer.from(formatTimestamp(ns < 0n ? 0n : ns).slice(0, STAMP_BYTES - 1), "latin1");

/** Orders a record's time (UTC, trimmed zeros) against a bound of 29 bytes: negative = before. */
function compareTime(source: Buffer, start: number, end: number, bound: Buffer): number {
  const last = source[end - 1] === Z ? end - 1 : end;
  for (let i = 0; i < bound.length; i++) {
    const byte = start + i < last ? (source[start + i] as number) : i === TO_FRACTION - 1 ? DOT : ZERO;
    const difference = byte - (bound[i] as number);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** raw: the container has a terminal, lines are sent without frames. */
export const createEncoder = (options: LogOptions, raw: boolean): Encoder => new LogEncoder(options, raw);
