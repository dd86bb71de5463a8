import type { SeccompProfile } from "../run-spec.ts";
import type { SeccompFacts } from "./profile.ts";

/** The built-in profile (Docker's default) expanded for this host and capability set. */
export function defaultProfile(_facts: SeccompFacts): SeccompProfile {
  throw new Error("not yet");
}
