/**
 * THE table: every word TypeScript and C say to each other. `native/protocol.gen.h` is generated from it
 * (`npm run generate`), is checked in, and a test fails when it is stale.
 *
 * A plan is a flat list of records. TypeScript computes it (`engine/isolation/namespace/compile*.ts`), C decodes it
 * with bounds checks and performs each record in order. An unknown opcode, flag or trailing byte is a refusal.
 *
 *   plan   = magic "TARE" · u16 version · u16 reserved(0) · u32 totalBytes · u32 recordCount · u64 tableHash · record*
 *   record = u16 opcode · u16 reserved(0) · u32 payloadBytes · payload, padded with zeros to a multiple of 4
 *   field  = u32 | u64 | i64 (little-endian) · str = u32 length, bytes, NUL · bytes = u32 length, bytes
 *            strs = u32 count, str*  — each field is padded with zeros to a multiple of 4
 *
 * Fields are encoded in the order of the table. A `str` never contains a NUL (the encoder refuses it).
 */
export const PLAN_VERSION = 1;
/** Versioned apart and additive: a new daemon speaks to monitors that older daemons started. */
export const CONTROL_VERSION = 1;

export const LIMITS = {
  planBytes: 1 << 20,
  records: 4096,
  strBytes: 128 << 10,
  strsCount: 16384,
  frameBytes: (1 << 20) + 64,
  reportBytes: 4096,
  mounts: 1024,
} as const;

export type FieldType = "u32" | "u64" | "i64" | "str" | "bytes" | "strs";
export interface OpDefinition {
  readonly code: number;
  /** Which process performs it: see `STAGES`. */
  readonly stage: Stage;
  readonly fields: Readonly<Record<string, FieldType>>;
}

/**
 * monitor: the process that outlives the daemon, before it clones.
 * outer:   a short-lived child in a private mount namespace, still in the host's user namespace; it exists only when the
 *          plan has outer records (user namespace, joined namespaces, time offsets). It ends by cloning the container's
 *          init with CLONE_PARENT, so that init is a child of the monitor either way.
 * setup:   the container's first process, with host power over its new namespaces, before the gate (CREATED).
 * final:   the same process after START: gives up power, then exec.
 */
export const STAGES = ["monitor", "outer", "setup", "final"] as const;
export type Stage = (typeof STAGES)[number];

