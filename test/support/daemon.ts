/**
 * A daemon of the test's own: temporary roots, its own socket and cgroup parent. Disposing removes its containers, stops it and
 * fails when anything with its marks is left on the machine.
 *
 *   await using daemon = await startDaemon();
 *   const { status } = await daemon.ask("GET", "/_ping");
 *   await daemon.kill();                     // SIGKILL, as a crash would
 *   await daemon.start();                    // same roots again
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type Answer, ask, type AskOptions } from "./http.ts";
import { cgroupsWith, nothingLeft, processesWith } from "./machine.ts";
import { type Ran, run, type RunOptions } from "./process.ts";

const REPOSITORY = join(import.meta.dirname, "../..");

export interface DaemonOptions {
  /** source: the TypeScript as it is now (default); dist: what `npm run build` made. */
  readonly from?: "source" | "dist";
  /** An existing root (from a daemon before); otherwise a new temporary one, removed at the end. */
  readonly root?: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly config?: unknown;
  readonly readyMs?: number;
}

const COMMANDS = {
  source: [
    join(REPOSITORY, "node_modules/.bin/node"),
    "--disable-warning=ExperimentalWarning",
    join(REPOSITORY, "api/server/main.ts"),
  ],
  dist: [join(REPOSITORY, "dist/ctrd")],
} as const;
const CLI = {
  source: [join(REPOSITORY, "node_modules/.bin/node"), join(REPOSITORY, "api/cli/main.ts")],
  dist: [join(REPOSITORY, "dist/ctr")],
} as const;

export class TestDaemon implements AsyncDisposable {
  readonly root: string;
  readonly dataRoot: string;
  readonly execRoot: string;
  readonly socket: string;
  readonly cgroupParent: string;
  /** Strings by which everything of this daemon can be found on the machine. */
  readonly marks: readonly string[];
  readonly #options: DaemonOptions;
  #child: ChildProcess | undefined;

  constructor(options: DaemonOptions) {
    this.#options = options;
    // Short: a unix socket's path has 107 bytes, and monitors' sockets lie deeper than the daemon's.
    this.root = options.root ?? mkdtempSync(join(tmpdir(), "tare-"));
    this.dataRoot = join(this.root, "data");
    this.execRoot = join(this.root, "run");
    this.socket = join(this.execRoot, "tare.sock");
    this.cgroupParent = `/test-${basename(this.root)}`;
    this.marks = [this.root, this.cgroupParent];
  }

  get pid(): number {
    if (this.#child?.pid === undefined) throw new Error("the daemon is not running");
    return this.#child.pid;
  }

  get log(): string {
    return readFileSync(join(this.root, "ctrd.log"), "utf8");
  }

  /** Starts it and waits until it answers. */
  async start(): Promise<void> {
    mkdirSync(this.execRoot, { recursive: true });
    const { from = "source", args = [], env = {}, config, readyMs = 20_000 } = this.#options;
    const configFile = join(this.root, "config.json");
    if (config !== undefined) writeFileSync(configFile, JSON.stringify(config));
    const [command = "", ...first] = COMMANDS[from];
    const places = ["--data-root", this.dataRoot, "--exec-root", this.execRoot, "--host", `unix://${this.socket}`];
    const all = [...first, ...places, ...(config === undefined ? [] : ["--config", configFile]), ...args];
    const script = 'log=$1; shift; exec "$@" >>"$log" 2>&1'; // a file, not a pipe: it outlives any reader
    const child = spawn("sh", ["-c", script, "sh", join(this.root, "ctrd.log"), command, ...all], {
      env: { PATH: process.env["PATH"], TARE_CGROUP_PARENT: this.cgroupParent, ...env },
      stdio: "ignore",
    });
    this.#child = child;
    await this.#ready(child, readyMs);
  }

  async #ready(child: ChildProcess, readyMs: number): Promise<void> {
    const end = performance.now() + readyMs;
    while (
      !(await this.ask("GET", "/_ping", { timeoutMs: readyMs }).then(
        ({ status }) => status === 200,
        () => false,
      ))
    ) {
      const dead = child.exitCode ?? child.signalCode;
      const why =
        dead !== null
          ? `ended with ${dead}`
          : performance.now() > end
            ? `did not answer within ${readyMs} ms`
            : undefined;
      if (why !== undefined) throw new Error(`ctrd ${why}; its log:\n${this.log}`);
      await delay(5);
    }
  }

  ask(method: string, path: string, options?: AskOptions): Promise<Answer> {
    return ask(this.socket, method, path, options);
  }

  /** Our own command line against this daemon. */
  ctr(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
    const [command = "", ...first] = CLI[this.#options.from ?? "source"];
    const env = { PATH: process.env["PATH"], HOME: this.root, CTR_HOST: `unix://${this.socket}`, ...options.env };
    return run(command, [...first, ...args], { ...options, env });
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit", { signal: AbortSignal.timeout(20_000) });
    child.kill(signal);
    await gone;
  }

  /** SIGTERM, as `npm stop` does; containers go on running. */
  stop(): Promise<void> {
    return this.#end("SIGTERM");
  }

  /** SIGKILL: nothing of the daemon's gets a chance to clean up. */
  kill(): Promise<void> {
    return this.#end("SIGKILL");
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** Removes every container by force; a daemon that cannot be asked any more has its processes ended by mark instead. */
  async #removeContainers(): Promise<void> {
    if (this.#child === undefined) await this.start();
    const { json } = await this.ask("GET", "/containers/json?all=1");
    for (const container of json as readonly { readonly Id: string }[]) {
      await this.ask("DELETE", `/containers/${container.Id}?force=1&v=1`);
    }
  }

  #clear(): void {
    for (const pid of processesWith(this.marks)) process.kill(pid, "SIGKILL");
    if (this.#options.root === undefined) rmSync(this.root, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const problems: unknown[] = [];
    const note = (error: unknown): number => problems.push(error);
    await this.#removeContainers().catch(note);
    await this.stop().catch(note);
    if (problems.length === 0) await nothingLeft(this.marks.slice(0, 1)).catch(note);
    const log = problems.length > 0 ? this.log : "";
    this.#clear();
    removeCgroups(this.cgroupParent);
    if (problems.length > 0)
      throw new AggregateError(problems, `${problems.map(String).join("\n")}\nthe daemon's log:\n${log}`);
  }
}

/** The daemon may keep its (empty) parent directories; the test's own are removed, deepest first. */
function removeCgroups(parent: string): void {
  for (const dir of cgroupsWith([parent]).sort((a, b) => b.length - a.length)) rmdirSync(dir);
}

export async function startDaemon(options: DaemonOptions = {}): Promise<TestDaemon> {
  const daemon = new TestDaemon(options);
  await daemon.start();
  return daemon;
}
