/** An Engine in memory: what the API needs of one, with streams that a test holds in its hands. */
import { PassThrough, Readable } from "node:stream";
import {
  conflict,
  type ContainerConfig,
  type ContainerSnapshot,
  type ContainerState,
  type CreateRequest,
  type Engine,
  type EngineEvent,
  type ExecRequest,
  type ExecSnapshot,
  type HostFacts,
  invalid,
  notFound,
  type StreamSession,
  TareError,
  type WaitResult,
  ZERO_TIME,
} from "../../engine/index.ts";
import { containerConfig, containerSnapshot } from "./fixtures.ts";

/** One attach or exec: what the client sent, and what the process says. */
export class FakeSession implements StreamSession {
  readonly output = new PassThrough();
  readonly received: Buffer[] = [];
  readonly stdinEnded = Promise.withResolvers<void>();
  readonly closed = Promise.withResolvers<void>();
  onWrite: (chunk: Buffer) => void | Promise<void> = () => {};
  async write(chunk: Uint8Array): Promise<void> {
    this.received.push(Buffer.from(chunk));
    await this.onWrite(Buffer.from(chunk));
  }
  async endStdin(): Promise<void> {
    this.stdinEnded.resolve();
  }
  close(): void {
    this.closed.resolve();
    this.output.end();
  }
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }
  get text(): string {
    return Buffer.concat(this.received).toString();
  }
}

export class FakeEngine {
  readonly calls: (readonly [verb: string, ...args: unknown[]])[] = [];
  readonly snapshots = new Map<string, ContainerSnapshot>();
  readonly sessions: FakeSession[] = [];
  readonly execs = new Map<string, ExecSnapshot>();
  readonly events: EngineEvent[] = [];
  readonly waits = new Map<string, PromiseWithResolvers<WaitResult>>();
  readonly #listeners = new Set<(event: EngineEvent) => void>();
  /** Verbs that fail. */
  readonly failures = new Map<string, Error>();
  logs: () => Readable = () => Readable.from([]);
  onSession: (session: FakeSession) => void = () => {};
  #time = 1_700_000_000_000_000_000n;

  add(name: string, config: Partial<ContainerConfig> = {}, state?: ContainerState): ContainerSnapshot {
    const id = (this.snapshots.size + 1).toString(16).padStart(2, "0").repeat(32);
    const snapshot = containerSnapshot({
      id,
      name,
      config: containerConfig(config),
      ...(state === undefined ? {} : { state }),
    });
    this.snapshots.set(id, snapshot);
    return snapshot;
  }
  addExec(container: ContainerSnapshot, request: Partial<ExecRequest>, more: Partial<ExecSnapshot> = {}): string {
    const id = (this.execs.size + 161).toString(16).repeat(32);
    const full: ExecRequest = {
      attachStdin: false,
      attachStdout: true,
      attachStderr: true,
      tty: false,
      cmd: ["sh"],
      env: [],
      user: "",
      workingDir: "",
      privileged: false,
      detachKeys: "",
      consoleSize: null,
      ...request,
    };
    this.execs.set(id, {
      id,
      containerId: container.id,
      request: full,
      running: false,
      exitCode: null,
      pid: 0,
      ...more,
    });
    return id;
  }

