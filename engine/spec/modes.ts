/** Namespace modes: their grammar, what excludes what, and what this backend cannot do. Pure. */
import type { Capabilities } from "../isolation/backend.ts";
import type { ContainerConfig, HostConfig } from "./config.ts";
import type { Problem } from "./problem.ts";

/** The container named by "container:<ref>", else null. */
export const joinedContainer = (mode: string): string | null =>
  mode.startsWith("container:") ? mode.slice("container:".length) : null;

/** Until the bridge issue: the network modes that are a namespace with loopback only. */
export const isLoopbackOnly = (networkMode: string): boolean =>
  networkMode !== "host" && networkMode !== "none" && joinedContainer(networkMode) === null;

const one =
  (...allowed: readonly string[]): ((mode: string) => boolean) =>
  (mode) =>
    allowed.includes(mode);
const GRAMMAR: readonly (readonly [
  field: "ipcMode" | "pidMode" | "utsMode" | "usernsMode" | "cgroupnsMode",
  name: string,
  word: string,
  ok: (mode: string) => boolean,
  joins: boolean,
])[] = [
  ["ipcMode", "IpcMode", "IPC", one("", "none", "private", "shareable", "host"), true],
  ["pidMode", "PidMode", "PID", one("", "private", "host"), true],
  ["utsMode", "UTSMode", "UTS", one("", "private", "host"), false],
  ["usernsMode", "UsernsMode", "USER", one("", "host", "auto"), false],
  ["cgroupnsMode", "CgroupnsMode", "CGROUP", one("", "private", "host"), false],
];

function grammarProblems(host: HostConfig): readonly Problem[] {
  return GRAMMAR.flatMap(([field, argument, word, ok, joins]) => {
    const mode = host[field];
    const joined = joinedContainer(mode);
    if (ok(mode) || (joins && joined !== null && joined !== "")) return [];
    const text = field === "cgroupnsMode" ? `invalid cgroup namespace mode: ${mode}` : `invalid ${word} mode: ${mode}`;
    return [{ code: "invalid_mode", argument, message: text }];
  });
}

function conflictProblems(config: ContainerConfig, host: HostConfig): readonly Problem[] {
  const problems: Problem[] = [];
  const add = (argument: string, message: string): number =>
    problems.push({ code: "conflicting_options", argument, message });
  const shared = joinedContainer(host.networkMode);
  if (shared === "") add("NetworkMode", `invalid network mode: ${host.networkMode}`);
  if (shared !== null && config.hostname !== "") add("Hostname", "conflicting options: hostname and the network mode");
  if (shared !== null && (host.dns.length > 0 || host.dnsSearch.length > 0))
    add("Dns", "conflicting options: dns and the network mode");
  if ((shared !== null || host.networkMode === "host") && host.links !== null && host.links.length > 0) {
    add(
      "Links",
      "conflicting options: host type networking can't be used with links. This would result in undefined behavior",
    );
  }
  if (shared !== null && (Object.keys(host.portBindings).length > 0 || host.publishAllPorts)) {
    add("PortBindings", "conflicting options: port publishing and the container type network mode");
  }
  if (host.utsMode === "host" && config.hostname !== "")
    add("Hostname", "conflicting options: hostname and the UTS mode");
  if (host.privileged && host.usernsMode === "auto") {
    add(
      "Privileged",
      "privileged mode is incompatible with user namespaces. You must run the container in the host namespace when running privileged mode",
    );
  }
  if (host.usernsMode === "auto") {
    for (const [name, mode] of [
      ["PidMode", host.pidMode],
      ["NetworkMode", host.networkMode],
      ["IpcMode", host.ipcMode],
    ] as const) {
      if (mode === "host" || joinedContainer(mode) !== null)
        add(
          name,
          `cannot share the ${mode === "host" ? "host's" : "another container's"} namespace when user namespaces are enabled: ${name} is ${mode}`,
        );
    }
  }
  if (host.init === true && (host.pidMode === "host" || joinedContainer(host.pidMode) !== null)) {
    add("Init", "conflicting options: init needs a pid namespace of its own");
  }
  return problems;
}

function unsupportedProblems(host: HostConfig, capabilities: Capabilities): readonly Problem[] {
  const problems: Problem[] = [];
  const add = (argument: string, message: string): number =>
    problems.push({ code: "unsupported_mode", argument, message });
  const who = `the ${capabilities.name} backend`;
  const [storage] = Object.keys(host.storageOpt);
  if (storage !== undefined)
    add("StorageOpt", `--storage-opt ${storage}: a limit on the writable layer cannot be enforced on this host`);
  if (host.networkMode === "host" && !capabilities.hostNetwork)
    add("NetworkMode", `${who} cannot share the host's network`);
  if (host.usernsMode === "auto" && !capabilities.userNamespaces)
    add("UsernsMode", `${who} cannot make user namespaces on this host`);
  if (host.timeOffsets !== null && !capabilities.timeNamespaces)
    add("TimeOffsets", `${who} cannot make time namespaces on this host`);
  if (host.cgroupnsMode === "private" && !capabilities.cgroupNamespaces)
    add("CgroupnsMode", `${who} cannot make cgroup namespaces on this host`);
  if (host.deviceRequests.length > 0) {
    add(
      "DeviceRequests",
      `could not select device driver ${JSON.stringify(host.deviceRequests[0]?.driver ?? "")} with capabilities: ${JSON.stringify(host.deviceRequests[0]?.capabilities ?? [])}`,
    );
  }
  return problems;
}

export function checkModes(
  config: ContainerConfig,
  host: HostConfig,
  capabilities: Capabilities,
): { readonly problems: readonly Problem[]; readonly warnings: readonly string[] } {
  const warnings: string[] = [];
  if (isLoopbackOnly(host.networkMode) && !config.networkDisabled) {
    warnings.push(
      `Network ${host.networkMode} is not available yet: the container has a network namespace with loopback only.`,
    );
  }
  if (Object.keys(host.portBindings).length > 0 || host.publishAllPorts) {
    warnings.push("Published ports are discarded: port publishing is not available yet.");
  }
  return {
    problems: [...grammarProblems(host), ...conflictProblems(config, host), ...unsupportedProblems(host, capabilities)],
    warnings,
  };
}
