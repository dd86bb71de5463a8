import { unsupported, invalid } from "../base/errors.ts";
import type { IsolationBackend } from "./backend.ts";
import { openNamespaceBackend } from "./namespace/backend.ts";

export interface BackendOptions {
  /** The ctr-shim executable. */
  readonly shimPath: string;
  /** Parent of runtime directories; sweep looks only below it. */
  readonly execRoot: string;
  /** This daemon's own parent cgroup ("/tare"): two daemons need different ones, sweep removes what it does not know below. */
  readonly cgroupParent: string;
  /** Degradations worth a log line. */
  readonly onWarning?: (message: string) => void;
}

/** runtime: HostConfig.Runtime. */
export function openBackend(runtime: string, options: BackendOptions): IsolationBackend {
  if (runtime === "vm")
    throw unsupported("runtime.vm", "runtime vm is not built yet: only the namespace runtime is available");
  if (!isNamespaceRuntime(runtime)) throw invalid("runtime.unknown", `unknown or invalid runtime name: ${runtime}`);
  return openNamespaceBackend(options);
}

const NAMESPACE_RUNTIMES: ReadonlySet<string> = new Set(["", "namespace", "tare", "runc", "io.containerd.runc.v2"]);
export const isNamespaceRuntime = (name: string): boolean => NAMESPACE_RUNTIMES.has(name);
