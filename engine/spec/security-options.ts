/** HostConfig.SecurityOpt parsed once: "no-new-privileges", "seccomp={…}", "apparmor=NAME", "label=…". Pure. */
import { invalid } from "../base/errors.ts";

export interface SecurityOptions {
  readonly noNewPrivileges: boolean;
  /** "" = not given (the default profile), "unconfined", "builtin", or a profile's JSON text. */
  readonly seccomp: string;
  /** "" = not given. */
  readonly apparmor: string;
  readonly labels: readonly string[];
  readonly writableCgroups: boolean;
}

const bad = (option: string): Error =>
  invalid("container.invalid_security_opt", `invalid --security-opt 2: ${JSON.stringify(option)}`, {
    details: { argument: "SecurityOpt", value: option },
  });

/** Go's strconv.ParseBool. */
function parseBool(text: string): boolean | null {
  if (["1", "t", "T", "true", "TRUE", "True"].includes(text)) return true;
  if (["0", "f", "F", "false", "FALSE", "False"].includes(text)) return false;
  return null;
}

function split(option: string): readonly [key: string, value: string | null] {
  // "key=value"; "key:value" is the form of old clients
  const at = option.includes("=") ? option.indexOf("=") : option.indexOf(":");
  return at < 0 ? [option, null] : [option.slice(0, at), option.slice(at + 1)];
}

function flag(option: string, value: string | null): boolean {
  const parsed = value === null ? true : parseBool(value);
  if (parsed === null) throw bad(option);
  return parsed;
}

export function parseSecurityOptions(options: readonly string[] | null): SecurityOptions {
  const result = { noNewPrivileges: false, seccomp: "", apparmor: "", labels: [] as string[], writableCgroups: false };
  for (const option of options ?? []) {
    const [key, value] = split(option);
    if (key === "no-new-privileges") result.noNewPrivileges = flag(option, value);
    else if (key === "writable-cgroups" && value !== null) result.writableCgroups = flag(option, value);
    else if (option === "disable") result.labels.push("disable");
    else if (value === null)
      throw invalid("container.invalid_security_opt", `invalid --security-opt 1: ${JSON.stringify(option)}`, {
        details: { argument: "SecurityOpt", value: option },
      });
    else if (key === "label") result.labels.push(value);
    else if (key === "apparmor") result.apparmor = value;
    else if (key === "seccomp") result.seccomp = value;
    else throw bad(option);
  }
  return result;
}
