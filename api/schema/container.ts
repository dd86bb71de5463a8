/** Containers: create, inspect, list and the small replies of the verbs. Field order is Go's. */
import {
  type Static,
  flag,
  int,
  list,
  map,
  maybe,
  nullable,
  object,
  oneOf,
  set,
  text,
  textMap,
  texts,
  time,
  words,
} from "./common.ts";
import { HostConfig, PortMap } from "./host-config.ts";
import { EndpointSettings, NetworkingConfig } from "./network.ts";

export const HealthConfig = object({
  Test: maybe(texts),
  Interval: maybe(int),
  Timeout: maybe(int),
  StartPeriod: maybe(int),
  StartInterval: maybe(int),
  Retries: maybe(int),
});

const configFields = {
  Hostname: text,
  Domainname: text,
  User: text,
  AttachStdin: flag,
  AttachStdout: flag,
  AttachStderr: flag,
  ExposedPorts: maybe(set),
  Tty: flag,
  OpenStdin: flag,
  StdinOnce: flag,
  Env: nullable(texts),
  Cmd: nullable(words),
  Healthcheck: maybe(HealthConfig),
  ArgsEscaped: maybe(flag),
  Image: text,
  Volumes: nullable(set),
  WorkingDir: text,
  Entrypoint: nullable(words),
  NetworkDisabled: maybe(flag),
  MacAddress: maybe(text),
  OnBuild: nullable(texts),
  Labels: nullable(textMap),
  StopSignal: maybe(text),
  StopTimeout: maybe(int),
  Shell: maybe(words),
};
export const ContainerConfig = object(configFields);
export type ContainerConfig = Static<typeof ContainerConfig>;

/** A flat Config with two more keys. */
export const ContainerCreateBody = object({ ...configFields, HostConfig, NetworkingConfig });
export type ContainerCreateBody = Static<typeof ContainerCreateBody>;
export const ContainerCreateReply = object({ Id: text, Warnings: texts });
export type ContainerCreateReply = Static<typeof ContainerCreateReply>;

const HealthResult = object({ Start: time, End: time, ExitCode: int, Output: text });
export const ContainerState = object({
  Status: text,
  Running: flag,
  Paused: flag,
  Restarting: flag,
  OOMKilled: flag,
  Dead: flag,
  Pid: int,
  ExitCode: int,
  Error: text,
  StartedAt: text,
  FinishedAt: text,
  Health: maybe(object({ Status: text, FailingStreak: int, Log: nullable(list(HealthResult)) })),
});
export type ContainerState = Static<typeof ContainerState>;

export const MountPoint = object({
  Type: oneOf("bind", "volume", "tmpfs", "image", "npipe", "cluster"),
  Name: maybe(text),
  Source: text,
  Destination: text,
  Driver: maybe(text),
  Mode: text,
  RW: flag,
  Propagation: text,
});
export type MountPoint = Static<typeof MountPoint>;

const Address = object({ Addr: text, PrefixLen: int });
export const NetworkSettings = object({
  Bridge: text,
  SandboxID: text,
  SandboxKey: text,
  Ports: PortMap,
  HairpinMode: flag,
  LinkLocalIPv6Address: text,
  LinkLocalIPv6PrefixLen: int,
  SecondaryIPAddresses: nullable(list(Address)),
  SecondaryIPv6Addresses: nullable(list(Address)),
  EndpointID: text,
  Gateway: text,
  GlobalIPv6Address: text,
  GlobalIPv6PrefixLen: int,
  IPAddress: text,
  IPPrefixLen: int,
  IPv6Gateway: text,
  MacAddress: text,
  Networks: map(EndpointSettings),
});
export type NetworkSettings = Static<typeof NetworkSettings>;

export const DriverData = object({ Name: text, Data: nullable(textMap) });
export const ContainerInspect = object({
  Id: text,
  Created: text,
  Path: text,
  Args: texts,
  State: ContainerState,
  Image: text,
  ResolvConfPath: text,
  HostnamePath: text,
  HostsPath: text,
  LogPath: text,
  Name: text,
  RestartCount: int,
  Driver: text,
  Platform: text,
  MountLabel: text,
  ProcessLabel: text,
  AppArmorProfile: text,
  ExecIDs: nullable(texts),
  HostConfig,
  GraphDriver: DriverData,
  SizeRw: maybe(int),
  SizeRootFs: maybe(int),
  Mounts: list(MountPoint),
  Config: ContainerConfig,
  NetworkSettings,
});
export type ContainerInspect = Static<typeof ContainerInspect>;

export const Port = object({ IP: maybe(text), PrivatePort: int, PublicPort: maybe(int), Type: text });
export const ContainerSummary = object({
  Id: text,
  Names: texts,
  Image: text,
  ImageID: text,
  Command: text,
  Created: int,
  Ports: list(Port),
  SizeRw: maybe(int),
  SizeRootFs: maybe(int),
  Labels: textMap,
  State: text,
  Status: text,
  HostConfig: object({ NetworkMode: text, Annotations: maybe(textMap) }),
  NetworkSettings: object({ Networks: map(EndpointSettings) }),
  Mounts: list(MountPoint),
});
export type ContainerSummary = Static<typeof ContainerSummary>;
export const ContainerList = list(ContainerSummary);

export const WaitReply = object({ StatusCode: int, Error: maybe(object({ Message: text })) });
export type WaitReply = Static<typeof WaitReply>;
export const UpdateReply = object({ Warnings: nullable(texts) });
export const TopReply = object({ Titles: texts, Processes: list(texts) });
export type TopReply = Static<typeof TopReply>;
export const ContainerPruneReply = object({ ContainersDeleted: nullable(texts), SpaceReclaimed: int });
export const FilesystemChange = object({ Path: text, Kind: int });

/** Extension: the phases of the last start. `AtNs` counts from the first phase. */
export const TimingsReply = object({ Id: text, Phases: list(object({ Name: text, AtNs: int })) });
export type TimingsReply = Static<typeof TimingsReply>;
