/** What a v1 host can limit, found by looking into a cgroup of our own: root cgroups lack most files. */
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { readControl, writeControl } from "./files.ts";
import type { Hierarchies } from "./hierarchies.ts";

/** A new v1 cpuset is empty and takes no process until it has CPUs and memory nodes. */
export function inheritCpuset(directory: string): void {
  for (const file of ["cpuset.cpus", "cpuset.mems"]) {
    if (readControl(`${directory}/${file}`) !== "") continue;
    const above = readControl(`${dirname(directory)}/${file}`);
    if (above !== null && above !== "") writeControl(`${directory}/${file}`, above);
  }
}

const PROBES: readonly (readonly [limit: string, controller: string, files: readonly string[]])[] = [
  ["memory", "memory", ["memory.limit_in_bytes"]],
  ["swap", "memory", ["memory.memsw.limit_in_bytes"]],
  ["reservation", "memory", ["memory.soft_limit_in_bytes"]],
  ["swappiness", "memory", ["memory.swappiness"]],
  ["oomKillDisable", "memory", ["memory.oom_control"]],
  ["pids", "pids", ["pids.max"]],
  ["cpu", "cpu", ["cpu.shares"]],
  ["cpuShares", "cpu", ["cpu.shares"]],
  ["cpuQuota", "cpu", ["cpu.cfs_quota_us"]],
  ["cpuRealtime", "cpu", ["cpu.rt_runtime_us"]],
  ["cpuset", "cpuset", ["cpuset.cpus"]],
  ["blkio", "blkio", ["blkio.throttle.read_bps_device"]],
  ["blkioThrottle", "blkio", ["blkio.throttle.read_bps_device"]],
  ["blkioWeight", "blkio", ["blkio.weight", "blkio.bfq.weight"]],
  ["blkioWeightDevice", "blkio", ["blkio.weight_device", "blkio.bfq.weight_device"]],
  ["devices", "devices", ["devices.deny"]],
  ["freezer", "freezer", ["freezer.state"]],
  ["hugetlb", "hugetlb", ["tasks"]],
];

export function limitsV1(hierarchies: Hierarchies, path: string): ReadonlySet<string> {
  const found = PROBES.filter(([, controller, files]) => {
    const mountPoint = hierarchies.v1.get(controller);
    return mountPoint !== undefined && files.some((file) => existsSync(`${mountPoint}${path}/${file}`));
  });
  return new Set(found.map(([limit]) => limit));
}
