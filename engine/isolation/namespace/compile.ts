/**
 * RunSpec + where things are on the host → the launch plan. Pure and fast (well under a millisecond): everything is
 * decided here, C only does. `render` prints a plan; the golden tests are such prints.
 */
import { LOG_FORMAT, type LaunchPlan, type OpRecord, STDIO } from "../../../native/protocol.ts";
import { idMapText } from "./compile-ids.ts";
import type { NamespaceType, ProcessSpec, RunSpec } from "../../spec/run-spec.ts";
import type { LogTarget } from "../backend.ts";
import type { Placement } from "../cgroup/cgroup.ts";
import {
  compileIdmappedRoot,
  compileMounts,
  compileRoot,
  hasUserNamespace,
  rootPropagation,
} from "./compile-mounts.ts";
import { compileProcess, type SeccompFilter } from "./compile-process.ts";
import { CLONE, MOUNT_ATTR } from "./kernel.ts";

export interface CompileInput {
  readonly spec: RunSpec;
  readonly runId: string;
  readonly runtimeDir: string;
  readonly exitPath: string;
  readonly log: LogTarget;
  /** An empty directory of the host; each container mounts its root there in a mount namespace of its own. */
  readonly mountPoint: string;
  readonly placement: Placement;
  readonly seccomp: SeccompFilter | null;
  /** The daemon's own: writing the same again is left out. */
  readonly daemonOomScoreAdj: number;
}

function stdio(process: ProcessSpec): OpRecord {
  const flags =
    (process.stdin || process.terminal ? STDIO.stdin : 0) |
    (process.terminal ? STDIO.tty : 0) |
    (process.stdinOnce ? STDIO.stdinOnce : 0);
  return { op: "stdio", flags, rows: process.consoleSize?.height ?? 0, cols: process.consoleSize?.width ?? 0 };
}

function placementRecords(placement: Placement): readonly OpRecord[] {
  return placement.version === 2
    ? [{ op: "cgroup_v2", dir: placement.directory }]
    : [{ op: "cgroup_v1", files: placement.tasks }];
}
const oomWatch = (placement: Placement): readonly OpRecord[] => {
  const dir = placement.version === 2 ? placement.directory : placement.oomDirectory;
  return dir === "" ? [] : [{ op: "oom_watch", cgroupVersion: placement.version, dir }];
};
const oomScore = (process: ProcessSpec, daemon: number): readonly OpRecord[] =>
  process.oomScoreAdj === null || process.oomScoreAdj === daemon
    ? []
    : [{ op: "oom_score", value: process.oomScoreAdj }];

/** user, time and cgroup have records of their own: the kernel wants them at other moments than clone. */
const AT_CLONE: readonly NamespaceType[] = ["mount", "pid", "network", "uts", "ipc"];
function cloneFlags(spec: RunSpec): number {
  return spec.namespaces
    .filter(({ type, path }) => path === null && AT_CLONE.includes(type))
    .reduce((flags, { type }) => flags | CLONE[type], 0);
}
const isNew = (spec: RunSpec, type: NamespaceType): boolean =>
  spec.namespaces.some((entry) => entry.type === type && entry.path === null);

/** CLONE_NEW* of everything a process must join to be in this container. */
export const namespaceMask = (spec: RunSpec): number =>
  spec.namespaces.reduce((flags, { type }) => flags | CLONE[type], 0);

function monitorRecords(input: CompileInput): readonly OpRecord[] {
  const { spec, log, placement } = input;
  return [
    {
      op: "monitor",
      id: spec.id,
      run: input.runId,
      runtimeDir: input.runtimeDir,
      exitPath: input.exitPath,
      title: `ctr-shim ${spec.id.slice(0, 12)}`,
    },
    stdio(spec.process),
    {
      op: "log",
      format: log.format === "json-file" ? LOG_FORMAT.jsonFile : LOG_FORMAT.none,
      path: log.path,
      maxBytes: log.maxBytes,
      maxFiles: log.maxFiles,
      attrs: log.attrs,
    },
    ...oomWatch(placement),
    ...placementRecords(placement),
    { op: "clone", flags: cloneFlags(spec) },
    ...(hasUserNamespace(spec) && isNew(spec, "user")
      ? [
          {
            op: "user_namespace",
            uidMap: idMapText(spec.uidMappings),
            gidMap: idMapText(spec.gidMappings),
            denySetgroups: 0,
          } as const,
        ]
      : []),
  ];
}

