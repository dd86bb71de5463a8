/** The flags of create and run, docker's words, grouped for the help page. */
import { bool, flag, FlagValueError, int, list, listOf, map, string, uint16, uint } from "../parse/flag.ts";
import { bytes, decimalCpus, duration, swapBytes } from "../parse/quantities.ts";
import { cut } from "./csv.ts";
import { environmentVariable, label } from "./environment.ts";
import { checkSysctl, type DeviceRequest, parseGpus, parseUlimit, type Ulimit } from "./limits.ts";
import { parseMount } from "./mounts.ts";
import { parseNetwork } from "./networks.ts";
import { isAddress } from "./ports.ts";
import { deviceRule, throttleBytes, throttleOperations, weightDevice } from "./volumes.ts";

function stream(text: string): string {
  const name = text.toLowerCase();
  if (name !== "stdin" && name !== "stdout" && name !== "stderr") {
    throw new FlagValueError("valid streams are STDIN, STDOUT and STDERR");
  }
  return name;
}

function ipAddress(text: string): string {
  const trimmed = text.trim();
  if (!isAddress(trimmed)) throw new FlagValueError(`IP address is not correctly formatted: ${text}`);
  return trimmed;
}

function searchDomain(text: string): string {
  const trimmed = text.trim();
  if (
    trimmed === "." ||
    (trimmed.length < 255 &&
      /^(:?(:?[a-zA-Z0-9]|(:?[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))(:?\.(:?[a-zA-Z0-9]|(:?[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])))*)\.?\s*$/.test(
        trimmed,
      ))
  ) {
    return trimmed;
  }
  throw new FlagValueError(`${text} is not a valid domain`);
}

function extraHost(text: string): string {
  const [name, address] = text.includes("=") ? cut(text, "=") : cut(text, ":");
  if (address === null || name === "") throw new FlagValueError(`bad format for add-host: ${JSON.stringify(text)}`);
  const bare = /^\[(.*)\]$/.exec(address)?.[1] ?? address;
  if (bare !== "host-gateway" && !isAddress(bare))
    throw new FlagValueError(`invalid IP address in add-host: ${JSON.stringify(bare)}`);
  return `${name}:${bare}`;
}

const process = { group: "Process" };
const files = { group: "Files" };
const limits = { group: "Limits" };
const network = { group: "Network" };
const isolation = { group: "Isolation and security" };
const health = { group: "Health" };
const hidden = { hidden: true };

const PROCESS = {
  attach: listOf("Attach to STDIN, STDOUT or STDERR", "list", stream, {
    short: "a",
    complete: ["stdin", "stdout", "stderr"],
    ...process,
  }),
  entrypoint: string("Overwrite the default ENTRYPOINT of the image", process),
  env: listOf("Set environment variables", "list", environmentVariable, { short: "e", ...process }),
  "env-file": list("Read in a file of environment variables", { complete: "file", ...process }),
  "group-add": list("Add additional groups to join", process),
  hostname: string("Container host name", { short: "h", ...process }),
  domainname: string("Container NIS domain name", process),
  init: bool("Run an init inside the container that forwards signals and reaps processes", process),
  interactive: bool("Keep STDIN open even if not attached", { short: "i", ...process }),
  "stop-signal": string("Signal to stop the container", process),
  "stop-timeout": int("Timeout (in seconds) to stop a container", process),
  tty: bool("Allocate a pseudo-TTY", { short: "t", ...process }),
  user: string("Username or UID (format: <name|uid>[:<group|gid>])", { short: "u", ...process }),
  workdir: string("Working directory inside the container", { short: "w", ...process }),
  restart: string("Restart policy to apply when a container exits", {
    initial: "no",
    shown: '"no"',
    complete: ["no", "always", "unless-stopped", "on-failure"],
    ...process,
  }),
};

const FILES = {
  mount: listOf("Attach a filesystem mount to the container", "mount", parseMount, files),
  "read-only": bool("Mount the container's root filesystem as read only", files),
  "storage-opt": list("Storage driver options for the container", files),
  tmpfs: list("Mount a tmpfs directory", files),
  volume: list("Bind mount a volume", { short: "v", complete: "file", ...files }),
  "volume-driver": string("Optional volume driver for the container", files),
  "volumes-from": list("Mount volumes from the specified container(s)", { complete: "container", ...files }),
  device: list("Add a host device to the container", { complete: "file", ...files }),
  "device-cgroup-rule": listOf("Add a rule to the cgroup allowed devices list", "list", deviceRule, files),
  gpus: listOf<DeviceRequest>(
    "GPU devices to add to the container ('all' to pass all GPUs)",
    "gpu-request",
    parseGpus,
    files,
  ),
};

const throttles = <T>(usage: string, read: (text: string) => T) =>
  listOf(usage, "list", read, { shown: "[]", ...limits });
const LIMITS = {
  "blkio-weight": uint16("Block IO (relative weight), between 10 and 1000, or 0 to disable", limits),
  "blkio-weight-device": throttles("Block IO weight (relative device weight)", weightDevice),
  "cpu-count": int("CPU count (Windows only)", hidden),
  "cpu-percent": int("CPU percent (Windows only)", hidden),
  "cpu-period": int("Limit CPU CFS (Completely Fair Scheduler) period", limits),
  "cpu-quota": int("Limit CPU CFS (Completely Fair Scheduler) quota", limits),
  "cpu-rt-period": int("Limit CPU real-time period in microseconds", limits),
  "cpu-rt-runtime": int("Limit CPU real-time runtime in microseconds", limits),
  "cpu-shares": int("CPU shares (relative weight)", { short: "c", ...limits }),
  cpus: decimalCpus("Number of CPUs", limits),
  "cpuset-cpus": string("CPUs in which to allow execution (0-3, 0,1)", limits),
  "cpuset-mems": string("MEMs in which to allow execution (0-3, 0,1)", limits),
  "device-read-bps": throttles("Limit read rate (bytes per second) from a device", throttleBytes),
  "device-read-iops": throttles("Limit read rate (IO per second) from a device", throttleOperations),
  "device-write-bps": throttles("Limit write rate (bytes per second) to a device", throttleBytes),
  "device-write-iops": throttles("Limit write rate (IO per second) to a device", throttleOperations),
  "io-maxbandwidth": bytes("Maximum IO bandwidth limit for the system drive (Windows only)", hidden),
  "io-maxiops": uint("Maximum IOps limit for the system drive (Windows only)", hidden),
  "kernel-memory": bytes("Kernel memory limit (ignored)", hidden),
  memory: bytes("Memory limit", { short: "m", ...limits }),
  "memory-reservation": bytes("Memory soft limit", limits),
  "memory-swap": swapBytes("Swap limit equal to memory plus swap: '-1' to enable unlimited swap", limits),
  "memory-swappiness": int("Tune container memory swappiness (0 to 100)", { initial: -1, shown: "-1", ...limits }),
  "oom-kill-disable": bool("Disable OOM Killer", limits),
  "oom-score-adj": int("Tune host's OOM preferences (-1000 to 1000)", limits),
  "pids-limit": int("Tune container pids limit (set -1 for unlimited)", limits),
  "shm-size": bytes("Size of /dev/shm", limits),
  ulimit: flag<Readonly<Record<string, Ulimit>>>(
    "Ulimit options",
    "ulimit",
    {},
    (text, before) => {
      const one = parseUlimit(text);
      return { ...before, [one.Name]: one };
    },
    { shown: "[]", ...limits },
  ),
};

const NETWORK = {
  "add-host": listOf("Add a custom host-to-IP mapping (host:ip)", "list", extraHost, network),
  dns: listOf("Set custom DNS servers", "list", ipAddress, network),
  "dns-opt": list("Set DNS options", hidden),
  "dns-option": list("Set DNS options", network),
  "dns-search": listOf("Set custom DNS search domains", "list", searchDomain, network),
  expose: list("Expose a port or a range of ports", network),
  ip: string("IPv4 address (e.g., 172.30.100.104)", network),
  ip6: string("IPv6 address (e.g., 2001:db8::33)", network),
  link: list("Add link to another container", network),
  "link-local-ip": listOf("Container IPv4/IPv6 link-local addresses", "list", ipAddress, network),
  "mac-address": string("Container MAC address (e.g., 92:d0:c6:0a:29:33)", network),
  net: listOf("Connect a container to a network", "network", parseNetwork, hidden),
  "net-alias": list("Add network-scoped alias for the container", hidden),
  network: listOf("Connect a container to a network", "network", parseNetwork, { complete: "network", ...network }),
  "network-alias": list("Add network-scoped alias for the container", network),
  publish: list("Publish a container's port(s) to the host", { short: "p", ...network }),
  "publish-all": bool("Publish all exposed ports to random ports", { short: "P", ...network }),
};

const ISOLATION = {
  "cap-add": list("Add Linux capabilities", isolation),
  "cap-drop": list("Drop Linux capabilities", isolation),
  "cgroup-parent": string("Optional parent cgroup for the container", isolation),
  cgroupns: string("Cgroup namespace to use (host|private)", { complete: ["host", "private"], ...isolation }),
  ipc: string("IPC mode to use", isolation),
  isolation: string("Container isolation technology", isolation),
  pid: string("PID namespace to use", isolation),
  privileged: bool("Give extended privileges to this container", isolation),
  runtime: string("Runtime to use for this container", isolation),
  "security-opt": list("Security Options", isolation),
  sysctl: flag<Readonly<Record<string, string>>>(
    "Sysctl options",
    "map",
    {},
    (text, before) => {
      checkSysctl(text);
      const [name, value] = cut(text, "=");
      return { ...before, [name]: value ?? "" };
    },
    { shown: "map[]", ...isolation },
  ),
  userns: string("User namespace to use: host, or auto for one with its own range of ids", {
    complete: ["host", "auto"],
    ...isolation,
  }),
  uts: string("UTS namespace to use", isolation),
};

const HEALTH = {
  "health-cmd": string("Command to run to check health", health),
  "health-interval": duration("Time between running the check (ms|s|m|h)", health),
  "health-retries": int("Consecutive failures needed to report unhealthy", health),
  "health-start-interval": duration("Time between running the check during the start period (ms|s|m|h)", health),
  "health-start-period": duration(
    "Start period for the container to initialize before starting health-retries countdown (ms|s|m|h)",
    health,
  ),
  "health-timeout": duration("Maximum time to allow one check to run (ms|s|m|h)", health),
  "no-healthcheck": bool("Disable any container-specified HEALTHCHECK", health),
};

/** The container itself, whatever is done with it. */
export const CONTAINER_FLAGS = {
  annotation: map("Add an annotation to the container (passed through to the OCI runtime)"),
  cidfile: string("Write the container ID to the file", { complete: "file" }),
  "disable-content-trust": bool("Skip image verification", { initial: true, hidden: true }),
  label: listOf("Set meta data on a container", "list", label, { short: "l" }),
  "label-file": list("Read in a line delimited file of labels", { complete: "file" }),
  "log-driver": string("Logging driver for the container", { complete: ["json-file", "local", "none"] }),
  "log-opt": list("Log driver options"),
  name: string("Assign a name to the container"),
  platform: string("Set platform if server is multi-platform capable"),
  pull: string('Pull image before running ("always", "missing", "never")', {
    initial: "missing",
    shown: '"missing"',
    complete: ["always", "missing", "never"],
  }),
  quiet: bool("Suppress the pull output", { short: "q" }),
  rm: bool("Automatically remove the container and its associated anonymous volumes when it exits"),
  ...PROCESS,
  ...FILES,
  ...LIMITS,
  ...NETWORK,
  ...ISOLATION,
  ...HEALTH,
};
export type ContainerFlags = typeof CONTAINER_FLAGS;
