/** Docker's HostConfig: the part of a container's configuration that belongs to this host. Field order is Go's. */
import { type Static, flag, int, list, map, maybe, nullable, object, oneOf, text, textMap, texts } from "./common.ts";

export const PortBinding = object({ HostIp: text, HostPort: text });
export type PortBinding = Static<typeof PortBinding>;
export const PortMap = map(nullable(list(PortBinding)));
export type PortMap = Static<typeof PortMap>;

export const DeviceMapping = object({ PathOnHost: text, PathInContainer: text, CgroupPermissions: text });
export const DeviceRequest = object({
  Driver: text,
  Count: int,
  DeviceIDs: nullable(texts),
  Capabilities: nullable(list(texts)),
  Options: nullable(textMap),
});
export const WeightDevice = object({ Path: text, Weight: int });
export const ThrottleDevice = object({ Path: text, Rate: int });
export const Ulimit = object({ Name: text, Hard: int, Soft: int });
export const RestartPolicy = object({ Name: text, MaximumRetryCount: int });

export const Mount = object({
  Type: oneOf("bind", "volume", "tmpfs", "image"),
  Source: maybe(text),
  Target: text,
  ReadOnly: maybe(flag),
  Consistency: maybe(text),
  BindOptions: maybe(
    object({
      Propagation: maybe(text),
      NonRecursive: maybe(flag),
      CreateMountpoint: maybe(flag),
      ReadOnlyNonRecursive: maybe(flag),
      ReadOnlyForceRecursive: maybe(flag),
    }),
  ),
  VolumeOptions: maybe(
    object({
      NoCopy: maybe(flag),
      Labels: maybe(textMap),
      Subpath: maybe(text),
      DriverConfig: maybe(object({ Name: maybe(text), Options: maybe(textMap) })),
    }),
  ),
  ImageOptions: maybe(object({ Subpath: maybe(text) })),
  TmpfsOptions: maybe(object({ SizeBytes: maybe(int), Mode: maybe(int), Options: maybe(list(texts)) })),
});
export type Mount = Static<typeof Mount>;

const resourceFields = {
  CpuShares: int,
  Memory: int,
  NanoCpus: int,
  CgroupParent: text,
  BlkioWeight: int,
  BlkioWeightDevice: nullable(list(WeightDevice)),
  BlkioDeviceReadBps: nullable(list(ThrottleDevice)),
  BlkioDeviceWriteBps: nullable(list(ThrottleDevice)),
  BlkioDeviceReadIOps: nullable(list(ThrottleDevice)),
  BlkioDeviceWriteIOps: nullable(list(ThrottleDevice)),
  CpuPeriod: int,
  CpuQuota: int,
  CpuRealtimePeriod: int,
  CpuRealtimeRuntime: int,
  CpusetCpus: text,
  CpusetMems: text,
  Devices: nullable(list(DeviceMapping)),
  DeviceCgroupRules: nullable(texts),
  DeviceRequests: nullable(list(DeviceRequest)),
  MemoryReservation: int,
  MemorySwap: int,
  MemorySwappiness: nullable(int),
  OomKillDisable: nullable(flag),
  PidsLimit: nullable(int),
  Ulimits: nullable(list(Ulimit)),
  CpuCount: int,
  CpuPercent: int,
  IOMaximumIOps: int,
  IOMaximumBandwidth: int,
  /** Extension (Podman's and OCI's hugetlb limits). */
  HugepageLimits: maybe(list(object({ PageSize: text, Limit: int }))),
};

export const HostConfig = object({
  Binds: nullable(texts),
  ContainerIDFile: text,
  LogConfig: object({ Type: text, Config: nullable(textMap) }),
  NetworkMode: text,
  PortBindings: nullable(PortMap),
  RestartPolicy,
  AutoRemove: flag,
  VolumeDriver: text,
  VolumesFrom: nullable(texts),
  ConsoleSize: list(int),
  Annotations: maybe(textMap),
  CapAdd: nullable(texts),
  CapDrop: nullable(texts),
  CgroupnsMode: text,
  Dns: nullable(texts),
  DnsOptions: nullable(texts),
  DnsSearch: nullable(texts),
  ExtraHosts: nullable(texts),
  GroupAdd: nullable(texts),
  IpcMode: text,
  Cgroup: text,
  Links: nullable(texts),
  OomScoreAdj: int,
  PidMode: text,
  Privileged: flag,
  PublishAllPorts: flag,
  ReadonlyRootfs: flag,
  SecurityOpt: nullable(texts),
  StorageOpt: maybe(textMap),
  Tmpfs: maybe(textMap),
  UTSMode: text,
  UsernsMode: text,
  ShmSize: int,
  Sysctls: maybe(textMap),
  Runtime: text,
  Isolation: text,
  ...resourceFields,
  Mounts: maybe(list(Mount)),
  MaskedPaths: nullable(texts),
  ReadonlyPaths: nullable(texts),
  Init: maybe(flag),
  /** Read only to say in a warning that they have no effect (gone from kernels and, since 1.42, from Docker). */
  KernelMemory: maybe(int),
  KernelMemoryTCP: maybe(int),
  /** Extension: an own time namespace with these offsets. */
  TimeOffsets: maybe(object({ MonotonicSeconds: int, BoottimeSeconds: int })),
});
export type HostConfig = Static<typeof HostConfig>;

export const UpdateConfig = object({ ...resourceFields, RestartPolicy });
export type UpdateConfig = Static<typeof UpdateConfig>;
