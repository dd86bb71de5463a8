/** A row of `stats`, with docker's arithmetic. */
import type { StatsReply } from "../../../schema/index.ts";
import type { Noun } from "../format.ts";
import { binarySize, humanSize } from "../units.ts";
import { shortId } from "./container.ts";

export interface StatsView {
  readonly stats: StatsReply;
  readonly truncate: boolean;
}

function cpuPercent({ cpu_stats: now, precpu_stats: before }: StatsReply): number {
  const used = Number(now.cpu_usage.total_usage) - Number(before.cpu_usage.total_usage);
  const whole = Number(now.system_cpu_usage ?? 0) - Number(before.system_cpu_usage ?? 0);
  const cpus = now.online_cpus || (now.cpu_usage.percpu_usage?.length ?? 0);
  return whole > 0 && used > 0 ? (used / whole) * cpus * 100 : 0;
}

/** Without the page cache that the kernel would give back: v1 names it total_inactive_file, v2 inactive_file. */
function memoryUsed({ memory_stats: memory }: StatsReply): number {
  const usage = Number(memory.usage ?? 0);
  const cache = Number(memory.stats?.["total_inactive_file"] ?? memory.stats?.["inactive_file"] ?? 0);
  return cache < usage ? usage - cache : usage;
}

function blockBytes({ blkio_stats: blkio }: StatsReply, operation: string): number {
  const entries = blkio?.io_service_bytes_recursive ?? [];
  return entries.filter(({ op }) => op.toLowerCase() === operation).reduce((sum, { value }) => sum + Number(value), 0);
}

function networkBytes({ networks }: StatsReply, key: "rx_bytes" | "tx_bytes"): number {
  return Object.values(networks ?? {}).reduce((sum, one) => sum + Number(one[key]), 0);
}

const percent = (value: number): string => `${value.toFixed(2)}%`;
const pair = (left: number, right: number): string => `${humanSize(left, 3)} / ${humanSize(right, 3)}`;

export const STATS: Noun<StatsView> = {
  typeName: "*container.statsContext",
  headers: {
    ID: "CONTAINER ID",
    Container: "CONTAINER",
    Name: "NAME",
    CPUPerc: "CPU %",
    MemUsage: "MEM USAGE / LIMIT",
    MemPerc: "MEM %",
    NetIO: "NET I/O",
    BlockIO: "BLOCK I/O",
    PIDs: "PIDS",
  },
  row: ({ stats, truncate }) => {
    const used = memoryUsed(stats);
    const limit = Number(stats.memory_stats.limit ?? 0);
    return {
      ID: () => (truncate ? shortId(stats.id) : stats.id),
      Container: () => shortId(stats.id),
      Name: () => stats.name.replace(/^\//, "") || "--",
      CPUPerc: () => percent(cpuPercent(stats)),
      MemUsage: () => `${binarySize(used)} / ${binarySize(limit)}`,
      MemPerc: () => percent(limit === 0 ? 0 : (used / limit) * 100),
      NetIO: () => pair(networkBytes(stats, "rx_bytes"), networkBytes(stats, "tx_bytes")),
      BlockIO: () => pair(blockBytes(stats, "read"), blockBytes(stats, "write")),
      PIDs: () => String(stats.pids_stats?.current ?? 0),
    };
  },
};
