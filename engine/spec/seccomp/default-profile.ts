/**
 * The default system call policy: Docker's, rule for rule, as a table of our own (a test compares it with the published
 * file). Everything not named gets EPERM; calls newer than the whole table get ENOSYS (see `isolation/namespace/seccomp`).
 *
 * Reasons worth knowing: AF_ALG (38) and AF_VSOCK (40) sockets are refused because the page cache and the hypervisor are
 * shared with the host; clone may not make namespaces without CAP_SYS_ADMIN, and because clone3 hides its flags behind a
 * pointer it says ENOSYS, so that the C library falls back to clone; personality must not switch off address randomisation.
 */
import type { SeccompProfile } from "../run-spec.ts";
import { ARCHITECTURES, expandRules, type SeccompFacts, type SeccompRule } from "./profile.ts";

const names = (text: string): readonly string[] => text.trim().split(/\s+/);

const ALWAYS: readonly string[] = [
  // processes and threads
  `alarm brk capget capset execve execveat exit exit_group fork futex futex_requeue futex_time64 futex_wait futex_waitv
   futex_wake getcpu getitimer getpeername getpgid getpgrp getpid getppid getpriority getrandom getresgid getresgid32
   getresuid getresuid32 getrlimit get_robust_list getrusage getsid get_thread_area kill landlock_add_rule
   landlock_create_ruleset landlock_restrict_self map_shadow_stack membarrier nanosleep pause pidfd_open
   pidfd_send_signal prctl prlimit64 process_mrelease restart_syscall riscv_hwprobe rseq sched_getaffinity
   sched_getattr sched_getparam sched_get_priority_max sched_get_priority_min sched_getscheduler sched_rr_get_interval
   sched_rr_get_interval_time64 sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield seccomp
   setitimer setpgid setpriority setregid setregid32 setresgid setresgid32 setresuid setresuid32 setreuid setreuid32
   setrlimit set_robust_list setsid set_thread_area set_tid_address sysinfo tgkill time times tkill ugetrlimit umask
   uname uretprobe vfork wait4 waitid waitpid`,
  // identities
  `getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 gettid getuid getuid32 setfsgid setfsgid32
   setfsuid setfsuid32 setgid setgid32 setgroups setgroups32 setuid setuid32`,
  // signals
  `rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait
   rt_sigtimedwait_time64 rt_tgsigqueueinfo sigaltstack signalfd signalfd4 sigprocmask sigreturn`,
  // sockets
  `accept accept4 bind connect getsockname getsockopt listen recv recvfrom recvmmsg recvmmsg_time64 recvmsg send
   sendfile sendfile64 sendmmsg sendmsg sendto setsockopt shutdown socketcall socketpair`,
  // memory
  `madvise memfd_create memfd_secret mincore mlock mlock2 mlockall mmap mmap2 mprotect mremap mseal msync munlock
   munlockall munmap pkey_alloc pkey_free pkey_mprotect remap_file_pages`,
  // System V and POSIX ipc
  `ipc mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64
   mq_unlink msgctl msgget msgrcv msgsnd semctl semget semop semtimedop semtimedop_time64 shmat shmctl shmdt shmget`,
  // clocks and timers
  `adjtimex clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime clock_gettime64
   clock_nanosleep clock_nanosleep_time64 gettimeofday timer_create timer_delete timer_getoverrun timer_gettime
   timer_gettime64 timer_settime timer_settime64 timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime
   timerfd_settime64`,
  // asynchronous input and output, events
  `epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd
   eventfd2 fanotify_mark inotify_add_watch inotify_init inotify_init1 inotify_rm_watch io_cancel io_destroy
   io_getevents io_pgetevents io_pgetevents_time64 ioprio_get ioprio_set io_setup io_submit _newselect poll ppoll
   ppoll_time64 pselect6 pselect6_time64 select`,
  // files
  `access cachestat chdir chmod chown chown32 close close_range copy_file_range creat dup dup2 dup3 faccessat
   faccessat2 fadvise64 fadvise64_64 fallocate fchdir fchmod fchmodat fchmodat2 fchown fchown32 fchownat fcntl fcntl64
   fdatasync fgetxattr flistxattr flock fremovexattr fsetxattr fstat fstat64 fstatat64 fstatfs fstatfs64 fsync
   ftruncate ftruncate64 futimesat getcwd getdents getdents64 getxattr getxattrat ioctl lchown lchown32 lgetxattr link
   linkat listmount listxattr listxattrat llistxattr _llseek lremovexattr lseek lsetxattr lstat lstat64 mkdir mkdirat
   mknod mknodat name_to_handle_at newfstatat open openat openat2 pipe pipe2 pread64 preadv preadv2 pwrite64 pwritev
   pwritev2 read readahead readlink readlinkat readv removexattr removexattrat rename renameat renameat2 rmdir setxattr
   setxattrat splice stat stat64 statfs statfs64 statmount statx symlink symlinkat sync sync_file_range syncfs tee
   truncate truncate64 unlink unlinkat utime utimensat utimensat_time64 utimes vmsplice write writev`,
].flatMap(names);