export const OPS = {
  // ── monitor ─────────────────────────────────────────────────────────────────────────────────────────────────
  /** runtimeDir holds the control socket `ctl`; exitPath receives one JSON line, atomically, before anyone is told. */
  monitor: {
    code: 1,
    stage: "monitor",
    fields: { id: "str", run: "str", runtimeDir: "str", exitPath: "str", title: "str" },
  },
  /** flags: STDIO. Without `stdin` the process reads /dev/null. rows/cols: initial size with tty, 0 = unset. */
  stdio: { code: 2, stage: "monitor", fields: { flags: "u32", rows: "u32", cols: "u32" } },
  /** format: LOG_FORMAT. attrs: JSON object text put verbatim in each json-file record, or "". maxBytes 0 = no limit. */
  log: {
    code: 3,
    stage: "monitor",
    fields: { format: "u32", path: "str", maxBytes: "u64", maxFiles: "u32", attrs: "str" },
  },
  /** v1: directory of the memory controller (memory.oom_control, eventfd); v2: the container's cgroup (memory.events). */
  oom_watch: { code: 4, stage: "monitor", fields: { cgroupVersion: "u32", dir: "str" } },
  /** v2: clone3(CLONE_INTO_CGROUP) into this directory, also for every exec. */
  cgroup_v2: { code: 5, stage: "monitor", fields: { dir: "str" } },
  /** v1: each child writes "0" to these `tasks`/`cgroup.procs` files itself before anything else, also for every exec. */
  cgroup_v1: { code: 6, stage: "monitor", fields: { files: "strs" } },
  /** CLONE_NEW* bits for the container's init. */
  clone: { code: 7, stage: "monitor", fields: { flags: "u64" } },
  /** A new user namespace with these maps (text of uid_map and gid_map); init is cloned inside it (needs `outer`). */
  user_namespace: { code: 8, stage: "monitor", fields: { uidMap: "str", gidMap: "str", denySetgroups: "u32" } },
  /** Exec only: the init process to join (pid and its /proc start time, checked through a pidfd) and CLONE_NEW* to join. */
  join_container: { code: 9, stage: "monitor", fields: { pid: "u32", startTime: "u64", namespaces: "u64" } },
  /** oom_score_adj of the container's process, written through the host's procfs. */
  oom_score: { code: 10, stage: "setup", fields: { value: "i64" } },

  // ── outer ───────────────────────────────────────────────────────────────────────────────────────────────────
  /** namespace: one CLONE_NEW* bit; path: e.g. /proc/PID/ns/net. */
  join_namespace: { code: 20, stage: "outer", fields: { namespace: "u64", path: "str" } },
  /** Text for /proc/self/timens_offsets after unshare(CLONE_NEWTIME). */
  time_offsets: { code: 21, stage: "outer", fields: { text: "str" } },
  /** An overlay whose layers are seen through the plan's user namespace (idmapped mounts); base/lower/upper as root_overlay. */
  root_overlay_idmapped: {
    code: 22,
    stage: "outer",
    fields: { mountPoint: "str", base: "str", lowers: "strs", upper: "str", work: "str", options: "str" },
  },

  // ── setup ───────────────────────────────────────────────────────────────────────────────────────────────────
  /** Propagation (MS_SLAVE|MS_PRIVATE|MS_SHARED, with MS_REC) given to / of the new mount namespace, first of all. */
  propagation: { code: 30, stage: "setup", fields: { flags: "u64" } },
  /** mount -t overlay at mountPoint (an empty host directory); base is the working directory in which data's short relative paths resolve. */
  root_overlay: { code: 31, stage: "setup", fields: { mountPoint: "str", base: "str", data: "str" } },
  /** A directory as root: recursive bind of source at mountPoint. idmapped 1: through the plan's user namespace. */
  root_bind: { code: 32, stage: "setup", fields: { mountPoint: "str", source: "str", idmapped: "u32" } },
  /** The overlay made by root_overlay_idmapped is the root. */
  root_prepared: { code: 33, stage: "setup", fields: { mountPoint: "str" } },
  /**
   * A new filesystem (fsopen … move_mount) at target inside the root. target is resolved with RESOLVE_IN_ROOT, no magic
   * links, made when missing (directories 0755). options: fsconfig words, "k" or "k=v". attributes: MOUNT_ATTR_*.
   * flags: MOUNT_FLAG. For proc, sysfs and cgroup a symlink or non-directory at target is refused, whatever it points to.
   */
  mount: {
    code: 34,
    stage: "setup",
    fields: {
      fstype: "str",
      source: "str",
      target: "str",
      options: "strs",
      attributes: "u64",
      flags: "u32",
      propagation: "u64",
    },
  },
  /**
   * A clone of a host path (open_tree) at target. flags: BIND. attributes: MOUNT_ATTR_* to set; a file source makes a
   * file target when missing. sourceFlags NOFOLLOW refuses a symlink as source. propagation: MS_* or 0.
   */
  bind: {
    code: 35,
    stage: "setup",
    fields: { source: "str", target: "str", attributes: "u64", flags: "u32", propagation: "u64", idmapped: "u32" },
  },
  /** mknod inside the root; parents made; an existing node is replaced only when it is the same device. */
  device: {
    code: 36,
    stage: "setup",
    fields: { path: "str", mode: "u32", major: "u32", minor: "u32", uid: "u32", gid: "u32" },
  },
  symlink: { code: 37, stage: "setup", fields: { target: "str", path: "str" } },
  directory: { code: 38, stage: "setup", fields: { path: "str", mode: "u32", uid: "u32", gid: "u32" } },
  /** Directories get an empty read-only tmpfs, files the plan's own verified null device. Missing paths are skipped. */
  mask: { code: 39, stage: "setup", fields: { path: "str" } },
  /** Recursive read-only bind over itself. Missing paths are skipped. */
  readonly_path: { code: 40, stage: "setup", fields: { path: "str" } },
  /** Opens a pty in the container's devpts, hands the master to the monitor, binds the slave on /dev/console. */
  console: { code: 41, stage: "setup", fields: { uid: "u32", mode: "u32" } },
  /** Written below /proc/sys of a private procfs instance opened by the shim, never of the container's /proc. */
  sysctl: { code: 42, stage: "setup", fields: { name: "str", value: "str" } },
  hostname: { code: 43, stage: "setup", fields: { name: "str" } },
  domainname: { code: 44, stage: "setup", fields: { name: "str" } },
  loopback_up: { code: 45, stage: "setup", fields: {} },
  /** pivot_root, detach the old root. Every path-taking record before it is resolved inside the root by handle. */
  pivot: { code: 46, stage: "setup", fields: {} },
  /** Remounts / read-only (after everything that had to be made in it). propagation: MS_* for / or 0. */
  root_attributes: { code: 47, stage: "setup", fields: { attributes: "u64", propagation: "u64" } },
  /** OCI cgroup namespace: unshare(CLONE_NEWCGROUP) after the process is in its cgroup. */
  unshare_cgroup: { code: 48, stage: "setup", fields: {} },
  /** Report CREATED and park until START. Everything after it is stage final. */
  gate: { code: 50, stage: "setup", fields: {} },

  // ── final ───────────────────────────────────────────────────────────────────────────────────────────────────
  rlimit: { code: 60, stage: "final", fields: { resource: "u32", soft: "u64", hard: "u64" } },
  umask: { code: 61, stage: "final", fields: { mask: "u32" } },
  /** Made (0755) when missing and create = 1. The directory is opened inside the root and its getcwd() must begin with "/". */
  chdir: { code: 62, stage: "final", fields: { path: "str", create: "u32" } },
  no_new_privs: { code: 63, stage: "final", fields: {} },
  /** Label for the next exec, written through the private procfs (attr/apparmor/exec, else attr/exec). */
  apparmor: { code: 64, stage: "final", fields: { label: "str" } },
  /** struct sock_filter[]; flags: SECCOMP_FILTER_FLAG_*. Loaded before `user` unless no_new_privs precedes it. */
  seccomp: { code: 65, stage: "final", fields: { filter: "bytes", flags: "u32" } },
  /** Bounding set first (drop), then ids, then the four others. Each a 64-bit mask by capability number. */
  capabilities: {
    code: 66,
    stage: "final",
    fields: { bounding: "u64", permitted: "u64", effective: "u64", inheritable: "u64", ambient: "u64" },
  },
  /** setgroups, setresgid, setresuid; stdio pipes are chowned to uid. groups: decimal numbers. */
  user: { code: 67, stage: "final", fields: { uid: "u32", gid: "u32", groups: "strs" } },
  /** Container init (--init): this process stays as pid 1, forks the program, forwards signals, reaps, ends with its status. */
  init: { code: 68, stage: "final", fields: {} },
  /** candidates: the paths to try in order (argv[0] itself, or $PATH expanded by TypeScript). */
  exec: { code: 69, stage: "final", fields: { candidates: "strs", argv: "strs", env: "strs" } },
} as const satisfies Record<string, OpDefinition>;

