/** A host as literals: what the pure parts of engine/spec are told. */
import type { Capabilities } from "../../engine/isolation/backend.ts";
import { CAPABILITIES } from "../../engine/spec/capabilities.ts";
import type { HostView } from "../../engine/spec/host-view.ts";

export const hostView: HostView = {
  kernel: { major: 6, minor: 1 },
  architecture: "x64",
  cpus: 4,
  onlineCpus: "0-3",
  onlineMems: "0",
  memoryBytes: 8 << 30,
  capabilities: CAPABILITIES,
  thermalThrottleCpus: [],
  hostname: "thehost",
  hardLimits: { nofile: 4096n },
  oomScoreAdj: 0,
  apparmorProfile: "",
};

export const hostCapabilities: Capabilities = {
  name: "namespace",
  cgroupVersion: 2,
  limits: new Set([
    "memory", "swap", "reservation", "swappiness", "oomKillDisable", "pids", "cpu", "cpuShares", "cpuQuota", "cpuRealtime", "cpuset",
    "blkio", "blkioWeight", "blkioWeightDevice", "blkioThrottle", "hugetlb", "devices", "freezer",
  ]), // biome-ignore format: a list
  apparmor: false,
  seccomp: true,
  userNamespaces: true,
  timeNamespaces: true,
  cgroupNamespaces: true,
  hostNetwork: true,
};
