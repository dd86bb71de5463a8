/**
 * What a user asked for, in the engine's own words: camelCase, every field present, null where Docker distinguishes
 * "not given". Wire shapes stop at `api/server/translate`; inspect translates back. Sizes are bytes, durations say so.
 */
export interface HealthcheckConfig {
  readonly test: readonly string[];
  readonly intervalNs: number;
  readonly timeoutNs: number;
  readonly startPeriodNs: number;
  readonly startIntervalNs: number;
  readonly retries: number;
}

/** Docker's Config: the portable part. `cmd`/`entrypoint` null = not given (take the image's). */
export interface ContainerConfig {
  readonly hostname: string;
  readonly domainname: string;
  readonly user: string;
  readonly attachStdin: boolean;
  readonly attachStdout: boolean;
  readonly attachStderr: boolean;
  /** "80/tcp" */
  readonly exposedPorts: readonly string[];
  readonly tty: boolean;
  readonly openStdin: boolean;
  readonly stdinOnce: boolean;
  readonly env: readonly string[];
  readonly cmd: readonly string[] | null;
  readonly entrypoint: readonly string[] | null;
  /** As the user gave it. */
  readonly image: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly volumes: readonly string[];
  readonly workingDir: string;
  readonly stopSignal: string | null;
  readonly stopTimeoutSeconds: number | null;
  readonly healthcheck: HealthcheckConfig | null;
  readonly shell: readonly string[] | null;
  readonly onBuild: readonly string[] | null;
  readonly networkDisabled: boolean;
}

export type RestartPolicyName = "no" | "always" | "unless-stopped" | "on-failure";
export interface RestartPolicy {
  readonly name: RestartPolicyName;
  /** on-failure only; 0 = no limit. */
  readonly maximumRetryCount: number;
}

/** One entry of HostConfig.Mounts (the long form). Binds keep their own short strings. */
export interface MountRequest {
  readonly type: "bind" | "volume" | "tmpfs" | "image";
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
  readonly consistency: string;
  readonly bind: {
    readonly propagation: string;
    readonly nonRecursive: boolean;
    readonly createMountpoint: boolean;
    readonly readOnlyNonRecursive: boolean;
    readonly readOnlyForceRecursive: boolean;
  } | null;
  readonly volume: {
    readonly noCopy: boolean;
    readonly subpath: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly driver: { readonly name: string; readonly options: Readonly<Record<string, string>> } | null;
  } | null;
  readonly tmpfs: {
    readonly sizeBytes: number;
    readonly mode: number;
    readonly options: readonly (readonly string[])[];
  } | null;
  readonly image: { readonly subpath: string } | null;
}

export interface PortBinding {
  readonly hostIp: string;
  readonly hostPort: string;
}
export interface DeviceMapping {
  readonly pathOnHost: string;
  readonly pathInContainer: string;
  readonly cgroupPermissions: string;
}
export interface DeviceRequest {
  readonly driver: string;
  readonly count: number;
  readonly deviceIds: readonly string[];
  readonly capabilities: readonly (readonly string[])[];
  readonly options: Readonly<Record<string, string>>;
}
export interface Ulimit {
  readonly name: string;
  readonly soft: number;
  readonly hard: number;
}
export interface WeightDevice {
  readonly path: string;
  readonly weight: number;
}
export interface ThrottleDevice {
  readonly path: string;
  readonly rate: number;
}

/** Limits that `update` may change too. 0 = not set unless null is allowed. */
export interface ResourceConfig {
  readonly cpuShares: number;
  readonly memory: number;
  readonly nanoCpus: number;
  readonly cgroupParent: string;
  readonly blkioWeight: number;
  readonly blkioWeightDevice: readonly WeightDevice[];
  readonly blkioDeviceReadBps: readonly ThrottleDevice[];
  readonly blkioDeviceWriteBps: readonly ThrottleDevice[];
  readonly blkioDeviceReadIops: readonly ThrottleDevice[];
  readonly blkioDeviceWriteIops: readonly ThrottleDevice[];
  readonly cpuPeriod: number;
  readonly cpuQuota: number;
  readonly cpuRealtimePeriod: number;
  readonly cpuRealtimeRuntime: number;
  readonly cpusetCpus: string;
  readonly cpusetMems: string;
  readonly devices: readonly DeviceMapping[];
  readonly deviceCgroupRules: readonly string[];
  readonly deviceRequests: readonly DeviceRequest[];
  readonly memoryReservation: number;
  /** -1 = unlimited swap. */
  readonly memorySwap: number;
  readonly memorySwappiness: number | null;
  readonly oomKillDisable: boolean | null;
  readonly pidsLimit: number | null;
  readonly ulimits: readonly Ulimit[];
  /** Podman's and OCI's; an extension field on the wire. pageSize e.g. "2MB". */
  readonly hugepageLimits: readonly { readonly pageSize: string; readonly limit: number }[];
}

