/**
 * Flags and arguments → the body of POST /containers/create, field for field what docker's own command line sends.
 * Only the caller's files and environment are read; nothing is looked up anywhere else.
 */
import type { HostConfig } from "../../schema/index.ts";
import type { CallOptions } from "../../client/index.ts";
import type { Files } from "../context.ts";
import { StatusError } from "../errors.ts";
import type { Values } from "../parse/flag.ts";
import { cut } from "./csv.ts";
import { compileEnvironment, compileLabels } from "./environment.ts";
import type { ContainerFlags } from "./flags.ts";
import { compileCapabilities, compileSecurity, type DeviceRequest, parseRestart } from "./limits.ts";
import { absoluteMount } from "./mounts.ts";
import { compileNetworks } from "./networks.ts";
import { compilePorts } from "./ports.ts";
import { compileTmpfs, compileVolumes, isCdiName, parseDevice } from "./volumes.ts";

export type Flags = Values<ContainerFlags>;
export type CreateBody = NonNullable<CallOptions<"POST /containers/create">["body"]>;

export interface BodyRequest {
  readonly flags: Flags;
  readonly changed: ReadonlySet<string>;
  readonly image: string;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly files: Files;
  /** `run -d`: nothing is attached, and stdin stays open for a later attach. */
  readonly detached: boolean;
  /** Rows and columns of the caller's terminal, when the container gets one too. */
  readonly consoleSize: readonly [number, number];
}

const wrong = (message: string) => new StatusError(125, message);
const orNull = <T>(values: readonly T[]): readonly T[] | null => (values.length === 0 ? null : values);
const isEmpty = (map: object): boolean => Object.keys(map).length === 0;

function healthcheck(flags: Flags, changed: ReadonlySet<string>): CreateBody["Healthcheck"] {
  const given =
    flags["health-cmd"] !== "" || HEALTH_FLAGS.some((name) => changed.has(name) && Number(flags[name]) !== 0);
  if (flags["no-healthcheck"]) {
    if (given) throw wrong("--no-healthcheck conflicts with --health-* options");
    return { Test: ["NONE"] };
  }
  for (const name of HEALTH_FLAGS) if (Number(flags[name]) < 0) throw wrong(`--${name} cannot be negative`);
  if (!given) return undefined;
  const numbers = {
    Interval: flags["health-interval"],
    Timeout: flags["health-timeout"],
    StartPeriod: flags["health-start-period"],
    StartInterval: flags["health-start-interval"],
    Retries: flags["health-retries"],
  };
  const test = flags["health-cmd"] === "" ? {} : { Test: ["CMD-SHELL", flags["health-cmd"]] };
  return { ...test, ...Object.fromEntries(Object.entries(numbers).filter(([, value]) => value !== 0)) };
}
const HEALTH_FLAGS = [
  "health-interval",
  "health-timeout",
  "health-start-period",
  "health-start-interval",
  "health-retries",
] as const;

/** Modes that the command line can already refuse. */
function checkModes(flags: Flags): void {
  const { pid, uts, userns, cgroupns } = flags;
  if (pid !== "" && pid !== "host" && !/^container:./.test(pid)) throw wrong("--pid: invalid PID mode");
  if (uts !== "" && uts !== "host") throw wrong("--uts: invalid UTS mode");
  // "auto" is ours: a user namespace with a range of its own.
  if (userns !== "" && userns !== "host" && userns !== "auto") throw wrong("--userns: invalid USER mode");
  if (cgroupns !== "" && cgroupns !== "host" && cgroupns !== "private") throw wrong("--cgroupns: invalid CGROUP mode");
  const swappiness = flags["memory-swappiness"];
  if (swappiness !== -1 && (swappiness < 0 || swappiness > 100)) {
    throw wrong(`invalid value: ${swappiness}. Valid memory swappiness range is 0-100`);
  }
}

function logConfig(flags: Flags): HostConfig["LogConfig"] {
  const options = flags["log-opt"].map((text) => cut(text, "=")).map(([key, value]) => [key, value ?? ""]);
  if (flags["log-driver"] === "none" && options.length > 0) throw wrong("invalid logging opts for driver none");
  return { Type: flags["log-driver"], Config: Object.fromEntries(options) };
}

