/** The domain's configuration → the wire's, as inspect prints it. Field order is Go's. Pure. */
import type { ContainerConfig as Config, HostConfig as Host, MountRequest } from "../../../engine/index.ts";
import type { ContainerConfig, HostConfig, Mount } from "../../schema/index.ts";
import { copy, emptyAsNull, setOf, some, someOf } from "./values.ts";

export function wireConfig(config: Config): ContainerConfig {
  return {
    Hostname: config.hostname,
    Domainname: config.domainname,
    User: config.user,
    AttachStdin: config.attachStdin,
    AttachStdout: config.attachStdout,
    AttachStderr: config.attachStderr,
    ...someOf("ExposedPorts", setOf(config.exposedPorts)),
    Tty: config.tty,
    OpenStdin: config.openStdin,
    StdinOnce: config.stdinOnce,
    Env: [...config.env],
    Cmd: copy(config.cmd),
    ...some("Healthcheck", config.healthcheck === null ? null : wireHealth(config.healthcheck)),
    Image: config.image,
    Volumes: config.volumes.length === 0 ? null : setOf(config.volumes),
    WorkingDir: config.workingDir,
    Entrypoint: copy(config.entrypoint),
    ...some("NetworkDisabled", config.networkDisabled),
    OnBuild: config.onBuild === null ? null : emptyAsNull(config.onBuild),
    Labels: { ...config.labels },
    ...some("StopSignal", config.stopSignal),
    ...(config.stopTimeoutSeconds === null ? {} : { StopTimeout: config.stopTimeoutSeconds }),
    ...some("Shell", copy(config.shell)),
  };
}

const wireHealth = (health: NonNullable<Config["healthcheck"]>) => ({
  ...some("Test", emptyAsNull(health.test)),
  ...some("Interval", health.intervalNs),
  ...some("Timeout", health.timeoutNs),
  ...some("StartPeriod", health.startPeriodNs),
  ...some("StartInterval", health.startIntervalNs),
  ...some("Retries", health.retries),
});

export function wireHostConfig(host: Host): HostConfig {
  return {
    Binds: copy(host.binds),
    ContainerIDFile: host.containerIdFile,
    LogConfig: { Type: host.logConfig.type, Config: { ...host.logConfig.config } },
    NetworkMode: host.networkMode,
    PortBindings: wirePorts(host),
    RestartPolicy: { Name: host.restartPolicy.name, MaximumRetryCount: host.restartPolicy.maximumRetryCount },
    AutoRemove: host.autoRemove,
    VolumeDriver: host.volumeDriver,
    VolumesFrom: copy(host.volumesFrom),
    ConsoleSize: [...host.consoleSize],
    ...someOf("Annotations", { ...host.annotations }),
    CapAdd: copy(host.capAdd),
    CapDrop: copy(host.capDrop),
    CgroupnsMode: host.cgroupnsMode,
    Dns: [...host.dns],
    DnsOptions: [...host.dnsOptions],
    DnsSearch: [...host.dnsSearch],
    ExtraHosts: copy(host.extraHosts),
    GroupAdd: copy(host.groupAdd),
    IpcMode: host.ipcMode,
    Cgroup: "",
    Links: copy(host.links),
    OomScoreAdj: host.oomScoreAdj,
    PidMode: host.pidMode,
    Privileged: host.privileged,
    PublishAllPorts: host.publishAllPorts,
    ReadonlyRootfs: host.readonlyRootfs,
    SecurityOpt: copy(host.securityOpt),
    ...someOf("StorageOpt", { ...host.storageOpt }),
    ...someOf("Tmpfs", { ...host.tmpfs }),
    UTSMode: host.utsMode,
    UsernsMode: host.usernsMode,
    ShmSize: host.shmSize,
    ...someOf("Sysctls", { ...host.sysctls }),
    Runtime: host.runtime,
    Isolation: "",
    ...wireResources(host),
    ...some("Mounts", host.mounts.length === 0 ? null : host.mounts.map(wireMountRequest)),
    MaskedPaths: copy(host.maskedPaths),
    ReadonlyPaths: copy(host.readonlyPaths),
    ...(host.init === null ? {} : { Init: host.init }),
    ...(host.timeOffsets === null
      ? {}
      : {
          TimeOffsets: {
            MonotonicSeconds: host.timeOffsets.monotonicSeconds,
            BoottimeSeconds: host.timeOffsets.boottimeSeconds,
          },
        }),
  };
}

