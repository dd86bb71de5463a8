/** What this backend can do on this host, looked up once. */
import { exists, readText } from "../../base/fs.ts";
import type { Capabilities } from "../backend.ts";
import type { Cgroups } from "../cgroup/index.ts";

export function probeCapabilities(name: string, cgroups: Cgroups): Capabilities {
  return {
    name,
    cgroupVersion: cgroups.version,
    limits: cgroups.limits,
    apparmor: readText("/sys/module/apparmor/parameters/enabled")?.trim() === "Y",
    seccomp: (readText("/proc/self/status") ?? "").includes("\nSeccomp_filters:") || exists("/proc/sys/kernel/seccomp"),
    userNamespaces:
      exists("/proc/self/ns/user") && (readText("/proc/sys/user/max_user_namespaces")?.trim() ?? "0") !== "0",
    timeNamespaces: exists("/proc/self/ns/time"),
    cgroupNamespaces: exists("/proc/self/ns/cgroup"),
    hostNetwork: true,
  };
}
