/** Running a command to its end, with everything it said. */
import { type ChildProcess, spawn } from "node:child_process";

export interface Ran {
  /** Exit status, or 128 + signal number as a shell says it. */
  readonly status: number;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly input?: string | Buffer;
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  readonly timeoutMs?: number;
}

const SIGNALS: Readonly<Record<string, number>> = { SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGPIPE: 13, SIGTERM: 15 };

/** Resolves when the process has ended and its output is complete. Never rejects for a bad status. */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"], env: options.env, cwd: options.cwd });
  child.stdin.on("error", () => {}); // a command may end without reading its input
  child.stdin.end(options.input ?? "");
  return finished(child, options.timeoutMs);
}

export function finished(child: ChildProcess, timeoutMs = 60_000): Promise<Ran> {
  const chunks: { stdout: Buffer[]; stderr: Buffer[] } = { stdout: [], stderr: [] };
  child.stdout?.on("data", (chunk: Buffer) => chunks.stdout.push(chunk));
  child.stderr?.on("data", (chunk: Buffer) => chunks.stderr.push(chunk));
  const { promise, resolve, reject } = Promise.withResolvers<Ran>();
  const timer = setTimeout(() => {
    child.kill("SIGKILL");
    const said = Buffer.concat([...chunks.stdout, ...chunks.stderr]).toString();
    reject(new Error(`${child.spawnargs.join(" ")} did not end within ${timeoutMs} ms; it said:\n${said}`));
  }, timeoutMs);
  child.on("error", reject);
  child.on("close", (code, signal) => {
    clearTimeout(timer);
    const status = code ?? 128 + (SIGNALS[signal ?? ""] ?? 0);
    resolve({
      status,
      signal,
      stdout: Buffer.concat(chunks.stdout).toString(),
      stderr: Buffer.concat(chunks.stderr).toString(),
    });
  });
  return promise;
}