const WITH_SYS_ADMIN = names(
  `bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie lsm_get_self_attr
   lsm_list_modules lsm_set_self_attr mount mount_setattr move_mount open_tree perf_event_open quotactl
   quotactl_fd setdomainname sethostname setns syslog umount umount2 unshare`,
);

/** CLONE_NEWNS|NEWCGROUP|NEWUTS|NEWIPC|NEWUSER|NEWPID|NEWNET: none of these bits may be set. */
const CLONE_NEW_NAMESPACES = 0x7e020000;
/** PER_LINUX, PER_LINUX32 and UNAME26 with either; 0xffffffff asks without changing. */
const PERSONALITIES = [0x0, 0x0008, 0x20000, 0x20008, 0xffffffff];
const EPERM = 1;
const ENOSYS = 38;

const allow = (text: string, when: Partial<SeccompRule> = {}): SeccompRule => ({ names: names(text), action: "SCMP_ACT_ALLOW", ...when });
const withCapability = (capability: string, text: string): SeccompRule => allow(text, { includes: { capabilities: [capability] } });
const argument = (index: number, op: string, value: number) => [{ index, op, value, valueTwo: 0 }];

export const DEFAULT_RULES: readonly SeccompRule[] = [
  { names: ALWAYS, action: "SCMP_ACT_ALLOW" },
  // before 4.8 a traced process could slip past its filter
  allow("process_vm_readv process_vm_writev ptrace", { includes: { minKernel: "4.8" } }),
  allow("socket", { args: argument(0, "SCMP_CMP_LT", 38) }),
  allow("socket", { args: argument(0, "SCMP_CMP_EQ", 39) }),
  allow("socket", { args: argument(0, "SCMP_CMP_GT", 40) }),
  ...PERSONALITIES.map((value) => allow("personality", { args: argument(0, "SCMP_CMP_EQ", value) })),
  allow("sync_file_range2 swapcontext", { includes: { arches: ["ppc64le"] } }),
  allow("arm_fadvise64_64 arm_sync_file_range sync_file_range2 breakpoint cacheflush set_tls", { includes: { arches: ["arm", "arm64"] } }),
  allow("arch_prctl", { includes: { arches: ["amd64", "x32"] } }),
  allow("modify_ldt", { includes: { arches: ["amd64", "x32", "x86"] } }),
  allow("s390_pci_mmio_read s390_pci_mmio_write s390_runtime_instr", { includes: { arches: ["s390", "s390x"] } }),
  allow("riscv_flush_icache", { includes: { arches: ["riscv64"] } }),
  withCapability("CAP_DAC_READ_SEARCH", "open_by_handle_at"),
  { names: WITH_SYS_ADMIN, action: "SCMP_ACT_ALLOW", includes: { capabilities: ["CAP_SYS_ADMIN"] } },
  allow("clone", {
    args: argument(0, "SCMP_CMP_MASKED_EQ", CLONE_NEW_NAMESPACES),
    excludes: { capabilities: ["CAP_SYS_ADMIN"], arches: ["s390", "s390x"] },
  }),
  allow("clone", {
    args: argument(1, "SCMP_CMP_MASKED_EQ", CLONE_NEW_NAMESPACES),
    includes: { arches: ["s390", "s390x"] },
    excludes: { capabilities: ["CAP_SYS_ADMIN"] },
  }),
  { names: ["clone3"], action: "SCMP_ACT_ERRNO", errnoRet: ENOSYS, excludes: { capabilities: ["CAP_SYS_ADMIN"] } },
  withCapability("CAP_SYS_BOOT", "reboot"),
  withCapability("CAP_SYS_CHROOT", "chroot"),
  withCapability("CAP_SYS_MODULE", "delete_module init_module finit_module"),
  withCapability("CAP_SYS_PACCT", "acct"),
  withCapability("CAP_SYS_PTRACE", "kcmp pidfd_getfd process_madvise process_vm_readv process_vm_writev ptrace"),
  withCapability("CAP_SYS_RAWIO", "iopl ioperm"),
  withCapability("CAP_SYS_TIME", "settimeofday stime clock_settime clock_settime64"),
  withCapability("CAP_SYS_TTY_CONFIG", "vhangup"),
  withCapability("CAP_SYS_NICE", "get_mempolicy mbind set_mempolicy set_mempolicy_home_node"),
  withCapability("CAP_SYSLOG", "syslog"),
  withCapability("CAP_BPF", "bpf"),
  withCapability("CAP_PERFMON", "perf_event_open"),
];

/** The built-in profile expanded for this host and capability set. */
export const defaultProfile = (facts: SeccompFacts): SeccompProfile => ({
  defaultAction: "SCMP_ACT_ERRNO",
  defaultErrnoRet: EPERM,
  architectures: ARCHITECTURES[facts.view.architecture],
  flags: [],
  syscalls: expandRules(DEFAULT_RULES, facts),
});
