/** The wire's HostConfig → the domain's, with what older API versions did not have taken out. Pure. */
import {
  type HostConfig,
  invalid,
  type MountRequest,
  type ResourceConfig,
  type RestartPolicy,
  type RestartPolicyName,
} from "../../../engine/index.ts";
import type { ApiVersion, BodyFor } from "../../schema/index.ts";
import { consoleSize } from "./values.ts";

type Host = NonNullable<NonNullable<BodyFor<"ContainerCreate">>["HostConfig"]>;
type Update = NonNullable<BodyFor<"ContainerUpdate">>;
type Mount = NonNullable<Host["Mounts"]>[number];
type Texts = Readonly<Record<string, string | undefined>>;

/** Values without holes; the decoder has turned null into "". */
const texts = (map: Texts | undefined): Record<string, string> =>
  Object.fromEntries(Object.entries(map ?? {}).map(([key, value]) => [key, value ?? ""]));

export function hostConfig(host: Host, api: ApiVersion): HostConfig {
  return {
    ...resources(host),
    binds: host.Binds ?? null,
    mounts: (host.Mounts ?? []).map((mount) => mountRequest(mount, api)),
    tmpfs: texts(host.Tmpfs),
    volumesFrom: host.VolumesFrom ?? null,
    volumeDriver: host.VolumeDriver ?? "",
    containerIdFile: host.ContainerIDFile ?? "",
    logConfig: { type: host.LogConfig?.Type ?? "", config: texts(host.LogConfig?.Config) },
    networkMode: host.NetworkMode ?? "",
    portBindings: portBindings(host),
    publishAllPorts: host.PublishAllPorts ?? false,
    restartPolicy: restartPolicy(host.RestartPolicy),
    autoRemove: api >= 25 && (host.AutoRemove ?? false),
    consoleSize: (api >= 42 ? consoleSize(host.ConsoleSize) : null) ?? [0, 0],
    annotations: api >= 43 ? texts(host.Annotations) : {},
    capAdd: host.CapAdd ?? null,
    capDrop: host.CapDrop ?? null,
    cgroupnsMode: cgroupnsMode(host.CgroupnsMode ?? ""),
    dns: host.Dns ?? [],
    dnsOptions: host.DnsOptions ?? [],
    dnsSearch: host.DnsSearch ?? [],
    extraHosts: host.ExtraHosts ?? null,
    groupAdd: host.GroupAdd ?? null,
    ipcMode: host.IpcMode ?? (api < 40 ? "shareable" : ""),
    links: host.Links ?? null,
    oomScoreAdj: host.OomScoreAdj ?? 0,
    pidMode: host.PidMode ?? "",
    privileged: host.Privileged ?? false,
    readonlyRootfs: host.ReadonlyRootfs ?? false,
    securityOpt: host.SecurityOpt ?? null,
    storageOpt: texts(host.StorageOpt),
    utsMode: host.UTSMode ?? "",
    usernsMode: host.UsernsMode ?? "",
    shmSize: host.ShmSize ?? 0,
    sysctls: texts(host.Sysctls),
    runtime: host.Runtime ?? "",
    init: host.Init ?? null,
    maskedPaths: host.MaskedPaths ?? null,
    readonlyPaths: host.ReadonlyPaths ?? null,
    timeOffsets:
      host.TimeOffsets === undefined
        ? null
        : {
            monotonicSeconds: host.TimeOffsets.MonotonicSeconds ?? 0,
            boottimeSeconds: host.TimeOffsets.BoottimeSeconds ?? 0,
          },
  };
}

/** Resources of create and of update have the same fields. */
export function resources(host: Host | Update): ResourceConfig {
  return {
    cpuShares: host.CpuShares ?? 0,
    memory: host.Memory ?? 0,
    nanoCpus: host.NanoCpus ?? 0,
    cgroupParent: host.CgroupParent ?? "",
    blkioWeight: host.BlkioWeight ?? 0,
    blkioWeightDevice: (host.BlkioWeightDevice ?? []).map((one) => ({ path: one.Path ?? "", weight: one.Weight ?? 0 })),
    blkioDeviceReadBps: throttles(host.BlkioDeviceReadBps),
    blkioDeviceWriteBps: throttles(host.BlkioDeviceWriteBps),
    blkioDeviceReadIops: throttles(host.BlkioDeviceReadIOps),
    blkioDeviceWriteIops: throttles(host.BlkioDeviceWriteIOps),
    cpuPeriod: host.CpuPeriod ?? 0,
    cpuQuota: host.CpuQuota ?? 0,
    cpuRealtimePeriod: host.CpuRealtimePeriod ?? 0,
    cpuRealtimeRuntime: host.CpuRealtimeRuntime ?? 0,
    cpusetCpus: host.CpusetCpus ?? "",
    cpusetMems: host.CpusetMems ?? "",
    devices: (host.Devices ?? []).map((one) => ({
      pathOnHost: one.PathOnHost ?? "",
      pathInContainer: one.PathInContainer ?? "",
      cgroupPermissions: one.CgroupPermissions ?? "",
    })),
    deviceCgroupRules: host.DeviceCgroupRules ?? [],
    deviceRequests: (host.DeviceRequests ?? []).map((one) => ({
      driver: one.Driver ?? "",
      count: one.Count ?? 0,
      deviceIds: one.DeviceIDs ?? [],
      capabilities: one.Capabilities ?? [],
      options: texts(one.Options),
    })),
    memoryReservation: host.MemoryReservation ?? 0,
    memorySwap: host.MemorySwap ?? 0,
    memorySwappiness: host.MemorySwappiness ?? null,
    oomKillDisable: host.OomKillDisable ?? null,
    pidsLimit: host.PidsLimit ?? null,
    ulimits: (host.Ulimits ?? []).map((one) => ({ name: one.Name ?? "", soft: one.Soft ?? 0, hard: one.Hard ?? 0 })),
    hugepageLimits: (host.HugepageLimits ?? []).map((one) => ({ pageSize: one.PageSize ?? "", limit: one.Limit ?? 0 })),
  };
}

