/** Runs a helper program of the host to its end: OCI hooks. Not for containers: those have monitors. */
import { spawn } from "node:child_process";

export interface HookCommand {
  readonly path: string;
  /** argv, with argv[0]; empty = the path alone. */
  readonly args: readonly string[];
  /** Whole environment, "NAME=value". */
  readonly env: readonly string[];
  readonly stdin: string;
  /** It is killed then. */
  readonly timeoutMs: number;
}
export interface HookResult {
  /** null when it was killed by a signal. */
  readonly code: number | null;
  readonly signal: string | null;
  /** The first 4 KiB. */
  readonly stderr: string;
}

const STDERR_BYTES = 4096;

const environment = (entries: readonly string[]): Record<string, string> =>
  Object.fromEntries(entries.map((entry) => [entry.split("=", 1)[0] ?? "", entry.slice(entry.indexOf("=") + 1)]));

/** Rejects with Node's error when the program cannot be started. */
export function runHook(command: HookCommand): Promise<HookResult> {
  return new Promise((resolve, reject) => {
    const [argv0 = command.path, ...args] = command.args;
    const child = spawn(command.path, args, {
      argv0,
      env: environment(command.env),
      cwd: "/",
      stdio: ["pipe", "ignore", "pipe"],
      timeout: command.timeoutMs,
      killSignal: "SIGKILL",
    });
    let stderr = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      if (stderr.length < STDERR_BYTES) stderr += text;
    });
    child.stdin.on("error", () => {}); // it need not read its state
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal, stderr: stderr.slice(0, STDERR_BYTES) }));
    child.stdin.end(command.stdin);
  });
}
