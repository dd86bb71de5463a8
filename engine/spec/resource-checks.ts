/**
 * Limits: contradictions are errors with Docker's texts; what this host cannot enforce is a warning, and the stored value
 * becomes zero, so that inspect tells what is in force. Pure.
 */
import type { Capabilities } from "../isolation/backend.ts";
import type { HostConfig } from "./config.ts";
import { isWithin, parseCpuset } from "./cpuset.ts";
import { MINIMUM_MEMORY_BYTES } from "./defaults.ts";
import type { HostView } from "./host-view.ts";
import { type Problem, problem } from "./problem.ts";

interface Checked {
  readonly host: HostConfig;
  readonly problems: readonly Problem[];
  readonly warnings: readonly string[];
}

/** Drops what `limits` lacks. The order is Docker's, so that several warnings come as its clients expect. */
interface Support {
  readonly limit: string;
  readonly isAsked: (host: HostConfig) => boolean;
  readonly without: Partial<HostConfig>;
  readonly warning: string;
}
const gone = (what: string, rest: string): string =>
  `Your kernel does not support ${what} or the cgroup is not mounted. ${rest}`;
const throttle = (kind: "BPS" | "IOPS", direction: "read" | "write"): string =>
  `Your kernel does not support ${kind} Block I/O ${direction} limit or the cgroup is not mounted. Block I/O ${kind} ${direction} limit discarded.`;
const SUPPORT: readonly Support[] = [
  {
    limit: "memory",
    isAsked: (h) => h.memory > 0,
    without: { memory: 0, memorySwap: -1 },
    warning: gone("memory limit capabilities", "Limitation discarded."),
  },
  {
    limit: "swap",
    isAsked: (h) => h.memory > 0 && h.memorySwap > 0,
    without: { memorySwap: -1 },
    warning: gone("swap limit capabilities", "Memory limited without swap."),
  },
  {
    limit: "swappiness",
    isAsked: (h) => h.memorySwappiness !== null,
    without: { memorySwappiness: null },
    warning: gone("memory swappiness capabilities", "Memory swappiness discarded."),
  },
  {
    limit: "reservation",
    isAsked: (h) => h.memoryReservation > 0,
    without: { memoryReservation: 0 },
    warning: gone("memory soft limit capabilities", "Limitation discarded."),
  },
  {
    limit: "oomKillDisable",
    isAsked: (h) => h.oomKillDisable === true,
    without: { oomKillDisable: false },
    warning: "Your kernel does not support OomKillDisable. OomKillDisable discarded.",
  },
  {
    limit: "pids",
    isAsked: (h) => h.pidsLimit !== null,
    without: { pidsLimit: null },
    warning: gone("PIDs limit capabilities", "PIDs limit discarded."),
  },
  {
    limit: "cpuShares",
    isAsked: (h) => h.cpuShares > 0,
    without: { cpuShares: 0 },
    warning: gone("CPU shares", "Shares discarded."),
  },
  {
    limit: "cpuQuota",
    isAsked: (h) => h.cpuPeriod !== 0 || h.cpuQuota !== 0,
    without: { cpuPeriod: 0, cpuQuota: 0 },
    warning: "Your kernel does not support CPU CFS scheduler. CPU period/quota discarded.",
  },
  {
    limit: "cpuQuota",
    isAsked: (h) => h.nanoCpus !== 0,
    without: { nanoCpus: 0 },
    warning: gone("CPU CFS scheduler", "NanoCPUs discarded."),
  },
  {
    limit: "cpuRealtime",
    isAsked: (h) => h.cpuRealtimePeriod !== 0 || h.cpuRealtimeRuntime !== 0,
    without: { cpuRealtimePeriod: 0, cpuRealtimeRuntime: 0 },
    warning: gone("CPU real-time scheduler", "CPU real-time limits discarded."),
  },
  {
    limit: "cpuset",
    isAsked: (h) => h.cpusetCpus !== "" || h.cpusetMems !== "",
    without: { cpusetCpus: "", cpusetMems: "" },
    warning: gone("cpuset", "CPUset discarded."),
  },
  {
    limit: "blkioWeight",
    isAsked: (h) => h.blkioWeight > 0,
    without: { blkioWeight: 0 },
    warning: gone("Block I/O weight", "Weight discarded."),
  },
  {
    limit: "blkioWeightDevice",
    isAsked: (h) => h.blkioWeightDevice.length > 0,
    without: { blkioWeightDevice: [] },
    warning: gone("Block I/O weight_device", "Weight-device discarded."),
  },
  {
    limit: "blkioThrottle",
    isAsked: (h) => h.blkioDeviceReadBps.length > 0,
    without: { blkioDeviceReadBps: [] },
    warning: throttle("BPS", "read"),
  },
  {
    limit: "blkioThrottle",
    isAsked: (h) => h.blkioDeviceWriteBps.length > 0,
    without: { blkioDeviceWriteBps: [] },
    warning: throttle("BPS", "write"),
  },
  {
    limit: "blkioThrottle",
    isAsked: (h) => h.blkioDeviceReadIops.length > 0,
    without: { blkioDeviceReadIops: [] },
    warning: throttle("IOPS", "read"),
  },
  {
    limit: "blkioThrottle",
    isAsked: (h) => h.blkioDeviceWriteIops.length > 0,
    without: { blkioDeviceWriteIops: [] },
    warning: throttle("IOPS", "write"),
  },
  {
    limit: "hugetlb",
    isAsked: (h) => h.hugepageLimits.length > 0,
    without: { hugepageLimits: [] },
    warning: gone("huge page limits", "Huge page limits discarded."),
  },
];

type Rule = (host: HostConfig, view: HostView) => readonly (readonly [argument: string, message: string] | false)[];

