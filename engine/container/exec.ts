/**
 * Exec: a second process in a running container. Known in memory only, kept five minutes after its end (bounded); the
 * exit code is set before the stream ends, because clients ask for it right after the end of the stream.
 */
import { PassThrough, type Readable } from "node:stream";
import { containerId } from "../base/ids.ts";
import { conflict, invalid, notFound, TareError } from "../base/errors.ts";
import { settledWithin } from "../base/deadline.ts";
import { syncPoint } from "../base/sync-points.ts";
import type { ExecHandle, Exit, StreamSession } from "../isolation/backend.ts";
import type { ExecRequest } from "../spec/config.ts";
import { resolveExec } from "../spec/resolve-process.ts";
import type { ExecSnapshot } from "../types.ts";
import type { Container } from "./container.ts";
import type { Context } from "./context.ts";
import { publish } from "./publish.ts";
import { specOf } from "./run-spec.ts";

const KEEP_MS = 5 * 60_000;
/** Ended ones kept per container; the oldest go first. */
const KEEP_COUNT = 256;
const START_WAIT_MS = 10_000;

type Status = "created" | "starting" | "running" | "ended";

export class Exec {
  readonly id = containerId();
  readonly container: Container;
  readonly request: ExecRequest;
  readonly started = Promise.withResolvers<ExecHandle | null>();
  #status: Status = "created";
  #exitCode: number | null = null;
  #pid = 0;
  #endedAtMs = 0;

  constructor(container: Container, request: ExecRequest) {
    this.container = container;
    this.request = request;
  }

  get status(): Status {
    return this.#status;
  }
  get endedAtMs(): number {
    return this.#endedAtMs;
  }
  /** inspect's ExecIDs lists what has not ended. */
  get isListed(): boolean {
    return this.#status !== "ended";
  }

  setStarting(): void {
    this.#status = "starting";
  }
  setRunning(handle: ExecHandle): void {
    this.#status = "running";
    this.#pid = handle.pid;
    this.started.resolve(handle);
  }
  setEnded(exitCode: number): void {
    this.#status = "ended";
    this.#exitCode = exitCode;
    this.#endedAtMs = Date.now();
    this.started.resolve(null);
    this.container.execsChanged();
  }

  get snapshot(): ExecSnapshot {
    return {
      id: this.id,
      containerId: this.container.id,
      request: this.request,
      running: this.#status === "running",
      exitCode: this.#exitCode,
      pid: this.#pid,
    };
  }
}

export class ExecRegistry {
  readonly #byId = new Map<string, Exec>();

  find(id: string): Exec {
    const exec = this.#byId.get(id);
    if (exec === undefined) throw notFound("exec.not_found", `No such exec instance: ${id}`, { details: { exec: id } });
    return exec;
  }

  add(exec: Exec): void {
    this.#forgetOld(exec.container);
    this.#byId.set(exec.id, exec);
    exec.container.execs.set(exec.id, exec);
    exec.container.execsChanged();
  }

  forgetAll(container: Container): void {
    for (const id of container.execs.keys()) this.#byId.delete(id);
    container.execs.clear();
  }

  #forgetOld(container: Container): void {
    const ended = [...container.execs.values()].filter((exec) => exec.status === "ended");
    const excess = ended.length - KEEP_COUNT;
    const cutoff = Date.now() - KEEP_MS;
    for (const [index, exec] of ended.entries()) {
      if (index >= excess && exec.endedAtMs >= cutoff) continue;
      container.execs.delete(exec.id);
      this.#byId.delete(exec.id);
    }
  }
}

function requireRunning(container: Container): void {
  const { id, state } = container;
  if (state.status === "paused")
    throw conflict("container.paused", `Container ${id} is paused, unpause the container before exec`);
  if (state.status === "restarting") {
    throw conflict("container.restarting", `Container ${id} is restarting, wait until the container is running`);
  }
  if (state.status !== "running") throw conflict("container.not_running", `container ${id} is not running`);
}

export function createExec(context: Context, container: Container, request: ExecRequest): string {
  if (request.cmd.length === 0 || request.cmd[0] === "") throw invalid("exec.no_command", "No exec command specified");
  requireRunning(container);
  const badEnv = request.env.find((entry) => entry === "" || entry.startsWith("="));
  if (badEnv !== undefined)
    throw invalid("exec.bad_env", `invalid environment variable: ${badEnv}`, { details: { env: badEnv } });
  if (request.workingDir !== "" && !request.workingDir.startsWith("/")) {
    throw invalid(
      "exec.relative_workdir",
      `the working directory '${request.workingDir}' is invalid, it needs to be an absolute path`,
      { details: { argument: "WorkingDir" } },
    );
  }
  context.users.resolve(container, request.user || container.record.config.user);
  const exec = new Exec(container, request);
  context.execs.add(exec);
  publish(context, container, "exec_create", { execID: exec.id }, request.cmd);
  return exec.id;
}