const throttles = (list: readonly { readonly Path?: string; readonly Rate?: number }[] | undefined) =>
  (list ?? []).map((one) => ({ path: one.Path ?? "", rate: one.Rate ?? 0 }));

const POLICIES: readonly RestartPolicyName[] = ["no", "always", "unless-stopped", "on-failure"];

export function restartPolicy(policy: Host["RestartPolicy"]): RestartPolicy {
  const name = (policy?.Name ?? "") || "no";
  const known = POLICIES.find((one) => one === name);
  if (known === undefined) {
    throw invalid(
      "container.restart_policy",
      `invalid restart policy: unknown policy '${name}'; use one of ${POLICIES.map((one) => `'${one}'`).join(", ")}`,
      {
        details: { argument: name },
      },
    );
  }
  const maximumRetryCount = policy?.MaximumRetryCount ?? 0;
  if (known !== "on-failure" && maximumRetryCount !== 0) {
    throw invalid(
      "container.restart_policy",
      "invalid restart policy: maximum retry count can only be used with 'on-failure'",
    );
  }
  if (maximumRetryCount < 0) {
    throw invalid("container.restart_policy", "invalid restart policy: maximum retry count cannot be negative");
  }
  return { name: known, maximumRetryCount };
}

function cgroupnsMode(mode: string): string {
  if (mode === "" || mode === "host" || mode === "private") return mode;
  throw invalid("container.cgroupns_mode", `invalid cgroup namespace mode: ${mode}`, { details: { argument: mode } });
}

function portBindings(host: Host): HostConfig["portBindings"] {
  const entries = Object.entries(host.PortBindings ?? {});
  return Object.fromEntries(
    entries.map(([port, bindings]) => [
      port,
      (bindings ?? []).map((one) => ({ hostIp: one.HostIp ?? "", hostPort: one.HostPort ?? "" })),
    ]),
  );
}

const KINDS: readonly MountRequest["type"][] = ["bind", "volume", "tmpfs", "image"];

function mountRequest(mount: Mount, api: ApiVersion): MountRequest {
  const type = KINDS.find((kind) => kind === (mount.Type ?? ""));
  if (type === undefined || (type === "image" && api < 48)) {
    throw invalid("container.mount_type", `invalid mount config for type "${mount.Type ?? ""}": mount type unknown`);
  }
  const foreign = foreignOptions(mount, type);
  if (foreign !== undefined && api >= 42) {
    throw invalid(
      "container.mount_options",
      `invalid mount config for type "${type}": field ${foreign} must not be specified`,
    );
  }
  return {
    type,
    source: mount.Source ?? "",
    target: mount.Target ?? "",
    readOnly: mount.ReadOnly ?? false,
    consistency: mount.Consistency ?? "",
    bind: type === "bind" ? bindOptions(mount.BindOptions ?? {}, api) : null,
    volume: type === "volume" ? volumeOptions(mount.VolumeOptions ?? {}, api) : null,
    tmpfs: type === "tmpfs" ? tmpfsOptions(mount.TmpfsOptions ?? {}) : null,
    image: type === "image" ? { subpath: mount.ImageOptions?.Subpath ?? "" } : null,
  };
}

const OPTION_FIELDS = {
  bind: "BindOptions",
  volume: "VolumeOptions",
  tmpfs: "TmpfsOptions",
  image: "ImageOptions",
} as const;
const foreignOptions = (mount: Mount, type: MountRequest["type"]): string | undefined =>
  KINDS.filter((kind) => kind !== type)
    .map((kind) => OPTION_FIELDS[kind])
    .find((field) => mount[field] !== undefined);

const bindOptions = (bind: NonNullable<Mount["BindOptions"]>, api: ApiVersion): NonNullable<MountRequest["bind"]> => ({
  propagation: bind.Propagation ?? "",
  nonRecursive: api >= 40 && (bind.NonRecursive ?? false),
  createMountpoint: api >= 42 && (bind.CreateMountpoint ?? false),
  readOnlyNonRecursive: api < 44 || (bind.ReadOnlyNonRecursive ?? false),
  readOnlyForceRecursive: api >= 44 && (bind.ReadOnlyForceRecursive ?? false),
});

const volumeOptions = (
  volume: NonNullable<Mount["VolumeOptions"]>,
  api: ApiVersion,
): NonNullable<MountRequest["volume"]> => ({
  noCopy: volume.NoCopy ?? false,
  subpath: api >= 45 ? (volume.Subpath ?? "") : "",
  labels: texts(volume.Labels),
  driver:
    volume.DriverConfig === undefined
      ? null
      : { name: volume.DriverConfig.Name ?? "", options: texts(volume.DriverConfig.Options) },
});

const tmpfsOptions = (tmpfs: NonNullable<Mount["TmpfsOptions"]>): NonNullable<MountRequest["tmpfs"]> => ({
  sizeBytes: tmpfs.SizeBytes ?? 0,
  mode: tmpfs.Mode ?? 0,
  options: tmpfs.Options ?? [],
});
