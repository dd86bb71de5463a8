/** Capability names and numbers (linux/capability.h), and Docker's rules for --cap-add and --cap-drop. */
import { invalid } from "../base/errors.ts";
import { DEFAULT_CAPABILITIES } from "./defaults.ts";

/** By number, 0 first. */
export const CAPABILITIES: readonly string[] = [
  "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP", "LINUX_IMMUTABLE",
  "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER", "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT",
  "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE", "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE",
  "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP", "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ",
  "PERFMON", "BPF", "CHECKPOINT_RESTORE",
].map((name) => `CAP_${name}`); // biome-ignore format: a table

const NUMBERS: ReadonlyMap<string, number> = new Map(CAPABILITIES.map((name, number) => [name, number]));

/** Bit mask of the names; unknown names (newer than this table) are ignored. */
export function capabilityMask(names: readonly string[]): bigint {
  let mask = 0n;
  for (const name of names) {
    const number = NUMBERS.get(name);
    if (number !== undefined) mask |= 1n << BigInt(number);
  }
  return mask;
}

export const capabilityNames = (mask: bigint): readonly string[] =>
  CAPABILITIES.filter((_, number) => ((mask >> BigInt(number)) & 1n) === 1n);

/** "net_admin", "NET_ADMIN", "CAP_NET_ADMIN" → "CAP_NET_ADMIN"; "ALL" stays. Throws for a name the kernel does not have. */
export function normalizeCapability(name: string, argument: string): string {
  const upper = name.toUpperCase();
  if (upper === "ALL" || upper === "CAP_ALL") return "ALL";
  const full = upper.startsWith("CAP_") ? upper : `CAP_${upper}`;
  if (!NUMBERS.has(full)) {
    throw invalid("container.unknown_capability", `invalid ${argument}: unknown capability: "${name}"`, {
      details: { argument, value: name },
    });
  }
  return full;
}

/** available: the daemon's bounding set. */
export function effectiveCapabilities(
  add: readonly string[] | null,
  drop: readonly string[] | null,
  privileged: boolean,
  available: readonly string[],
): readonly string[] {
  if (privileged) return available;
  const added = (add ?? []).map((name) => normalizeCapability(name, "CapAdd"));
  const dropped = new Set((drop ?? []).map((name) => normalizeCapability(name, "CapDrop")));
  if (added.includes("ALL")) return available.filter((name) => !dropped.has(name));
  const kept = dropped.has("ALL") ? [] : DEFAULT_CAPABILITIES.filter((name) => !dropped.has(name));
  const chosen = new Set([...kept, ...added]);
  return available.filter((name) => chosen.has(name));
}