const memoryRules: Rule = (h) => [
  h.memory !== 0 && h.memory < MINIMUM_MEMORY_BYTES && ["Memory", "Minimum memory limit allowed is 6MB"],
  h.memory > 0 &&
    h.memorySwap > 0 &&
    h.memorySwap < h.memory && ["MemorySwap", "Minimum memoryswap limit should be larger than memory limit, see usage"],
  h.memory === 0 &&
    h.memorySwap > 0 && ["MemorySwap", "You should always set the Memory limit when using Memoryswap limit, see usage"],
  h.memorySwap < -1 && ["MemorySwap", `invalid memory swap limit: ${h.memorySwap}`],
  h.memorySwappiness !== null &&
    (h.memorySwappiness < 0 || h.memorySwappiness > 100) && [
      "MemorySwappiness",
      `Invalid value: ${h.memorySwappiness}, valid memory swappiness range is 0-100`,
    ],
  h.memoryReservation !== 0 &&
    h.memoryReservation < MINIMUM_MEMORY_BYTES && ["MemoryReservation", "Minimum memory reservation allowed is 6MB"],
  h.memory > 0 &&
    h.memoryReservation > h.memory && [
      "MemoryReservation",
      "Minimum memory limit can not be less than memory reservation limit, see usage",
    ],
];

const cpuRules: Rule = (h, view) => [
  h.nanoCpus > 0 && h.cpuPeriod > 0 && ["NanoCpus", "Conflicting options: Nano CPUs and CPU Period cannot both be set"],
  h.nanoCpus > 0 && h.cpuQuota > 0 && ["NanoCpus", "Conflicting options: Nano CPUs and CPU Quota cannot both be set"],
  (h.nanoCpus < 0 || h.nanoCpus > view.cpus * 1e9) && [
    "NanoCpus",
    `range of CPUs is from 0.01 to ${view.cpus}.00, as there are only ${view.cpus} CPUs available`,
  ],
  h.cpuShares < 0 && ["CpuShares", `invalid CPU shares (${h.cpuShares}): value must be a positive integer`],
  h.cpuPeriod !== 0 &&
    (h.cpuPeriod < 1000 || h.cpuPeriod > 1_000_000) && [
      "CpuPeriod",
      "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)",
    ],
  h.cpuQuota > 0 && h.cpuQuota < 1000 && ["CpuQuota", "CPU cfs quota can not be less than 1ms (i.e. 1000)"],
  h.cpuRealtimePeriod > 0 &&
    h.cpuRealtimeRuntime > h.cpuRealtimePeriod && [
      "CpuRealtimeRuntime",
      "cpu real-time runtime cannot be higher than cpu real-time period",
    ],
];

const cpusetRules: Rule = (h, view) => {
  const cpus = parseCpuset(h.cpusetCpus);
  const mems = parseCpuset(h.cpusetMems);
  return [
    cpus === null && ["CpusetCpus", `Invalid value ${h.cpusetCpus} for cpuset cpus`],
    cpus !== null &&
      !isWithin(cpus, view.onlineCpus) && [
        "CpusetCpus",
        `Requested CPUs are not available - requested ${h.cpusetCpus}, available: ${view.onlineCpus}`,
      ],
    mems === null && ["CpusetMems", `Invalid value ${h.cpusetMems} for cpuset mems`],
    mems !== null &&
      !isWithin(mems, view.onlineMems) && [
        "CpusetMems",
        `Requested memory nodes are not available - requested ${h.cpusetMems}, available: ${view.onlineMems}`,
      ],
  ];
};

const isWeight = (weight: number): boolean => weight >= 10 && weight <= 1000;
const blockRules: Rule = (h) => [
  h.blkioWeight !== 0 && !isWeight(h.blkioWeight) && ["BlkioWeight", "Range of blkio weight is from 10 to 1000"],
  ...h.blkioWeightDevice.map(
    ({ path, weight }) =>
      !isWeight(weight) &&
      (["BlkioWeightDevice", `Range of blkio weight is from 10 to 1000: ${path}:${weight}`] as const),
  ),
  ...[...h.blkioDeviceReadBps, ...h.blkioDeviceWriteBps, ...h.blkioDeviceReadIops, ...h.blkioDeviceWriteIops].map(
    ({ path, rate }) => rate < 0 && (["BlkioDevice", `invalid rate for device ${path}: ${rate}`] as const),
  ),
];

const hugepageRules: Rule = (h) =>
  h.hugepageLimits.map(
    ({ pageSize, limit }) =>
      (!/^[1-9]\d*(KB|MB|GB)$/.test(pageSize) || limit < 0) &&
      (["HugepageLimits", `invalid huge page limit: ${pageSize}=${limit}`] as const),
  );

/** A limit this host cannot enforce is reported and dropped; contradictions are problems. */
export function checkResources(asked: HostConfig, view: HostView, capabilities: Capabilities): Checked {
  const problems = [memoryRules, cpuRules, cpusetRules, blockRules, hugepageRules]
    .flatMap((rules) => rules(asked, view))
    .filter((found) => found !== false)
    .map(([argument, message]) => problem("invalid_resource", argument, message));
  const warnings: string[] = [];
  let host = asked;
  for (const { limit, isAsked, without, warning } of SUPPORT) {
    if (capabilities.limits.has(limit) || !isAsked(host)) continue;
    warnings.push(warning);
    host = { ...host, ...without };
  }
  if (host.oomKillDisable === true && host.memory === 0) {
    warnings.push(
      "OOM killer is disabled for the container, but no memory limit is set, this can result in the system running out of resources.",
    );
  }
  return { host, problems, warnings };
}
