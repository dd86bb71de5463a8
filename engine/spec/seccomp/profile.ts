import { unsupported } from "../../base/errors.ts";
import type { HostView } from "../host-view.ts";
import type { SeccompProfile } from "../run-spec.ts";

/** What a profile's conditions ask about. */
export interface SeccompFacts {
  /** The bounding set of the container ("CAP_CHOWN", …): rules for capabilities look at what can ever be had. */
  readonly bounding: readonly string[];
  readonly view: Pick<HostView, "architecture" | "kernel">;
}

/**
 * SecurityOpt `seccomp={…}`: Docker's template form (includes/excludes/archMap) or the OCI form, expanded for this host.
 * Throws `invalid` (code container.invalid_seccomp_profile) whose details.field names the offending field.
 */
export function parseSeccomp(_json: string, _facts: SeccompFacts): SeccompProfile {
  throw unsupported("container.seccomp_profile", "custom seccomp profiles are not ready yet");
}
