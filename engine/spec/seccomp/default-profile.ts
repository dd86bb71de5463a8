/** The built-in profile: Docker's default (profiles/seccomp) in our own form; a test compares the two rule by rule. */
import { constants } from "node:os";
import type { SeccompProfile } from "../run-spec.ts";
import { type Conditions, expandRules, NO_CONDITIONS, type SeccompFacts, type TemplateRule } from "./conditions.ts";
import { UNCONDITIONAL } from "./default-calls.ts";
import { DEFAULT_FLAGS, HOST_ARCHITECTURES, type SeccompOperator } from "./vocabulary.ts";

type When = Partial<Conditions>;
type Argument = TemplateRule["args"][number];

const rule = (
  names: string,
  includes: When = {},
  excludes: When = {},
  args: readonly Argument[] = [],
): TemplateRule => ({
  names: names.split(" "),
  action: "SCMP_ACT_ALLOW",
  errnoRet: null,
  args,
  includes: { ...NO_CONDITIONS, ...includes },
  excludes: { ...NO_CONDITIONS, ...excludes },
});
const having = (capability: string, names: string): TemplateRule => rule(names, { caps: [capability] });
const argument = (op: SeccompOperator, value: number, valueTwo = 0): Argument => ({ index: 0, op, value, valueTwo });

/**
 * AF_ALG: a flaw behind it lets any process write to the page cache of files that it may only read, and the page cache
 * is one per host (CVE-2026-31431). AF_VSOCK is not namespaced and speaks to the hypervisor.
 */
const AF_ALG = 38;
const AF_VSOCK = 40;
const SOCKET_FAMILIES = [
  argument("SCMP_CMP_LT", AF_ALG),
  argument("SCMP_CMP_EQ", 39),
  argument("SCMP_CMP_GT", AF_VSOCK),
];

/** PER_LINUX, PER_LINUX32, both with UNAME26, and "only ask". The others weaken address randomisation or map page 0. */
const PERSONALITIES = [0x0, 0x8, 0x20000, 0x20008, 0xffffffff];

/** CLONE_NEWNS | NEWCGROUP | NEWUTS | NEWIPC | NEWUSER | NEWPID | NEWNET: none may be set. */
const NEW_NAMESPACES = 0x7e020000;

const SYSTEM_ADMINISTRATION = [
  "bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie lsm_get_self_attr lsm_list_modules",
  "lsm_set_self_attr mount mount_setattr move_mount open_tree perf_event_open quotactl quotactl_fd setdomainname",
  "sethostname setns syslog umount umount2 unshare",
].join(" ");

const RULES: readonly TemplateRule[] = [
  { ...rule(""), names: UNCONDITIONAL },
  // Before 4.8 a tracer could change a call after the filter had looked at it.
  rule("process_vm_readv process_vm_writev ptrace", { minKernel: { major: 4, minor: 8 } }),
  ...SOCKET_FAMILIES.map((family) => rule("socket", {}, {}, [family])),
  ...PERSONALITIES.map((value) => rule("personality", {}, {}, [argument("SCMP_CMP_EQ", value)])),
  rule("arm_fadvise64_64 arm_sync_file_range sync_file_range2 breakpoint cacheflush set_tls", {
    arches: ["arm", "arm64"],
  }),
  rule("arch_prctl", { arches: ["amd64", "x32"] }),
  rule("modify_ldt", { arches: ["amd64", "x32", "x86"] }),
  having("CAP_DAC_READ_SEARCH", "open_by_handle_at"),
  having("CAP_SYS_ADMIN", SYSTEM_ADMINISTRATION),
  rule("clone", {}, { caps: ["CAP_SYS_ADMIN"] }, [argument("SCMP_CMP_MASKED_EQ", NEW_NAMESPACES, 0)]),
  // Its flags lie in memory that a filter cannot read. "No such call" makes the C library fall back to clone.
  {
    ...rule("clone3", {}, { caps: ["CAP_SYS_ADMIN"] }),
    action: "SCMP_ACT_ERRNO",
    errnoRet: constants.errno.ENOSYS,
  },
  having("CAP_SYS_BOOT", "reboot"),
  having("CAP_SYS_CHROOT", "chroot"),
  having("CAP_SYS_MODULE", "delete_module init_module finit_module"),
  having("CAP_SYS_PACCT", "acct"),
  having("CAP_SYS_PTRACE", "kcmp pidfd_getfd process_madvise process_vm_readv process_vm_writev ptrace"),
  having("CAP_SYS_RAWIO", "iopl ioperm"),
  having("CAP_SYS_TIME", "settimeofday stime clock_settime clock_settime64"),
  having("CAP_SYS_TTY_CONFIG", "vhangup"),
  having("CAP_SYS_NICE", "get_mempolicy mbind set_mempolicy set_mempolicy_home_node"),
  having("CAP_SYSLOG", "syslog"),
  having("CAP_BPF", "bpf"),
  having("CAP_PERFMON", "perf_event_open"),
];

/** The capabilities that change the profile; two bounding sets that agree on these get the same program. */
export const DECIDING_CAPABILITIES: readonly string[] = [
  ...new Set(RULES.flatMap(({ includes, excludes }) => [...includes.caps, ...excludes.caps])),
];

/** The built-in profile expanded for this host and capability set. */
export function defaultProfile(facts: SeccompFacts): SeccompProfile {
  const { scmp, compatible } = HOST_ARCHITECTURES[facts.view.architecture];
  return {
    defaultAction: "SCMP_ACT_ERRNO",
    defaultErrnoRet: constants.errno.EPERM,
    architectures: [scmp, ...compatible],
    flags: DEFAULT_FLAGS,
    syscalls: expandRules(RULES, facts),
  };
}