function outerRecords(input: CompileInput): readonly OpRecord[] {
  const { spec } = input;
  const offsets = Object.entries(spec.timeOffsets).map(
    ([clock, { secs, nanosecs }]) => `${clock} ${secs} ${nanosecs}\n`,
  );
  return [
    ...spec.namespaces.flatMap(({ type, path }): readonly OpRecord[] =>
      path === null ? [] : [{ op: "join_namespace", namespace: CLONE[type], path }],
    ),
    ...(isNew(spec, "time") ? [{ op: "time_offsets", text: offsets.join("") } as const] : []),
    ...compileIdmappedRoot(spec, input.mountPoint),
  ];
}

function setupRecords(input: CompileInput): readonly OpRecord[] {
  const { spec } = input;
  return [
    ...oomScore(spec.process, input.daemonOomScoreAdj),
    { op: "propagation", flags: rootPropagation(spec) },
    // before the cgroup filesystem is mounted: it shows the namespace's root
    ...(isNew(spec, "cgroup") ? [{ op: "unshare_cgroup" } as const] : []),
    ...compileRoot(spec, input.mountPoint),
    ...compileMounts(spec, input.placement),
    ...Object.entries(spec.sysctl).map(([name, value]): OpRecord => ({ op: "sysctl", name, value })),
    ...(isNew(spec, "uts") && spec.hostname !== "" ? [{ op: "hostname", name: spec.hostname } as const] : []),
    ...(isNew(spec, "uts") && spec.domainname !== "" ? [{ op: "domainname", name: spec.domainname } as const] : []),
    ...(isNew(spec, "network") ? [{ op: "loopback_up" } as const] : []),
    // a read-only root could not get its working directory later
    ...(spec.readonlyRootfs ? [{ op: "directory", path: spec.process.cwd, mode: 0o755, uid: 0, gid: 0 } as const] : []),
    { op: "pivot" },
    ...(spec.readonlyRootfs ? [{ op: "root_attributes", attributes: MOUNT_ATTR.rdonly, propagation: 0 } as const] : []),
    { op: "gate" },
  ];
}

export function compile(input: CompileInput): LaunchPlan {
  return [
    ...monitorRecords(input),
    ...outerRecords(input),
    ...setupRecords(input),
    ...compileProcess(input.spec.process, input.seccomp, { init: input.spec.init, makeCwd: true }),
  ];
}

export interface CompileExecInput {
  readonly execId: string;
  readonly runId: string;
  readonly process: ProcessSpec;
  readonly stdin: boolean;
  /** The container's first process and field 22 of its /proc/PID/stat. */
  readonly pid: number;
  readonly startTime: number;
  /** CLONE_NEW* of the namespaces that are not the host's. */
  readonly namespaces: number;
  readonly placement: Placement;
  readonly seccomp: SeccompFilter | null;
  readonly daemonOomScoreAdj: number;
}

/** The plan of an exec, which the container's monitor carries out. */
export function compileExec(input: CompileExecInput): LaunchPlan {
  const { process } = input;
  return [
    {
      op: "monitor",
      id: input.execId,
      run: input.runId,
      runtimeDir: "",
      exitPath: "",
      title: `ctr-exec ${input.execId.slice(0, 12)}`,
    },
    stdio({ ...process, stdin: input.stdin, stdinOnce: input.stdin }),
    ...placementRecords(input.placement),
    { op: "join_container", pid: input.pid, startTime: input.startTime, namespaces: input.namespaces },
    ...oomScore(process, input.daemonOomScoreAdj),
    ...(process.terminal ? [{ op: "console", uid: process.user.uid, mode: 0o620 } as const] : []),
    ...compileProcess(process, input.seccomp, { init: false, makeCwd: false }),
  ];
}
