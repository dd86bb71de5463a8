/** Version, info and disk usage. */
import { type Static, flag, int, list, map, maybe, nullable, object, text, textMap, texts } from "./common.ts";
import { ContainerSummary } from "./container.ts";
import { ImageSummary } from "./image.ts";
import { Volume } from "./volume.ts";

export const VersionReply = object({
  Platform: object({ Name: text }),
  Components: list(object({ Name: text, Version: text, Details: textMap })),
  Version: text,
  ApiVersion: text,
  MinAPIVersion: text,
  GitCommit: text,
  GoVersion: text,
  Os: text,
  Arch: text,
  KernelVersion: text,
  BuildTime: text,
});
export type VersionReply = Static<typeof VersionReply>;

const Commit = object({ ID: text });
const IndexInfo = object({ Name: text, Mirrors: texts, Secure: flag, Official: flag });
export const InfoReply = object({
  ID: text,
  Containers: int,
  ContainersRunning: int,
  ContainersPaused: int,
  ContainersStopped: int,
  Images: int,
  Driver: text,
  DriverStatus: list(texts),
  Plugins: object({ Volume: texts, Network: texts, Authorization: nullable(texts), Log: texts }),
  MemoryLimit: flag,
  SwapLimit: flag,
  CpuCfsPeriod: flag,
  CpuCfsQuota: flag,
  CPUShares: flag,
  CPUSet: flag,
  PidsLimit: flag,
  IPv4Forwarding: flag,
  Debug: flag,
  NFd: int,
  OomKillDisable: flag,
  NGoroutines: int,
  SystemTime: text,
  LoggingDriver: text,
  CgroupDriver: text,
  CgroupVersion: text,
  NEventsListener: int,
  KernelVersion: text,
  OperatingSystem: text,
  OSVersion: text,
  OSType: text,
  Architecture: text,
  IndexServerAddress: text,
  RegistryConfig: object({
    InsecureRegistryCIDRs: nullable(texts),
    IndexConfigs: map(IndexInfo),
    Mirrors: nullable(texts),
  }),
  NCPU: int,
  MemTotal: int,
  GenericResources: nullable(list(object({}))),
  DockerRootDir: text,
  HttpProxy: text,
  HttpsProxy: text,
  NoProxy: text,
  Name: text,
  Labels: texts,
  ExperimentalBuild: flag,
  ServerVersion: text,
  Runtimes: map(object({ path: text, status: maybe(textMap) })),
  DefaultRuntime: text,
  Swarm: object({
    NodeID: text,
    NodeAddr: text,
    LocalNodeState: text,
    ControlAvailable: flag,
    Error: text,
    RemoteManagers: nullable(list(object({ NodeID: text, Addr: text }))),
  }),
  LiveRestoreEnabled: flag,
  Isolation: text,
  InitBinary: text,
  ContainerdCommit: Commit,
  RuncCommit: Commit,
  InitCommit: Commit,
  SecurityOptions: texts,
  CDISpecDirs: texts,
  Warnings: nullable(texts),
});
export type InfoReply = Static<typeof InfoReply>;

const BuildCache = object({ ID: text, Type: text, Description: text, InUse: flag, Shared: flag, Size: int });
export const DiskUsageReply = object({
  LayersSize: int,
  Images: nullable(list(ImageSummary)),
  Containers: nullable(list(ContainerSummary)),
  Volumes: nullable(list(Volume)),
  BuildCache: nullable(list(BuildCache)),
});
export type DiskUsageReply = Static<typeof DiskUsageReply>;

export const AuthConfig = object({
  username: text,
  password: text,
  auth: text,
  serveraddress: text,
  identitytoken: text,
  registrytoken: text,
});
export const AuthReply = object({ Status: text, IdentityToken: text });
