/** Random identifiers. */
import { randomFillSync, randomUUID } from "node:crypto";

const pool = Buffer.alloc(4096);
let used = pool.length;
/** Asking the system costs 50 µs however little is asked for. Handed out bytes are wiped. */
function randomHex(count: number): string {
  if (used + count > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const text = pool.toString("hex", used, used + count);
  pool.fill(0, used, used + count);
  used += count;
  return text;
}

/** 64 hex digits; never one whose first twelve are all digits, because they become the hostname. */
export function containerId(): string {
  for (;;) {
    const id = randomHex(32);
    if (/[a-f]/.test(id.slice(0, 12))) return id;
  }
}
/** 16 hex digits, new for every start. */
export const runId = (): string => randomHex(8);
export const engineId = (): string => randomUUID();
