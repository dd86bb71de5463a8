/** Start, stop, restart, kill, pause, unpause, wait, resize. */
import { Readable } from "node:stream";
import { invalid, unsupported, type WaitCondition } from "../../../engine/index.ts";
import type { ApiVersion } from "../../schema/index.ts";
import { type Handlers, empty, stream } from "../answer.ts";
import type { Context } from "../context.ts";
import { jsonLine } from "../json.ts";
import { parseInteger } from "../query.ts";
import { ref } from "./containers.ts";

type Own = Pick<
  Handlers,
  | "ContainerStart"
  | "ContainerStop"
  | "ContainerRestart"
  | "ContainerKill"
  | "ContainerPause"
  | "ContainerUnpause"
  | "ContainerWait"
  | "ContainerResize"
>;

export function lifecycleHandlers({ engine: { containers } }: Context): Own {
  return {
    ContainerStart: async ({ params, query, headers }) => {
      refuseStartBody(headers);
      if (query.checkpoint !== "") {
        throw unsupported("container.checkpoint", "checkpoint is only supported in experimental mode");
      }
      await containers.start(ref(params));
      return empty();
    },
    ContainerStop: async ({ params, query, api }) => {
      await containers.stop(ref(params), stopOptions(query, api));
      return empty();
    },
    ContainerRestart: async ({ params, query, api }) => {
      await containers.restart(ref(params), stopOptions(query, api));
      return empty();
    },
    ContainerKill: async ({ params, query }) => {
      await containers.kill(ref(params), query.signal);
      return empty();
    },
    ContainerPause: async ({ params }) => {
      await containers.pause(ref(params));
      return empty();
    },
    ContainerUnpause: async ({ params }) => {
      await containers.unpause(ref(params));
      return empty();
    },
    ContainerWait: ({ params, query, api, signal }) => {
      // Registered before the headers go out: clients send start as soon as they have seen them.
      const { result } = containers.wait(ref(params), condition(query.condition, api), signal);
      return stream(Readable.from(waitReply(result), { objectMode: false }), "application/json");
    },
    ContainerResize: async ({ params, query }) => {
      const { rows, columns } = terminalSize(query);
      await containers.resize(ref(params), rows, columns);
      return empty();
    },
  };
}

async function* waitReply(
  result: Promise<{ readonly exitCode: number; readonly error: string | null }>,
): AsyncGenerator<string> {
  const { exitCode, error } = await result;
  yield jsonLine({ StatusCode: exitCode, ...(error === null ? {} : { Error: { Message: error } }) });
}

/** Configuration at start was taken out of the API long ago; "{}" and "null" are let pass as dockerode sends them. */
function refuseStartBody(headers: Readonly<Record<string, string | string[] | undefined>>): void {
  const length = Number(headers["content-length"] ?? 0);
  if (length <= 7 && headers["transfer-encoding"] === undefined) return;
  throw invalid(
    "container.start_body",
    "starting container with non-empty request body was deprecated since API v1.22 and removed in v1.24",
  );
}

const stopOptions = (query: { t: string; signal: string }, api: ApiVersion) => ({
  signal: query.signal === "" || api < 42 ? null : query.signal,
  timeoutSeconds: query.t === "" ? null : parseInteger("t", query.t),
});

const CONDITIONS: readonly WaitCondition[] = ["not-running", "next-exit", "removed"];
function condition(text: string, api: ApiVersion): WaitCondition {
  if (text === "" || api < 30) return "not-running";
  const known = CONDITIONS.find((one) => one === text);
  if (known === undefined) throw invalid("container.wait_condition", `invalid condition: "${text}"`);
  return known;
}

export const terminalSize = (query: { h: string; w: string }) => ({
  rows: parseInteger("resize height", query.h),
  columns: parseInteger("resize width", query.w),
});