/** Docker's HostConfig: the part that belongs to this host. */
export interface HostConfig extends ResourceConfig {
  readonly binds: readonly string[] | null;
  readonly mounts: readonly MountRequest[];
  readonly tmpfs: Readonly<Record<string, string>>;
  readonly volumesFrom: readonly string[] | null;
  readonly volumeDriver: string;
  readonly containerIdFile: string;
  readonly logConfig: { readonly type: string; readonly config: Readonly<Record<string, string>> };
  /** "bridge" (the default), "host", "none", "container:<id>" or a network's name. */
  readonly networkMode: string;
  readonly portBindings: Readonly<Record<string, readonly PortBinding[]>>;
  readonly publishAllPorts: boolean;
  readonly restartPolicy: RestartPolicy;
  readonly autoRemove: boolean;
  /** [rows, columns] */
  readonly consoleSize: readonly [number, number];
  readonly annotations: Readonly<Record<string, string>>;
  readonly capAdd: readonly string[] | null;
  readonly capDrop: readonly string[] | null;
  /** "" | "host" | "private" */
  readonly cgroupnsMode: string;
  readonly dns: readonly string[];
  readonly dnsOptions: readonly string[];
  readonly dnsSearch: readonly string[];
  readonly extraHosts: readonly string[] | null;
  readonly groupAdd: readonly string[] | null;
  /** "" | "none" | "private" | "shareable" | "host" | "container:<id>" */
  readonly ipcMode: string;
  readonly links: readonly string[] | null;
  readonly oomScoreAdj: number;
  readonly pidMode: string;
  readonly privileged: boolean;
  readonly readonlyRootfs: boolean;
  readonly securityOpt: readonly string[] | null;
  readonly storageOpt: Readonly<Record<string, string>>;
  readonly utsMode: string;
  /** "" | "host" | "auto" (an own range of ids for this container, idmapped; as Podman's). */
  readonly usernsMode: string;
  readonly shmSize: number;
  readonly sysctls: Readonly<Record<string, string>>;
  readonly runtime: string;
  readonly init: boolean | null;
  /** null = Docker's default list; [] = nothing is masked. */
  readonly maskedPaths: readonly string[] | null;
  readonly readonlyPaths: readonly string[] | null;
  /** Seconds added to CLOCK_MONOTONIC/BOOTTIME in an own time namespace; null = the host's (extension). */
  readonly timeOffsets: { readonly monotonicSeconds: number; readonly boottimeSeconds: number } | null;
}

/** NetworkingConfig.EndpointsConfig by network name; kept for the network issue, echoed by inspect. */
export interface EndpointRequest {
  readonly aliases: readonly string[] | null;
  readonly links: readonly string[] | null;
  readonly macAddress: string;
  readonly driverOpts: Readonly<Record<string, string>>;
  readonly ipv4Address: string;
  readonly ipv6Address: string;
  readonly linkLocalIps: readonly string[];
  readonly gwPriority: number;
}

export interface CreateRequest {
  /** Without the leading slash; null = draw one. */
  readonly name: string | null;
  /** "linux/arm64"; null = not asked. */
  readonly platform: string | null;
  readonly config: ContainerConfig;
  readonly host: HostConfig;
  readonly endpoints: Readonly<Record<string, EndpointRequest>>;
}

export interface ExecRequest {
  readonly attachStdin: boolean;
  readonly attachStdout: boolean;
  readonly attachStderr: boolean;
  readonly tty: boolean;
  readonly cmd: readonly string[];
  readonly env: readonly string[];
  readonly user: string;
  readonly workingDir: string;
  readonly privileged: boolean;
  readonly detachKeys: string;
  readonly consoleSize: readonly [number, number] | null;
}
