/** Everything a command may touch. `main.ts` makes one from a process; a test, or ctrd on behalf of a front, makes another. */
import type { Client } from "../client/index.ts";

export interface Terminal {
  readonly columns: number;
  readonly rows: number;
}

export interface Output {
  readonly isTerminal: boolean;
  /** Size now; null when this is not a terminal. */
  size(): Terminal | null;
  /** Returns a promise only when the reader is slow and the caller should wait. */
  write(chunk: string | Uint8Array): Promise<void> | undefined;
}

export interface Input {
  readonly isTerminal: boolean;
  /** Raw: no echo, no signals, byte by byte. Off restores what was. */
  setRaw(on: boolean): void;
  /** Pushes what is typed until `stop` is called; waits while `data` returns a promise. */
  open(receiver: { data(chunk: Buffer): Promise<void> | undefined; end(): void }): () => void;
}

/** The caller's files. A daemon that runs commands for someone else has none of these and refuses. */
export interface Files {
  readText(path: string): string;
  stream(path: string): AsyncIterable<Buffer>;
  exists(path: string): boolean;
  /** Fails when it exists. */
  createExclusive(path: string): void;
  writeText(path: string, text: string): void;
  remove(path: string): void;
  absolute(path: string): string;
}

export interface Signals {
  /** Called with "SIGTERM" and so on; returns the way to stop. While one listens, the default action is off. */
  listen(names: readonly string[], listener: (name: string) => void): () => void;
}

export interface Context {
  /** The name in usage lines. */
  readonly program: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: Input;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly files: Files;
  readonly signals: Signals;
  readonly client: Client;
  /** Milliseconds since the epoch. */
  now(): number;
  /** Milliseconds, monotonic. */
  clock(): number;
  readonly debug: boolean;
}

export const line = (output: Output, text: string): Promise<void> | undefined => output.write(`${text}\n`);

/** All of stdin, chunk by chunk. */
export async function* readInput(input: Input): AsyncGenerator<Buffer> {
  const queue: Buffer[] = [];
  let ended = false;
  let wake = () => {};
  let drained = () => {};
  const stop = input.open({
    data: (chunk) => {
      queue.push(chunk);
      wake();
      return new Promise<void>((resolve) => {
        drained = resolve;
      });
    },
    end: () => {
      ended = true;
      wake();
    },
  });
  try {
    for (;;) {
      const chunk = queue.shift();
      if (chunk !== undefined) {
        yield chunk;
        drained();
      } else if (ended) return;
      else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  } finally {
    stop();
  }
}
