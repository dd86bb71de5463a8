/**
 * The daemon's configuration: flags over environment over file over defaults. Every wrong key or type is one typed error
 * that names the key and where it was written. `resolveConfig` is pure; `loadConfig` reads the file for it.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { isAbsolute, normalize } from "node:path";
import { errnoCode, invalid } from "./base/errors.ts";
import { LOG_LEVELS, type LogLevel } from "./base/log.ts";

export interface EngineConfig {
  /** Persistent state; 0700. */
  readonly dataRoot: string;
  /** Runtime state: sockets of monitors, pid file. At most 60 bytes long (socket paths are short). */
  readonly execRoot: string;
  /** "unix:///path", "tcp://host:port" or "fd://" (socket activation). */
  readonly hosts: readonly string[];
  readonly configFile: string;
  readonly logLevel: LogLevel;
  /** What a container gets that does not choose: HostConfig.LogConfig. */
  readonly logDriver: string;
  readonly logOptions: Readonly<Record<string, string>>;
  /** Group that may use the unix socket; null = "docker" or "tare" where it exists. */
  readonly group: string | null;
  /** Within each cgroup hierarchy; "/tare" for the default data root, "/tare-<hash>" for others. */
  readonly cgroupParent: string;
  /** Container init for everyone (`--init` as default). */
  readonly init: boolean;
  readonly labels: readonly string[];
  /** ctr-shim; null = the one this build came with. */
  readonly shimPath: string | null;
}

export const DEFAULT_DATA_ROOT = "/var/lib/tare";
export const DEFAULT_EXEC_ROOT = "/run/tare";
export const DEFAULT_HOST = "unix:///run/tare/tare.sock";
export const DEFAULT_CONFIG_FILE = "/etc/tare/config.json";

type Kind = "path" | "text" | "level" | "boolean" | "list" | "map";
interface Key {
  readonly field: keyof EngineConfig;
  readonly kind: Kind;
  /** Environment variable, or "" when there is none. */
  readonly env: string;
}

/** The one table: a config file's keys (Docker's spelling), their types, their environment variables. */
export const CONFIG_KEYS = {
  "data-root": { field: "dataRoot", kind: "path", env: "TARE_DATA_ROOT" },
  "exec-root": { field: "execRoot", kind: "path", env: "TARE_EXEC_ROOT" },
  hosts: { field: "hosts", kind: "list", env: "TARE_HOST" },
  "log-level": { field: "logLevel", kind: "level", env: "TARE_LOG_LEVEL" },
  "log-driver": { field: "logDriver", kind: "text", env: "TARE_LOG_DRIVER" },
  "log-opts": { field: "logOptions", kind: "map", env: "" },
  group: { field: "group", kind: "text", env: "TARE_GROUP" },
  "cgroup-parent": { field: "cgroupParent", kind: "path", env: "TARE_CGROUP_PARENT" },
  init: { field: "init", kind: "boolean", env: "TARE_INIT" },
  labels: { field: "labels", kind: "list", env: "" },
  shim: { field: "shimPath", kind: "path", env: "TARE_SHIM" },
} as const satisfies Record<string, Key>;
export type ConfigKey = keyof typeof CONFIG_KEYS;

/** Values by key ("data-root", …); flags and environment give text or lists of text. */
export type ConfigFlags = { readonly [K in ConfigKey]?: unknown };

export interface ConfigSources {
  readonly flags: ConfigFlags;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly file: { readonly path: string; readonly content: unknown } | null;
}

const isText = (value: unknown): value is string => typeof value === "string";
const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const EXPECTED: Readonly<Record<Kind, string>> = {
  path: "an absolute path",
  text: "text",
  level: `one of ${LOG_LEVELS.join(", ")}`,
  boolean: "true or false",
  list: "a list of texts",
  map: "an object of texts",
};

function read(kind: Kind, value: unknown): unknown {
  switch (kind) {
    case "path":
      return isText(value) && isAbsolute(value) && !value.includes("\0")
        ? normalize(value).replace(/(.)\/$/, "$1")
        : undefined;
    case "text":
      return isText(value) && value !== "" ? value : undefined;
    case "level":
      return LOG_LEVELS.find((level) => level === value);
    case "boolean":
      return value === "true" || value === true ? true : value === "false" || value === false ? false : undefined;
    case "list":
      return isText(value) ? [value] : Array.isArray(value) && value.every(isText) ? [...value] : undefined;
    case "map":
      return isRecord(value) && Object.values(value).every(isText) ? { ...value } : undefined;
  }
}

