/** Reports: the only JSON of the wire, written by C, read and checked here. */
import { errorText } from "./libc.ts";
import { type Report, REPORT_AT, REPORT_KEYS, type ReportAt } from "../protocol.ts";

const known = new Set<string>(REPORT_AT);
const types: Readonly<Record<string, string>> = REPORT_KEYS;

/** Throws RangeError when it is not one JSON object with a known `at` and the closed set of keys, each of its type. */
export function parseReport(payload: Uint8Array): Report {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(payload).toString("utf8"));
  } catch (cause) {
    throw new RangeError("report: not JSON", { cause });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new RangeError("report: not an object");
  for (const [key, item] of Object.entries(value)) {
    // biome-ignore lint/suspicious/useValidTypeof: the table holds typeof words
    if (typeof item !== types[key]) throw new RangeError(`report: key "${key}" is unknown or of the wrong type`);
  }
  const at = (value as { at?: unknown }).at;
  if (typeof at !== "string" || !known.has(at)) throw new RangeError(`report: unknown "at"`);
  return Object.freeze(value) as Report;
}

/** "ENOENT" for 2. */
export const errnoName = (errno: number): string => errorText(errno)[0];
const errnoText = (errno: number): string => errorText(errno)[1];

/** A `failed` report as an error: which record, which system call, on what. The engine maps it to the user's words. */
export class ShimFailure extends Error {
  override readonly name = "ShimFailure";
  /** errno name, e.g. "ENOENT". */
  readonly code: string;
  readonly report: Report;

  constructor(report: Report) {
    const where = report.path === undefined || report.path === "" ? "" : ` '${report.path}'`;
    super(`${report.name ?? "shim"}: ${report.call ?? "failed"}${where}: ${errnoText(report.errno ?? 0)}`);
    this.code = errnoName(report.errno ?? 0);
    this.report = report;
  }
}

/** The monitor or shim went away, or said nothing until the deadline. code: "gone" | "deadline" | "aborted" | "protocol". */
export class ShimUnavailable extends Error {
  override readonly name = "ShimUnavailable";
  readonly code: "gone" | "deadline" | "aborted" | "protocol";
  constructor(code: ShimUnavailable["code"], message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

interface Waiter {
  readonly at: ReadonlySet<ReportAt>;
  readonly resolve: (report: Report) => void;
  readonly reject: (error: Error) => void;
}

interface Reader {
  readonly queue: Report[];
  wake: () => void;
}

/** Kept of a connection that lives for weeks: what it began with, and the latest. */
const KEPT = 128;

/**
 * Reports of one connection, in order. Any number may wait or iterate; whoever starts late still sees what came before,
 * except the oldest reports about execs, ooms and the log, once there are many of those.
 */
export class ReportLog implements AsyncIterable<Report> {
  readonly #reports: Report[] = [];
  readonly #waiters = new Set<Waiter>();
  readonly #readers = new Set<Reader>();
  #end: Error | undefined;

  add(report: Report): void {
    this.#reports.push(report);
    if (this.#reports.length > KEPT) this.#forgetOldest();
    for (const waiter of this.#waiters) this.#offer(waiter, report);
    for (const reader of this.#readers) {
      reader.queue.push(report);
      reader.wake();
    }
  }
  /** No more will come. Later waiters are refused with this error; iteration just ends. */
  end(error: Error): void {
    if (this.#end !== undefined) return;
    this.#end = error;
    for (const waiter of this.#waiters) waiter.reject(error);
    this.#waiters.clear();
    for (const reader of this.#readers) reader.wake();
  }
  get ended(): boolean {
    return this.#end !== undefined;
  }
  get all(): readonly Report[] {
    return this.#reports;
  }
  find(at: ReportAt): Report | undefined {
    return this.#reports.find((report) => report.at === at);
  }

  /** The first report (past or future) with one of these `at`. Rejects with ShimFailure on `failed` unless asked for it. */
  waitFor(...at: readonly ReportAt[]): Promise<Report> {
    return new Promise((resolve, reject) => {
      const waiter: Waiter = { at: new Set(at), resolve, reject };
      this.#waiters.add(waiter);
      for (const report of this.#reports) if (this.#offer(waiter, report)) return;
      if (this.#end !== undefined) {
        this.#waiters.delete(waiter);
        reject(this.#end);
      }
    });
  }

  #offer(waiter: Waiter, report: Report): boolean {
    if (waiter.at.has(report.at)) waiter.resolve(report);
    else if (report.at === "failed") waiter.reject(new ShimFailure(report));
    else return false;
    this.#waiters.delete(waiter);
    return true;
  }
  #forgetOldest(): void {
    const index = this.#reports.findIndex(({ at, exec }) => exec !== undefined || at === "oom" || at === "log_error");
    if (index >= 0) this.#reports.splice(index, 1);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Report> {
    const reader: Reader = { queue: [...this.#reports], wake: () => {} };
    this.#readers.add(reader);
    try {
      for (;;) {
        for (let report = reader.queue.shift(); report !== undefined; report = reader.queue.shift()) yield report;
        if (this.#end !== undefined) return;
        await new Promise<void>((resolve) => {
          reader.wake = resolve;
        });
      }
    } finally {
      this.#readers.delete(reader);
    }
  }
}
