/**
 * Which sysctls a container may set. A key outside the container's own namespaces would change the host, and a value with
 * a separator once set a second key (CVE-2022-0811): keys and values are checked by form, not only by name. Pure.
 */
import type { HostConfig } from "./config.ts";
import { DEFAULT_NETWORK_SYSCTLS, IPC_SYSCTLS, PING_SYSCTL } from "./defaults.ts";

const KEY = /^[a-zA-Z0-9_-]+([./][a-zA-Z0-9_:*-]+)+$/;
/** Printable, no line breaks or NUL. */
const VALUE = /^[^\0\n\r]*$/;

type Modes = Pick<HostConfig, "networkMode" | "ipcMode" | "utsMode" | "usernsMode">;

const ownNetwork = (modes: Modes): boolean =>
  modes.networkMode !== "host" && !modes.networkMode.startsWith("container:");
const ownIpc = (modes: Modes): boolean => modes.ipcMode !== "host" && !modes.ipcMode.startsWith("container:");

export function sysctlProblem(key: string, value: string, modes: Modes): string | null {
  if (!KEY.test(key) || key.includes("..")) return `sysctl ${JSON.stringify(key)} is not a valid key`;
  if (!VALUE.test(value)) return `sysctl '${key}' has a value with a line break or NUL`;
  const name = key.replaceAll("/", ".");
  if (name.startsWith("net.")) {
    return ownNetwork(modes)
      ? null
      : `sysctl '${key}' not allowed in ${modes.networkMode === "host" ? "host" : "a shared"} network namespace`;
  }
  if (IPC_SYSCTLS.includes(name) || name.startsWith("fs.mqueue.")) {
    return ownIpc(modes)
      ? null
      : `sysctl '${key}' not allowed in ${modes.ipcMode === "host" ? "host" : "a shared"} ipc namespace`;
  }
  if (name === "kernel.domainname")
    return modes.utsMode === "host" ? `sysctl '${key}' not allowed in host uts namespace` : null;
  if (name === "kernel.hostname") return `sysctl '${key}' is set by the engine, use Hostname`;
  return `sysctl '${key}' is not in a separate kernel namespace`;
}

/** Defaults for an own network namespace, overridden by the user's. */
export function resolveSysctls(host: HostConfig): Readonly<Record<string, string>> {
  if (!ownNetwork(host)) return host.sysctls;
  const ping = host.usernsMode === "auto" ? {} : PING_SYSCTL;
  return { ...DEFAULT_NETWORK_SYSCTLS, ...ping, ...host.sysctls };
}
