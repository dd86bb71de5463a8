/** ctrd: the only file of the server that touches the process. */
import { createLog, loadConfig, type Log, notifyServiceManager, TareError } from "../../engine/index.ts";
import { API_VERSION, PRODUCT_VERSION } from "../schema/index.ts";
import { type RunningDaemon, startDaemon } from "./daemon.ts";
import { messageOf } from "./errors.ts";
import { HELP, parseFlags } from "./flags.ts";

async function main(argv: readonly string[]): Promise<void> {
  const flags = parseFlags(argv);
  if (flags.action === "help") return print(HELP);
  if (flags.action === "version") return print(`Tare version ${PRODUCT_VERSION}, API ${API_VERSION}\n`);
  const config = loadConfig(flags.config, process.env, flags.configFile);
  const log = createLog(config.logLevel, (line) => process.stderr.write(line));
  process.umask(0o022);
  // Whoever read our messages has gone: the daemon stays, unheard. Unhandled, each failed write would be reported by another.
  process.stderr.on("error", () => {});
  process.stdout.on("error", () => {});
  process.on("uncaughtException", (error) => log.error("uncaught exception", { error, stack: error.stack ?? "" }));
  process.on("unhandledRejection", (error) => log.error("unhandled rejection", { error }));
  const starting = startDaemon(config, log);
  // From the start: a signal that comes while the engine opens lets it open, then ends it in order.
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => void end(starting, log, signal));
  process.on("SIGHUP", () => {}); // a closed terminal is no reason to leave
  const daemon = await starting;
  // Since the process began: what a user waits for.
  const ms = Math.round(performance.now());
  log.info("ready", {
    hosts: daemon.hosts.join(" "),
    ms,
    engineMs: Math.round(daemon.engine.readyMs),
    pid: process.pid,
  });
  tellManager("READY=1", log);
}

const print = (text: string): void => void process.stdout.write(text);

/** Under systemd (Type=notify). */
function tellManager(state: string, log: Log): void {
  const socket = process.env["NOTIFY_SOCKET"];
  if (socket === undefined || socket === "") return;
  try {
    notifyServiceManager(socket, state);
  } catch (error) {
    log.warn("the service manager could not be told", { state, error });
  }
}

let ending = false;
async function end(daemon: Promise<RunningDaemon>, log: Log, signal: string): Promise<void> {
  if (ending) process.exit(130); // asked twice: now
  ending = true;
  log.info("stopping", { signal });
  tellManager("STOPPING=1", log);
  await daemon.then(({ close }) => close()).catch((error: unknown) => log.error("stopping failed", { error }));
  process.exit(0);
}

main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`ctrd: ${messageOf(error)}\n`);
  if (error instanceof TareError && error.hint !== undefined) process.stderr.write(`${error.hint}\n`);
  if (!(error instanceof TareError) && error instanceof Error) process.stderr.write(`${error.stack ?? ""}\n`);
  process.exit(1);
});
