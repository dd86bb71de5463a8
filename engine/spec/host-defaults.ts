/** Docker's defaults written back into HostConfig at create: clients compare them (docker-api.md §3). Pure. */
import type { Capabilities } from "../isolation/backend.ts";
import type { HostConfig } from "./config.ts";
import { DEFAULT_RUNTIME, DEFAULT_SHM_BYTES, MASKED_PATHS, READONLY_PATHS, thermalThrottlePath } from "./defaults.ts";
import type { HostView } from "./host-view.ts";

function cgroupnsMode(host: HostConfig, version: 1 | 2): string {
  if (host.cgroupnsMode !== "") return host.cgroupnsMode;
  return version === 2 ? "private" : "host";
}

export function withDefaults(host: HostConfig, view: HostView, capabilities: Capabilities): HostConfig {
  const networkMode = host.networkMode === "" || host.networkMode === "default" ? "bridge" : host.networkMode;
  return {
    ...host,
    networkMode,
    restartPolicy: { ...host.restartPolicy, name: host.restartPolicy.name || "no" },
    shmSize: host.shmSize === 0 ? DEFAULT_SHM_BYTES : host.shmSize,
    ipcMode: host.ipcMode || "private",
    cgroupnsMode: cgroupnsMode(host, capabilities.cgroupVersion),
    runtime: host.runtime || DEFAULT_RUNTIME,
    memorySwap: host.memory > 0 && host.memorySwap === 0 ? 2 * host.memory : host.memorySwap,
    memorySwappiness: host.memorySwappiness === -1 ? null : host.memorySwappiness,
    oomKillDisable: host.oomKillDisable ?? false,
    pidsLimit: host.pidsLimit !== null && host.pidsLimit <= 0 ? null : host.pidsLimit,
    maskedPaths: host.privileged
      ? null
      : (host.maskedPaths ?? [...MASKED_PATHS, ...view.thermalThrottleCpus.map(thermalThrottlePath)]),
    readonlyPaths: host.privileged ? null : (host.readonlyPaths ?? READONLY_PATHS),
  };
}
