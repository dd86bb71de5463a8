/** What the daemon adds to a HostConfig before it is checked: default log driver and init, full ids of joined containers. */
import { invalid, unsupported } from "../base/errors.ts";
import type { HostConfig } from "../spec/config.ts";
import { joinedContainer } from "../spec/modes.ts";
import type { Context } from "./context.ts";

/** "container:<name>" → "container:<full id>". An unknown container is refused at start, as Docker does. */
function fullMode(context: Context, mode: string): string {
  const ref = joinedContainer(mode);
  if (ref === null || ref === "") return mode;
  try {
    return `container:${context.catalog.find(ref).id}`;
  } catch {
    return mode;
  }
}

function logConfig(context: Context, host: HostConfig): HostConfig["logConfig"] {
  const { logDriver, logOptions } = context.config;
  const type = host.logConfig.type === "" || host.logConfig.type === "default" ? logDriver : host.logConfig.type;
  return { type, config: type === logDriver ? { ...logOptions, ...host.logConfig.config } : host.logConfig.config };
}

export function fillHost(context: Context, host: HostConfig): HostConfig {
  if (host.runtime === "vm")
    throw unsupported("runtime.vm", "runtime vm is not built yet: only the namespace runtime is available");
  if (!context.isRuntime(host.runtime)) {
    throw invalid("runtime.unknown", `unknown or invalid runtime name: ${host.runtime}`, {
      details: { runtime: host.runtime },
    });
  }
  return {
    ...host,
    networkMode: fullMode(context, host.networkMode),
    ipcMode: fullMode(context, host.ipcMode),
    pidMode: fullMode(context, host.pidMode),
    logConfig: logConfig(context, host),
    init: host.init ?? (context.config.init ? true : null),
  };
}
