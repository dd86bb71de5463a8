/**
 * Named moments at which a daemon may die. Fault tests run a daemon with TARE_SYNC_KILL=<name> (SIGKILL to itself there) or
 * TARE_SYNC_HOLD=<name> (parks for ever, after one line on stderr), restart it, and look for what was left behind.
 * Without these variables a point is one comparison.
 */
export const SYNC_POINTS = [
  "create.reserved", // name and id are taken in the database
  "create.snapshot", // the writable layer exists
  "create.recorded", // the record is complete
  "start.intent", // "starting" is persisted
  "start.cgroup", // cgroup directories and limits exist
  "start.launched", // the monitor runs, the process is not executing yet
  "start.executed", // the program runs, nothing is saved yet
  "start.saved", // the running state is persisted
  "exec.created",
  "exec.launched",
  "attach.opened",
  "stop.signalled",
  "stop.exited", // the exit is known, not saved
  "exit.saved",
  "remove.marked",
  "remove.sandbox", // cgroup and runtime directory are gone
  "remove.snapshot", // the writable layer is gone
  "remove.recorded", // the record is gone
  "load.spooled", // the archive is on disk
  "load.layer", // one layer is unpacked
  "load.recorded", // the image is in the database
] as const;
export type SyncPoint = (typeof SYNC_POINTS)[number];

const kill = process.env["TARE_SYNC_KILL"];
const hold = process.env["TARE_SYNC_HOLD"];

/** `await syncPoint("start.cgroup")`; for synchronous code `void syncPoint(…)` is enough for the kill. */
export function syncPoint(name: SyncPoint): Promise<void> | undefined {
  if (kill === name) process.kill(process.pid, "SIGKILL");
  if (hold !== name) return undefined;
  process.stderr.write(`sync point held: ${name}\n`);
  return new Promise(() => {});
}
