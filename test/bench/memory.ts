/** Proportional set sizes, as the kernel accounts them. */
import { readdirSync, readFileSync } from "node:fs";

/** PSS of one process in KiB; 0 when it has gone. */
export function pssKiB(pid: number): number {
  try {
    return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/** Process ids whose comm or first argument matches. */
export function processesNamed(pattern: RegExp): number[] {
  const named = (pid: number): boolean => {
    try {
      const comm = readFileSync(`/proc/${pid}/comm`, "utf8").trim();
      const argv0 = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0")[0] ?? "";
      return pattern.test(comm) || pattern.test(argv0);
    } catch {
      return false;
    }
  };
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => pid > 1 && named(pid));
}

export const totalPssKiB = (pids: readonly number[]): number => pids.reduce((sum, pid) => sum + pssKiB(pid), 0);
