/** Random identifiers. */
import { randomBytes, randomUUID } from "node:crypto";

/** 64 hex digits; never one whose first twelve are all digits, because they become the hostname. */
export function containerId(): string {
  for (;;) {
    const id = randomBytes(32).toString("hex");
    if (/[a-f]/.test(id.slice(0, 12))) return id;
  }
}
/** 16 hex digits, new for every start. */
export const runId = (): string => randomBytes(8).toString("hex");
export const engineId = (): string => randomUUID();
