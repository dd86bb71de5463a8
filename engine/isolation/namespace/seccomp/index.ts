/** The door of seccomp: profile → struct sock_filter[]. The profile's text forms and the default table are `spec/seccomp`. */
import { hash } from "node:crypto";
import type { SeccompProfile } from "../../../spec/run-spec.ts";
import { DECIDING_CAPABILITIES, defaultProfile } from "../../../spec/seccomp/default-profile.ts";
import type { SeccompFacts } from "../../../spec/seccomp/profile.ts";
import { compileSeccomp } from "./compile.ts";

/** Compiled programs, least recently used first. Few containers have a profile or capabilities of their own. */
const programs = new Map<string, Uint8Array>();
const MAX_PROGRAMS = 64;

function cached(key: string, compile: () => Uint8Array): Uint8Array {
  const program = programs.get(key) ?? compile();
  programs.delete(key);
  programs.set(key, program);
  const [oldest] = programs.keys();
  if (programs.size > MAX_PROGRAMS && oldest !== undefined) programs.delete(oldest);
  return program;
}

/** Everything that decides about the default program, and nothing else: looked up without expanding the profile. */
function defaultKey({ bounding, view }: SeccompFacts): string {
  const capabilities = DECIDING_CAPABILITIES.filter((name) => bounding.includes(name));
  return `default ${view.architecture} ${view.kernel.major}.${view.kernel.minor} ${capabilities.join(" ")}`;
}

function profileKey(profile: SeccompProfile, { view }: SeccompFacts): string {
  const json = JSON.stringify(profile, (_key, value: unknown) => (typeof value === "bigint" ? `${value}n` : value));
  return `${view.architecture} ${hash("sha256", json)}`;
}

/**
 * Classic BPF for the `seccomp` record of the launch plan. The bytes are shared by every caller: do not write to them.
 * Throws `invalid` (container.seccomp_profile_too_large) when the profile needs more instructions than the kernel takes.
 */
export function seccompProgram(profile: SeccompProfile | "default", facts: SeccompFacts): Uint8Array {
  const { architecture } = facts.view;
  return profile === "default"
    ? cached(defaultKey(facts), () => compileSeccomp(defaultProfile(facts), architecture))
    : cached(profileKey(profile, facts), () => compileSeccomp(profile, architecture));
}

const FLAGS: Readonly<Record<string, number>> = {
  SECCOMP_FILTER_FLAG_TSYNC: 1,
  SECCOMP_FILTER_FLAG_LOG: 2,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW: 4,
};

/** SECCOMP_FILTER_FLAG_* bits for the `seccomp` record; the default profile's are SPEC_ALLOW. */
export const seccompFlags = (profile: SeccompProfile | "default"): number =>
  profile === "default"
    ? (FLAGS["SECCOMP_FILTER_FLAG_SPEC_ALLOW"] ?? 0)
    : profile.flags.reduce((bits, name) => bits | (FLAGS[name] ?? 0), 0);
