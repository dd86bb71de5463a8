/**
 * Log driver and options (docker-api.md §13), checked at create and turned into the monitor's LogTarget at start. Pure.
 *
 * Decision: json-file without `max-size` is bounded (64 MB × 5 files), unlike Docker's; `max-size=-1` asks for no bound.
 */
import { invalid } from "../base/errors.ts";
import type { LogTarget } from "../isolation/backend.ts";
import type { ContainerConfig, HostConfig } from "../spec/config.ts";

export const DEFAULT_MAX_BYTES = 64_000_000;
export const DEFAULT_MAX_FILES = 5;

const COMMON = new Set(["mode", "max-buffer-size"]);
const JSON_FILE = new Set([
  "max-size",
  "max-file",
  "compress",
  "labels",
  "labels-regex",
  "env",
  "env-regex",
  "tag",
  ...COMMON,
]);
const UNITS: Readonly<Record<string, number>> = {
  "": 1,
  b: 1,
  k: 1e3,
  kb: 1e3,
  m: 1e6,
  mb: 1e6,
  g: 1e9,
  gb: 1e9,
  t: 1e12,
  tb: 1e12,
};

/** "10m" → 10000000 (decimal units); null when it is no size. */
export function parseSize(text: string): number | null {
  const match = /^(-?\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text.trim());
  const unit = UNITS[(match?.[2] ?? "?").toLowerCase()];
  return match === null || unit === undefined ? null : Math.floor(Number(match[1]) * unit);
}

type Options = Readonly<Record<string, string>>;
const bad = (message: string, option: string) => invalid("container.bad_log_option", message, { details: { option } });

function checkMode(options: Options): void {
  const mode = options["mode"];
  if (mode !== undefined && mode !== "blocking" && mode !== "non-blocking") {
    throw bad(`logger: logging mode not supported: ${mode}`, "mode");
  }
  const buffer = options["max-buffer-size"];
  if (buffer === undefined) return;
  if (mode !== "non-blocking")
    throw bad("logger: max-buffer-size option is only supported with 'mode=non-blocking'", "max-buffer-size");
  if (parseSize(buffer) === null)
    throw bad(`logger: error parsing option max-buffer-size: invalid size: '${buffer}'`, "max-buffer-size");
}

function maxBytes(options: Options): number {
  const text = options["max-size"];
  if (text === undefined) return DEFAULT_MAX_BYTES;
  if (text === "-1") return 0;
  const bytes = parseSize(text);
  if (bytes === null) throw bad(`invalid size: '${text}' for log opt max-size`, "max-size");
  if (bytes <= 0) throw bad("max-size must be a positive number", "max-size");
  return bytes;
}

function maxFiles(options: Options): number {
  const text = options["max-file"];
  if (text === undefined) return options["max-size"] === undefined ? DEFAULT_MAX_FILES : 1;
  const count = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isNaN(count)) throw bad(`invalid value for log opt max-file: "${text}" is not a number`, "max-file");
  if (count < 1) throw bad("max-file cannot be less than 1", "max-file");
  return count;
}

function pattern(options: Options, name: "labels-regex" | "env-regex"): RegExp | null {
  const text = options[name];
  if (text === undefined || text === "") return null;
  try {
    return new RegExp(text);
  } catch (cause) {
    throw invalid("container.bad_log_option", `invalid value for log opt ${name}: ${text}`, {
      cause,
      details: { option: name },
    });
  }
}

/** Throws `container.bad_log_option` / `container.bad_log_driver`; returns warnings. */
export function checkLogConfig(log: HostConfig["logConfig"]): readonly string[] {
  if (log.type === "none") return [];
  if (log.type !== "json-file") {
    throw invalid("container.bad_log_driver", `logger: no log driver named '${log.type}' is registered`, {
      details: { driver: log.type },
    });
  }
  for (const option of Object.keys(log.config)) {
    if (!JSON_FILE.has(option)) throw bad(`unknown log opt '${option}' for json-file log driver`, option);
  }
  checkMode(log.config);
  maxBytes(log.config);
  maxFiles(log.config);
  pattern(log.config, "labels-regex");
  pattern(log.config, "env-regex");
  renderTag(log.config["tag"] ?? "", { id: "", name: "", imageId: "", image: "" });
  return log.config["compress"] === "true"
    ? ["log opt compress: rotated files are kept uncompressed by this version"]
    : [];
}

export interface LogIdentity {
  readonly id: string;
  readonly name: string;
  readonly imageId: string;
  readonly image: string;
}

/** The subset of Go's template language that tags are made of: {{.ID}} and friends. */
function renderTag(template: string, who: LogIdentity): string {
  const fields: Readonly<Record<string, string>> = {
    ID: who.id.slice(0, 12),
    FullID: who.id,
    Name: who.name,
    ImageID: who.imageId.replace(/^sha256:/, "").slice(0, 12),
    ImageFullID: who.imageId,
    ImageName: who.image,
    DaemonName: "ctrd",
  };
  return template.replace(/\{\{\s*(.*?)\s*\}\}/g, (_, expression: string) => {
    const value = expression.startsWith(".") ? fields[expression.slice(1)] : undefined;
    if (value === undefined)
      throw bad(`invalid log opt tag: template: log-tag: unknown expression "${expression}"`, "tag");
    return value;
  });
}

const list = (text: string | undefined): readonly string[] => (text ?? "").split(",").filter((key) => key !== "");

function attributes(config: ContainerConfig, options: Options, who: LogIdentity): Record<string, string> {
  const attrs: Record<string, string> = {};
  const labelPattern = pattern(options, "labels-regex");
  const wantedLabels = new Set(list(options["labels"]));
  for (const [key, value] of Object.entries(config.labels)) {
    if (wantedLabels.has(key) || labelPattern?.test(key) === true) attrs[key] = value;
  }
  const envPattern = pattern(options, "env-regex");
  const wantedEnv = new Set(list(options["env"]));
  for (const entry of config.env) {
    const split = entry.indexOf("=");
    const key = split < 0 ? entry : entry.slice(0, split);
    if (split >= 0 && (wantedEnv.has(key) || envPattern?.test(key) === true)) attrs[key] = entry.slice(split + 1);
  }
  if (options["tag"] !== undefined && options["tag"] !== "") attrs["tag"] = renderTag(options["tag"], who);
  return attrs;
}

/** Go's encoding of a JSON object: keys sorted, HTML-safe. */
const goJson = (value: Readonly<Record<string, string>>): string =>
  JSON.stringify(Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))).replace(
    /[<>&\u2028\u2029]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );

/** What the monitor is told. */
export function logTarget(
  log: HostConfig["logConfig"],
  config: ContainerConfig,
  who: LogIdentity,
  path: string,
): LogTarget {
  if (log.type === "none") return { format: "none", path: "", maxBytes: 0, maxFiles: 1, attrs: "" };
  const attrs = attributes(config, log.config, who);
  return {
    format: "json-file",
    path,
    maxBytes: maxBytes(log.config),
    maxFiles: maxFiles(log.config),
    attrs: Object.keys(attrs).length === 0 ? "" : goJson(attrs),
  };
}
