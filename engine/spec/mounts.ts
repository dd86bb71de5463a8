import type { HostConfig } from "./config.ts";
import type { Mount } from "./run-spec.ts";

/** A mount the user (or the image's VOLUME) asked for, parsed and checked, before a volume has a directory. */
export type MountPlan = BindPlan | VolumePlan | TmpfsPlan;
interface Planned {
  /** Clean absolute path in the container. */
  readonly destination: string;
  readonly readWrite: boolean;
  /** What inspect shows as Mode ("ro", "z", …). */
  readonly mode: string;
  /** Words for RunSpec's Mount.options. */
  readonly options: readonly string[];
  /** "Binds" | "Mounts" | "Tmpfs" | "Volumes" | "VolumesFrom": named in errors. */
  readonly origin: MountOrigin;
}
export type MountOrigin = "Binds" | "Mounts" | "Tmpfs" | "Volumes" | "VolumesFrom";
export interface BindPlan extends Planned {
  readonly type: "bind";
  readonly source: string;
  /** Make the missing source as a root-owned directory 0755 (Binds, CreateMountpoint); else a missing source is an error. */
  readonly createSource: boolean;
  readonly propagation: string;
}
export interface VolumePlan extends Planned {
  readonly type: "volume";
  /** "" = anonymous: the volume owner draws 64 hex digits. */
  readonly name: string;
  readonly driver: string;
  readonly driverOptions: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly noCopy: boolean;
  readonly subpath: string;
  readonly propagation: string;
}
export interface TmpfsPlan extends Planned {
  readonly type: "tmpfs";
}

export interface MountRequests {
  readonly host: Pick<HostConfig, "binds" | "mounts" | "tmpfs" | "volumeDriver">;
  /** Config.Volumes, merged with the image's. */
  readonly volumes: readonly string[];
  /** Mounts copied from other containers by VolumesFrom; own Binds and Mounts override them. */
  readonly inherited: readonly MountPlan[];
}

/** Parses and checks everything; sorted so that parents come first. Throws `invalid` naming the argument. Pure. */
export function planMounts(_requests: MountRequests): readonly MountPlan[] {
  return [];
}

/** The RunSpec mount of a plan; `source` is the bind's source or the volume's data directory ("" for tmpfs). */
export function toMount(plan: MountPlan, source: string): Mount {
  const type = plan.type === "tmpfs" ? "tmpfs" : "bind";
  return { type, source: plan.type === "tmpfs" ? "tmpfs" : source, destination: plan.destination, options: plan.options };
}
