/** Giving up power, in the only order the kernel allows, then the program. Pure. Used by a launch and by an exec. */
import type { OpRecord } from "../../../native/protocol.ts";
import { invalid } from "../../base/errors.ts";
import { capabilityMask } from "../../spec/capabilities.ts";
import type { ProcessSpec } from "../../spec/run-spec.ts";
import { rlimitNumber } from "../../spec/ulimits.ts";
import { candidates } from "./candidates.ts";

export interface SeccompFilter {
  /** struct sock_filter[] */
  readonly filter: Uint8Array;
  readonly flags: number;
}

function rlimits(process: ProcessSpec): readonly OpRecord[] {
  return process.rlimits.map(({ type, soft, hard }) => {
    const resource = rlimitNumber(type);
    if (resource === undefined)
      throw invalid("container.invalid_ulimit", `invalid ulimit type: ${type}`, { details: { argument: "Ulimits" } });
    return { op: "rlimit", resource, soft, hard };
  });
}

/**
 * Without no_new_privs a filter may only be loaded with CAP_SYS_ADMIN, so before the ids change; with it the filter goes
 * last, where it has the least to allow. The bounding set needs CAP_SETPCAP, ids need CAP_SETUID: both before they go.
 * A launch makes its missing working directory; an exec must not change the container it enters, and fails.
 */
export function compileProcess(
  process: ProcessSpec,
  seccomp: SeccompFilter | null,
  as: { readonly init: boolean; readonly makeCwd: boolean },
): readonly OpRecord[] {
  const { capabilities, user, args, env } = process;
  const filter: readonly OpRecord[] = seccomp === null ? [] : [{ op: "seccomp", ...seccomp }];
  return [
    ...rlimits(process),
    { op: "umask", mask: user.umask },
    { op: "chdir", path: process.cwd, create: as.makeCwd ? 1 : 0 },
    ...(process.apparmorProfile === "" ? [] : [{ op: "apparmor", label: process.apparmorProfile } as const]),
    ...(process.noNewPrivileges ? [{ op: "no_new_privs" } as const] : filter),
    {
      op: "capabilities",
      bounding: capabilityMask(capabilities.bounding),
      permitted: capabilityMask(capabilities.permitted),
      effective: capabilityMask(capabilities.effective),
      inheritable: capabilityMask(capabilities.inheritable),
      ambient: capabilityMask(capabilities.ambient),
    },
    { op: "user", uid: user.uid, gid: user.gid, groups: user.additionalGids.map(String) },
    ...(process.noNewPrivileges ? filter : []),
    ...(as.init ? [{ op: "init" } as const] : []),
    { op: "exec", candidates: candidates(args[0] ?? "", env), argv: args, env },
  ];
}
