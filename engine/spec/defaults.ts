/** Docker's defaults (docker-api.md §12), as data. */
import type { DeviceRule, Mount } from "./run-spec.ts";

export const DEFAULT_RUNTIME = "tare";
export const DEFAULT_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
export const DEFAULT_SHM_BYTES = 64 << 20;
export const MINIMUM_MEMORY_BYTES = 6 << 20;

export const DEFAULT_CAPABILITIES: readonly string[] = [
  "CAP_CHOWN",
  "CAP_DAC_OVERRIDE",
  "CAP_FSETID",
  "CAP_FOWNER",
  "CAP_MKNOD",
  "CAP_NET_RAW",
  "CAP_SETGID",
  "CAP_SETUID",
  "CAP_SETFCAP",
  "CAP_SETPCAP",
  "CAP_NET_BIND_SERVICE",
  "CAP_SYS_CHROOT",
  "CAP_KILL",
  "CAP_AUDIT_WRITE",
];

export const MASKED_PATHS: readonly string[] = [
  "/proc/asound",
  "/proc/acpi",
  "/proc/interrupts",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/proc/sched_debug",
  "/proc/scsi",
  "/sys/firmware",
  "/sys/devices/virtual/powercap",
];
export const thermalThrottlePath = (cpu: number): string => `/sys/devices/system/cpu/cpu${cpu}/thermal_throttle`;

export const READONLY_PATHS: readonly string[] = [
  "/proc/bus",
  "/proc/fs",
  "/proc/irq",
  "/proc/sys",
  "/proc/sysrq-trigger",
];

const mount = (destination: string, type: string, source: string, ...options: string[]): Mount => ({
  type,
  source,
  destination,
  options,
});
/** In order; /dev/shm is added by resolve because its size and source depend on the request. */
export const DEFAULT_MOUNTS: readonly Mount[] = [
  mount("/proc", "proc", "proc", "nosuid", "noexec", "nodev"),
  mount("/dev", "tmpfs", "tmpfs", "nosuid", "strictatime", "mode=755", "size=65536k"),
  mount("/dev/pts", "devpts", "devpts", "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"),
  mount("/sys", "sysfs", "sysfs", "nosuid", "noexec", "nodev", "ro"),
  mount("/sys/fs/cgroup", "cgroup", "cgroup", "ro", "nosuid", "noexec", "nodev"),
  mount("/dev/mqueue", "mqueue", "mqueue", "nosuid", "noexec", "nodev"),
];
/** Default mounts that stay writable with ReadonlyRootfs. */
export const WRITABLE_DEFAULT_MOUNTS: ReadonlySet<string> = new Set([
  "/proc",
  "/dev",
  "/dev/pts",
  "/dev/shm",
  "/dev/mqueue",
]);

const rule = (
  type: "c" | "b" | "a",
  major: number | null,
  minor: number | null,
  access: string,
  allow = true,
): DeviceRule => ({
  allow,
  type,
  major,
  minor,
  access,
});
/** Deny all, then what every container may use. mknod of anything is allowed: a node without access rights is harmless. */
export const DEFAULT_DEVICE_RULES: readonly DeviceRule[] = [
  rule("a", null, null, "rwm", false),
  rule("c", null, null, "m"),
  rule("b", null, null, "m"),
  rule("c", 1, 3, "rwm"), // null
  rule("c", 1, 5, "rwm"), // zero
  rule("c", 1, 7, "rwm"), // full
  rule("c", 1, 8, "rwm"), // random
  rule("c", 1, 9, "rwm"), // urandom
  rule("c", 5, 0, "rwm"), // tty
  rule("c", 5, 1, "rwm"), // console
  rule("c", 5, 2, "rwm"), // ptmx
  rule("c", 136, null, "rwm"), // pts
  rule("c", 10, 229, "rwm", false), // fuse
];
export const ALLOW_ALL_DEVICES: readonly DeviceRule[] = [rule("a", null, null, "rwm")];

/** [name, major, minor]: made in every container, mode 0666. */
export const DEFAULT_DEVICE_NODES: readonly (readonly [path: string, major: number, minor: number])[] = [
  ["/dev/null", 1, 3],
  ["/dev/zero", 1, 5],
  ["/dev/full", 1, 7],
  ["/dev/random", 1, 8],
  ["/dev/urandom", 1, 9],
  ["/dev/tty", 5, 0],
];
/** [path, target] */
export const DEFAULT_SYMLINKS: readonly (readonly [path: string, target: string])[] = [
  ["/dev/ptmx", "pts/ptmx"],
  ["/dev/fd", "/proc/self/fd"],
  ["/dev/stdin", "/proc/self/fd/0"],
  ["/dev/stdout", "/proc/self/fd/1"],
  ["/dev/stderr", "/proc/self/fd/2"],
  ["/dev/core", "/proc/kcore"],
];

/** Only in a network namespace of its own. */
export const DEFAULT_NETWORK_SYSCTLS: Readonly<Record<string, string>> = { "net.ipv4.ip_unprivileged_port_start": "0" };
/** Group ids above the range of a user namespace do not exist there, so only without one. */
export const PING_SYSCTL: Readonly<Record<string, string>> = { "net.ipv4.ping_group_range": "0 2147483647" };

/** Keys that live in a namespace, by the namespace: anything else would reach the host. */
export const IPC_SYSCTLS: readonly string[] = [
  "kernel.msgmax",
  "kernel.msgmnb",
  "kernel.msgmni",
  "kernel.sem",
  "kernel.shmall",
  "kernel.shmmax",
  "kernel.shmmni",
  "kernel.shm_rmid_forced",
];
