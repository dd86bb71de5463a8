// Finding, starting and stopping the daemon of a checkout. Plain JavaScript for the same reason as setup.mjs.
import { spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { ROOT, SetupError } from "./setup.mjs";

const READY_MS = 15_000;
const STOP_MS = 15_000;

/** Where this daemon lives; the defaults are those of ctrd itself. */
export function placesOf(argv) {
  const places = { dataRoot: "/var/lib/tare", execRoot: "/run/tare" };
  const flags = { "--data-root": "dataRoot", "--exec-root": "execRoot" };
  for (let i = 0; i < argv.length; i += 2) {
    const key = flags[argv[i]];
    if (key === undefined || argv[i + 1] === undefined) {
      throw new SetupError(`unknown argument ${argv[i]} (known: --data-root DIR, --exec-root DIR)`);
    }
    places[key] = argv[i + 1];
  }
  return { ...places, socket: join(places.execRoot, "tare.sock"), log: join(places.execRoot, "ctrd.log") };
}

/** One request over the daemon's socket. Resolves to {status, body} or rejects with the connection's error. */
export function ask(socketPath, method, path, body) {
  return new Promise((resolve, reject) => {
    const headers = body ? { "Content-Type": "application/x-tar", "Content-Length": body.length } : {};
    const req = request({ socketPath, method, path, headers, timeout: 30_000 }, (res) => {
      const chunks = [];
      res.on("data", (chunk) => chunks.push(chunk));
      res.on("end", () => resolve({ status: res.statusCode, body: Buffer.concat(chunks).toString() }));
      res.on("error", reject);
    });
    req.on("timeout", () => req.destroy(new Error(`no answer to ${method} ${path}`)));
    req.on("error", reject);
    req.end(body);
  });
}

export const answers = (socketPath) =>
  ask(socketPath, "GET", "/_ping").then(
    ({ status }) => status === 200,
    () => false,
  );

/** Inodes of the listening unix sockets bound to this path. */
function socketInodes(path) {
  const lines = readFileSync("/proc/net/unix", "utf8").split("\n");
  return lines
    .map((line) => line.trim().split(/\s+/))
    .filter((f) => f[7] === path)
    .map((f) => f[6]);
}

function holds(pid, inodes) {
  try {
    const links = readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
    return links.some((link) => inodes.some((inode) => link === `socket:[${inode}]`));
  } catch {
    return false; // gone meanwhile, or not ours to look at
  }
}

/**
 * Process id of the daemon that listens on the socket: the one in its pid file when that process really holds the socket,
 * otherwise whichever ctrd does. A stale pid file therefore never gets a stranger killed.
 */
export function listenerPid({ socket, execRoot }) {
  const inodes = socketInodes(socket);
  if (inodes.length === 0) return undefined;
  const file = join(execRoot, "ctrd.pid");
  const recorded = existsSync(file) ? Number(readFileSync(file, "utf8")) : 0;
  if (recorded > 1 && holds(recorded, inodes)) return recorded;
  const isDaemon = (pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("ctrd");
    } catch {
      return false;
    }
  };
  return readdirSync("/proc")
    .map(Number)
    .find((pid) => pid > 1 && isDaemon(pid) && holds(pid, inodes));
}

/** Start of a process in ms since the epoch: field 22 of its stat, in 1/100 s since boot. */
function startedAtMs(pid) {
  const ticks = Number(readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1).split(" ")[19]);
  const boot = Number(/^btime (\d+)$/m.exec(readFileSync("/proc/stat", "utf8"))[1]);
  return boot * 1000 + ticks * 10;
}

/** True when the bundle was rebuilt after this process started (btime is whole seconds: a second of doubt is forgiven). */
export const olderThanBuild = (pid) => startedAtMs(pid) + 1000 < statSync(join(ROOT, "dist/ctrd.cjs")).mtimeMs;

const tail = (file, lines) => readFileSync(file, "utf8").trimEnd().split("\n").slice(-lines).join("\n");

/** Starts dist/ctrd in its own session, log below the exec root, and waits until it answers. Resolves to its pid. */
export async function startDaemon(places) {
  mkdirSync(places.execRoot, { recursive: true, mode: 0o711 });
  const log = openSync(places.log, "a", 0o640);
  const args = ["--data-root", places.dataRoot, "--exec-root", places.execRoot, "--host", `unix://${places.socket}`];
  const child = spawn(join(ROOT, "dist/ctrd"), args, { cwd: "/", detached: true, stdio: ["ignore", log, log] });
  closeSync(log);
  let ended;
  child.on("error", (error) => (ended = error.message));
  child.on("exit", (code, signal) => (ended = `ended with ${signal ?? `status ${code}`}`));
  for (const start = performance.now(); !(await answers(places.socket)); await delay(10)) {
    const late = performance.now() - start > READY_MS ? `did not answer within ${READY_MS / 1000} s` : undefined;
    if (ended ?? late)
      throw new SetupError(`ctrd ${ended ?? late}; the end of ${places.log}:\n${tail(places.log, 15)}`);
  }
  child.unref();
  return child.pid;
}

/** SIGTERM, then waits until the process is gone. Containers go on running. */
export async function stopDaemon(pid) {
  process.kill(pid, "SIGTERM");
  for (const start = performance.now(); existsSync(`/proc/${pid}`); await delay(10)) {
    if (performance.now() - start > STOP_MS)
      throw new SetupError(`ctrd (pid ${pid}) did not end within ${STOP_MS / 1000} s`);
  }
}
