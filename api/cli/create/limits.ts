/** --ulimit, --gpus, --sysctl, --restart, --security-opt. */
import type { Files } from "../context.ts";
import { StatusError } from "../errors.ts";
import { FlagValueError } from "../parse/flag.ts";
import { csvFields, cut } from "./csv.ts";

export interface Ulimit {
  readonly Name: string;
  readonly Hard: number;
  readonly Soft: number;
}
const ULIMITS = new Set(
  "core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack".split(" "),
);

function limit(text: string): number {
  if (!/^[+-]?\d+$/.test(text))
    throw new FlagValueError(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  return Number(text);
}

export function parseUlimit(text: string): Ulimit {
  const [name, values] = cut(text, "=");
  if (values === null) throw new FlagValueError(`invalid ulimit argument: ${text}`);
  if (!ULIMITS.has(name)) throw new FlagValueError(`invalid ulimit type: ${name}`);
  const parts = values.split(":");
  if (parts.length > 2) {
    throw new FlagValueError(`too many limit value arguments - ${values}, can only have up to two, \`soft[:hard]\``);
  }
  const soft = limit(parts[0] ?? "");
  const hard = parts[1] === undefined ? soft : limit(parts[1]);
  if (hard !== -1 && (soft === -1 || soft > hard)) {
    throw new FlagValueError(`ulimit soft limit must be less than or equal to hard limit: ${soft} > ${hard}`);
  }
  return { Name: name, Hard: hard, Soft: soft };
}

export interface DeviceRequest {
  readonly Driver: string;
  readonly Count: number;
  readonly DeviceIDs: readonly string[] | null;
  readonly Capabilities: readonly (readonly string[])[] | null;
  readonly Options: Readonly<Record<string, string>> | null;
}

function gpuCount(text: string): number {
  if (text === "all") return -1;
  if (!/^[+-]?\d+$/.test(text)) {
    throw new FlagValueError(`invalid count (${text}): value must be either "all" or an integer: invalid syntax`);
  }
  return Number(text);
}

/** "all", "2", or "device=1,driver=nvidia,capabilities=utility" as CSV. */
export function parseGpus(text: string): DeviceRequest {
  let request: DeviceRequest = { Driver: "", Count: 0, DeviceIDs: null, Capabilities: null, Options: {} };
  const seen = new Set<string>();
  for (const field of csvFields(text)) {
    const [key, value] = cut(field, "=");
    if (seen.has(key)) throw new FlagValueError(`gpu request key '${key}' can be specified only once`);
    seen.add(key);
    if (value === null) {
      seen.add("count");
      request = { ...request, Count: gpuCount(field) };
    } else if (key === "driver") request = { ...request, Driver: value };
    else if (key === "count") request = { ...request, Count: gpuCount(value) };
    else if (key === "device") request = { ...request, DeviceIDs: value.split(",") };
    else if (key === "capabilities") request = { ...request, Capabilities: [[...value.split(","), "gpu"]] };
    else if (key === "options") {
      const pairs = csvFields(value).map((one) => cut(one, "="));
      request = { ...request, Options: Object.fromEntries(pairs.map(([name, given]) => [name, given ?? ""])) };
    } else throw new FlagValueError(`unexpected key '${key}' in '${field}'`);
  }
  const Count = seen.has("count") || request.DeviceIDs !== null ? request.Count : 1;
  return { ...request, Count, Capabilities: request.Capabilities ?? [["gpu"]] };
}

const SYSCTLS = new Set(
  "msgmax msgmnb msgmni sem shmall shmmax shmmni shm_rmid_forced".split(" ").map((name) => `kernel.${name}`),
);

export function checkSysctl(text: string): void {
  const [name, value] = cut(text, "=");
  const known = SYSCTLS.has(name) || name.startsWith("net.") || name.startsWith("fs.mqueue.");
  if (value === null || !known) throw new FlagValueError(`sysctl '${text}' is not allowed`);
}

/** "net_raw" → "CAP_NET_RAW", sorted, each once. */
export function compileCapabilities(given: readonly string[]): readonly string[] {
  const names = given
    .map((text) => text.toUpperCase())
    .map((name) => (name === "ALL" || name.startsWith("CAP_") ? name : `CAP_${name}`));
  return [...new Set(names)].sort();
}

export interface RestartPolicy {
  readonly Name: string;
  readonly MaximumRetryCount: number;
}

export function parseRestart(text: string): RestartPolicy {
  if (text === "") return { Name: "", MaximumRetryCount: 0 };
  const [name, count] = cut(text, ":");
  if (name === "") throw new StatusError(125, "invalid restart policy format: no policy provided before colon");
  if (count === null || count === "") return { Name: name, MaximumRetryCount: 0 };
  if (!/^[+-]?\d+$/.test(count)) {
    throw new StatusError(125, "invalid restart policy format: maximum retry count must be an integer");
  }
  return { Name: name, MaximumRetryCount: Number(count) };
}

export interface Security {
  readonly options: readonly string[];
  /** --security-opt systempaths=unconfined */
  readonly unmasked: boolean;
}

function seccompProfile(files: Files, path: string): string {
  let text: string;
  try {
    text = files.readText(path);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new StatusError(125, `opening seccomp profile (${path}) failed: ${why}`, { cause: error });
  }
  try {
    return JSON.stringify(JSON.parse(text));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new StatusError(125, `compacting json for seccomp profile (${path}) failed: ${why}`, { cause: error });
  }
}

/** The profile file is read here, on the caller's side: the daemon gets its text. */
export function compileSecurity(files: Files, given: readonly string[]): Security {
  const options: string[] = [];
  let unmasked = false;
  for (const text of given) {
    let [key, value] = cut(text, "=");
    if (value === null && key !== "no-new-privileges") [key, value] = cut(text, ":");
    if (value === null && key !== "no-new-privileges")
      throw new StatusError(125, `Invalid --security-opt: ${JSON.stringify(text)}`);
    if (key === "systempaths" && value === "unconfined") unmasked = true;
    else if (key === "seccomp" && value !== "unconfined" && value !== "builtin") {
      options.push(`seccomp=${seccompProfile(files, value ?? "")}`);
    } else options.push(text);
  }
  return { options, unmasked };
}
