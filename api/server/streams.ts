/** Attach and exec: a session of the engine joined to a hijacked connection. */
import { STREAM, frame } from "./stdcopy.ts";
import type { StreamSession } from "../../engine/index.ts";
import type { Connection } from "./answer.ts";
import { DetachScanner } from "./detach-keys.ts";
import { messageOf } from "./errors.ts";

export interface JoinOptions {
  readonly tty: boolean;
  readonly stdin: boolean;
  /** Only looked for on a terminal. */
  readonly detachKeys: Uint8Array;
  readonly onDetach: () => void;
}

/**
 * Copies both ways until the output has ended or the client is gone. The client's end of file goes to the session, which
 * knows what it means (StdinOnce, terminal or neither); a client that vanishes ends the session and never the process.
 */
export async function join(session: StreamSession, connection: Connection, options: JoinOptions): Promise<void> {
  const close = (): void => session.close();
  connection.signal.addEventListener("abort", close, { once: true });
  if (options.stdin) copyInput(session, connection, options);
  else connection.discard();
  try {
    for await (const chunk of session.output) await connection.write(chunk as Uint8Array);
  } catch (error) {
    if (!connection.signal.aborted) await report(connection, options.tty, error);
  } finally {
    connection.signal.removeEventListener("abort", close);
    session.close();
    connection.end();
  }
}

function copyInput(session: StreamSession, connection: Connection, options: JoinOptions): void {
  const scanner = options.tty ? new DetachScanner(options.detachKeys) : null;
  let open = true;
  // A write fails when the process closed its stdin or ended: what follows is thrown away, the output goes on.
  const attempt = async (act: () => Promise<void>): Promise<void> => {
    if (!open) return;
    await act().catch(() => {
      open = false;
    });
  };
  connection.read(
    async (bytes) => {
      const { pass, detached } = scanner?.push(bytes) ?? { pass: bytes, detached: false };
      if (pass.length > 0) await attempt(() => session.write(pass));
      if (!detached || !open) return;
      open = false;
      options.onDetach();
      session.close();
    },
    () => attempt(() => session.endStdin()),
  );
}

/** In-band, as stream 3: the head has been sent, so there is no other way to say it. */
const report = (connection: Connection, tty: boolean, error: unknown): Promise<void> => {
  const text = `Error attaching: ${messageOf(error)}\n`;
  return connection.write(tty ? Buffer.from(text) : frame(STREAM.systemError, text)).catch(() => {});
};
