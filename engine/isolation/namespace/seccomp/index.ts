/** The door of seccomp: profile → struct sock_filter[]. The profile's text forms and default table are `spec/seccomp`. */
import type { SeccompFacts } from "../../../spec/seccomp/profile.ts";
import type { SeccompProfile } from "../../../spec/run-spec.ts";

/** Classic BPF for the `seccomp` record of the launch plan; cached by the profile's hash. */
export function seccompProgram(_profile: SeccompProfile | "default", _facts: SeccompFacts): Uint8Array {
  throw new Error("not yet");
}

/** SECCOMP_FILTER_FLAG_* bits for the `seccomp` record. */
export function seccompFlags(_profile: SeccompProfile | "default"): number {
  return 0;
}
