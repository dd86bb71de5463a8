/** Waiting for the kernel with a bound: most things are done at the first look, the rest within milliseconds. */
import { setTimeout as sleep } from "node:timers/promises";

const FIRST_WAIT_MS = 1;
const LONGEST_WAIT_MS = 50;

/** Polls until `isDone`, with growing pauses. Resolves false when it took longer than `boundMs`. */
export async function settle(isDone: () => boolean, boundMs: number): Promise<boolean> {
  const deadline = performance.now() + boundMs;
  for (let wait = FIRST_WAIT_MS; !isDone(); wait = Math.min(wait * 2, LONGEST_WAIT_MS)) {
    if (performance.now() > deadline) return false;
    await sleep(wait);
  }
  return true;
}
