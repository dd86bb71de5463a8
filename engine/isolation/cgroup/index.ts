/** Opens the host's cgroups, whichever version the controllers are on. */
import { readFileSync } from "node:fs";
import { unsupported } from "../../base/errors.ts";
import type { Cgroups } from "./cgroup.ts";
import { parseHierarchies } from "./hierarchies.ts";
import { CgroupsV1 } from "./v1.ts";
import { CgroupsV2 } from "./v2.ts";

export type { Cgroup, CgroupMount, Cgroups, Placement } from "./cgroup.ts";

/** parent: this daemon's own, absolute ("/tare"). */
export function openCgroups(parent: string, mountinfo: string = readFileSync("/proc/self/mountinfo", "utf8")): Cgroups {
  const hierarchies = parseHierarchies(mountinfo);
  if (hierarchies.version === 1) return new CgroupsV1(hierarchies, parent);
  if (hierarchies.v2 === "") throw unsupported("host.no_cgroups", "no cgroup filesystem is mounted on this host");
  return new CgroupsV2(hierarchies.v2, parent);
}
