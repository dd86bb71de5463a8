/** A container's snapshot → GET /containers/{id}/json. Pure. */
import {
  type ContainerSnapshot,
  type ContainerState as State,
  type MountPoint as Mount,
  ZERO_TIME,
} from "../../../engine/index.ts";
import type { ContainerInspect, ContainerState, MountPoint } from "../../schema/index.ts";
import { wireConfig, wireHostConfig } from "./config-out.ts";
import { networkSettings, type NetworkIds } from "./network-out.ts";
import { emptyAsNull, some } from "./values.ts";

export interface Sizes {
  readonly sizeRw: number;
  readonly sizeRootFs: number;
}

export function wireInspect(container: ContainerSnapshot, ids: NetworkIds, sizes: Sizes | null): ContainerInspect {
  return {
    Id: container.id,
    Created: container.createdAt,
    Path: container.path,
    Args: [...container.args],
    State: wireState(container.state),
    Image: container.imageId,
    ResolvConfPath: container.resolvConfPath,
    HostnamePath: container.hostnamePath,
    HostsPath: container.hostsPath,
    LogPath: container.logPath,
    Name: `/${container.name}`,
    RestartCount: container.restartCount,
    Driver: container.driver,
    Platform: "linux",
    MountLabel: "",
    ProcessLabel: "",
    AppArmorProfile: container.apparmorProfile,
    ExecIDs: emptyAsNull(container.execIds),
    HostConfig: wireHostConfig(container.host),
    GraphDriver: { Name: container.driver, Data: { ...container.graphDriverData } },
    ...(sizes === null ? {} : { SizeRw: sizes.sizeRw, SizeRootFs: sizes.sizeRootFs }),
    Mounts: container.mounts.map(wireMountPoint),
    Config: wireConfig(container.config),
    NetworkSettings: networkSettings(container, ids),
  };
}

export function wireState(state: State): ContainerState {
  const ran = state.status === "created" ? null : state;
  const ended = ran !== null && "finishedAt" in ran ? ran : null;
  return {
    Status: state.status,
    Running: isUp(state),
    Paused: state.status === "paused",
    Restarting: state.status === "restarting",
    OOMKilled: ran?.oomKilled ?? false,
    Dead: state.status === "dead",
    Pid: "pid" in state ? state.pid : 0,
    ExitCode: "exitCode" in state ? state.exitCode : 0,
    Error: "error" in state ? state.error : "",
    StartedAt: ran?.startedAt ?? ZERO_TIME,
    FinishedAt: ended?.finishedAt ?? ZERO_TIME,
  };
}

/** Running as Docker counts it: paused and restarting containers too. */
export const isUp = (state: State): boolean =>
  state.status === "running" || state.status === "paused" || state.status === "restarting";

export const wireMountPoint = (mount: Mount): MountPoint => ({
  Type: mount.type,
  ...some("Name", mount.name),
  Source: mount.source,
  Destination: mount.destination,
  ...some("Driver", mount.driver),
  Mode: mount.mode,
  RW: mount.readWrite,
  Propagation: mount.propagation,
});
