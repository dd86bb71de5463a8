/** Keeps the container's terminal as large as the caller's, and hands signals on. */
import { ApiError } from "../../client/index.ts";
import type { Context, Terminal } from "../context.ts";

export type Resize = (size: Terminal) => Promise<void>;

/** The terminal may be there a moment after the start call has returned. */
const ATTEMPTS = 10;
const PAUSE_MS = 10;

async function insist(resize: Resize, size: Terminal): Promise<void> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    try {
      return await resize(size);
    } catch {
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS * attempt));
    }
  }
}

/** Sends the size now and whenever it changes; returns the way to stop. Errors do not matter: the process may be gone. */
export function followSize(context: Context, resize: Resize): () => void {
  const send = (first: boolean) => {
    const size = context.stdout.size();
    if (size === null || size.rows === 0 || size.columns === 0) return;
    (first ? insist(resize, size) : resize(size)).catch(() => undefined);
  };
  send(true);
  return context.signals.listen(["SIGWINCH"], () => send(false));
}

/** A program draws its screen again when its size changes: one step too large, then `followSize` sends the true size. */
export async function redraw(context: Context, resize: Resize): Promise<void> {
  const size = context.stdout.isTerminal ? context.stdout.size() : null;
  if (size === null || size.rows === 0) return;
  await resize({ rows: size.rows + 1, columns: size.columns + 1 }).catch(() => undefined);
}

export const resizeContainer =
  (context: Context, id: string): Resize =>
  ({ rows, columns }) =>
    context.client
      .call("POST /containers/{id}/resize", { path: { id }, query: { h: rows, w: columns } })
      .then(() => undefined);

const PROXIED = ["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2", "SIGCONT", "SIGTSTP"] as const;

export interface SignalProxy {
  /** From now on the container can take signals; those that came before are sent. */
  ready(): void;
  stop(): void;
}

/** Sends the caller's signals to the container instead of ending this command. */
export function proxySignals(context: Context, id: string): SignalProxy {
  const early: string[] = [];
  let isReady = false;
  const send = (signal: string) => {
    context.client
      .call("POST /containers/{id}/kill", { path: { id }, query: { signal: signal.slice(3) } })
      .catch((error: unknown) => {
        // The container may just have ended; anything else is worth knowing when debugging.
        if (context.debug && !(error instanceof ApiError && error.status === 409))
          context.stderr.write(`cannot forward ${signal}: ${String(error)}\n`);
      });
  };
  const stop = context.signals.listen(PROXIED, (signal) => {
    if (isReady) send(signal);
    else early.push(signal);
  });
  return {
    ready: () => {
      isReady = true;
      for (const signal of early.splice(0)) send(signal);
    },
    stop,
  };
}
