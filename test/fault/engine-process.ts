/** Starts, speaks to, and kills the driver. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { createInterface } from "node:readline";
import { busyboxArchive, busyboxPath } from "../support/busybox-image.ts";
import { cgroupsWith, processesWith } from "../support/machine.ts";
import { createHash } from "node:crypto";

export { busyboxPath };
const DRIVER = join(import.meta.dirname, "driver.ts");

export class Died extends Error {}

const alive = new Set<EngineProcess>();
/** For afterEach: a test that failed leaves no engine behind. */
export async function endAll(): Promise<void> {
  for (const engine of [...alive]) await engine.kill();
}

export class EngineProcess {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>();
  readonly ended: Promise<NodeJS.Signals | null>;
  stderr = "";
  #nextId = 1;

  private constructor(roots: Roots, env: NodeJS.ProcessEnv) {
    this.#child = spawn(process.execPath, [DRIVER, roots.data, roots.run], {
      stdio: ["pipe", "pipe", "pipe"],
      env: { ...process.env, NODE_OPTIONS: "", ...env },
    });
    this.#child.stdin?.on("error", () => {});
    this.#child.stderr?.on("data", (chunk) => (this.stderr += String(chunk)));
    createInterface({ input: this.#child.stdout as NodeJS.ReadableStream }).on("line", (line) => this.#answer(line));
    alive.add(this);
    this.ended = once(this.#child, "close").then(([, signal]) => {
      for (const { reject } of this.#waiting.values())
        reject(new Died(`the engine ended (${signal ?? "by itself"})\n${this.stderr}`));
      this.#waiting.clear();
      alive.delete(this);
      return signal as NodeJS.Signals | null;
    });
  }

  static async open(roots: Roots, env: NodeJS.ProcessEnv = {}): Promise<EngineProcess> {
    const engine = new EngineProcess(roots, env);
    await engine.#expect(0);
    return engine;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  #expect<T>(id: number): Promise<T> {
    return new Promise<T>((resolve, reject) =>
      this.#waiting.set(id, { resolve: resolve as (value: never) => void, reject }),
    );
  }
  #answer(line: string): void {
    const answer = JSON.parse(line) as { id: number; result?: never; error?: string; kind?: string; code?: string };
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if (answer.error === undefined) waiting?.resolve(answer.result as never);
    else waiting?.reject(Object.assign(new Error(answer.error), { kind: answer.kind, code: answer.code }));
  }

  call<T = unknown>(verb: string, ...args: unknown[]): Promise<T> {
    const id = this.#nextId++;
    const answer = this.#expect<T>(id);
    this.#child.stdin?.write(`${JSON.stringify({ id, verb, args })}\n`);
    return answer;
  }

  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.ended;
  }
  async close(): Promise<void> {
    this.call("close").catch(() => {});
    await this.ended;
  }
}

export interface Roots {
  readonly base: string;
  readonly data: string;
  readonly run: string;
  /** The image archive to load. */
  readonly archive: string;
  /** Names under which everything of these roots is found on the machine. */
  readonly marks: readonly string[];
}

export async function makeRoots(): Promise<Roots> {
  const base = mkdtempSync(join(tmpdir(), "tare-f-"));
  const data = join(base, "data");
  const archive = join(base, "busybox.tar");
  writeFileSync(archive, (await busyboxArchive()).archive);
  const parent = `tare-${createHash("sha256").update(data).digest("hex").slice(0, 12)}`;
  return { base, data, run: join(base, "run"), archive, marks: [basename(base), parent] };
}
/** Kills what is left of containers, by the ids of their cgroups, and removes files and cgroups. */
export function removeRoots(roots: Roots): void {
  const dirs = cgroupsWith([roots.marks[1] as string]).reverse();
  for (const pid of processesWith([roots.marks[1] as string])) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // it went by itself
    }
  }
  for (const dir of dirs) {
    try {
      rmdirSync(dir);
    } catch {
      // shown by the test that left it
    }
  }
  rmSync(roots.base, { recursive: true, force: true });
}

/** Ids of containers that have a cgroup below this daemon's parent. */
export const containerCgroups = (roots: Roots): string[] => {
  const names = cgroupsWith([roots.marks[1] as string]).map((path) => path.split("/").at(-1) ?? "");
  return [...new Set(names.filter((name) => /^[0-9a-f]{64}$/.test(name)))].sort();
};

export const busybox = (cmd: readonly string[], changes: { name?: string; host?: object; config?: object } = {}) => ({
  name: changes.name,
  config: { image: "busybox:latest", cmd, ...changes.config },
  host: { networkMode: "none", ...changes.host },
});
/** Text of framed output. */
export function unframe(frames: string): string {
  const bytes = Buffer.from(frames, "latin1");
  let text = "";
  for (let at = 0; at + 8 <= bytes.length; ) {
    const length = bytes.readUInt32BE(at + 4);
    text += bytes.toString("utf8", at + 8, at + 8 + length);
    at += 8 + length;
  }
  return text;
}
