/** What /info and /version say about the host; read once and kept. */
import { arch, cpus, hostname, release, totalmem } from "node:os";
import { readText } from "./base/fs.ts";
import type { Capabilities } from "./isolation/backend.ts";
import type { HostFacts } from "./types.ts";

const read = (path: string): string => readText(path) ?? "";

function osRelease(): { readonly name: string; readonly version: string } {
  const text = read("/etc/os-release") || read("/usr/lib/os-release");
  const field = (key: string): string => new RegExp(`^${key}=("?)(.*)\\1$`, "m").exec(text)?.[2] ?? "";
  return { name: field("PRETTY_NAME") || "Linux", version: field("VERSION_ID") };
}

const MACHINES: Readonly<Record<string, string>> = { x64: "x86_64", arm64: "aarch64", arm: "armv7l" };

/** Limits whose absence docker info warns about, with its words. */
const WARNINGS: readonly (readonly [limit: string, text: string])[] = [
  ["memory", "No memory limit support"],
  ["swap", "No swap limit support"],
  ["cpu", "No cpu cfs quota support"],
  ["cpuset", "No cpuset support"],
  ["pids", "No pids limit support"],
];

function securityOptions(capabilities: Capabilities): readonly string[] {
  return [
    ...(capabilities.apparmor ? ["name=apparmor"] : []),
    ...(capabilities.seccomp ? ["name=seccomp,profile=builtin"] : []),
    ...(capabilities.cgroupNamespaces ? ["name=cgroupns"] : []),
  ];
}

export function readFacts(capabilities: Capabilities): HostFacts {
  const { name, version } = osRelease();
  return {
    kernelVersion: release(),
    operatingSystem: name,
    osVersion: version,
    architecture: MACHINES[arch()] ?? arch(),
    cpus: cpus().length,
    memoryBytes: totalmem(),
    hostname: hostname(),
    cgroupVersion: capabilities.cgroupVersion,
    cgroupDriver: capabilities.limits.size === 0 ? "none" : "cgroupfs",
    limits: capabilities.limits,
    securityOptions: securityOptions(capabilities),
    ipv4Forwarding: read("/proc/sys/net/ipv4/ip_forward").trim() === "1",
    warnings: WARNINGS.filter(([limit]) => !capabilities.limits.has(limit)).map(([, text]) => `WARNING: ${text}`),
  };
}