export const STDIO = { stdin: 1, tty: 2, stdinOnce: 4 } as const;
export const LOG_FORMAT = { none: 0, jsonFile: 1 } as const;
export const BIND = { recursive: 1, recursiveAttributes: 2, sourceNoFollow: 4, createTarget: 8 } as const;
export const MOUNT_FLAG = { strictTarget: 1 } as const;

/**
 * One framing for the launch socket (fd 3 of the shim), the control socket and every stream:
 *
 *   frame = u8 type · 0 0 0 · u32 big-endian length · payload
 *
 * Types 1 and 2 are byte for byte Docker's multiplexed stream, so that output passes through the daemon untouched.
 * A connection starts with one of launch (only on fd 3), watch, attach, exec or a single request; see `native/README.md`.
 */
export const FRAMES = {
  // both directions of a stream
  stdin: 0,
  stdout: 1,
  stderr: 2,
  /** client → monitor: no more stdin. */
  stdinEnd: 3,
  // client → monitor
  launch: 16,
  proceed: 17,
  start: 18,
  watch: 19,
  attach: 20,
  exec: 21,
  signal: 22,
  resize: 23,
  // monitor → client
  /** One JSON object, keys of REPORT_KEYS only. */
  report: 32,
} as const;

/** Payloads of the client's frames, encoded like plan fields (launch and exec carry a whole plan instead). */
export const REQUESTS = {
  watch: {},
  /** streams: ATTACH bits. */
  attach: { streams: "u32" },
  /** target "" is the container's init, otherwise the exec's id (the `id` of its `monitor` record). all 1: every process of the cgroup is not meant; one process only. */
  signal: { target: "str", signal: "u32" },
  resize: { target: "str", rows: "u32", cols: "u32" },
} as const satisfies Record<string, Readonly<Record<string, FieldType>>>;
export const ATTACH = { stdin: 1, stdout: 2, stderr: 4 } as const;

