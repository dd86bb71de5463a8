/** stop, kill, rm and the other verbs that take names and print them as they are done. */
import { ApiError } from "../../client/index.ts";
import type { Context } from "../context.ts";
import { StatusError } from "../errors.ts";
import { command } from "../parse/command.ts";
import { bool, int, string } from "../parse/flag.ts";
import { explain } from "../explain.ts";
import { withoutSlash } from "./shared.ts";

const MANY = Number.POSITIVE_INFINITY;
const SYNOPSIS = "[OPTIONS] CONTAINER [CONTAINER...]";
const AT_ONCE = 50;

/** Starts up to 50 at a time; prints each name when it is done, in the order given, and all failures at the end. */
export async function forEachName(
  context: Context,
  names: readonly string[],
  work: (name: string) => Promise<unknown>,
  describe: (name: string) => string = (name) => name,
): Promise<number> {
  const failures: string[] = [];
  for (let from = 0; from < names.length; from += AT_ONCE) {
    const started = names.slice(from, from + AT_ONCE).map((name) => {
      const done = work(name);
      done.catch(() => undefined);
      return [name, done] as const;
    });
    for (const [name, done] of started) {
      try {
        await done;
        const text = describe(name);
        if (text !== "") await context.stdout.write(`${text}\n`);
      } catch (error) {
        failures.push(explain(error).text);
      }
    }
  }
  if (failures.length > 0) throw new StatusError(1, [...new Set(failures)].join("\n"));
  return 0;
}

const stopFlags = {
  signal: string("Signal to send to the container", { short: "s" }),
  timeout: int("Seconds to wait before killing the container", { short: "t" }),
  time: int("", { hidden: true }),
};

const stopQuery = (flags: { signal: string; timeout: number; time: number }, changed: ReadonlySet<string>) => ({
  ...(flags.signal === "" ? {} : { signal: flags.signal }),
  ...(changed.has("timeout") ? { t: flags.timeout } : changed.has("time") ? { t: flags.time } : {}),
});

export const stop = command({
  synopsis: SYNOPSIS,
  summary: "Stop one or more running containers",
  flags: stopFlags,
  args: { min: 1, max: MANY },
  complete: ["running"],
  run: ({ context, args, flags, changed }) =>
    forEachName(context, args, (id) =>
      context.client.call("POST /containers/{id}/stop", {
        path: { id: withoutSlash(id) },
        query: stopQuery(flags, changed),
      }),
    ),
});

export const restart = command({
  synopsis: SYNOPSIS,
  summary: "Restart one or more containers",
  flags: stopFlags,
  args: { min: 1, max: MANY },
  complete: ["container"],
  run: ({ context, args, flags, changed }) =>
    forEachName(context, args, (id) =>
      context.client.call("POST /containers/{id}/restart", {
        path: { id: withoutSlash(id) },
        query: stopQuery(flags, changed),
      }),
    ),
});

export const kill = command({
  synopsis: SYNOPSIS,
  summary: "Kill one or more running containers",
  flags: { signal: string("Signal to send to the container", { short: "s" }) },
  args: { min: 1, max: MANY },
  complete: ["running"],
  run: ({ context, args, flags }) =>
    forEachName(context, args, (id) =>
      context.client.call("POST /containers/{id}/kill", {
        path: { id: withoutSlash(id) },
        query: flags.signal === "" ? {} : { signal: flags.signal },
      }),
    ),
});

export const pause = command({
  synopsis: "CONTAINER [CONTAINER...]",
  summary: "Pause all processes within one or more containers",
  flags: {},
  args: { min: 1, max: MANY },
  complete: ["running"],
  run: ({ context, args }) =>
    forEachName(context, args, (id) =>
      context.client.call("POST /containers/{id}/pause", { path: { id: withoutSlash(id) } }),
    ),
});

export const unpause = command({
  synopsis: "CONTAINER [CONTAINER...]",
  summary: "Unpause all processes within one or more containers",
  flags: {},
  args: { min: 1, max: MANY },
  complete: ["running"],
  run: ({ context, args }) =>
    forEachName(context, args, (id) =>
      context.client.call("POST /containers/{id}/unpause", { path: { id: withoutSlash(id) } }),
    ),
});

export const remove = command({
  synopsis: SYNOPSIS,
  summary: "Remove one or more containers",
  flags: {
    force: bool("Force the removal of a running container (uses SIGKILL)", { short: "f" }),
    link: bool("Remove the specified link", { short: "l" }),
    volumes: bool("Remove anonymous volumes associated with the container", { short: "v" }),
  },
  args: { min: 1, max: MANY },
  complete: ["container"],
  run: ({ context, args, flags }) => {
    const query = {
      ...(flags.volumes ? { v: true } : {}),
      ...(flags.link ? { link: true } : {}),
      ...(flags.force ? { force: true } : {}),
    };
    const gone = new Set<string>();
    const removeOne = async (name: string) => {
      const id = withoutSlash(name);
      if (id === "") throw new StatusError(1, "container name cannot be empty");
      try {
        await context.client.call("DELETE /containers/{id}", { path: { id }, query });
      } catch (error) {
        // With -f the wish is that it be gone.
        if (!(flags.force && error instanceof ApiError && error.status === 404)) throw error;
        gone.add(name);
        await context.stderr.write(`${explain(error).text}\n`);
      }
    };
    return forEachName(context, args, removeOne, (name) => (gone.has(name) ? "" : name));
  },
});

export const wait = command({
  synopsis: "CONTAINER [CONTAINER...]",
  summary: "Block until one or more containers stop, then print their exit codes",
  flags: {},
  args: { min: 1, max: MANY },
  complete: ["container"],
  run: async ({ context, args }) => {
    const codes = new Map<string, number>();
    return forEachName(
      context,
      args,
      async (id) => {
        const { StatusCode } = await context.client.call("POST /containers/{id}/wait", {
          path: { id: withoutSlash(id) },
        });
        codes.set(id, StatusCode);
      },
      (id) => String(codes.get(id) ?? ""),
    );
  },
});

export const rename = command({
  synopsis: "CONTAINER NEW_NAME",
  summary: "Rename a container",
  flags: {},
  args: { min: 2, max: 2 },
  complete: ["container", "none"],
  run: async ({ context, args }) => {
    const [from = "", to = ""] = args.map((name) => name.trim());
    if (from === "" || to === "") throw new StatusError(1, "neither old nor new names may be empty");
    await context.client.call("POST /containers/{id}/rename", {
      path: { id: withoutSlash(from) },
      query: { name: to },
    });
    return 0;
  },
});
