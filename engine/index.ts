/**
 * The engine's door: what `api/server` may import.
 *
 *   const config = loadConfig(flags, process.env, configFile);
 *   const engine = await openEngine(config, { log });
 *   await engine.containers.start("web");
 *   await engine.close();                      // containers go on running
 */
export type * from "./types.ts";
export { ZERO_TIME } from "./types.ts";
export {
  TareError,
  isKind,
  type ErrorKind,
  ERROR_KINDS,
  invalid,
  notFound,
  conflict,
  unsupported,
  unavailable,
  internal,
} from "./base/errors.ts";
export { createLog, LOG_LEVELS, type Log, type LogLevel, silentLog } from "./base/log.ts";
export {
  CONFIG_KEYS,
  type ConfigFlags,
  type ConfigKey,
  type ConfigSources,
  DEFAULT_CONFIG_FILE,
  DEFAULT_DATA_ROOT,
  DEFAULT_EXEC_ROOT,
  DEFAULT_HOST,
  type EngineConfig,
  loadConfig,
  resolveConfig,
} from "./config.ts";
export type { Capabilities, Phase, StreamSession, UsageSample } from "./isolation/backend.ts";
export type * from "./spec/config.ts";
export { openEngine } from "./daemon.ts";
export { notifyServiceManager } from "../native/binding/index.ts";
