/** Platforms: parsing, normal forms and the order of preference (oci.md §3; containerd/platforms is the model). */
import { arch as nodeArch } from "node:os";
import { invalid } from "../engine/base/errors.ts";

export interface Platform {
  readonly os: string;
  readonly architecture: string;
  /** "" when none */
  readonly variant: string;
}

const ARCHITECTURES: Readonly<Record<string, readonly [architecture: string, variant?: string]>> = {
  x86_64: ["amd64"],
  "x86-64": ["amd64"],
  x64: ["amd64"],
  aarch64: ["arm64"],
  armhf: ["arm", "v7"],
  armel: ["arm", "v6"],
  i386: ["386"],
  ia32: ["386"],
};
/** A variant that says nothing is dropped; arm without a variant is v7. */
const DEFAULT_VARIANT: Readonly<Record<string, string>> = { amd64: "v1", arm64: "v8" };

export function normalizePlatform(os: string, architecture: string, variant = ""): Platform {
  const known = ARCHITECTURES[architecture.toLowerCase()];
  const arch = known?.[0] ?? architecture.toLowerCase();
  const raw = (known?.[1] ?? variant).toLowerCase();
  const numbered = /^[0-9]/.test(raw) ? `v${raw}` : raw;
  if (arch === "arm") return { os: os.toLowerCase(), architecture: arch, variant: numbered === "" ? "v7" : numbered };
  return { os: os.toLowerCase(), architecture: arch, variant: numbered === DEFAULT_VARIANT[arch] ? "" : numbered };
}

export const hostPlatform = (): Platform => normalizePlatform("linux", nodeArch());

/** "linux/arm64", "arm64", "linux/arm/v6". Throws invalid. */
export function parsePlatform(text: string): Platform {
  const parts = text.split("/");
  if (parts.length > 3 || parts.some((part) => !/^[A-Za-z0-9_.-]+$/.test(part))) {
    throw invalid("image.bad_platform", `invalid platform ${JSON.stringify(text)}: expected os/arch[/variant]`);
  }
  const [first = "", second, third] = parts;
  if (second === undefined) {
    return first === "linux" ? { ...hostPlatform() } : normalizePlatform("linux", first);
  }
  return normalizePlatform(first, second, third);
}

export const renderPlatform = ({ os, architecture, variant }: Platform): string =>
  [os, architecture, ...(variant === "" ? [] : [variant])].join("/");

const numbers = (from: number, to: number): number[] =>
  Array.from({ length: from - to + 1 }, (_, index) => from - index);

/** Everything that runs on `wanted`, best first. */
export function platformPreferences(wanted: Platform): Platform[] {
  const of = (architecture: string, variant: string): Platform => ({ os: wanted.os, architecture, variant });
  const level = Number(/^v(\d+)$/.exec(wanted.variant)?.[1] ?? "0");
  if (wanted.architecture === "amd64") {
    const levels = level > 1 ? numbers(level, 2).map((n) => of("amd64", `v${n}`)) : [];
    return [...levels, of("amd64", ""), of("386", "")];
  }
  if (wanted.architecture === "arm" && level >= 5) return numbers(level, 5).map((n) => of("arm", `v${n}`));
  if (wanted.architecture === "arm64") {
    return [wanted, of("arm64", ""), ...numbers(8, 5).map((n) => of("arm", `v${n}`))].filter(
      (candidate, index, all) => all.findIndex((other) => samePlatform(other, candidate)) === index,
    );
  }
  return [wanted];
}

export const samePlatform = (a: Platform, b: Platform): boolean =>
  a.os === b.os && a.architecture === b.architecture && a.variant === b.variant;

/** Rank of `candidate` among the preferences: 0 is best, -1 does not run. Exact: only the first preference counts. */
export function platformRank(preferences: readonly Platform[], candidate: Platform): number {
  return preferences.findIndex((preference) => samePlatform(preference, candidate));
}
