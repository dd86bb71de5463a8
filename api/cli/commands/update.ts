import { command } from "../parse/command.ts";
import { int, string, uint16 } from "../parse/flag.ts";
import { bytes, decimalCpus, swapBytes } from "../parse/quantities.ts";
import { parseRestart } from "../create/limits.ts";
import { StatusError } from "../errors.ts";
import { forEachName } from "./lifecycle.ts";
import { withoutSlash } from "./shared.ts";

export const update = command({
  synopsis: "[OPTIONS] CONTAINER [CONTAINER...]",
  summary: "Update configuration of one or more containers",
  flags: {
    "blkio-weight": uint16("Block IO (relative weight), between 10 and 1000, or 0 to disable"),
    "cpu-period": int("Limit CPU CFS (Completely Fair Scheduler) period"),
    "cpu-quota": int("Limit CPU CFS (Completely Fair Scheduler) quota"),
    "cpu-rt-period": int("Limit the CPU real-time period in microseconds"),
    "cpu-rt-runtime": int("Limit the CPU real-time runtime in microseconds"),
    "cpu-shares": int("CPU shares (relative weight)", { short: "c" }),
    cpus: decimalCpus("Number of CPUs"),
    "cpuset-cpus": string("CPUs in which to allow execution (0-3, 0,1)"),
    "cpuset-mems": string("MEMs in which to allow execution (0-3, 0,1)"),
    memory: bytes("Memory limit", { short: "m" }),
    "memory-reservation": bytes("Memory soft limit"),
    "memory-swap": swapBytes("Swap limit equal to memory plus swap: -1 to enable unlimited swap"),
    "pids-limit": int("Tune container pids limit (set -1 for unlimited)"),
    restart: string("Restart policy to apply when a container exits", {
      complete: ["no", "always", "unless-stopped", "on-failure"],
    }),
  },
  args: { min: 1, max: Number.POSITIVE_INFINITY },
  complete: ["container"],
  run: async ({ context, flags, changed, args }) => {
    if (changed.size === 0) throw new StatusError(1, "you must provide one or more flags when using this command");
    const body = {
      CpuShares: flags["cpu-shares"],
      Memory: flags.memory,
      NanoCpus: flags.cpus,
      BlkioWeight: flags["blkio-weight"],
      CpuPeriod: flags["cpu-period"],
      CpuQuota: flags["cpu-quota"],
      CpuRealtimePeriod: flags["cpu-rt-period"],
      CpuRealtimeRuntime: flags["cpu-rt-runtime"],
      CpusetCpus: flags["cpuset-cpus"],
      CpusetMems: flags["cpuset-mems"],
      MemoryReservation: flags["memory-reservation"],
      MemorySwap: flags["memory-swap"],
      ...(changed.has("pids-limit") ? { PidsLimit: flags["pids-limit"] } : {}),
      ...(changed.has("restart") ? { RestartPolicy: parseRestart(flags.restart) } : {}),
    };
    const warnings: string[] = [];
    try {
      return await forEachName(context, args, async (id) => {
        const reply = await context.client.call("POST /containers/{id}/update", {
          path: { id: withoutSlash(id) },
          body,
        });
        warnings.push(...(reply.Warnings ?? []));
      });
    } finally {
      for (const warning of new Set(warnings)) await context.stdout.write(`${warning}\n`);
    }
  },
});
