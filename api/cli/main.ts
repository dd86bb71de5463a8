/** `ctr`: the only file of the command line that knows it is a process. */
import type { Output, Input, Files, Signals } from "./context.ts";
import { run, type Surroundings } from "./app.ts";

const builtin = <T>(name: string): T => process.getBuiltinModule(name) as T;
const fs = (): typeof import("node:fs") => builtin("node:fs");
const path = (): typeof import("node:path") => builtin("node:path");

/** A reader that went away (`ctr logs | head`) ends us quietly, as SIGPIPE would. */
const BROKEN_PIPE_STATUS = 141;

const MEMORY_DEVICES_MAJOR = 1;

/** Asks node:tty, which takes milliseconds to load, only when it can be one: not for pipes, files and /dev/null. */
function isTerminal(fd: number): boolean {
  try {
    const status = fs().fstatSync(fd);
    if (!status.isCharacterDevice() || status.rdev >> 8 === MEMORY_DEVICES_MAJOR) return false;
  } catch {
    return false;
  }
  return builtin<typeof import("node:tty")>("node:tty").isatty(fd);
}

/**
 * Writes straight to the descriptor: making process.stdout costs milliseconds. Only a pipe that somebody made non-blocking, and
 * that is full, goes through the stream.
 */
function output(stream: () => NodeJS.WriteStream, fd: 1 | 2): Output {
  let made: NodeJS.WriteStream | undefined;
  const get = (): NodeJS.WriteStream => {
    if (made === undefined) {
      made = stream();
      made.on("error", (error: NodeJS.ErrnoException) => leave(error));
    }
    return made;
  };
  const terminal = isTerminal(fd);
  return {
    isTerminal: terminal,
    size: () => (terminal ? { columns: get().columns ?? 0, rows: get().rows ?? 0 } : null),
    write: (chunk) => {
      let rest: Uint8Array = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
      while (made === undefined && rest.length > 0) {
        try {
          rest = rest.subarray(fs().writeSync(fd, rest));
        } catch (error) {
          if (!(error instanceof Error && "code" in error && error.code === "EAGAIN")) leave(error);
          get();
        }
      }
      if (rest.length === 0 || get().write(rest)) return undefined;
      return new Promise((resolve) => get().once("drain", resolve));
    },
  };
}

function leave(error: unknown): never {
  process.exit(error instanceof Error && "code" in error && error.code === "EPIPE" ? BROKEN_PIPE_STATUS : 1);
}

/**
 * Node's raw mode leaves the kernel turning \n into \r\n on output, which tears full-screen programs apart; nothing in Node
 * switches that off, so stty does. setRawMode(false), and the end of the process, restore everything that was before.
 */
function setRaw(on: boolean): void {
  if (!process.stdin.isTTY) return;
  process.stdin.setRawMode(on);
  if (!on) return;
  const { spawnSync } = builtin<typeof import("node:child_process")>("node:child_process");
  spawnSync("stty", ["-opost"], { stdio: ["inherit", "ignore", "ignore"] });
}

function input(): Input {
  return {
    isTerminal: isTerminal(0),
    setRaw,
    open: (receiver) => {
      const { stdin } = process;
      const onData = (chunk: Buffer) => {
        const wait = receiver.data(chunk);
        if (wait === undefined) return;
        stdin.pause();
        wait.then(() => stdin.resume());
      };
      const onEnd = () => receiver.end();
      stdin.on("data", onData).once("end", onEnd).once("error", onEnd);
      return () => {
        stdin.off("data", onData).off("end", onEnd).off("error", onEnd);
        stdin.pause();
      };
    },
  };
}

/** Go's wording of a failed open, which is what people know: "open /x: no such file or directory". */
function plain(error: unknown, verb: string, name: string): Error {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const words: Readonly<Record<string, string>> = {
    ENOENT: "no such file or directory",
    EACCES: "permission denied",
    EISDIR: "is a directory",
    EEXIST: "file exists",
    ENOTDIR: "not a directory",
  };
  const why = words[code];
  if (why !== undefined) return new Error(`${verb} ${name}: ${why}`, { cause: error });
  return error instanceof Error ? error : new Error(String(error));
}

function guarded<T>(verb: string, name: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw plain(error, verb, name);
  }
}

async function* readStream(name: string): AsyncGenerator<Buffer> {
  try {
    yield* fs().createReadStream(name, { highWaterMark: 1 << 18 }) as AsyncIterable<Buffer>;
  } catch (error) {
    throw plain(error, "open", name);
  }
}

const files: Files = {
  readText: (name) => guarded("open", name, () => fs().readFileSync(name, "utf8")),
  stream: readStream,
  exists: (name) => fs().existsSync(name),
  createExclusive: (name) => guarded("open", name, () => fs().writeFileSync(name, "", { flag: "wx", mode: 0o644 })),
  writeText: (name, text) => guarded("open", name, () => fs().writeFileSync(name, text)),
  remove: (name) => fs().rmSync(name, { force: true }),
  absolute: (name) => path().resolve(name),
};

const signals: Signals = {
  listen: (names, listener) => {
    const handlers = names.map((name) => [name as NodeJS.Signals, () => listener(name)] as const);
    for (const [name, handler] of handlers) process.on(name, handler);
    return () => {
      for (const [name, handler] of handlers) process.off(name, handler);
    };
  },
};

const surroundings: Surroundings = {
  program: "ctr",
  env: process.env,
  stdin: input(),
  stdout: output(() => process.stdout, 1),
  stderr: output(() => process.stderr, 2),
  files,
  signals,
  now: Date.now,
  clock: () => performance.now(),
};

run(surroundings, process.argv.slice(2)).then(
  // Not process.exitCode: an open stdin would keep us here.
  (status) => process.exit(status),
  (error: unknown) => {
    process.stderr.write(`ctr: ${error instanceof Error ? error.stack : String(error)}\n`);
    process.exit(70);
  },
);
