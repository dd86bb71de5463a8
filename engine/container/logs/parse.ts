/**
 * Records of the json-file format as bytes, without making an object per line. The monitor (and Docker) write
 *
 *   {"log":"text\n","stream":"stdout"[,"attrs":{…}],"time":"2026-11-22T15:04:05.5Z"}\n
 *
 * in exactly this order, so a record is taken apart from its two ends; the text is copied as it is when it holds no
 * escape but the final \n. Anything that does not fit this shape goes through JSON.parse, and is skipped if that fails.
 */
export const STDOUT = 1;
export const STDERR = 2;

/** One record inside `buffer`; valid until the next call of the parser that filled it. */
export interface RecordView {
  stream: number;
  /** The escaped text, or the whole of `text` when that is set. */
  textStart: number;
  textEnd: number;
  newline: boolean;
  /** Unescaped text, when the bytes could not be used as they are. */
  text: Buffer | null;
  timeStart: number;
  timeEnd: number;
  /** The attrs object's bytes; start = end when there are none. */
  attrsStart: number;
  attrsEnd: number;
}

export const newRecordView = (): RecordView => ({
  stream: STDOUT,
  textStart: 0,
  textEnd: 0,
  newline: false,
  text: null,
  timeStart: 0,
  timeEnd: 0,
  attrsStart: 0,
  attrsEnd: 0,
});

const HEAD = Buffer.from('{"log":"');
const STREAM_OUT = Buffer.from('","stream":"stdout"');
const STREAM_ERR = Buffer.from('","stream":"stderr"');
const TIME_KEY = Buffer.from(',"time":"');
const ATTRS_KEY = Buffer.from(',"attrs":');
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SMALL_N = 0x6e;
const CLOSE = 0x7d;

function matches(buffer: Buffer, at: number, expected: Buffer): boolean {
  if (at < 0) return false;
  for (let i = 0; i < expected.length; i++) if (buffer[at + i] !== expected[i]) return false;
  return true;
}

/** Text between start and end: plain bytes, a final \n escape, or something that needs unescaping. */
function setText(buffer: Buffer, start: number, end: number, view: RecordView): void {
  const escape = buffer.indexOf(BACKSLASH, start);
  view.textStart = start;
  view.textEnd = end;
  view.newline = false;
  view.text = null;
  if (escape < 0 || escape >= end) return;
  if (escape === end - 2 && buffer[end - 1] === SMALL_N) {
    view.textEnd = end - 2;
    view.newline = true;
    return;
  }
  view.text = Buffer.from(JSON.parse(`"${buffer.toString("utf8", start, end)}"`) as string, "utf8");
}

/** Where the stream key begins, looking back from `end` (attrs may stand between); 0 = not found. */
function streamKey(buffer: Buffer, start: number, end: number, view: RecordView): number {
  for (const [key, stream] of [
    [STREAM_OUT, STDOUT],
    [STREAM_ERR, STDERR],
  ] as const) {
    if (matches(buffer, end - key.length, key)) {
      view.stream = stream;
      view.attrsStart = view.attrsEnd = 0;
      return end - key.length;
    }
  }
  if (buffer[end - 1] !== CLOSE) return 0;
  // attrs never contain an unescaped `,"attrs":` of their own before the real one: keys' quotes are escaped inside texts.
  const attrs = buffer.lastIndexOf(ATTRS_KEY, end);
  if (attrs <= start) return 0;
  const key = streamKey(buffer, start, attrs, view);
  if (key === 0 || view.attrsEnd !== 0) return 0;
  view.attrsStart = attrs + ATTRS_KEY.length;
  view.attrsEnd = end;
  return key;
}

function parseFast(buffer: Buffer, start: number, end: number, view: RecordView): boolean {
  if (buffer[end - 1] !== CLOSE || buffer[end - 2] !== QUOTE || !matches(buffer, start, HEAD)) return false;
  let quote = end - 3;
  while (quote > start && buffer[quote] !== QUOTE) quote--;
  const timeKey = quote + 1 - TIME_KEY.length;
  if (!matches(buffer, timeKey, TIME_KEY)) return false;
  view.timeStart = quote + 1;
  view.timeEnd = end - 2;
  const textStart = start + HEAD.length;
  const key = streamKey(buffer, start, timeKey, view);
  if (key < textStart) return false;
  setText(buffer, textStart, key, view);
  return true;
}

/** Any JSON object with these keys, for records that other programs wrote. The time is put at the end of `view.text`. */
function parseSlow(buffer: Buffer, start: number, end: number): SlowRecord | null {
  try {
    const record = JSON.parse(buffer.toString("utf8", start, end)) as Record<string, unknown>;
    const { log, stream, time, attrs } = record;
    if (typeof log !== "string" || typeof time !== "string") return null;
    return {
      log,
      stream: stream === "stderr" ? STDERR : STDOUT,
      time,
      attrs: (attrs as Record<string, string>) ?? null,
    };
  } catch {
    return null;
  }
}
export interface SlowRecord {
  readonly log: string;
  readonly stream: number;
  readonly time: string;
  readonly attrs: Readonly<Record<string, string>> | null;
}

/** The record's bytes without its newline. true: `view` is filled. A SlowRecord: use that. null: no record. */
export function parseRecord(buffer: Buffer, start: number, end: number, view: RecordView): true | SlowRecord | null {
  try {
    if (parseFast(buffer, start, end, view)) return true;
  } catch {
    // A text that is no JSON string: let the slow path decide about the whole line.
  }
  return parseSlow(buffer, start, end);
}
