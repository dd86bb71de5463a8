/**
 * Resources → the files to write, in order (oci.md §7). Pure. What a file's absence means is the executor's to say, but
 * every write names the limit it stands for, so that nothing is dropped without a word.
 */
import type { DeviceRate, DeviceRule, Resources } from "../../spec/run-spec.ts";

export interface Write {
  /** v1: which hierarchy; v2: which controller must be enabled. */
  readonly controller: string;
  /** The first that exists is written (kernels name some differently). */
  readonly files: readonly string[];
  readonly value: string;
  /** Key of Capabilities.limits, and the word used in messages. */
  readonly limit: string;
}

const write = (controller: string, limit: string, value: string | number, ...files: readonly string[]): Write => ({
  controller,
  files,
  value: String(value),
  limit,
});
const rate = ({ major, minor, rate: value }: DeviceRate): string => `${major}:${minor} ${value}`;

// ── v1 ──────────────────────────────────────────────────────────────────────────────────────────────────────────
/**
 * memory+swap may never be below memory, not even between two writes: to raise, the sum goes first; to lower, last.
 * currentSum: bytes now in memory.memsw.limit_in_bytes, null for a new cgroup (unlimited).
 */
function memoryV1({ memory }: Resources, currentSum: number | null): readonly Write[] {
  const limit = memory.limit === null ? [] : [write("memory", "memory", memory.limit, "memory.limit_in_bytes")];
  const sum = memory.swap === null ? [] : [write("memory", "swap", memory.swap, "memory.memsw.limit_in_bytes")];
  const raises = currentSum !== null && (memory.swap === -1 || (memory.swap ?? 0) > currentSum);
  return [
    ...(raises ? [...sum, ...limit] : [...limit, ...sum]),
    ...(memory.reservation === null
      ? []
      : [write("memory", "reservation", memory.reservation, "memory.soft_limit_in_bytes")]),
    ...(memory.swappiness === null ? [] : [write("memory", "swappiness", memory.swappiness, "memory.swappiness")]),
    ...(memory.disableOomKiller ? [write("memory", "oomKillDisable", "1", "memory.oom_control")] : []),
  ];
}

function cpuV1({ cpu }: Resources): readonly Write[] {
  return [
    ...(cpu.shares === null ? [] : [write("cpu", "cpuShares", cpu.shares, "cpu.shares")]),
    ...(cpu.period === null ? [] : [write("cpu", "cpuQuota", cpu.period, "cpu.cfs_period_us")]),
    ...(cpu.quota === null ? [] : [write("cpu", "cpuQuota", cpu.quota, "cpu.cfs_quota_us")]),
    ...(cpu.realtimePeriod === null ? [] : [write("cpu", "cpuRealtime", cpu.realtimePeriod, "cpu.rt_period_us")]),
    ...(cpu.realtimeRuntime === null ? [] : [write("cpu", "cpuRealtime", cpu.realtimeRuntime, "cpu.rt_runtime_us")]),
  ];
}

const cpusets = ({ cpu }: Resources): readonly Write[] => [
  ...(cpu.cpus === "" ? [] : [write("cpuset", "cpuset", cpu.cpus, "cpuset.cpus")]),
  ...(cpu.mems === "" ? [] : [write("cpuset", "cpuset", cpu.mems, "cpuset.mems")]),
];

function blockV1({ blockIO }: Resources): readonly Write[] {
  const throttle = (rates: readonly DeviceRate[], file: string): readonly Write[] =>
    rates.map((entry) => write("blkio", "blkioThrottle", rate(entry), `blkio.throttle.${file}`));
  return [
    ...(blockIO.weight === null
      ? []
      : [write("blkio", "blkioWeight", blockIO.weight, "blkio.weight", "blkio.bfq.weight")]),
    ...blockIO.weightDevice.map(({ major, minor, weight }) =>
      write(
        "blkio",
        "blkioWeightDevice",
        `${major}:${minor} ${weight}`,
        "blkio.weight_device",
        "blkio.bfq.weight_device",
      ),
    ),
    ...throttle(blockIO.throttleReadBps, "read_bps_device"),
    ...throttle(blockIO.throttleWriteBps, "write_bps_device"),
    ...throttle(blockIO.throttleReadIops, "read_iops_device"),
    ...throttle(blockIO.throttleWriteIops, "write_iops_device"),
  ];
}

export function writesV1(resources: Resources, currentSum: number | null = null): readonly Write[] {
  const { pids, hugepages } = resources;
  return [
    ...memoryV1(resources, currentSum),
    ...cpuV1(resources),
    ...cpusets(resources),
    ...(pids.limit === null ? [] : [write("pids", "pids", pids.limit <= 0 ? "max" : pids.limit, "pids.max")]),
    ...blockV1(resources),
    ...hugepages.map(({ pageSize, limit }) => write("hugetlb", "hugetlb", limit, `hugetlb.${pageSize}.limit_in_bytes`)),
  ];
}

