/** Performs translated writes below a directory and turns the kernel's refusals into words about the user's limits. */
import { existsSync } from "node:fs";
import { conflict, errnoCode, invalid, type TareError, unsupported } from "../../base/errors.ts";
import { isGone, readControl, writeControl } from "./files.ts";
import type { Write } from "./translate.ts";

const NAMES: Readonly<Record<string, string>> = {
  memory: "Memory",
  swap: "MemorySwap",
  reservation: "MemoryReservation",
  swappiness: "MemorySwappiness",
  oomKillDisable: "OomKillDisable",
  pids: "PidsLimit",
  cpuShares: "CpuShares",
  cpuQuota: "CpuQuota",
  cpuRealtime: "CpuRealtimeRuntime",
  cpuset: "CpusetCpus",
  blkioWeight: "BlkioWeight",
  blkioWeightDevice: "BlkioWeightDevice",
  blkioThrottle: "BlkioDevice limits",
  hugetlb: "HugepageLimits",
  devices: "Devices",
};
export const limitName = (limit: string): string => NAMES[limit] ?? limit;

export const cannotEnforce = (write: Write): string =>
  `${limitName(write.limit)} cannot be enforced on this host: the kernel has no ${write.files.join(" or ")}.`;

function refused(error: unknown, write: Write, directory: string): TareError {
  const name = limitName(write.limit);
  const details = { argument: name, value: write.value, errno: errnoCode(error) ?? "" };
  if (errnoCode(error) === "EBUSY") {
    const usage = readControl(`${directory}/memory.usage_in_bytes`);
    const now = usage === null ? "" : ` (current usage: ${usage})`;
    return conflict(
      "container.limit_in_use",
      `unable to set ${name} to ${write.value}${now}: it is below what the container uses`,
      { cause: error, details },
    );
  }
  return invalid(
    "container.limit_refused",
    `unable to set ${name} to ${JSON.stringify(write.value)}: ${(error as Error).message}`,
    { cause: error, details },
  );
}

/** true when a file was written, false when the kernel has none of them. */
export function applyWrite(directory: string, write: Write): boolean {
  for (const file of write.files) {
    const path = `${directory}/${file}`;
    try {
      writeControl(path, write.value);
      return true;
    } catch (error) {
      if (isGone(error) && !existsSync(path)) continue;
      throw refused(error, write, directory);
    }
  }
  return false;
}

export function applyStrictly(directory: string, write: Write): void {
  if (applyWrite(directory, write)) return;
  throw unsupported("container.limit_unsupported", cannotEnforce(write), {
    details: { argument: limitName(write.limit) },
  });
}
