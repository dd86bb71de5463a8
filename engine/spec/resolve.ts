import type { Capabilities } from "../isolation/backend.ts";
import type { ContainerConfig, ExecRequest, HostConfig } from "./config.ts";
import type { DeviceObservation, HostView } from "./host-view.ts";
import type { Mount, ProcessSpec, Resources, RootSource, RunSpec } from "./run-spec.ts";

export interface ResolvedUser {
  readonly uid: number;
  readonly gid: number;
  /** As images' lookupUser gives them: primary group first. HostConfig.GroupAdd is added by resolve when numeric. */
  readonly additionalGids: readonly number[];
  readonly home: string;
}

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
  /** Host pids of the containers that "container:<id>" modes name; null = not used. */
  readonly joined: { readonly network: number | null; readonly ipc: number | null; readonly pid: number | null };
  /** The daemon's default parent, e.g. "/tare"; HostConfig.CgroupParent wins. */
  readonly cgroupParent: string;
  /** UsernsMode "auto": the range drawn for this container. */
  readonly idRange: { readonly start: number; readonly size: number } | null;
  readonly view: HostView;
  readonly devices: DeviceObservation;
  readonly capabilities: Capabilities;
}

/** Everything about one run, decided. Pure and total for a validated request. */
export function resolve(_input: ResolveInput): RunSpec {
  throw new Error("not yet");
}

/** The process of an exec in a container whose RunSpec is `spec`. */
export function resolveExec(_spec: RunSpec, _request: ExecRequest, _user: ResolvedUser, _view: HostView): ProcessSpec {
  throw new Error("not yet");
}

/** Limits for Sandbox.update. */
export function resolveResources(_host: HostConfig, _devices: DeviceObservation): Resources {
  throw new Error("not yet");
}
