/** What the pure code needs to know about the host, read once, and device files looked up on request. */
import { existsSync, lstatSync, readdirSync, readFileSync, statSync } from "node:fs";
import { availableParallelism, hostname, release, totalmem } from "node:os";
import { errnoCode } from "../base/errors.ts";
import { capabilityNames } from "../spec/capabilities.ts";
import type { HostConfig } from "../spec/config.ts";
import { missing } from "../spec/device-rules.ts";
import { type DeviceObservation, type HostDevice, type HostView, NO_DEVICES } from "../spec/host-view.ts";
import { RLIM_INFINITY } from "../spec/ulimits.ts";

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
const field = (text: string, name: string): string =>
  new RegExp(`^${name}:\\s*(.*)$`, "m").exec(text)?.[1]?.trim() ?? "";

const LIMIT_ROWS: Readonly<Record<string, string>> = {
  cpu: "Max cpu time",
  fsize: "Max file size",
  data: "Max data size",
  stack: "Max stack size",
  core: "Max core file size",
  rss: "Max resident set",
  nproc: "Max processes",
  nofile: "Max open files",
  memlock: "Max locked memory",
  as: "Max address space",
  locks: "Max file locks",
  sigpending: "Max pending signals",
  msgqueue: "Max msgqueue size",
  nice: "Max nice priority",
  rtprio: "Max realtime priority",
  rttime: "Max realtime timeout",
};
/** Third column of /proc/self/limits. */
export function parseHardLimits(text: string): Readonly<Record<string, bigint>> {
  const limits: Record<string, bigint> = {};
  for (const [name, row] of Object.entries(LIMIT_ROWS)) {
    const hard = new RegExp(`^${row}\\s+\\S+\\s+(\\S+)`, "m").exec(text)?.[1];
    if (hard !== undefined) limits[name] = hard === "unlimited" ? RLIM_INFINITY : BigInt(hard);
  }
  return limits;
}

const CPU_DIRECTORY = "/sys/devices/system/cpu";
function thermalThrottleCpus(): readonly number[] {
  try {
    return readdirSync(CPU_DIRECTORY)
      .map((name) => /^cpu(\d+)$/.exec(name)?.[1])
      .filter((number) => number !== undefined)
      .map(Number)
      .filter((cpu) => existsSync(`${CPU_DIRECTORY}/cpu${cpu}/thermal_throttle`))
      .sort((a, b) => a - b);
  } catch {
    return [];
  }
}

const APPARMOR_DEFAULT = "docker-default";
function apparmorProfile(): string {
  if (read("/sys/module/apparmor/parameters/enabled").trim() !== "Y") return "";
  return read("/sys/kernel/security/apparmor/profiles").includes(`${APPARMOR_DEFAULT} (`) ? APPARMOR_DEFAULT : "";
}

/** Read once at daemon start; a few small files. */
export function readHostView(): HostView {
  const status = read("/proc/self/status");
  const [major = 0, minor = 0] = release()
    .split(".")
    .map((part) => Number.parseInt(part, 10));
  return {
    kernel: { major, minor },
    architecture: process.arch === "arm64" ? "arm64" : "x64",
    cpus: availableParallelism(),
    onlineCpus: field(status, "Cpus_allowed_list"),
    onlineMems: field(status, "Mems_allowed_list"),
    memoryBytes: totalmem(),
    capabilities: capabilityNames(BigInt(`0x${field(status, "CapBnd") || "0"}`)),
    thermalThrottleCpus: thermalThrottleCpus(),
    hostname: hostname(),
    hardLimits: parseHardLimits(read("/proc/self/limits")),
    oomScoreAdj: Number(read("/proc/self/oom_score_adj").trim() || "0"),
    apparmorProfile: apparmorProfile(),
  };
}

// ── devices ─────────────────────────────────────────────────────────────────────────────────────────────────────
const S_IFMT = 0o170000;
const S_IFCHR = 0o020000;
const S_IFBLK = 0o060000;

type Stats = ReturnType<typeof statSync>;
function device(path: string, stats: NonNullable<Stats>): HostDevice | null {
  const mode = Number(stats.mode);
  const kind = mode & S_IFMT;
  if (kind !== S_IFCHR && kind !== S_IFBLK) return null;
  const rdev = BigInt(stats.rdev);
  return {
    path,
    type: kind === S_IFCHR ? "c" : "b",
    major: Number(((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & ~0xfffn)),
    minor: Number((rdev & 0xffn) | ((rdev >> 12n) & 0xffffff00n)),
    mode: mode & 0o7777,
    uid: Number(stats.uid),
    gid: Number(stats.gid),
  };
}

/** Not /dev/pts and the like: they are filesystems of their own in every container. */
const SKIPPED: ReadonlySet<string> = new Set([
  "/dev/pts",
  "/dev/shm",
  "/dev/mqueue",
  "/dev/fd",
  "/dev/.lxc",
  "/dev/.lxd-mounts",
  "/dev/console",
]);
function walk(directory: string): readonly HostDevice[] {
  return readdirSync(directory).flatMap((name) => {
    const path = `${directory}/${name}`;
    if (SKIPPED.has(path)) return [];
    try {
      const stats = lstatSync(path);
      if (stats.isDirectory()) return walk(path);
      return device(path, stats) ?? [];
    } catch (error) {
      if (errnoCode(error) === "ENOENT") return [];
      throw error;
    }
  });
}

function look(path: string): readonly HostDevice[] {
  let stats: NonNullable<Stats>;
  try {
    stats = statSync(path) as NonNullable<Stats>;
  } catch (error) {
    if (errnoCode(error) === "ENOENT" || errnoCode(error) === "ENOTDIR") throw missing(path);
    throw error;
  }
  if (stats.isDirectory()) return walk(path);
  const found = device(path, stats);
  if (found === null) throw missing(path);
  return [found];
}

/** Looks up the device files a HostConfig names; no I/O when it names none. Throws `invalid` naming the device. */
export function observeDevices(host: HostConfig): DeviceObservation {
  const limits = [
    host.blkioWeightDevice,
    host.blkioDeviceReadBps,
    host.blkioDeviceWriteBps,
    host.blkioDeviceReadIops,
    host.blkioDeviceWriteIops,
  ];
  const paths = [
    ...host.devices.map((mapping) => mapping.pathOnHost),
    ...limits.flatMap((list) => list.map(({ path }) => path)),
  ];
  if (paths.length === 0 && !host.privileged) return NO_DEVICES;
  return { byPath: new Map(paths.map((path) => [path, look(path)])), all: host.privileged ? walk("/dev") : [] };
}
