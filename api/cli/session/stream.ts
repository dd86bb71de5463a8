/** Moves bytes between the caller's terminal or pipes and a hijacked connection. */
import { demux, type Duplex } from "../../client/index.ts";
import type { Context, Output } from "../context.ts";
import { StatusError } from "../errors.ts";
import { DetachScanner } from "./detach-keys.ts";

export interface SessionOptions {
  readonly tty: boolean;
  readonly stdin: boolean;
  /** False drops what arrives for it. */
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly detachKeys: readonly number[];
}

export type SessionEnd = "ended" | "detached";

/** A terminal in the container needs one here. */
export function checkTerminal(context: Context, stdin: boolean, tty: boolean): void {
  if (stdin && tty && !context.stdin.isTerminal) throw new StatusError(1, "the input device is not a TTY");
}

async function copyOutput(context: Context, duplex: Duplex, options: SessionOptions): Promise<void> {
  const outputs: Readonly<Record<"stdout" | "stderr", Output | null>> = {
    stdout: options.stdout ? context.stdout : null,
    stderr: options.stderr ? context.stderr : null,
  };
  for await (const { stream, data } of demux(duplex.output, options.tty)) {
    const wait = outputs[stream]?.write(data);
    if (wait !== undefined) await wait;
  }
}

function copyInput(context: Context, duplex: Duplex, options: SessionOptions, detached: () => void): () => void {
  const scanner = options.tty ? new DetachScanner(options.detachKeys) : null;
  return context.stdin.open({
    data: (chunk) => {
      if (scanner === null) return duplex.write(chunk);
      const { data, detached: done } = scanner.push(chunk);
      const written = data.length > 0 ? duplex.write(data) : undefined;
      if (done) detached();
      return written;
    },
    end: () => duplex.closeWrite(),
  });
}

/**
 * Runs until the daemon ends the output or the detach keys are typed. End of our input only closes the container's: output
 * goes on. The caller's terminal is raw in between and restored whatever happens.
 */
export async function runSession(context: Context, duplex: Duplex, options: SessionOptions): Promise<SessionEnd> {
  const raw = options.tty && options.stdin && context.stdin.isTerminal;
  let stop: (() => void) | undefined;
  if (raw) context.stdin.setRaw(true);
  try {
    const output = copyOutput(context, duplex, options).then((): SessionEnd => "ended");
    if (!options.stdin) return await output;
    const leaving = new Promise<SessionEnd>((resolve) => {
      stop = copyInput(context, duplex, options, () => resolve("detached"));
    });
    output.catch(() => undefined);
    return await Promise.race([output, leaving]);
  } finally {
    stop?.();
    duplex.destroy();
    if (raw) context.stdin.setRaw(false);
  }
}
