/** Logs and attach. */
import { invalid } from "../../../engine/index.ts";
import type { ApiVersion } from "../../schema/index.ts";
import { type Call, type Connection, type Handlers, MULTIPLEXED, RAW } from "../answer.ts";
import { type Context, eventAttributes } from "../context.ts";
import { parseDetachKeys } from "../detach-keys.ts";
import { messageOf } from "../errors.ts";
import { frame, STREAM } from "../stdcopy.ts";
import { join } from "../streams.ts";
import { parseUnixTime } from "../time.ts";
import { ref } from "./containers.ts";

type Own = Pick<Handlers, "ContainerLogs" | "ContainerAttach" | "ContainerAttachWebsocket">;

export function streamHandlers(context: Context): Own {
  const { containers, events } = context.engine;
  const attach = async ({ params, query, signal }: Call<"ContainerAttach">) => {
    const detachKeys = parseDetachKeys(query.detachKeys);
    const container = containers.find(ref(params));
    const { logs, stream: follow, stdin, stdout, stderr } = query;
    const session = await containers.attach(container.id, { logs, stream: follow, stdin, stdout, stderr }, signal);
    const { tty, openStdin } = container.config;
    const onDetach = (): void =>
      events.publish({
        type: "container",
        action: "detach",
        actorId: container.id,
        attributes: eventAttributes(container),
      });
    return {
      kind: "hijack",
      plan: {
        tty,
        run: (connection: Connection) =>
          join(session, connection, { tty, stdin: stdin && openStdin, detachKeys, onDetach }),
      },
    } as const;
  };
  return {
    ContainerAttach: attach,
    ContainerAttachWebsocket: attach,
    ContainerLogs: ({ params, query, api, signal }) => {
      if (!query.stdout && !query.stderr) {
        throw invalid("container.no_stream", "Bad parameters: you must choose at least one stream");
      }
      const container = containers.find(ref(params));
      const { follow, stdout, stderr, timestamps, details } = query;
      const since = parseUnixTime("since", query.since);
      const until = parseUnixTime("until", query.until);
      const options = { follow, stdout, stderr, timestamps, details, since, until, tail: tailOf(query.tail) };
      const { tty } = container.config;
      const body = containers.logs(container.id, options, signal);
      return { kind: "stream", body, type: streamType(tty, api), failure: (error) => logFailure(tty, error) };
    },
  };
}

/** null = all: "all", nothing, negative or anything that is no number. */
const tailOf = (text: string): number | null => (/^\+?\d{1,15}$/.test(text) ? Number(text) : null);

function logFailure(tty: boolean, error: unknown): Uint8Array {
  const text = `Error grabbing logs: ${messageOf(error)}\n`;
  return tty ? Buffer.from(text) : frame(STREAM.systemError, text);
}

export const streamType = (tty: boolean, api: ApiVersion): string => (!tty && api >= 42 ? MULTIPLEXED : RAW);