const wirePorts = (host: Host): HostConfig["PortBindings"] =>
  Object.fromEntries(
    Object.entries(host.portBindings).map(([port, bindings]) => [
      port,
      bindings.map((one) => ({ HostIp: one.hostIp, HostPort: one.hostPort })),
    ]),
  );

const throttles = (list: Host["blkioDeviceReadBps"]) =>
  emptyAsNull(list.map((one) => ({ Path: one.path, Rate: one.rate })));

const wireResources = (host: Host) => ({
  CpuShares: host.cpuShares,
  Memory: host.memory,
  NanoCpus: host.nanoCpus,
  CgroupParent: host.cgroupParent,
  BlkioWeight: host.blkioWeight,
  BlkioWeightDevice: host.blkioWeightDevice.map((one) => ({ Path: one.path, Weight: one.weight })),
  BlkioDeviceReadBps: throttles(host.blkioDeviceReadBps),
  BlkioDeviceWriteBps: throttles(host.blkioDeviceWriteBps),
  BlkioDeviceReadIOps: throttles(host.blkioDeviceReadIops),
  BlkioDeviceWriteIOps: throttles(host.blkioDeviceWriteIops),
  CpuPeriod: host.cpuPeriod,
  CpuQuota: host.cpuQuota,
  CpuRealtimePeriod: host.cpuRealtimePeriod,
  CpuRealtimeRuntime: host.cpuRealtimeRuntime,
  CpusetCpus: host.cpusetCpus,
  CpusetMems: host.cpusetMems,
  Devices: host.devices.map((one) => ({
    PathOnHost: one.pathOnHost,
    PathInContainer: one.pathInContainer,
    CgroupPermissions: one.cgroupPermissions,
  })),
  DeviceCgroupRules: emptyAsNull(host.deviceCgroupRules),
  DeviceRequests: emptyAsNull(
    host.deviceRequests.map((one) => ({
      Driver: one.driver,
      Count: one.count,
      DeviceIDs: emptyAsNull(one.deviceIds),
      Capabilities: emptyAsNull(one.capabilities.map((set) => [...set])),
      Options: { ...one.options },
    })),
  ),
  MemoryReservation: host.memoryReservation,
  MemorySwap: host.memorySwap,
  MemorySwappiness: host.memorySwappiness,
  OomKillDisable: host.oomKillDisable,
  PidsLimit: host.pidsLimit,
  Ulimits: emptyAsNull(host.ulimits.map((one) => ({ Name: one.name, Hard: one.hard, Soft: one.soft }))),
  CpuCount: 0,
  CpuPercent: 0,
  IOMaximumIOps: 0,
  IOMaximumBandwidth: 0,
  ...some(
    "HugepageLimits",
    emptyAsNull(host.hugepageLimits.map((one) => ({ PageSize: one.pageSize, Limit: one.limit }))),
  ),
});

function wireMountRequest(mount: MountRequest): Mount {
  return {
    Type: mount.type,
    ...some("Source", mount.source),
    Target: mount.target,
    ...some("ReadOnly", mount.readOnly),
    ...some("Consistency", mount.consistency),
    ...(mount.bind === null ? {} : someOf("BindOptions", wireBind(mount.bind))),
    ...(mount.volume === null ? {} : someOf("VolumeOptions", wireVolume(mount.volume))),
    ...(mount.image === null ? {} : someOf("ImageOptions", some("Subpath", mount.image.subpath))),
    ...(mount.tmpfs === null ? {} : someOf("TmpfsOptions", wireTmpfs(mount.tmpfs))),
  };
}

const wireBind = (bind: NonNullable<MountRequest["bind"]>) => ({
  ...some("Propagation", bind.propagation),
  ...some("NonRecursive", bind.nonRecursive),
  ...some("CreateMountpoint", bind.createMountpoint),
  ...some("ReadOnlyNonRecursive", bind.readOnlyNonRecursive),
  ...some("ReadOnlyForceRecursive", bind.readOnlyForceRecursive),
});
const wireVolume = (volume: NonNullable<MountRequest["volume"]>) => ({
  ...some("NoCopy", volume.noCopy),
  ...someOf("Labels", { ...volume.labels }),
  ...some("Subpath", volume.subpath),
  ...(volume.driver === null
    ? {}
    : { DriverConfig: { Name: volume.driver.name, Options: { ...volume.driver.options } } }),
});
const wireTmpfs = (tmpfs: NonNullable<MountRequest["tmpfs"]>) => ({
  ...some("SizeBytes", tmpfs.sizeBytes),
  ...some("Mode", tmpfs.mode),
  ...some("Options", emptyAsNull(tmpfs.options.map((one) => [...one]))),
});
