/** Composition root of the engine. */
import { silentLog, type Log } from "./base/log.ts";
import type { EngineConfig } from "./config.ts";
import type { Engine } from "./types.ts";

export interface EngineOptions {
  readonly log?: Log;
}

/**
 * Opens the data root (locked against a second daemon), adopts what runs, and is ready. Errors: config.*, engine.root_in_use
 * (names the holder's pid), engine.unsupported_host.
 */
export async function openEngine(config: EngineConfig, options: EngineOptions = {}): Promise<Engine> {
  const log = options.log ?? silentLog;
  throw new Error(`not yet: ${config.dataRoot} ${typeof log}`);
}