function take(key: string, value: unknown, where: string): unknown {
  const definition = (CONFIG_KEYS as Readonly<Record<string, Key>>)[key];
  if (definition === undefined || !Object.hasOwn(CONFIG_KEYS, key)) {
    throw invalid("config.unknown_key", `unknown configuration key "${key}" in ${where}`, { details: { key, where } });
  }
  const parsed = read(definition.kind, value);
  if (parsed === undefined) {
    throw invalid("config.bad_value", `configuration key "${key}" in ${where} must be ${EXPECTED[definition.kind]}`, {
      details: { key, where },
    });
  }
  return parsed;
}

function checkHost(host: string, where: string): void {
  if (/^(unix:\/\/\/.+|tcp:\/\/[^/]+:\d+|fd:\/\/.*)$/.test(host)) return;
  throw invalid(
    "config.bad_host",
    `configuration key "hosts" in ${where}: "${host}" is not unix:///path, tcp://address:port or fd://`,
    {
      details: { key: "hosts", where },
    },
  );
}

/** A data root of one's own gets cgroups and sockets of one's own, so that daemons side by side never sweep each other. */
const ownParent = (dataRoot: string): string =>
  dataRoot === DEFAULT_DATA_ROOT
    ? "/tare"
    : `/tare-${createHash("sha256").update(dataRoot).digest("hex").slice(0, 12)}`;

/** Pure. Throws `config.*` (kind invalid) that names the key and the source. */
export function resolveConfig(sources: ConfigSources, configFile: string = DEFAULT_CONFIG_FILE): EngineConfig {
  const values: Partial<Record<keyof EngineConfig, unknown>> = {};
  const set = (key: string, value: unknown, where: string): void => {
    const parsed = take(key, value, where);
    if (key === "hosts") for (const host of parsed as string[]) checkHost(host, where);
    values[CONFIG_KEYS[key as ConfigKey].field] = parsed;
  };
  if (sources.file !== null) {
    const { path, content } = sources.file;
    if (!isRecord(content))
      throw invalid("config.bad_file", `configuration file ${path} must hold a JSON object`, { details: { path } });
    for (const [key, value] of Object.entries(content)) set(key, value, path);
  }
  for (const [key, { env }] of Object.entries(CONFIG_KEYS)) {
    const value = env === "" ? undefined : sources.env[env];
    if (value !== undefined && value !== "") set(key, value, `environment variable ${env}`);
  }
  for (const [key, value] of Object.entries(sources.flags)) {
    if (value !== undefined) set(key, value, `flag --${key === "hosts" ? "host" : key}`);
  }
  const dataRoot = (values.dataRoot as string | undefined) ?? DEFAULT_DATA_ROOT;
  const execRoot = (values.execRoot as string | undefined) ?? DEFAULT_EXEC_ROOT;
  if (Buffer.byteLength(execRoot) > 60) {
    throw invalid("config.bad_value", `configuration key "exec-root": "${execRoot}" is longer than 60 bytes`, {
      details: { key: "exec-root" },
    });
  }
  const hosts = (values.hosts as string[] | undefined) ?? [];
  return Object.freeze({
    logLevel: "info",
    logDriver: "json-file",
    logOptions: {},
    group: null,
    init: false,
    labels: [],
    shimPath: null,
    cgroupParent: ownParent(dataRoot),
    ...values,
    dataRoot,
    execRoot,
    hosts: hosts.length > 0 ? hosts : [execRoot === DEFAULT_EXEC_ROOT ? DEFAULT_HOST : `unix://${execRoot}/tare.sock`],
    configFile,
  } as EngineConfig);
}

function readConfigFile(path: string, required: boolean): { path: string; content: unknown } | null {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (errnoCode(error) === "ENOENT" && !required) return null;
    throw invalid("config.unreadable", `cannot read configuration file ${path}: ${errnoCode(error) ?? String(error)}`, {
      cause: error,
    });
  }
  try {
    return { path, content: JSON.parse(text) as unknown };
  } catch (error) {
    throw invalid("config.bad_file", `configuration file ${path} is not JSON: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** Reads `configFile` (must exist when named by the caller or TARE_CONFIG; the default one may be missing), then resolves. */
export function loadConfig(
  flags: ConfigFlags,
  env: Readonly<Record<string, string | undefined>>,
  configFile: string | null = null,
): EngineConfig {
  const named = configFile ?? env["TARE_CONFIG"] ?? null;
  const path = named ?? DEFAULT_CONFIG_FILE;
  return resolveConfig({ flags, env, file: readConfigFile(path, named !== null) }, path);
}