/** Values of a report's `at`. The launch sequence is plan_ok → namespaced → created → execed, or failed at any point. */
export const REPORT_AT = [
  "plan_ok", // decoded and valid
  "namespaced", // pid: the container's init, parked
  "created", // set up, parked at the gate
  "execed", // the program runs
  "failed", // op, name (record name), call, errno, path
  "state", // first answer to watch: pid, run, exit code if it has ended
  "exit", // code (0..255 or 128+signal), signal, oom, time; also for an exec (exec = its id)
  "oom", // the kernel killed a process of the cgroup
  "log_error", // errno, path: lines are being dropped until writing works again; dropped: how many
  "attached", // streams are connected; nothing printed after this is lost
  "done", // a single request succeeded
] as const;
export type ReportAt = (typeof REPORT_AT)[number];

/** The closed set of keys of a report. Times are "seconds.nanoseconds" of CLOCK_REALTIME as text, `ns` is CLOCK_MONOTONIC. */
export const REPORT_KEYS = {
  at: "string",
  v: "number", // CONTROL_VERSION, in state
  op: "number", // index of the record in the plan
  name: "string", // the record's name in OPS
  call: "string", // the failing system call
  errno: "number",
  path: "string",
  pid: "number", // in the host's pid namespace
  startTime: "number", // field 22 of /proc/PID/stat
  run: "string",
  exec: "string",
  code: "number",
  signal: "number",
  oom: "boolean",
  time: "string",
  started: "string",
  dropped: "number",
  ns: "number",
} as const;

// ── types derived from the table ────────────────────────────────────────────────────────────────────────────────
type FieldValue<T extends FieldType> = T extends "u32"
  ? number
  : T extends "u64" | "i64"
    ? number | bigint
    : T extends "str"
      ? string
      : T extends "bytes"
        ? Uint8Array
        : readonly string[];
export type OpName = keyof typeof OPS;
export type OpRecord = {
  [K in OpName]: { readonly op: K } & {
    readonly [F in keyof (typeof OPS)[K]["fields"]]: FieldValue<(typeof OPS)[K]["fields"][F] & FieldType>;
  };
}[OpName];
export type LaunchPlan = readonly OpRecord[];
export type Report = { readonly at: ReportAt } & {
  readonly [K in Exclude<keyof typeof REPORT_KEYS, "at">]?: (typeof REPORT_KEYS)[K] extends "number"
    ? number
    : (typeof REPORT_KEYS)[K] extends "boolean"
      ? boolean
      : string;
};
