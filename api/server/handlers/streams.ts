/** Logs and attach. */
import { invalid } from "../../../engine/index.ts";
import type { ApiVersion } from "../../schema/index.ts";
import { type Call, type Connection, type Handlers, MULTIPLEXED, RAW, stream } from "../answer.ts";
import { type Context, eventAttributes } from "../context.ts";
import { parseDetachKeys } from "../detach-keys.ts";
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
      return stream(containers.logs(container.id, options, signal), streamType(container.config.tty, api));
    },
  };
}

/** null = all: "all", nothing, negative or anything that is no number. */
const tailOf = (text: string): number | null => (/^\+?\d{1,15}$/.test(text) ? Number(text) : null);

export const streamType = (tty: boolean, api: ApiVersion): string => (!tty && api >= 42 ? MULTIPLEXED : RAW);