function storageOptions(flags: Flags): Record<string, string> {
  const pairs = flags["storage-opt"].map((text) => cut(text, "="));
  if (pairs.some(([, value]) => value === null)) throw wrong("invalid storage option");
  return Object.fromEntries(pairs.map(([key, value]) => [key, value ?? ""]));
}

function devices(flags: Flags): Pick<HostConfig, "Devices" | "DeviceCgroupRules" | "DeviceRequests"> {
  const names = flags.device.filter(isCdiName);
  const cdi: DeviceRequest = { Driver: "cdi", Count: 0, DeviceIDs: names, Capabilities: null, Options: null };
  const requests = [...flags.gpus, ...(names.length === 0 ? [] : [cdi])];
  return {
    Devices: flags.device.filter((text) => !isCdiName(text)).map(parseDevice),
    DeviceCgroupRules: orNull(flags["device-cgroup-rule"]) as string[] | null,
    DeviceRequests: orNull(requests) as HostConfig["DeviceRequests"],
  };
}

function resources(flags: Flags): Partial<HostConfig> {
  return {
    CpuShares: flags["cpu-shares"],
    Memory: flags.memory,
    NanoCpus: flags.cpus,
    CgroupParent: flags["cgroup-parent"],
    BlkioWeight: flags["blkio-weight"],
    BlkioWeightDevice: [...flags["blkio-weight-device"]],
    BlkioDeviceReadBps: [...flags["device-read-bps"]],
    BlkioDeviceWriteBps: [...flags["device-write-bps"]],
    BlkioDeviceReadIOps: [...flags["device-read-iops"]],
    BlkioDeviceWriteIOps: [...flags["device-write-iops"]],
    CpuPeriod: flags["cpu-period"],
    CpuQuota: flags["cpu-quota"],
    CpuRealtimePeriod: flags["cpu-rt-period"],
    CpuRealtimeRuntime: flags["cpu-rt-runtime"],
    CpusetCpus: flags["cpuset-cpus"],
    CpusetMems: flags["cpuset-mems"],
    ...devices(flags),
    MemoryReservation: flags["memory-reservation"],
    MemorySwap: flags["memory-swap"],
    MemorySwappiness: flags["memory-swappiness"],
    OomKillDisable: flags["oom-kill-disable"],
    PidsLimit: flags["pids-limit"],
    Ulimits: Object.values(flags.ulimit).sort((left, right) => (left.Name < right.Name ? -1 : 1)),
    CpuCount: flags["cpu-count"],
    CpuPercent: flags["cpu-percent"],
    IOMaximumIOps: flags["io-maxiops"],
    IOMaximumBandwidth: flags["io-maxbandwidth"],
  };
}

/** Fields that Go leaves out when they are empty. */
function optionalHost(request: BodyRequest): Partial<HostConfig> {
  const { flags, changed, files } = request;
  const tmpfs = compileTmpfs(flags.tmpfs);
  const storage = storageOptions(flags);
  const mounts = flags.mount.map((mount) => absoluteMount(mount, files.absolute));
  return {
    ...(isEmpty(flags.annotation) ? {} : { Annotations: flags.annotation }),
    ...(isEmpty(storage) ? {} : { StorageOpt: storage }),
    ...(isEmpty(tmpfs) ? {} : { Tmpfs: tmpfs }),
    ...(isEmpty(flags.sysctl) ? {} : { Sysctls: flags.sysctl }),
    ...(flags.runtime === "" ? {} : { Runtime: flags.runtime }),
    ...(mounts.length === 0 ? {} : { Mounts: mounts }),
    ...(changed.has("init") ? { Init: flags.init } : {}),
  };
}