  find(ref: string): ContainerSnapshot {
    const name = ref.replace(/^\//, "");
    const all = [...this.snapshots.values()];
    const found =
      all.find(({ id }) => id === ref) ??
      all.find((one) => one.name === name) ??
      all.find(({ id }) => id.startsWith(ref));
    if (found === undefined || ref === "") throw notFound("container.not_found", `No such container: ${ref}`);
    return found;
  }

  #note<T>(verb: string, result: T, ...args: unknown[]): T {
    this.calls.push([verb, ...args]);
    const failure = this.failures.get(verb);
    if (failure !== undefined) throw failure;
    return result;
  }
  #session(): FakeSession {
    const session = new FakeSession();
    this.sessions.push(session);
    this.onSession(session);
    return session;
  }

  get containers(): Engine["containers"] {
    const note = async (verb: string, ref: string, ...args: unknown[]): Promise<void> =>
      this.#note(verb, undefined, this.find(ref).id, ...args);
    return {
      list: () => [...this.snapshots.values()],
      find: (ref) => this.find(ref),
      create: async (request: CreateRequest) => this.#note("create", { id: "c".repeat(64), warnings: [] }, request),
      start: (ref) => note("start", ref),
      stop: (ref, options) => note("stop", ref, options),
      restart: (ref, options) => note("restart", ref, options),
      kill: (ref, signal) => note("kill", ref, signal),
      pause: (ref) => note("pause", ref),
      unpause: (ref) => note("unpause", ref),
      rename: (ref, name) => note("rename", ref, name),
      update: async (ref, changes) => this.#note("update", [], this.find(ref).id, changes),
      remove: (ref, options) => note("remove", ref, options),
      prune: async (match) => {
        const deleted = this.#note(
          "prune",
          [...this.snapshots.values()].filter(match).map(({ id }) => id),
        );
        return { deleted, spaceReclaimed: 0 };
      },
      wait: (ref, condition) => {
        const { id } = this.find(ref);
        const wait = Promise.withResolvers<WaitResult>();
        this.waits.set(id, wait);
        return this.#note("wait", { result: wait.promise }, id, condition);
      },
      attach: async (ref, request) => this.#note("attach", this.#session(), this.find(ref).id, request),
      resize: (ref, rows, columns) => note("resize", ref, rows, columns),
      logs: (ref, options) => this.#note("logs", this.logs(), this.find(ref).id, options),
      top: async (ref, psArgs) => this.#note("top", { titles: ["PID"], processes: [["1"]] }, this.find(ref).id, psArgs),
      usage: async () => null,
      size: async () => ({ sizeRw: 1, sizeRootFs: 2 }),
      execCreate: async (ref, request) =>
        this.#note("execCreate", this.addExec(this.find(ref), request), this.find(ref).id, request),
      execStart: async (id, options) => this.#note("execStart", this.#session(), id, options),
      execResize: async (id, rows, columns) => this.#note("execResize", undefined, id, rows, columns),
      execInspect: (id) => {
        const exec = this.execs.get(id);
        if (exec === undefined) throw notFound("exec.not_found", `No such exec instance: ${id}`);
        return exec;
      },
    };
  }

  publish(event: Omit<EngineEvent, "timeNano">): void {
    const full = { ...event, timeNano: this.#time++ };
    this.events.push(full);
    for (const listener of this.#listeners) listener(full);
  }
  get listenerCount(): number {
    return this.#listeners.size;
  }

  engine(): Engine {
    const facts: HostFacts = {
      kernelVersion: "6.18.0",
      operatingSystem: "Debian GNU/Linux 12 (bookworm)",
      osVersion: "12",
      architecture: "x86_64",
      cpus: 2,
      memoryBytes: 8_000_000_000,
      hostname: "host",
      cgroupVersion: 1,
      cgroupDriver: "cgroupfs",
      limits: new Set(["memory", "swap", "pids", "cpu", "cpuset"]),
      securityOptions: ["name=seccomp,profile=builtin"],
      ipv4Forwarding: true,
      warnings: [],
    };
    return {
      id: "0f0e0d0c-0000-4000-8000-000000000000",
      config: {
        dataRoot: "/var/lib/tare",
        logDriver: "json-file",
        logLevel: "info",
        labels: [],
      } as unknown as Engine["config"],
      containers: this.containers,
      images: this.#images() as unknown as Engine["images"],
      events: {
        publish: (event) => this.publish(event),
        recent: () => this.events,
        subscribe: (listener) => {
          this.#listeners.add(listener);
          return () => this.#listeners.delete(listener);
        },
      },
      volumes: {
        list: () => [
          { name: "data", createdAt: ZERO_TIME, mountpoint: "/v/data/_data", labels: null, anonymous: false },
        ],
        find: (name) => {
          throw notFound("volume.not_found", `get ${name}: no such volume`);
        },
      },
      readyMs: 1,
      facts: () => facts,
      close: async () => {},
    };
  }

  readonly loaded: Buffer[] = [];
  #images() {
    const summary = {
      id: `sha256:${"a".repeat(64)}`,
      parentId: "",
      repoTags: ["busybox:latest"],
      repoDigests: [],
      created: 1_700_000_000,
      size: 4_000_000,
      sharedSize: 0,
      labels: {},
    };
    return {
      list: () => [summary],
      resolve: (ref: string) => {
        if (!["busybox", "busybox:latest", summary.id].includes(ref))
          throw notFound("image.not_found", `No such image: ${ref}`);
        return { ...summary, layers: [] };
      },
      inspect: (ref: string) => this.#note("inspectImage", summary, ref),
      history: () => [],
      tag: (source: string, target: string) => this.#note("tag", undefined, source, target),
      remove: async (ref: string) => this.#note("removeImage", [{ untagged: ref }, { deleted: summary.id }], ref),
      prune: async () => ({ removed: [], spaceReclaimed: 0 }),
      load: async (stream: Readable, options: { onProgress?: (progress: object) => void }) => {
        for await (const chunk of stream) this.loaded.push(chunk as Buffer);
        if (Buffer.concat(this.loaded).toString() === "bad") throw invalid("image.bad_archive", "not an image archive");
        options.onProgress?.({ layer: "0123456789ab", status: "Loading layer", current: 1, total: 2 });
        return { loaded: [{ id: summary.id, references: ["busybox:latest"] }] };
      },
    };
  }
}

export const conflicting = (message: string): TareError => conflict("test.conflict", message);
