import { demux } from "../../client/index.ts";
import { command } from "../parse/command.ts";
import { bool, FlagValueError, string } from "../parse/flag.ts";
import { parseTimestamp } from "../parse/times.ts";
import type { Context } from "../context.ts";
import { StatusError } from "../errors.ts";
import { withoutSlash } from "./shared.ts";

/** "" stays "", everything else becomes the API's form. Throws StatusError naming the flag. */
export function timeQuery(context: Context, flag: string, text: string): string {
  if (text === "") return "";
  try {
    return parseTimestamp(text, context.now());
  } catch (error) {
    if (!(error instanceof FlagValueError)) throw error;
    throw new StatusError(1, `invalid value for "${flag}": ${error.message}`, { cause: error });
  }
}

export const logs = command({
  synopsis: "[OPTIONS] CONTAINER",
  summary: "Fetch the logs of a container",
  flags: {
    details: bool("Show extra details provided to logs"),
    follow: bool("Follow log output", { short: "f" }),
    since: string('Show logs since timestamp (e.g. "2013-01-02T13:23:37Z") or relative (e.g. "42m" for 42 minutes)'),
    tail: string("Number of lines to show from the end of the logs", { short: "n", initial: "all", shown: '"all"' }),
    timestamps: bool("Show timestamps", { short: "t" }),
    until: string('Show logs before a timestamp (e.g. "2013-01-02T13:23:37Z") or relative (e.g. "42m" for 42 minutes)'),
  },
  args: { min: 1, max: 1 },
  complete: ["container", "none"],
  examples: [["logs -f --tail 20 web", "the last lines, and what comes"]],
  run: async ({ context, flags, args }) => {
    const since = timeQuery(context, "since", flags.since);
    const until = timeQuery(context, "until", flags.until);
    const answer = await context.client.open("GET /containers/{id}/logs", {
      path: { id: withoutSlash(args[0] ?? "") },
      query: {
        stdout: true,
        stderr: true,
        ...(flags.follow ? { follow: true } : {}),
        ...(flags.timestamps ? { timestamps: true } : {}),
        ...(flags.details ? { details: true } : {}),
        ...(since === "" ? {} : { since }),
        ...(until === "" ? {} : { until }),
        tail: flags.tail,
      },
    });
    // The content type tells whether there are frames; docker's own client asks inspect for it.
    const raw = answer.headers["content-type"] === "application/vnd.docker.raw-stream";
    for await (const { stream, data } of demux(answer.body, raw)) {
      const wait = context[stream].write(data);
      if (wait !== undefined) await wait;
    }
    return 0;
  },
});
