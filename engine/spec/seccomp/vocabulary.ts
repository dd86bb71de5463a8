/** The words of seccomp profiles (libseccomp's names, as OCI and Docker use them). */
export const SECCOMP_ACTIONS = [
  "SCMP_ACT_KILL",
  "SCMP_ACT_KILL_PROCESS",
  "SCMP_ACT_KILL_THREAD",
  "SCMP_ACT_TRAP",
  "SCMP_ACT_ERRNO",
  "SCMP_ACT_NOTIFY",
  "SCMP_ACT_TRACE",
  "SCMP_ACT_LOG",
  "SCMP_ACT_ALLOW",
] as const;
export type SeccompAction = (typeof SECCOMP_ACTIONS)[number];

export const SECCOMP_OPERATORS = [
  "SCMP_CMP_NE",
  "SCMP_CMP_LT",
  "SCMP_CMP_LE",
  "SCMP_CMP_EQ",
  "SCMP_CMP_GE",
  "SCMP_CMP_GT",
  "SCMP_CMP_MASKED_EQ",
] as const;
export type SeccompOperator = (typeof SECCOMP_OPERATORS)[number];

const FAMILIES = "X86 X86_64 X32 ARM AARCH64 LOONGARCH64 M68K MIPS MIPS64 MIPS64N32 MIPSEL MIPSEL64 MIPSEL64N32";
const MORE_FAMILIES = "PARISC PARISC64 PPC PPC64 PPC64LE RISCV64 S390 S390X SH SHEB";
/** Every architecture a valid profile may name; those that this host cannot execute are of no consequence. */
export const SECCOMP_ARCHITECTURES: readonly string[] = `${FAMILIES} ${MORE_FAMILIES}`
  .split(" ")
  .map((name) => `SCMP_ARCH_${name}`);

export const SECCOMP_FLAGS = [
  "SECCOMP_FILTER_FLAG_TSYNC",
  "SECCOMP_FILTER_FLAG_LOG",
  "SECCOMP_FILTER_FLAG_SPEC_ALLOW",
] as const;
/** As runc does when a profile says nothing: without it the kernel turns speculation off for the process, at a cost. */
export const DEFAULT_FLAGS: readonly string[] = ["SECCOMP_FILTER_FLAG_SPEC_ALLOW"];

/** This host's names: libseccomp's, and Go's as the `arches` conditions of Docker's templates use them. */
export const HOST_ARCHITECTURES = {
  x64: { scmp: "SCMP_ARCH_X86_64", go: "amd64", compatible: ["SCMP_ARCH_X86", "SCMP_ARCH_X32"] },
  arm64: { scmp: "SCMP_ARCH_AARCH64", go: "arm64", compatible: ["SCMP_ARCH_ARM"] },
} as const;
