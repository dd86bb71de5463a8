/** A backend without processes: sandboxes that end when a test says so, or when they are killed. */
import { PassThrough } from "node:stream";
import type {
  AttachOptions,
  Capabilities,
  ExecHandle,
  Exit,
  IsolationBackend,
  Recovered,
  Sandbox,
  SandboxEvent,
  SandboxRecord,
  SandboxRequest,
  StreamSession,
  UsageSample,
} from "../../../../engine/isolation/backend.ts";
import type { ProcessSpec, Resources } from "../../../../engine/spec/run-spec.ts";

const LIMITS = ["memory", "swap", "pids", "cpu", "cpuset", "blkio", "hugetlb", "devices", "freezer", "oomKillDisable"];

export class FakeSession implements StreamSession {
  readonly output = new PassThrough();
  readonly written: string[] = [];
  stdinEnded = false;
  closed = false;
  async write(chunk: Uint8Array): Promise<void> {
    this.written.push(Buffer.from(chunk).toString());
  }
  async endStdin(): Promise<void> {
    this.stdinEnded = true;
  }
  close(): void {
    this.closed = true;
    this.output.end();
  }
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }
}

let nextPid = 100_000;

export class FakeSandbox implements Sandbox {
  readonly record: SandboxRecord;
  readonly request: SandboxRequest;
  readonly pid = nextPid++;
  readonly startedAt = "2026-11-22T10:00:00.000000000Z";
  readonly phases = [];
  readonly signals: number[] = [];
  readonly sessions: FakeSession[] = [];
  readonly calls: string[] = [];
  /** Signals the program ignores. */
  ignores = new Set<number>();
  #exit = Promise.withResolvers<Exit>();
  readonly exited = this.#exit.promise;
  #listeners: ((event: SandboxEvent) => void)[] = [];

  constructor(request: SandboxRequest) {
    this.request = request;
    this.record = {
      backend: "fake",
      runId: request.runId,
      monitorPid: this.pid + 1,
      monitorStartTime: 1,
      pid: this.pid,
      pidStartTime: 1,
      runtimeDir: request.runtimeDir,
      exitPath: request.exitPath,
      cgroupsPath: request.spec.cgroupsPath,
      bootId: "boot",
    };
  }

  end(code: number, changes: Partial<Exit> = {}): void {
    for (const session of this.sessions) session.output.end();
    this.#exit.resolve({
      code,
      signal: null,
      oomKilled: false,
      finishedAt: "2026-11-22T10:00:03.000000000Z",
      reason: "",
      ...changes,
    });
  }
  emit(event: SandboxEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
  onEvent(listener: (event: SandboxEvent) => void): void {
    this.#listeners.push(listener);
  }
  async start(): Promise<void> {
    this.calls.push("start");
  }
  async signal(signal: number): Promise<void> {
    this.signals.push(signal);
    if (!this.ignores.has(signal)) this.end(128 + signal, { signal });
  }
  async killAll(): Promise<void> {
    this.calls.push("killAll");
    this.end(137, { signal: 9 });
  }
  async pause(): Promise<void> {
    this.calls.push("pause");
  }
  async resume(): Promise<void> {
    this.calls.push("resume");
  }
  async update(_resources: Resources): Promise<readonly string[]> {
    this.calls.push("update");
    return [];
  }
  async usage(): Promise<UsageSample> {
    throw new Error("no usage");
  }
  async processes(): Promise<readonly number[]> {
    return [process.pid];
  }
  async attach(_options: AttachOptions): Promise<StreamSession> {
    this.calls.push("attach");
    const session = new FakeSession();
    this.sessions.push(session);
    return session;
  }
  readonly execs: { process: ProcessSpec; session: FakeSession; end(code: number): void }[] = [];
  async exec(_id: string, process: ProcessSpec): Promise<ExecHandle> {
    const session = new FakeSession();
    const exit = Promise.withResolvers<Exit>();
    const end = (code: number): void => {
      session.output.end();
      exit.resolve({ code, signal: null, oomKilled: false, finishedAt: "", reason: "" });
    };
    this.execs.push({ process, session, end });
    return { pid: nextPid++, session, exited: exit.promise, signal: async () => {}, resize: async () => {} };
  }
  async resize(): Promise<void> {
    this.calls.push("resize");
  }
  async destroy(): Promise<void> {
    this.calls.push("destroy");
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.destroy();
  }
}

export class FakeBackend implements IsolationBackend {
  readonly name = "fake";
  readonly capabilities: Capabilities = {
    name: "fake",
    cgroupVersion: 1,
    limits: new Set(LIMITS),
    apparmor: false,
    seccomp: true,
    userNamespaces: true,
    timeNamespaces: true,
    cgroupNamespaces: true,
    hostNetwork: true,
  };
  readonly sandboxes: FakeSandbox[] = [];
  readonly sweeps: ReadonlySet<string>[] = [];
  /** What create rejects with, once. */
  failure: Error | null = null;
  /** Answers of recover by run id. */
  readonly answers = new Map<string, Promise<Recovered>>();
  onCreate: (sandbox: FakeSandbox) => void = () => {};

  get last(): FakeSandbox {
    const sandbox = this.sandboxes.at(-1);
    if (sandbox === undefined) throw new Error("nothing was started");
    return sandbox;
  }
  async create(request: SandboxRequest): Promise<Sandbox> {
    if (this.failure !== null) {
      const failure = this.failure;
      this.failure = null;
      throw failure;
    }
    const sandbox = new FakeSandbox(request);
    this.sandboxes.push(sandbox);
    this.onCreate(sandbox);
    return sandbox;
  }
  async recover(record: SandboxRecord): Promise<Recovered> {
    const answer = this.answers.get(record.runId);
    if (answer !== undefined) return answer;
    return { status: "exited", exit: { code: 255, signal: null, oomKilled: false, finishedAt: "", reason: "gone" } };
  }
  async sweep(known: ReadonlySet<string>): Promise<void> {
    this.sweeps.push(known);
  }
}