function hostConfig(
  request: BodyRequest,
  binds: readonly string[],
  mode: string,
  bindings: object,
): CreateBody["HostConfig"] {
  const { flags, files } = request;
  const security = compileSecurity(files, flags["security-opt"]);
  const restart = parseRestart(flags.restart);
  if (flags.rm && restart.Name !== "no" && restart.Name !== "") {
    throw wrong("conflicting options: cannot specify both --restart and --rm");
  }
  return {
    Binds: orNull(binds),
    ContainerIDFile: flags.cidfile,
    LogConfig: logConfig(flags),
    NetworkMode: mode,
    PortBindings: bindings as HostConfig["PortBindings"],
    RestartPolicy: restart,
    AutoRemove: flags.rm,
    VolumeDriver: flags["volume-driver"],
    VolumesFrom: orNull(flags["volumes-from"]),
    ConsoleSize: request.consoleSize,
    CapAdd: orNull(compileCapabilities(flags["cap-add"])),
    CapDrop: orNull(compileCapabilities(flags["cap-drop"])),
    CgroupnsMode: flags.cgroupns,
    Dns: flags.dns,
    DnsOptions: [...flags["dns-option"], ...flags["dns-opt"]],
    DnsSearch: flags["dns-search"],
    ExtraHosts: orNull(flags["add-host"]),
    GroupAdd: orNull(flags["group-add"]),
    IpcMode: flags.ipc,
    Cgroup: "",
    Links: orNull(flags.link),
    OomScoreAdj: flags["oom-score-adj"],
    PidMode: flags.pid,
    Privileged: flags.privileged,
    PublishAllPorts: flags["publish-all"],
    ReadonlyRootfs: flags["read-only"],
    SecurityOpt: orNull(security.options),
    UTSMode: flags.uts,
    UsernsMode: flags.userns,
    ShmSize: flags["shm-size"],
    Isolation: flags.isolation,
    ...resources(flags),
    MaskedPaths: security.unmasked ? [] : null,
    ReadonlyPaths: security.unmasked ? [] : null,
    ...optionalHost(request),
  };
}

function attachments({ flags, detached }: BodyRequest) {
  const asked = new Set(flags.attach);
  const usual = asked.size === 0;
  if (detached) return { AttachStdin: false, AttachStdout: false, AttachStderr: false };
  return {
    AttachStdin: asked.has("stdin") || flags.interactive,
    AttachStdout: usual || asked.has("stdout"),
    AttachStderr: usual || asked.has("stderr"),
  };
}

/** Throws StatusError 125 naming the flag or its value. */
export function compileBody(request: BodyRequest): CreateBody {
  const { flags, changed, files } = request;
  checkModes(flags);
  const volumes = compileVolumes(flags.volume, files.absolute);
  const ports = compilePorts(flags.publish, flags.expose);
  const env = compileEnvironment(files, request.env, flags["env-file"], flags.env);
  const health = healthcheck(flags, changed);
  const networks = compileNetworks([...flags.network, ...flags.net], {
    aliases: [...flags["network-alias"], ...flags["net-alias"]],
    links: flags.link,
    ip: flags.ip,
    ip6: flags.ip6,
    linkLocalIps: flags["link-local-ip"],
    macAddress: flags["mac-address"],
  });
  const attached = attachments(request);
  return {
    Hostname: flags.hostname,
    Domainname: flags.domainname,
    User: flags.user,
    ...attached,
    ...(isEmpty(ports.exposed) ? {} : { ExposedPorts: ports.exposed }),
    Tty: flags.tty,
    OpenStdin: flags.interactive,
    StdinOnce: flags.interactive && attached.AttachStdin,
    Env: orNull(env),
    Cmd: orNull(request.command),
    ...(health === undefined ? {} : { Healthcheck: health }),
    Image: request.image,
    Volumes: volumes.anonymous,
    WorkingDir: flags.workdir,
    Entrypoint: changed.has("entrypoint") ? [flags.entrypoint] : null,
    OnBuild: null,
    Labels: compileLabels(files, flags["label-file"], flags.label),
    ...(flags["stop-signal"] === "" ? {} : { StopSignal: flags["stop-signal"] }),
    ...(changed.has("stop-timeout") ? { StopTimeout: flags["stop-timeout"] } : {}),
    HostConfig: hostConfig(request, volumes.binds, networks.mode, ports.bindings),
    NetworkingConfig: { EndpointsConfig: networks.endpoints },
  };
}