export interface ExecStart {
  readonly detach: boolean;
  readonly tty: boolean;
  readonly consoleSize: readonly [number, number] | null;
}

function requireStartable(exec: Exec): void {
  if (exec.status === "ended") throw conflict("exec.already_run", `exec command ${exec.id} has already run`);
  if (exec.status !== "created") throw conflict("exec.already_running", `exec command ${exec.id} is already running`);
  requireRunning(exec.container);
}

/** Resolves when the program executes. A program that cannot be executed ends the exec with 126 or 127 and rejects. */
export async function startExec(context: Context, exec: Exec, options: ExecStart): Promise<StreamSession> {
  requireStartable(exec);
  const { container, request } = exec;
  exec.setStarting();
  let handle: ExecHandle;
  try {
    await syncPoint("exec.created");
    if (container.run === null) await container.lane.settled();
    requireRunning(container);
    const run = container.run;
    if (run === null) throw conflict("container.not_running", `container ${container.id} is not running`);
    const user = context.users.resolve(container, request.user || container.record.config.user);
    const asked = {
      ...request,
      tty: request.tty || options.tty,
      consoleSize: options.consoleSize ?? request.consoleSize,
    };
    const process = resolveExec(specOf(context, container), asked, user, context.view);
    const streams = { stdin: request.attachStdin, stdout: request.attachStdout, stderr: request.attachStderr };
    const none = { stdin: false, stdout: false, stderr: false };
    handle = await run.sandbox.exec(exec.id, process, options.detach ? none : streams);
    await syncPoint("exec.launched");
  } catch (error) {
    exec.setEnded(
      error instanceof TareError && typeof error.details["exitCode"] === "number" ? error.details["exitCode"] : 126,
    );
    throw error;
  }
  exec.setRunning(handle);
  publish(context, container, "exec_start", { execID: exec.id }, request.cmd);
  const ended = handle.exited.then((exit) => recordExit(context, exec, exit));
  const tty = request.tty || options.tty;
  if (!options.detach) return new ExecSession(handle.session, ended, request.attachStdin, !tty);
  handle.session.close();
  return handle.session;
}

function recordExit(context: Context, exec: Exec, exit: Exit): void {
  exec.setEnded(exit.code);
  publish(context, exec.container, "exec_die", { execID: exec.id, exitCode: String(exit.code) });
}

/** Ends its output only after the exit code is known. Without a terminal the client's half-close always closes stdin. */
class ExecSession implements StreamSession {
  readonly output: Readable;
  readonly #inner: StreamSession;
  readonly #hasStdin: boolean;
  readonly #closesStdin: boolean;

  constructor(inner: StreamSession, ended: Promise<void>, hasStdin: boolean, closesStdin: boolean) {
    const sink = new PassThrough({ highWaterMark: 256 * 1024 });
    sink.on("error", () => {});
    const finish = (): void => void ended.then(() => sink.end());
    inner.output.on("error", finish).on("end", finish).on("close", finish);
    inner.output.pipe(sink, { end: false });
    sink.on("close", () => inner.close());
    this.output = sink;
    this.#inner = inner;
    this.#hasStdin = hasStdin;
    this.#closesStdin = closesStdin;
  }

  async write(chunk: Uint8Array): Promise<void> {
    if (this.#hasStdin) await this.#inner.write(chunk);
  }
  async endStdin(): Promise<void> {
    if (!this.#hasStdin) return;
    if (this.#closesStdin) await this.#inner.endStdin();
    else this.close();
  }
  /** The process goes on; what it still prints is dropped by its monitor. */
  close(): void {
    this.#inner.close();
    (this.output as PassThrough).end();
  }
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }
}

/** Before the start it waits for it (10 s), as Docker's does. */
export async function resizeExec(context: Context, exec: Exec, rows: number, columns: number): Promise<void> {
  if (exec.status === "ended") throw conflict("exec.not_running", `exec ${exec.id} is not running`);
  if (exec.status !== "running" && !(await settledWithin(exec.started.promise, START_WAIT_MS, context.clock))) {
    throw conflict("exec.not_started", `timeout waiting for exec session ready: ${exec.id}`);
  }
  const handle = await exec.started.promise;
  if (handle === null) throw conflict("exec.not_running", `exec ${exec.id} is not running`);
  if (rows > 0 && columns > 0) await handle.resize(rows, columns);
}
