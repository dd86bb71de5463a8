/** Usage samples → GET /containers/{id}/stats. Pure. */
import { type UsageSample, ZERO_TIME } from "../../../engine/index.ts";
import type { StatsReply } from "../../schema/index.ts";
import { int64 } from "../json.ts";
import { some } from "./values.ts";

/** A sample together with what the whole machine used by then. */
export interface Sample {
  readonly usage: UsageSample;
  /** Nanoseconds of all CPUs, user to softirq. */
  readonly systemNs: number;
  readonly onlineCpus: number;
}
export interface StatsContext {
  readonly id: string;
  readonly name: string;
  readonly cgroupVersion: 1 | 2;
  /** The limit of a container without one. */
  readonly hostMemory: number;
}

const NO_CPU: StatsReply["cpu_stats"] = {
  cpu_usage: { total_usage: 0, usage_in_kernelmode: 0, usage_in_usermode: 0 },
  throttling_data: { periods: 0, throttled_periods: 0, throttled_time: 0 },
};
const NO_BLKIO = {
  io_serviced_recursive: null,
  io_queue_recursive: null,
  io_service_time_recursive: null,
  io_wait_time_recursive: null,
  io_merged_recursive: null,
  io_time_recursive: null,
  sectors_recursive: null,
};

/** null = not running: only the names and zeros. */
export function wireStats(context: StatsContext, sample: Sample | null, before: Sample | null): StatsReply {
  return {
    name: `/${context.name}`,
    id: context.id,
    read: sample?.usage.read ?? ZERO_TIME,
    preread: before?.usage.read ?? ZERO_TIME,
    pids_stats: sample === null ? {} : pids(sample.usage),
    blkio_stats: {
      io_service_bytes_recursive: sample === null ? null : blkio(sample.usage, context.cgroupVersion),
      ...NO_BLKIO,
    },
    num_procs: 0,
    storage_stats: {},
    cpu_stats: sample === null ? NO_CPU : cpu(sample),
    precpu_stats: before === null ? NO_CPU : cpu(before),
    memory_stats: sample === null ? {} : memory(sample.usage, context.hostMemory),
    ...(sample === null ? {} : { networks: {} }),
  };
}

const UNLIMITED = 18_446_744_073_709_551_615n;
const pids = (usage: UsageSample): StatsReply["pids_stats"] => ({
  ...some("current", usage.pids.current),
  limit: usage.pids.limit ?? int64(UNLIMITED),
});

function blkio(usage: UsageSample, version: 1 | 2): StatsReply["blkio_stats"]["io_service_bytes_recursive"] {
  const entries = usage.blkio.map(({ major, minor, op, value }) => ({
    major,
    minor,
    op: version === 2 ? op.toLowerCase() : op,
    value,
  }));
  return entries.length === 0 && version === 2 ? null : entries;
}

const cpu = ({ usage, systemNs, onlineCpus }: Sample): StatsReply["cpu_stats"] => ({
  cpu_usage: {
    total_usage: usage.cpu.totalNs,
    usage_in_kernelmode: usage.cpu.systemNs,
    usage_in_usermode: usage.cpu.userNs,
  },
  system_cpu_usage: systemNs,
  online_cpus: onlineCpus,
  throttling_data: {
    periods: usage.cpu.periods,
    throttled_periods: usage.cpu.throttledPeriods,
    throttled_time: usage.cpu.throttledNs,
  },
});

const memory = (usage: UsageSample, hostMemory: number): StatsReply["memory_stats"] => ({
  usage: usage.memory.usage,
  ...some("max_usage", usage.memory.maxUsage),
  stats: { ...usage.memory.stats },
  ...some("failcnt", usage.memory.failcnt),
  limit: usage.memory.limit ?? hostMemory,
});
