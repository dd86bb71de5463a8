/** GET /containers/{id}/stats. All times are nanoseconds; the counters are unsigned 64-bit. */
import { type Static, int, list, map, maybe, nullable, object, text } from "./common.ts";

const BlkioEntry = object({ major: int, minor: int, op: text, value: int });
const blkio = nullable(list(BlkioEntry));
export const CpuStats = object({
  cpu_usage: object({
    total_usage: int,
    percpu_usage: maybe(list(int)),
    usage_in_kernelmode: int,
    usage_in_usermode: int,
  }),
  system_cpu_usage: maybe(int),
  online_cpus: maybe(int),
  throttling_data: object({ periods: int, throttled_periods: int, throttled_time: int }),
});
const NetworkStats = object({
  rx_bytes: int,
  rx_packets: int,
  rx_errors: int,
  rx_dropped: int,
  tx_bytes: int,
  tx_packets: int,
  tx_errors: int,
  tx_dropped: int,
});
export const StatsReply = object({
  name: text,
  id: text,
  read: text,
  preread: text,
  pids_stats: object({ current: maybe(int), limit: maybe(int) }),
  blkio_stats: object({
    io_service_bytes_recursive: blkio,
    io_serviced_recursive: blkio,
    io_queue_recursive: blkio,
    io_service_time_recursive: blkio,
    io_wait_time_recursive: blkio,
    io_merged_recursive: blkio,
    io_time_recursive: blkio,
    sectors_recursive: blkio,
  }),
  num_procs: int,
  storage_stats: object({}),
  cpu_stats: CpuStats,
  precpu_stats: CpuStats,
  memory_stats: object({
    usage: maybe(int),
    max_usage: maybe(int),
    stats: maybe(map(int)),
    failcnt: maybe(int),
    limit: maybe(int),
  }),
  networks: maybe(map(NetworkStats)),
});
export type StatsReply = Static<typeof StatsReply>;