const ruleText = ({ type, major, minor, access }: DeviceRule): string =>
  type === "a" && major === null && minor === null && access === "rwm"
    ? "a"
    : `${type} ${major ?? "*"}:${minor ?? "*"} ${access}`;
/** Lines for devices.deny and devices.allow, in order. */
export const deviceWritesV1 = (rules: readonly DeviceRule[]): readonly Write[] =>
  rules.map((rule) => write("devices", "devices", ruleText(rule), rule.allow ? "devices.allow" : "devices.deny"));

/** A new cgroup may do what its parent may: a list that only allows everything needs no cgroup. */
export const allowsEverything = (rules: readonly DeviceRule[]): boolean =>
  rules.every((rule) => rule.allow) && rules.some((rule) => ruleText(rule) === "a");

// ── v2 ──────────────────────────────────────────────────────────────────────────────────────────────────────────
/** runc's current curve: 2 → 1, 1024 → 100, 262144 → 10000. */
export function cpuWeight(shares: number): number {
  if (shares <= 2) return 1;
  if (shares >= 262_144) return 10_000;
  const l = Math.log2(shares);
  // the subtraction leaves dust in the last digits, which must not round 100 up to 101
  return Math.ceil(Number((10 ** ((l * l + 125 * l) / 612 - 7 / 34)).toPrecision(12)));
}

export const ioWeight = (weight: number): number => Math.floor(1 + ((weight - 10) * 9999) / 990);

const orMax = (value: number): string => (value < 0 ? "max" : String(value));

function memoryV2({ memory }: Resources): readonly Write[] {
  const swap = memory.swap;
  const swapMax =
    swap === null ? (memory.limit === -1 ? "max" : null) : swap < 0 ? "max" : String(swap - (memory.limit ?? 0));
  return [
    ...(swapMax === null ? [] : [write("memory", "swap", swapMax, "memory.swap.max")]),
    ...(memory.limit === null ? [] : [write("memory", "memory", orMax(memory.limit), "memory.max")]),
    ...(memory.reservation === null ? [] : [write("memory", "reservation", orMax(memory.reservation), "memory.low")]),
  ];
}

function cpuV2({ cpu }: Resources): readonly Write[] {
  const limited = cpu.quota !== null || cpu.period !== null;
  const quota = cpu.quota === null || cpu.quota <= 0 ? "max" : String(cpu.quota);
  return [
    ...(cpu.shares === null ? [] : [write("cpu", "cpuShares", cpuWeight(cpu.shares), "cpu.weight")]),
    ...(limited ? [write("cpu", "cpuQuota", `${quota} ${cpu.period ?? 100_000}`, "cpu.max")] : []),
  ];
}

function blockV2({ blockIO }: Resources): readonly Write[] {
  const limits = (rates: readonly DeviceRate[], key: string): readonly Write[] =>
    rates.map(({ major, minor, rate: value }) =>
      write("io", "blkioThrottle", `${major}:${minor} ${key}=${value === 0 ? "max" : value}`, "io.max"),
    );
  return [
    // bfq takes Docker's range as it is, the cost model has its own
    ...(blockIO.weight === null
      ? []
      : [write("io", "blkioWeight", `default ${ioWeight(blockIO.weight)}`, "io.weight", "io.bfq.weight")]),
    ...blockIO.weightDevice.map(({ major, minor, weight }) =>
      write("io", "blkioWeightDevice", `${major}:${minor} ${ioWeight(weight)}`, "io.weight", "io.bfq.weight"),
    ),
    ...limits(blockIO.throttleReadBps, "rbps"),
    ...limits(blockIO.throttleWriteBps, "wbps"),
    ...limits(blockIO.throttleReadIops, "riops"),
    ...limits(blockIO.throttleWriteIops, "wiops"),
  ];
}

export function writesV2(resources: Resources): readonly Write[] {
  const { pids, hugepages, unified } = resources;
  return [
    ...memoryV2(resources),
    ...cpuV2(resources),
    ...cpusets(resources),
    ...(pids.limit === null ? [] : [write("pids", "pids", pids.limit <= 0 ? "max" : pids.limit, "pids.max")]),
    ...blockV2(resources),
    ...hugepages.map(({ pageSize, limit }) => write("hugetlb", "hugetlb", limit, `hugetlb.${pageSize}.max`)),
    ...Object.entries(unified).map(([file, value]) => write(file.split(".", 1)[0] as string, file, value, file)),
  ];
}
