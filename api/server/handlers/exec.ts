/** Exec: create, start, resize, inspect. */
import { conflict, type ExecSnapshot, invalid, type StreamSession } from "../../../engine/index.ts";
import type { BodyFor } from "../../schema/index.ts";
import { type Connection, type Handlers, empty, json } from "../answer.ts";
import { type Context, eventAttributes } from "../context.ts";
import { parseDetachKeys } from "../detach-keys.ts";
import { messageOf } from "../errors.ts";
import { STREAM, frame } from "../stdcopy.ts";
import { join } from "../streams.ts";
import { execRequest, wireExec } from "../translate/exec-out.ts";
import { consoleSize } from "../translate/values.ts";
import { ref } from "./containers.ts";
import { terminalSize } from "./lifecycle.ts";

type Own = Pick<Handlers, "ContainerExec" | "ExecStart" | "ExecResize" | "ExecInspect">;

export function execHandlers(context: Context): Own {
  const { containers } = context.engine;
  return {
    ContainerExec: async ({ params, body, api }) => {
      const request = execRequest(body ?? {}, api);
      parseDetachKeys(request.detachKeys);
      return json({ Id: await containers.execCreate(ref(params), request) });
    },
    ExecStart: async ({ params, body }) => {
      const exec = containers.execInspect(ref(params));
      const options = startOptions(exec, body ?? {});
      if (options.detach) {
        await containers.execStart(exec.id, options);
        return empty(200);
      }
      refuseSecondStart(exec);
      return {
        kind: "hijack",
        plan: { tty: exec.request.tty, run: (connection) => run(context, exec, options, connection) },
      };
    },
    ExecResize: async ({ params, query }) => {
      const { rows, columns } = terminalSize(query);
      await containers.execResize(ref(params), rows, columns);
      return empty();
    },
    ExecInspect: ({ params }) => json(wireExec(containers.execInspect(ref(params)))),
  };
}

type StartOptions = Parameters<Context["engine"]["containers"]["execStart"]>[1];

function startOptions(exec: ExecSnapshot, body: NonNullable<BodyFor<"ExecStart">>): StartOptions {
  const tty = body.Tty ?? exec.request.tty;
  const size = consoleSize(body.ConsoleSize);
  if (size !== null && !tty) throw invalid("exec.console_size", "ConsoleSize is only supported with a TTY");
  return { detach: body.Detach ?? false, tty, consoleSize: size };
}

/** While it can still be said with a status. */
function refuseSecondStart({ id, running, exitCode }: ExecSnapshot): void {
  if (running) throw conflict("exec.running", `exec command ${id} is already running`);
  if (exitCode !== null) throw conflict("exec.ended", `exec command ${id} has already run`);
}

/** The connection is taken over first, as clients expect: a program that cannot be executed is reported in its stdout. */
async function run(
  { engine }: Context,
  exec: ExecSnapshot,
  options: StartOptions,
  connection: Connection,
): Promise<void> {
  const { tty, attachStdin, detachKeys } = exec.request;
  let session: StreamSession;
  try {
    session = await engine.containers.execStart(exec.id, options);
  } catch (error) {
    const text = `${messageOf(error)}\r\n`;
    await connection.write(tty ? Buffer.from(text) : frame(STREAM.stdout, text)).catch(() => {});
    connection.discard();
    connection.end();
    return;
  }
  const onDetach = (): void => {
    const container = engine.containers.find(exec.containerId);
    const attributes = { ...eventAttributes(container), execID: exec.id };
    engine.events.publish({ type: "container", action: "exec_detach", actorId: container.id, attributes });
  };
  await join(session, connection, { tty, stdin: attachStdin, detachKeys: parseDetachKeys(detachKeys), onDetach });
}
