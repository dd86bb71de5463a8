/**
 * One interface over cgroup v1 and v2. A `Cgroups` is a daemon's view of the host; a `Cgroup` is one container's place in
 * it, addressed by one path ("/tare/<id>") whatever the version.
 *
 *   const group = cgroups.create("/tare/abc", resources);   // directories and limits, synchronously
 *   group.placement                                         // what the plan needs to put the process there
 *   await group.kill(); await group.remove();
 */
import type { UsageSample } from "../backend.ts";
import type { Resources } from "../../spec/run-spec.ts";

/** How the shim puts a process there: v1 children write "0" to each file themselves, v2 ones are cloned into the directory. */
export type Placement =
  | {
      readonly version: 1;
      readonly tasks: readonly string[];
      readonly oomDirectory: string;
      readonly mounts: readonly CgroupMount[];
    }
  | { readonly version: 2; readonly directory: string };
/** A directory the container sees below /sys/fs/cgroup. */
export interface CgroupMount {
  readonly source: string;
  readonly name: string;
  /** Other names of the same hierarchy ("cpu" for "cpu,cpuacct"). */
  readonly aliases: readonly string[];
}

export interface Cgroup {
  readonly path: string;
  readonly placement: Placement;
  /** Returns a sentence for each limit that could not be set; throws when the kernel refuses a value. */
  update(resources: Resources): readonly string[];
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  /** Every process, also when frozen; resolves when none is left. */
  kill(): Promise<void>;
  processes(): readonly number[];
  usage(): UsageSample;
  /** Idempotent. Throws `internal` when processes do not go away in time. */
  remove(): Promise<void>;
}

export interface Cgroups {
  readonly version: 1 | 2;
  /** Keys of Capabilities.limits. */
  readonly limits: ReadonlySet<string>;
  /** Throws with nothing left behind; a limit that cannot be set is an error here. */
  create(path: string, resources: Resources): Cgroup;
  /** One that an earlier daemon made; pid: the container's first process (0 when it has ended). */
  open(path: string, pid: number): Cgroup;
  /** Names of the cgroups below a parent, in any hierarchy. */
  children(parent: string): readonly string[];
  /** Removes the daemon's own parents when nothing is in them. */
  close(): void;
}
