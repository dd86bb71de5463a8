/** Runs a command line in this process with everything it may touch in memory, and gives back what it did. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { run, type Surroundings } from "../../../../api/cli/app.ts";
import type { Input, Output, Terminal } from "../../../../api/cli/context.ts";

export interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Options {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** What is on stdin; absent is an empty pipe. */
  readonly stdin?: Buffer;
  readonly terminal?: Terminal;
  readonly nowMs?: number;
}

export function memoryOutput(chunks: Buffer[], terminal: Terminal | null): Output {
  return {
    isTerminal: terminal !== null,
    size: () => terminal,
    write: (chunk) => {
      chunks.push(Buffer.from(chunk));
      return undefined;
    },
  };
}

const memoryInput = (content: Buffer): Input => ({
  isTerminal: false,
  setRaw: () => undefined,
  open: (receiver) => {
    let stopped = false;
    queueMicrotask(async () => {
      if (content.length > 0 && !stopped) await receiver.data(content);
      if (!stopped) receiver.end();
    });
    return () => {
      stopped = true;
    };
  },
});

function openError(path: string, error: unknown): Error {
  const code = (error as NodeJS.ErrnoException).code;
  return new Error(code === "ENOENT" ? `open ${path}: no such file or directory` : String(error));
}

export function surroundings(host: string, stdout: Buffer[], stderr: Buffer[], options: Options = {}): Surroundings {
  const cwd = options.cwd ?? tmpdir();
  return {
    program: "ctr",
    env: { CTR_HOST: host, ...options.env },
    stdin: memoryInput(options.stdin ?? Buffer.alloc(0)),
    stdout: memoryOutput(stdout, options.terminal ?? null),
    stderr: memoryOutput(stderr, options.terminal ?? null),
    files: {
      readText: (path) => {
        try {
          return readFileSync(resolve(cwd, path), "utf8");
        } catch (error) {
          throw openError(path, error);
        }
      },
      stream: async function* (path) {
        yield readFileSync(resolve(cwd, path));
      },
      exists: (path) => existsSync(resolve(cwd, path)),
      createExclusive: (path) => writeFileSync(resolve(cwd, path), "", { flag: "wx" }),
      writeText: (path, text) => writeFileSync(resolve(cwd, path), text),
      remove: (path) => rmSync(resolve(cwd, path), { force: true }),
      absolute: (path) => resolve(cwd, path),
    },
    signals: { listen: () => () => undefined },
    now: () => options.nowMs ?? Date.now(),
    clock: () => performance.now(),
  };
}

export async function ctr(host: string, argv: readonly string[], options: Options = {}): Promise<Outcome> {
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  const status = await run(surroundings(host, stdout, stderr, options), argv);
  return { status, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() };
}

export function temporaryFolder(): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), "ctr-test-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}
