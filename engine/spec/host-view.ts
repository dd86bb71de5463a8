/** What the pure code needs to know about the host. Read by `isolation/host-view.ts`, written as literals in tests. */
export interface HostView {
  readonly kernel: { readonly major: number; readonly minor: number };
  readonly architecture: "x64" | "arm64";
  readonly cpus: number;
  /** cpuset lists of what the daemon may use ("0-3"); "" = unknown */
  readonly onlineCpus: string;
  readonly onlineMems: string;
  readonly memoryBytes: number;
  /** The daemon's bounding set ("CAP_CHOWN", …): nothing can be given that the daemon lacks. */
  readonly capabilities: readonly string[];
  /** CPUs that have /sys/devices/system/cpu/cpuN/thermal_throttle (masked). */
  readonly thermalThrottleCpus: readonly number[];
  readonly hostname: string;
  /** The daemon's hard limits by name ("nofile"); missing = not known. */
  readonly hardLimits: Readonly<Record<string, bigint>>;
  /** The daemon's own oom_score_adj: only CAP_SYS_RESOURCE may go below it. */
  readonly oomScoreAdj: number;
  /** "docker-default" when the host has AppArmor and that profile is loaded, else "". */
  readonly apparmorProfile: string;
}

export interface HostDevice {
  readonly path: string;
  readonly type: "c" | "b";
  readonly major: number;
  readonly minor: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}
/** Device files that a HostConfig names, looked up once. A directory gives every node below it. */
export interface DeviceObservation {
  readonly byPath: ReadonlyMap<string, readonly HostDevice[]>;
  /** Every node of the host's /dev, for privileged containers; else []. */
  readonly all: readonly HostDevice[];
}
export const NO_DEVICES: DeviceObservation = { byPath: new Map(), all: [] };
