/**
 * Starting monitors. The shim is copied once per process into a sealed memory file and run from there: a container that
 * gets hold of it through /proc/PID/exe can neither write it (CVE-2019-5736) nor reach the host's file, and all monitors
 * share its text.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { Socket } from "node:net";
import { FRAMES, type LaunchPlan, type Report, type ReportAt } from "../protocol.ts";
import { Connection, withDeadline } from "./connection.ts";
import { encodePlan } from "./encode.ts";
import { encodeFrame } from "./frames.ts";
import type { ReportLog } from "./reports.ts";
import { reapLater, spawnDetached } from "./spawn.ts";
import { close } from "./sys-files.ts";
import { addSeals, memfdCreate, SEAL, socketpair } from "./sys-process.ts";

export interface LaunchOptions {
  /** Sends PROCEED (and START) along with the plan: for launches where nothing is done in between. */
  readonly early?: "proceed" | "start";
  /** For `waitFor`, in milliseconds. Default 60 000. */
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
}

export interface LaunchHandle {
  readonly monitorPid: number;
  readonly reports: ReportLog;
  /** Resolves when the monitor has gone or this connection was closed. */
  readonly closed: Promise<void>;
  /** The first report of this kind, past or future. Rejects with ShimFailure on `failed`, ShimUnavailable when it dies. */
  waitFor(...at: readonly ReportAt[]): Promise<Report>;
  proceed(): void;
  start(): void;
  /**
   * Closes the connection. Before START the monitor then kills what it made and leaves nothing; after EXECED it just
   * goes on without this watcher.
   */
  close(): void;
  unref(): void;
}

const DEFAULT_DEADLINE_MS = 60_000;

export class Shim {
  readonly #memory: number;
  private constructor(memory: number) {
    this.#memory = memory;
  }

  /** path: the ctr-shim executable. Throws Node's error when it cannot be read. */
  static open(path: string): Shim {
    const program = readFileSync(path);
    const memory = memfdCreate("ctr-shim");
    writeFileSync(`/proc/self/fd/${memory}`, program);
    addSeals(memory, SEAL.write | SEAL.grow | SEAL.shrink | SEAL.seal);
    return new Shim(memory);
  }

  /** Throws RangeError for a plan that cannot be encoded, SystemCallError when the process cannot be started. */
  launch(plan: LaunchPlan, options: LaunchOptions = {}): LaunchHandle {
    const frames = [encodeFrame(FRAMES.launch, encodePlan(plan))];
    if (options.early !== undefined) frames.push(encodeFrame(FRAMES.proceed));
    if (options.early === "start") frames.push(encodeFrame(FRAMES.start));
    const title = plan.find((record) => record.op === "monitor")?.title ?? "ctr-shim";
    const [ours, theirs] = socketpair();
    let pid: number;
    try {
      pid = spawnDetached(`/proc/self/fd/${this.#memory}`, [title, "launch"], theirs);
    } catch (error) {
      close(ours);
      throw error;
    } finally {
      close(theirs);
    }
    const socket = new Socket({ fd: ours, readable: true, writable: true });
    socket.write(Buffer.concat(frames));
    const connection = new Connection(socket);
    void connection.closed.then(() => reapLater(pid));
    const { deadlineMs = DEFAULT_DEADLINE_MS, signal } = options;
    return {
      monitorPid: pid,
      reports: connection.reports,
      closed: connection.closed,
      waitFor: (...at) =>
        withDeadline(connection.reports.waitFor(...at), "the container's monitor", deadlineMs, signal),
      proceed: () => void connection.send(FRAMES.proceed),
      start: () => void connection.send(FRAMES.start),
      close: () => connection.close(),
      unref: () => connection.unref(),
    };
  }

  /** Forgets the memory file; running monitors keep it. */
  close(): void {
    close(this.#memory);
  }
}
