/** `ctr`: the only file of the command line that knows it is a process. */
import type { Output, Input, Files, Signals } from "./context.ts";
import { run, type Surroundings } from "./app.ts";

const builtin = <T>(name: string): T => process.getBuiltinModule(name) as T;
const fs = (): typeof import("node:fs") => builtin("node:fs");
const path = (): typeof import("node:path") => builtin("node:path");

/** A reader that went away (`ctr logs | head`) ends us quietly, as SIGPIPE would. */
const BROKEN_PIPE_STATUS = 141;

function output(stream: () => NodeJS.WriteStream, fd: number): Output {
  let made: NodeJS.WriteStream | undefined;
  const get = (): NodeJS.WriteStream => {
    if (made === undefined) {
      made = stream();
      made.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? BROKEN_PIPE_STATUS : 1));
    }
    return made;
  };
  const isTerminal = builtin<typeof import("node:tty")>("node:tty").isatty(fd);
  return {
    isTerminal,
    size: () => (isTerminal ? { columns: get().columns ?? 0, rows: get().rows ?? 0 } : null),
    write: (chunk) => {
      if (chunk.length === 0 || get().write(chunk)) return undefined;
      return new Promise((resolve) => get().once("drain", resolve));
    },
  };
}

function input(): Input {
  return {
    isTerminal: builtin<typeof import("node:tty")>("node:tty").isatty(0),
    setRaw: (on) => {
      if (process.stdin.isTTY) process.stdin.setRawMode(on);
    },
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
