/**
 * A command in a real terminal (python3's pty, since Node has none).
 *
 *   await using terminal = openTerminal([...command], { rows: 30, columns: 100 });
 *   await terminal.waitFor(/\$ /);
 *   terminal.type("exit 3\r");
 *   expect(await terminal.exited).toBe(3);
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

/** False on a machine without python3: tests that need a terminal skip and say so. */
export const hasPty = spawnSync("python3", ["-c", "import pty"]).status === 0;

export interface TerminalOptions {
  readonly rows?: number;
  readonly columns?: number;
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
}

const PATIENCE_MS = 20_000;

export class TerminalSession implements AsyncDisposable {
  readonly #child: ChildProcess;
  #output = "";
  #wake: (() => void)[] = [];
  #ended = false;
  /** Exit status; 128 + signal when one ended it. */
  readonly exited: Promise<number>;

  constructor(command: readonly string[], options: TerminalOptions) {
    const size = [String(options.rows ?? 24), String(options.columns ?? 80)];
    const args = [join(import.meta.dirname, "in-terminal.py"), ...size, ...command];
    this.#child = spawn("python3", args, { env: options.env, cwd: options.cwd, stdio: ["pipe", "pipe", "inherit"] });
    this.#child.stdin?.on("error", () => {});
    this.#child.stdout?.on("data", (chunk: Buffer) => {
      this.#output += chunk.toString("utf8");
      this.#notify();
    });
    this.exited = once(this.#child, "close").then(([code]) => {
      this.#ended = true;
      this.#notify();
      return Number(code);
    });
  }

  #notify(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }

  /** Everything printed so far, echo and escape sequences included. */
  get output(): string {
    return this.#output;
  }

  type(text: string): void {
    this.#child.stdin?.write(`type ${Buffer.from(text).toString("hex")}\n`);
  }

  resize(rows: number, columns: number): void {
    this.#child.stdin?.write(`resize ${rows} ${columns}\n`);
  }

  /** Resolves when what was printed matches; throws with all of it when it ends or takes too long. */
  async waitFor(pattern: RegExp): Promise<RegExpExecArray> {
    const deadline = AbortSignal.timeout(PATIENCE_MS);
    for (;;) {
      const match = pattern.exec(this.#output);
      if (match !== null) return match;
      if (this.#ended || deadline.aborted) throw new Error(`no ${pattern} in:\n${this.#output}`);
      await new Promise<void>((resolve) => {
        this.#wake.push(resolve);
        deadline.addEventListener("abort", () => resolve(), { once: true });
      });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.stdin?.end();
    if (!this.#ended) await this.exited;
  }
}

export const openTerminal = (command: readonly string[], options: TerminalOptions = {}): TerminalSession =>
  new TerminalSession(command, options);
