/** Which process a number means: a pid alone may be another process by now, with its start time it is one for ever. */
import { sys } from "../../../native/binding/index.ts";
import { errnoCode } from "../../base/errors.ts";
import { readText } from "../../base/fs.ts";

/** Field 22 of /proc/PID/stat; the name before it may hold spaces and brackets. null = no such process. */
export function startTimeOf(pid: number): number | null {
  if (pid <= 0) return null;
  const stat = readText(`/proc/${pid}/stat`);
  if (stat === null) return null;
  const field = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  return field === undefined ? null : Number(field);
}

export const isAlive = (pid: number, startTime: number): boolean => startTimeOf(pid) === startTime;

/** false when that process has ended. */
export function signalProcess(pid: number, startTime: number, signal: number): boolean {
  let pidfd: number;
  try {
    pidfd = sys.pidfdOpen(pid);
  } catch (error) {
    if (errnoCode(error) === "ESRCH" || errnoCode(error) === "EINVAL") return false;
    throw error;
  }
  try {
    // the descriptor pins whoever has the number now: checked after opening, it is the right one until closed
    if (!isAlive(pid, startTime)) return false;
    sys.pidfdSendSignal(pidfd, signal);
    return true;
  } catch (error) {
    if (errnoCode(error) === "ESRCH") return false;
    throw error;
  } finally {
    sys.close(pidfd);
  }
}

let bootIdText = "";
export function bootId(): string {
  if (bootIdText === "") bootIdText = (readText("/proc/sys/kernel/random/boot_id") ?? "").trim();
  return bootIdText;
}
