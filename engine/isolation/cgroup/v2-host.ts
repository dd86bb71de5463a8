/** The v2 tree above a container: controllers must be enabled in every ancestor, and an ancestor with processes refuses that. */
import { posix } from "node:path";
import { errnoCode } from "../../base/errors.ts";
import { makeDirectory, readControl, writeControl } from "./files.ts";

const WANTED: readonly string[] = ["cpu", "cpuset", "io", "memory", "pids", "hugetlb"];
const SUPERVISOR = "tare-daemon";

const words = (text: string | null): readonly string[] => (text ?? "").split(/\s+/).filter((word) => word !== "");
export const availableControllers = (directory: string): readonly string[] =>
  words(readControl(`${directory}/cgroup.controllers`));

/**
 * "No internal processes": a cgroup that has processes cannot give controllers to its children. The real root is exempt;
 * a delegated root (a container that runs a daemon) is not, so its processes step aside into a leaf, as they must.
 */
function stepAside(root: string): void {
  const leaf = `${root}/${SUPERVISOR}`;
  makeDirectory(leaf);
  for (const pid of words(readControl(`${root}/cgroup.procs`))) {
    try {
      writeControl(`${leaf}/cgroup.procs`, pid);
    } catch (error) {
      if (errnoCode(error) !== "ESRCH" && errnoCode(error) !== "EINVAL") throw error;
    }
  }
}

function enableIn(directory: string, mayStepAside: boolean): void {
  const enabled = new Set(words(readControl(`${directory}/cgroup.subtree_control`)));
  for (const controller of availableControllers(directory)) {
    if (!WANTED.includes(controller) || enabled.has(controller)) continue;
    try {
      writeControl(`${directory}/cgroup.subtree_control`, `+${controller}`);
    } catch (error) {
      if (errnoCode(error) !== "EBUSY" || !mayStepAside) continue; // its limits are then reported as missing
      stepAside(directory);
      enableIn(directory, false);
      return;
    }
  }
}

/** Makes `parent` below the mount and enables what is there on the way down. */
export function prepareChain(mountPoint: string, parent: string): string {
  let directory = mountPoint;
  enableIn(directory, true);
  for (const name of parent.split("/").filter((part) => part !== "")) {
    directory = posix.join(directory, name);
    makeDirectory(directory);
    enableIn(directory, false);
  }
  return directory;
}

const PROBES: Readonly<Record<string, readonly string[]>> = {
  memory: ["memory", "swap", "reservation"],
  pids: ["pids"],
  cpu: ["cpu", "cpuShares", "cpuQuota"],
  cpuset: ["cpuset"],
  io: ["blkio", "blkioThrottle", "blkioWeight", "blkioWeightDevice"],
  hugetlb: ["hugetlb"],
};
/** Controllers enabled for children of `parent`, as keys of Capabilities.limits. */
export function limitsV2(parent: string): ReadonlySet<string> {
  const enabled = words(readControl(`${parent}/cgroup.subtree_control`));
  return new Set(["freezer", "devices", ...enabled.flatMap((controller) => PROBES[controller] ?? [])]);
}
