/** Logs of one container: what may be read, and when a follower has seen everything. */
import type { Readable } from "node:stream";
import { conflict, invalid, unsupported } from "../base/errors.ts";
import type { LogOptions } from "../types.ts";
import type { Container } from "./container.ts";
import { readLog } from "./logs/reader.ts";
import { isRunning } from "./state.ts";

/** Settles when the run that is up has ended: its monitor has closed the log before it told us. */
async function logClosed(container: Container): Promise<void> {
  if (!isRunning(container.state)) return;
  if (container.run === null) await container.lane.settled();
  await container.run?.ended;
}

/** Throws before the first byte: no stream chosen, a driver that cannot be read, a container that is going away. */
export function openLogs(container: Container, options: LogOptions, signal?: AbortSignal): Readable {
  const { config, host } = container.record;
  if (!options.stdout && !options.stderr) {
    throw invalid("container.no_stream", "Bad parameters: you must choose at least one stream");
  }
  if (host.logConfig.type === "none") {
    throw unsupported("container.logs_unreadable", "configured logging driver does not support reading", {
      details: { driver: host.logConfig.type },
    });
  }
  const { status } = container.state;
  if (status === "removing" || status === "dead") {
    throw conflict("container.dead", "can not get logs from container which is dead or marked for removal");
  }
  return readLog({ path: container.paths.log, raw: config.tty, closed: logClosed(container) }, options, signal);
}
