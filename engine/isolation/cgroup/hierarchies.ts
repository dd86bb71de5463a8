/**
 * Which cgroup hierarchies this host has, from the text of /proc/self/mountinfo: never by the names of directories, which
 * are free. Hybrid hosts have an (almost) empty v2 mount beside the v1 controllers: the limits are where the controllers are.
 * Pure.
 */
export interface Hierarchy {
  readonly version: 1 | 2;
  readonly mountPoint: string;
  /** v1: the controllers of this mount; v2: none here, its `cgroup.controllers` file says. */
  readonly controllers: readonly string[];
}
export interface Hierarchies {
  readonly version: 1 | 2;
  /** v1: controller → mount point. */
  readonly v1: ReadonlyMap<string, string>;
  /** v2: the mount point, "" when there is none. On a v1 host it is there at most for its own sake. */
  readonly v2: string;
}

const CONTROLLERS: ReadonlySet<string> = new Set([
  "cpu",
  "cpuacct",
  "cpuset",
  "memory",
  "devices",
  "freezer",
  "blkio",
  "pids",
  "hugetlb",
  "net_cls",
  "net_prio",
  "perf_event",
  "rdma",
  "misc",
]);

/** Spaces and the like are octal escapes in mountinfo. */
const unescape = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));

/** One line: id parent major:minor root mountPoint options… - fstype source superOptions */
function parseLine(line: string): Hierarchy | null {
  const [left, right] = line.split(" - ", 2);
  if (left === undefined || right === undefined) return null;
  const [fstype, , superOptions = ""] = right.split(" ");
  if (fstype !== "cgroup" && fstype !== "cgroup2") return null;
  const mountPoint = unescape(left.split(" ")[4] ?? "");
  if (fstype === "cgroup2") return { version: 2, mountPoint, controllers: [] };
  const controllers = superOptions.split(",").filter((word) => CONTROLLERS.has(word));
  return controllers.length === 0 ? null : { version: 1, mountPoint, controllers };
}

/** The first mount of a hierarchy wins: later ones are binds of it or of a part of it. */
export function parseHierarchies(mountinfo: string): Hierarchies {
  const found = mountinfo
    .split("\n")
    .map(parseLine)
    .filter((hierarchy) => hierarchy !== null);
  const v1 = new Map<string, string>();
  for (const { version, controllers, mountPoint } of found) {
    if (version === 2) continue;
    for (const controller of controllers) if (!v1.has(controller)) v1.set(controller, mountPoint);
  }
  const v2 = found.find(({ version }) => version === 2)?.mountPoint ?? "";
  return { version: v1.size > 0 ? 1 : 2, v1, v2 };
}
