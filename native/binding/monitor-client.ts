/** Talking to a running monitor through its control socket. One connection per conversation, each with its deadline. */
import { connect, type Socket } from "node:net";
import { dirname, basename } from "node:path";
import type { Readable } from "node:stream";
import { constants } from "node:fs";
import { ATTACH, FRAMES, type LaunchPlan, type Report, REQUESTS } from "../protocol.ts";
import { Connection, withDeadline } from "./connection.ts";
import { encodeFields, encodePlan } from "./encode.ts";
import { type ReportLog, ShimUnavailable } from "./reports.ts";
import { AT, close, OPEN, openat2 } from "./sys-files.ts";

export interface ClientOptions {
  /** For the first answer, in milliseconds (a stopped monitor accepts connections but says nothing). Default 10 000. */
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
}
export interface Session {
  /** Docker's multiplexed stream, or raw bytes for a terminal. Ends when the process has ended and all is delivered. */
  readonly output: Readable;
  readonly reports: ReportLog;
  readonly closed: Promise<void>;
  /** Resolves when more may be written. */
  write(bytes: Uint8Array): Promise<void>;
  /** Closes the process's stdin (a pipe); nothing with a terminal. */
  endStdin(): void;
  resize(rows: number, columns: number): void;
  /** Leaves. The process goes on. */
  close(): void;
}
export interface AttachStreams {
  readonly stdin?: boolean;
  readonly stdout?: boolean;
  readonly stderr?: boolean;
  /** Payloads without frame headers: for a container with a terminal. */
  readonly raw?: boolean;
}
export interface MonitorClient {
  /** Resolves with the connection's reports once `state` has come. */
  watch(): Promise<{
    readonly state: Report;
    readonly reports: ReportLog;
    readonly closed: Promise<void>;
    close(): void;
    unref(): void;
  }>;
  /** Resolves once attached: nothing printed after that is lost. */
  attach(streams: AttachStreams): Promise<Session>;
  /** Resolves once the program runs (`execed`). Rejects with ShimFailure when it could not be started. */
  exec(plan: LaunchPlan, options?: { readonly raw?: boolean }): Promise<Session & { readonly execed: Report }>;
  /** target "": the container's first process, else an exec's id. ShimFailure ESRCH when it has ended. */
  signal(target: string, signal: number): Promise<void>;
  resize(target: string, rows: number, columns: number): Promise<void>;
}

const DEFAULT_DEADLINE_MS = 10_000;
/** sun_path holds 107 bytes and a NUL. */
const SUN_PATH_MAX = 107;

function open(path: string): Socket {
  if (Buffer.byteLength(path) <= SUN_PATH_MAX) return connect({ path });
  // Long roots: the directory by descriptor, which only has to live until connect(2), made synchronously by connect().
  const directory = openat2(AT.fdcwd, dirname(path), { flags: OPEN.path | constants.O_DIRECTORY });
  try {
    return connect({ path: `/proc/self/fd/${directory}/${basename(path)}` });
  } finally {
    close(directory);
  }
}

/** Every method makes its own connection; this itself does no I/O. path: the container's `<runtimeDir>/ctl`. */
export function connectMonitor(path: string, options: ClientOptions = {}): MonitorClient {
  const { deadlineMs = DEFAULT_DEADLINE_MS, signal } = options;

  async function converse<T>(
    how: { readonly raw?: boolean; readonly withOutput?: boolean },
    what: string,
    talk: (connection: Connection) => Promise<T>,
  ): Promise<T> {
    let socket: Socket;
    try {
      socket = open(path);
    } catch (cause) {
      throw new ShimUnavailable("gone", `the monitor's socket '${path}' cannot be opened`, cause);
    }
    const connection = new Connection(socket, how);
    try {
      return await withDeadline(talk(connection), what, deadlineMs, signal);
    } catch (error) {
      connection.close();
      throw error;
    }
  }
  const request = (
    type: number,
    name: keyof typeof REQUESTS,
    values: Readonly<Record<string, unknown>>,
  ): Promise<void> =>
    converse({}, `the monitor (${name})`, async (connection) => {
      connection.send(type, encodeFields(REQUESTS[name], values, name));
      await connection.reports.waitFor("done");
      connection.close();
    });

  return {
    watch: () =>
      converse({}, "the monitor (watch)", async (connection) => {
        connection.send(FRAMES.watch);
        const state = await connection.reports.waitFor("state");
        const { reports, closed } = connection;
        return { state, reports, closed, close: () => connection.close(), unref: () => connection.unref() };
      }),
    attach: (streams) =>
      converse({ raw: streams.raw ?? false, withOutput: true }, "the monitor (attach)", async (connection) => {
        const bits =
          (streams.stdin === true ? ATTACH.stdin : 0) |
          (streams.stdout === true ? ATTACH.stdout : 0) |
          (streams.stderr === true ? ATTACH.stderr : 0);
        connection.send(FRAMES.attach, encodeFields(REQUESTS.attach, { streams: bits }, "attach"));
        await connection.reports.waitFor("attached");
        return session(connection, "");
      }),
    exec: (plan, how = {}) =>
      converse({ raw: how.raw ?? false, withOutput: true }, "the monitor (exec)", async (connection) => {
        connection.send(FRAMES.exec, encodePlan(plan));
        const execed = await connection.reports.waitFor("execed");
        const id = plan.find((record) => record.op === "monitor")?.id ?? "";
        return { ...session(connection, id), execed };
      }),
    signal: (target, number) => request(FRAMES.signal, "signal", { target, signal: number }),
    resize: (target, rows, columns) => request(FRAMES.resize, "resize", { target, rows, cols: columns }),
  };
}

const session = (connection: Connection, target: string): Session => ({
  output: connection.output,
  reports: connection.reports,
  closed: connection.closed,
  write: (bytes) => connection.write(bytes),
  endStdin: () => void connection.send(FRAMES.stdinEnd),
  resize: (rows, cols) =>
    void connection.send(FRAMES.resize, encodeFields(REQUESTS.resize, { target, rows, cols }, "resize")),
  close: () => connection.close(),
});
