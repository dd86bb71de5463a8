/** The engines under measurement: our own from dist/, and the peers of peers.sh when they are there. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Api } from "./api.ts";
import { OURS } from "./row.ts";

const REPOSITORY = join(import.meta.dirname, "../..");
export const PEERS = process.env["PEERS"] ?? "/var/tmp/tare-peers";
const PEERS_SH = join(import.meta.dirname, "peers.sh");

export interface Engine {
  readonly name: string;
  readonly api: Api;
  /** Command and arguments of `run` for this engine's own client, up to the image. */
  readonly cli: readonly string[];
  /** The daemon's processes. */
  readonly pids: () => readonly number[];
  /** Process ids here of ids as the engine reports them (peers live in a process namespace of their own). */
  readonly hostPids: (pids: readonly number[]) => readonly number[];
  stop(): Promise<void>;
}

async function ready(api: Api, what: string, child: ChildProcess | undefined): Promise<void> {
  for (const start = performance.now(); ; await delay(1)) {
    if (
      await api.text("GET", "/_ping").then(
        () => true,
        () => false,
      )
    )
      return;
    if (performance.now() - start > 60_000) throw new Error(`${what} did not become ready`);
    if (child && (child.exitCode ?? child.signalCode) !== null) throw new Error(`${what} ended at once; see its log`);
  }
}

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if ((child.exitCode ?? child.signalCode) !== null) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill(signal);
  await gone;
}

/** Starts dist/ctrd below `root` and resolves with the time from the spawn to its first answer. */
export async function startTare(root: string): Promise<{ readonly engine: Engine; readonly readyMs: number }> {
  mkdirSync(root, { recursive: true });
  const socket = join(root, "run/tare.sock");
  mkdirSync(join(root, "run"), { recursive: true });
  const args = [
    "--data-root",
    join(root, "data"),
    "--exec-root",
    join(root, "run"),
    "--host",
    `unix://${socket}`,
    "--log-level",
    "warn",
  ];
  const log = openSync(join(root, "ctrd.log"), "a");
  const start = performance.now();
  const child = spawn(join(REPOSITORY, "dist/ctrd"), args, { stdio: ["ignore", log, log] });
  closeSync(log);
  const api = new Api(socket, 16);
  await ready(api, "ctrd", child);
  const readyMs = performance.now() - start;
  const stop = async (): Promise<void> => {
    api.close();
    await ended(child, "SIGTERM");
  };
  const cli = [join(REPOSITORY, "dist/ctr"), "--host", `unix://${socket}`, "run", "--rm", "--network", "none"];
  return {
    engine: {
      name: OURS,
      api,
      cli,
      pids: () => (child.pid === undefined ? [] : [child.pid]),
      hostPids: (pids) => pids,
      stop,
    },
    readyMs,
  };
}

export const hasPeers = (): boolean => existsSync(join(PEERS, "ok"));
const pidFile = (path: string): number => Number(readFileSync(path, "utf8"));
function childrenOf(pid: number): number[] {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    const lists = threads.map((thread) => readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8"));
    return lists
      .flatMap((text) => text.trim().split(/\s+/))
      .filter(Boolean)
      .map(Number);
  } catch {
    return []; // it ended meanwhile
  }
}
const commOf = (pid: number): string => readFileSync(`/proc/${pid}/comm`, "utf8").trim();
/** The process's id one namespace below ours: second number of NSpid. */
function innerPid(pid: number): number {
  try {
    return Number(/^NSpid:\s+\d+\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
  } catch {
    return Number.NaN;
  }
}

export interface Peers {
  readonly engines: readonly Engine[];
  /** Runs a command inside the peers' namespaces: prefix for argv. */
  readonly enter: readonly string[];
  stop(): Promise<void>;
}

/** The peers' parents, once their last processes have gone; a docker of this machine's own with containers keeps its. */
async function removeCgroups(): Promise<void> {
  const script =
    "find /sys/fs/cgroup/*/docker /sys/fs/cgroup/*/libpod_parent -depth -type d -exec rmdir {} + 2>/dev/null";
  for (
    let tries = 0;
    tries < 20 && spawnSync("sh", ["-c", `${script}; ! ls -d /sys/fs/cgroup/*/docker`]).status !== 0;
    tries += 1
  )
    await delay(100);
}

/** store: a directory on a fresh file system that the peers keep their images in. */
export async function startPeers(store: string): Promise<Peers> {
  for (const name of ["docker", "podman"]) mkdirSync(join(store, name), { recursive: true });
  const child = spawn(PEERS_SH, ["up"], {
    env: { ...process.env, PEERS, PEERS_STORE: store },
    stdio: "ignore",
    detached: true,
  });
  const apis = {
    docker: new Api(join(PEERS, "run/docker.sock"), 16),
    podman: new Api(join(PEERS, "run/podman.sock"), 16),
  };
  for (const [name, api] of Object.entries(apis)) await ready(api, name, child);
  const init = childrenOf(pidFile(join(PEERS, "up.pid")))[0] ?? 0;
  const enter = ["nsenter", "-t", String(init), "-m", "-n", "-p", "-r", "-w"];
  const below = (pid: number): number[] => childrenOf(pid).flatMap((sub) => [sub, ...below(sub)]);
  const daemons = (pattern: RegExp) => (): number[] => {
    return below(init).filter((pid) => pattern.test(commOf(pid)));
  };
  const stop = async (): Promise<void> => {
    for (const api of Object.values(apis)) api.close();
    await ended(child, "SIGKILL"); // takes pid 1 of the namespaces along, and with it everything
    await removeCgroups();
  };
  const hostPids = (pids: readonly number[]): number[] => {
    const inner = new Map(below(init).map((pid) => [innerPid(pid), pid]));
    return pids.flatMap((pid) => inner.get(pid) ?? []);
  };
  const none = async (): Promise<void> => {};
  const docker = ["docker", "--host", `unix://${join(PEERS, "run/docker.sock")}`, "run", "--rm", "--network", "none"];
  const podman = [...enter, "podman", "run", "--rm", "--network", "none"];
  return {
    engines: [
      { name: "docker", api: apis.docker, cli: docker, pids: daemons(/^(dockerd|containerd)$/), hostPids, stop: none },
      { name: "podman", api: apis.podman, cli: podman, pids: daemons(/^podman$/), hostPids, stop: none },
    ],
    enter,
    stop,
  };
}
