/** Request + image + host facts → RunSpec. Pure and total for what validateCreate let through. */
import { posix } from "node:path";
import type { Capabilities } from "../isolation/backend.ts";
import { effectiveCapabilities } from "./capabilities.ts";
import type { ContainerConfig, HostConfig } from "./config.ts";
import { allDevices, mapDevices } from "./device-rules.ts";
import { commandLine } from "./image-config.ts";
import type { DeviceObservation, HostView } from "./host-view.ts";
import { joinedContainer } from "./modes.ts";
import { type ResolvedUser, resolveProcess } from "./resolve-process.ts";
import { resolveMounts } from "./resolve-mounts.ts";
import { resolveResources } from "./resolve-resources.ts";
import type { Mount, NamespaceRequest, NamespaceType, RootSource, RunSpec } from "./run-spec.ts";
import { parseSeccomp } from "./seccomp/profile.ts";
import { parseSecurityOptions, type SecurityOptions } from "./security-options.ts";
import { resolveSysctls } from "./sysctls.ts";

export interface ResolveInput {
  readonly id: string;
  /** Merged with the image's (mergeConfig). */
  readonly config: ContainerConfig;
  /** As validateCreate returned it. */
  readonly host: HostConfig;
  readonly root: RootSource;
  readonly user: ResolvedUser;
  /** Files of the engine bound over /etc/…; null = leave the image's. shm null = an own tmpfs. */
  readonly paths: {
    readonly hostname: string | null;
    readonly hosts: string | null;
    readonly resolvConf: string | null;
    readonly shm: string | null;
  };
  /** User mounts, made by toMount. */
  readonly mounts: readonly Mount[];
  /** Host pids of the containers that "container:<id>" modes name; null = not used. hostname: of the one whose network is joined. */
  readonly joined: {
    readonly network: number | null;
    readonly ipc: number | null;
    readonly pid: number | null;
    readonly hostname?: string;
  };
  /** The daemon's default parent, e.g. "/tare"; HostConfig.CgroupParent wins. */
  readonly cgroupParent: string;
  /** UsernsMode "auto": the range drawn for this container. */
  readonly idRange: { readonly start: number; readonly size: number } | null;
  readonly view: HostView;
  readonly devices: DeviceObservation;
  readonly capabilities: Capabilities;
}

/** First 12 digits of the id unless the user chose; the host's when its network is shared; the other container's when joined. */
export function resolveHostname(input: Pick<ResolveInput, "id" | "config" | "host" | "joined" | "view">): string {
  if (input.host.utsMode === "host") return input.view.hostname;
  if (input.config.hostname !== "") return input.config.hostname;
  if (input.host.networkMode === "host") return input.view.hostname;
  return input.joined.hostname ?? input.id.slice(0, 12);
}

function namespaces(input: ResolveInput): readonly NamespaceRequest[] {
  const { host, joined } = input;
  const list: NamespaceRequest[] = [{ type: "mount", path: null }];
  const add = (type: NamespaceType, mode: string, pid: number | null, name: string): void => {
    if (mode === "host") return;
    const shared = joinedContainer(mode) !== null;
    if (shared && pid === null) throw new Error(`${type} namespace of ${mode} needs a pid`);
    list.push({ type, path: shared ? `/proc/${pid}/ns/${name}` : null });
  };
  add("pid", host.pidMode, joined.pid, "pid");
  add("network", host.networkMode, joined.network, "net");
  add("uts", host.utsMode, null, "uts");
  add("ipc", host.ipcMode, joined.ipc, "ipc");
  if (host.cgroupnsMode === "private") list.push({ type: "cgroup", path: null });
  if (input.idRange !== null) list.push({ type: "user", path: null });
  if (host.timeOffsets !== null) list.push({ type: "time", path: null });
  return list;
}

function seccomp(input: ResolveInput, options: SecurityOptions, bounding: readonly string[]): RunSpec["seccomp"] {
  if (options.seccomp === "unconfined" || !input.capabilities.seccomp) return null;
  if (options.seccomp === "" || options.seccomp === "builtin") {
    return input.host.privileged && options.seccomp === "" ? null : "default";
  }
  return parseSeccomp(options.seccomp, { bounding, view: input.view });
}

const SHARED: ReadonlySet<string> = new Set(["shared", "rshared"]);
const SLAVE: ReadonlySet<string> = new Set(["slave", "rslave"]);
/** A shared mount needs a root that is not private; slave needs at least slave. Docker's default is rprivate → rslave in effect. */
function rootPropagation(mounts: readonly Mount[]): string {
  const words = mounts.flatMap((mount) => mount.options);
  if (words.some((word) => SHARED.has(word))) return "rshared";
  return words.some((word) => SLAVE.has(word)) ? "rslave" : "rprivate";
}

const timeOffsets = (host: HostConfig): RunSpec["timeOffsets"] =>
  host.timeOffsets === null
    ? {}
    : {
        monotonic: { secs: host.timeOffsets.monotonicSeconds, nanosecs: 0 },
        boottime: { secs: host.timeOffsets.boottimeSeconds, nanosecs: 0 },
      };

/** Everything about one run, decided. */
export function resolve(input: ResolveInput): RunSpec {
  const { config, host, view, devices } = input;
  const options = parseSecurityOptions(host.securityOpt);
  const capabilities = effectiveCapabilities(host.capAdd, host.capDrop, host.privileged, view.capabilities);
  const hostname = resolveHostname(input);
  const idMappings =
    input.idRange === null ? [] : [{ containerId: 0, hostId: input.idRange.start, size: input.idRange.size }];
  const mounts = resolveMounts(input, options.writableCgroups);
  return {
    id: input.id,
    hostname: host.utsMode === "host" ? "" : hostname,
    domainname: config.domainname,
    root: input.root,
    readonlyRootfs: host.readonlyRootfs,
    rootfsPropagation: rootPropagation(input.mounts),
    process: resolveProcess({
      config,
      host,
      args: commandLine(config),
      hostname,
      user: input.user,
      capabilities,
      noNewPrivileges: options.noNewPrivileges,
      apparmor: options.apparmor,
      view,
    }),
    init: host.init === true,
    mounts,
    namespaces: namespaces(input),
    uidMappings: idMappings,
    gidMappings: idMappings,
    timeOffsets: timeOffsets(host),
    devices: host.privileged ? allDevices(devices) : mapDevices(host.devices, devices),
    resources: resolveResources(host, devices),
    cgroupsPath: posix.join(posix.resolve("/", host.cgroupParent || input.cgroupParent), input.id),
    seccomp: seccomp(input, options, capabilities),
    sysctl: resolveSysctls(host),
    maskedPaths: host.maskedPaths ?? [],
    readonlyPaths: host.readonlyPaths ?? [],
    hooks: {},
    annotations: host.annotations,
  };
}
