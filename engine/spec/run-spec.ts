/**
 * RunSpec: everything about one run of one container, decided, before any backend is asked. It is the OCI runtime
 * configuration in camelCase with nothing left optional, so that it converts both ways (`oci.ts`), prints, compares
 * and compiles (`isolation/namespace/compile.ts`).
 */
export interface Mount {
  /** "bind", "overlay", "proc", "tmpfs", …: a filesystem type or "bind". */
  readonly type: string;
  readonly source: string;
  readonly destination: string;
  /** Words of mount(8) and the OCI runtime spec ("ro", "rprivate", "rro", "nosuid", "size=65536k", …). */
  readonly options: readonly string[];
}

/** Where the root filesystem comes from. overlay: paths are short and relative to base (images/snapshot). */
export type RootSource =
  | {
      readonly kind: "overlay";
      readonly base: string;
      readonly lowers: readonly string[];
      readonly upper: string;
      readonly work: string;
    }
  | { readonly kind: "directory"; readonly path: string };

export type NamespaceType = "mount" | "pid" | "network" | "uts" | "ipc" | "cgroup" | "user" | "time";
/** path null = a new one; a namespace that is not listed is the host's. */
export interface NamespaceRequest {
  readonly type: NamespaceType;
  readonly path: string | null;
}
export interface IdMapping {
  readonly containerId: number;
  readonly hostId: number;
  readonly size: number;
}
export interface CapabilitySets {
  readonly bounding: readonly string[];
  readonly effective: readonly string[];
  readonly permitted: readonly string[];
  readonly inheritable: readonly string[];
  readonly ambient: readonly string[];
}
export interface Rlimit {
  readonly type: string;
  readonly soft: number | bigint;
  readonly hard: number | bigint;
}
export interface ProcessSpec {
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly cwd: string;
  readonly user: {
    readonly uid: number;
    readonly gid: number;
    readonly additionalGids: readonly number[];
    readonly umask: number;
  };
  readonly terminal: boolean;
  readonly consoleSize: { readonly height: number; readonly width: number } | null;
  readonly stdin: boolean;
  readonly stdinOnce: boolean;
  readonly capabilities: CapabilitySets;
  readonly rlimits: readonly Rlimit[];
  readonly noNewPrivileges: boolean;
  readonly apparmorProfile: string;
  readonly oomScoreAdj: number | null;
}
export interface DeviceNode {
  readonly path: string;
  readonly type: "c" | "b" | "p";
  readonly major: number;
  readonly minor: number;
  readonly fileMode: number;
  readonly uid: number;
  readonly gid: number;
}
export interface DeviceRule {
  readonly allow: boolean;
  /** null = any */
  readonly type: "c" | "b" | "a";
  readonly major: number | null;
  readonly minor: number | null;
  /** some of "rwm" */
  readonly access: string;
}
/** null = not limited. */
export interface Resources {
  readonly devices: readonly DeviceRule[];
  readonly memory: {
    readonly limit: number | null;
    readonly reservation: number | null;
    /** memory + swap, as OCI; -1 = unlimited */
    readonly swap: number | null;
    readonly swappiness: number | null;
    readonly disableOomKiller: boolean;
  };
  readonly cpu: {
    readonly shares: number | null;
    readonly quota: number | null;
    readonly period: number | null;
    readonly realtimeRuntime: number | null;
    readonly realtimePeriod: number | null;
    readonly cpus: string;
    readonly mems: string;
  };
  readonly pids: { readonly limit: number | null };
  readonly blockIO: {
    readonly weight: number | null;
    readonly weightDevice: readonly { readonly major: number; readonly minor: number; readonly weight: number }[];
    readonly throttleReadBps: readonly DeviceRate[];
    readonly throttleWriteBps: readonly DeviceRate[];
    readonly throttleReadIops: readonly DeviceRate[];
    readonly throttleWriteIops: readonly DeviceRate[];
  };
  readonly hugepages: readonly { readonly pageSize: string; readonly limit: number }[];
  readonly unified: Readonly<Record<string, string>>;
}
export interface DeviceRate {
  readonly major: number;
  readonly minor: number;
  readonly rate: number;
}

/** linux.seccomp of the OCI runtime spec, templates already expanded. */
export interface SeccompProfile {
  readonly defaultAction: string;
  readonly defaultErrnoRet: number | null;
  readonly architectures: readonly string[];
  readonly flags: readonly string[];
  readonly syscalls: readonly {
    readonly names: readonly string[];
    readonly action: string;
    readonly errnoRet: number | null;
    readonly args: readonly {
      readonly index: number;
      readonly value: number | bigint;
      readonly valueTwo: number | bigint;
      readonly op: string;
    }[];
  }[];
}
export interface Hook {
  readonly path: string;
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly timeoutSeconds: number | null;
}
export type HookPoint = "prestart" | "createRuntime" | "createContainer" | "startContainer" | "poststart" | "poststop";

export interface RunSpec {
  readonly id: string;
  readonly hostname: string;
  readonly domainname: string;
  readonly root: RootSource;
  readonly readonlyRootfs: boolean;
  /** "rslave", "rprivate", "rshared", … */
  readonly rootfsPropagation: string;
  readonly process: ProcessSpec;
  /** Container init in front of the process (`--init`). */
  readonly init: boolean;
  readonly mounts: readonly Mount[];
  readonly namespaces: readonly NamespaceRequest[];
  readonly uidMappings: readonly IdMapping[];
  readonly gidMappings: readonly IdMapping[];
  readonly timeOffsets: Readonly<Record<string, { readonly secs: number; readonly nanosecs: number }>>;
  readonly devices: readonly DeviceNode[];
  readonly resources: Resources;
  /** Absolute within the hierarchy ("/tare/<id>"), whatever the cgroup version. */
  readonly cgroupsPath: string;
  /** null = unconfined; "default" = the built-in profile for this capability set (its program is prebuilt). */
  readonly seccomp: SeccompProfile | "default" | null;
  readonly sysctl: Readonly<Record<string, string>>;
  readonly maskedPaths: readonly string[];
  readonly readonlyPaths: readonly string[];
  readonly hooks: Readonly<Partial<Record<HookPoint, readonly Hook[]>>>;
  readonly annotations: Readonly<Record<string, string>>;
}
