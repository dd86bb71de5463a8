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
import { hasEnded, reapLater, spawnDetached } from "./spawn.ts";
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

export interface ShimOptions {
  /**
   * Monitors started ahead, each asleep on its launch socket until a launch takes it: a process is not started in the way
   * of a container then. They end with this process, however it ends. Default 0.
   */
  readonly spares?: number;
}

const DEFAULT_DEADLINE_MS = 60_000;
/** After a program runs: the client has its answer by then. */
const REFILL_MS = 2;
const FIRST_SPARE_MS = 100;
/** As long as the titles that replace it: a process's title is overwritten where it stands. */
const SPARE_TITLE = "ctr-shim (spare)".padEnd(21);

interface Monitor {
  readonly pid: number;
  readonly socket: Socket;
  readonly connection: Connection;
}

export class Shim {
  readonly #memory: number;
  readonly #wanted: number;
  #spares: Monitor[] = [];
  #refill: NodeJS.Timeout | undefined;
  #isClosed = false;

  private constructor(memory: number, spares: number) {
    this.#memory = memory;
    this.#wanted = spares;
    this.#refillIn(FIRST_SPARE_MS);
  }

  /** path: the ctr-shim executable. Throws Node's error when it cannot be read. */
  static open(path: string, options: ShimOptions = {}): Shim {
    const program = readFileSync(path);
    const memory = memfdCreate("ctr-shim");
    writeFileSync(`/proc/self/fd/${memory}`, program);
    addSeals(memory, SEAL.write | SEAL.grow | SEAL.shrink | SEAL.seal);
    return new Shim(memory, options.spares ?? 0);
  }

  #spawn(title: string): Monitor {
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
    return { pid, socket, connection: new Connection(socket) };
  }

  #refillIn(ms: number): void {
    if (this.#isClosed || this.#spares.length >= this.#wanted) return;
    clearTimeout(this.#refill);
    this.#refill = setTimeout(() => {
      try {
        while (!this.#isClosed && this.#spares.length < this.#wanted) {
          const spare = this.#spawn(SPARE_TITLE);
          spare.connection.unref();
          this.#spares.push(spare);
        }
      } catch {
        // Too many processes, say: the next launch tries by itself and tells.
      }
    }, ms).unref();
  }

  /** One that lives; somebody may have killed it. */
  #takeSpare(): Monitor | undefined {
    for (let spare = this.#spares.pop(); spare !== undefined; spare = this.#spares.pop()) {
      if (!hasEnded(spare.pid)) {
        spare.socket.ref();
        return spare;
      }
      spare.connection.close();
    }
    return undefined;
  }

  /** Throws RangeError for a plan that cannot be encoded, SystemCallError when the process cannot be started. */
  launch(plan: LaunchPlan, options: LaunchOptions = {}): LaunchHandle {
    const frames = [encodeFrame(FRAMES.launch, encodePlan(plan))];
    if (options.early !== undefined) frames.push(encodeFrame(FRAMES.proceed));
    if (options.early === "start") frames.push(encodeFrame(FRAMES.start));
    const title = plan.find((record) => record.op === "monitor")?.title ?? "ctr-shim";
    const { pid, socket, connection } = this.#takeSpare() ?? this.#spawn(title);
    socket.write(Buffer.concat(frames));
    void connection.closed.then(() => reapLater(pid));
    if (this.#wanted > 0) this.#refillAfter(connection.reports);
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

  #refillAfter(reports: ReportLog): void {
    const refill = (): void => this.#refillIn(REFILL_MS);
    reports.waitFor("execed").then(refill, refill);
  }

  /** Forgets the memory file; running monitors keep it. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#refill);
    for (const { pid, connection } of this.#spares) {
      connection.close();
      reapLater(pid);
    }
    this.#spares = [];
    close(this.#memory);
  }
}
