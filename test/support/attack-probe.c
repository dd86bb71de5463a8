/*
 * What a hostile program in a container does, one attack per verb. Prints one line per success; silence is good news.
 *
 *   exec-thief STOP      looks into every other process's descriptors and executable until the file STOP exists
 *   sockets              socket() by the 64-bit call for families a filter must refuse, and AF_INET
 *   posture              acts that no ordinary container may do

 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

static void look_into(int pid)
{
    char path[64], target[256];
    for (int fd = 3; fd < 64; fd++) {
        snprintf(path, sizeof path, "/proc/%d/fd/%d", pid, fd);
        ssize_t n = readlink(path, target, sizeof target - 1);
        if (n < 0) continue;
        target[n] = 0;
        printf("fd %d of %d is %s\n", fd, pid, target);
        int stolen = open(path, O_RDONLY);
        if (stolen >= 0) printf("opened it\n");
    }
    snprintf(path, sizeof path, "/proc/%d/exe", pid);
    int exe = open(path, O_RDONLY);
    if (exe < 0) return;
    ssize_t n = readlink(path, target, sizeof target - 1);
    target[n < 0 ? 0 : n] = 0;
    if (n > 0 && strstr(target, "/bin/") == NULL) printf("executable of %d is %s\n", pid, target);
    close(exe);
    exe = open(path, O_WRONLY);
    if (exe >= 0) printf("executable of %d is writable\n", pid);
    if (ptrace(PTRACE_ATTACH, pid, 0, 0) == 0) {
        n = readlink(path, target, sizeof target - 1);
        target[n < 0 ? 0 : n] = 0;
        /* without an executable it has let go of its memory and only waits to be collected */
        if (n > 0 && strstr(target, "/bin/") == NULL) printf("traced %d, which is %s\n", pid, target);
        waitpid(pid, NULL, __WALL);
        ptrace(PTRACE_DETACH, pid, 0, 0);
        /* When the stop that was waited for was execve's, the SIGSTOP of the attach is still to come. */
        kill(pid, SIGCONT);
    }
}

static int exec_thief(const char *stop)
{
    struct stat st;
    puts("ready");
    fflush(stdout);
    while (stat(stop, &st) != 0) {
        DIR *proc = opendir("/proc");
        for (struct dirent *entry; proc != NULL && (entry = readdir(proc)) != NULL;) {
            int pid = atoi(entry->d_name);
            if (pid > 1 && pid != getpid()) look_into(pid);
        }
        if (proc != NULL) closedir(proc);
        fflush(stdout);
    }
    return 0;
}

static void socket_of(const char *name, int family, int type)
{
    int fd = socket(family, type, 0);
    printf("%s %s\n", name, fd >= 0 ? "allowed" : strerrorname_np(errno));
}

static void act(const char *name, long result)
{
    printf("%s %s\n", name, result >= 0 ? "allowed" : strerrorname_np(errno));
}

static int posture(void)
{
    char stack[64];
    act("mount", mount("none", "/tmp", "tmpfs", 0, NULL));
    act("umount", umount2("/proc", MNT_DETACH));
    act("unshare-user", unshare(CLONE_NEWUSER));
    act("unshare-mount", unshare(CLONE_NEWNS));
    act("clone3", syscall(SYS_clone3, stack, 0));
    act("setns", setns(0, 0));
    act("bpf", syscall(SYS_bpf, 0, NULL, 0));
    act("keyctl", syscall(SYS_keyctl, 0, 0, 0, 0, 0));
    act("add_key", syscall(SYS_add_key, "user", "a", "b", 1, -1));
    act("userfaultfd", syscall(SYS_userfaultfd, 0));
    act("perf_event_open", syscall(SYS_perf_event_open, NULL, 0, 0, 0, 0));
    act("io_uring_setup", syscall(SYS_io_uring_setup, 1, NULL));
    act("kexec_load", syscall(SYS_kexec_load, 0, 0, NULL, 0));
    act("init_module", syscall(SYS_init_module, NULL, 0, ""));
    act("open_by_handle_at", syscall(SYS_open_by_handle_at, -1, NULL, 0));
    act("reboot", syscall(SYS_reboot, 0, 0, 0, NULL));
    act("swapon", syscall(SYS_swapon, "/x", 0));
    act("pivot_root", syscall(SYS_pivot_root, ".", "."));
    act("personality", syscall(SYS_personality, 0x0040000));
    act("core_pattern", open("/proc/sys/kernel/core_pattern", O_WRONLY));
    act("sysrq", open("/proc/sysrq-trigger", O_WRONLY));
    act("release_agent", open("/sys/fs/cgroup/memory/release_agent", O_WRONLY));
    act("cgroup-write", open("/sys/fs/cgroup/memory/memory.limit_in_bytes", O_WRONLY));
    act("sysfs-write", open("/sys/kernel/uevent_helper", O_WRONLY));
    act("kcore", open("/proc/kcore", O_RDONLY) >= 0 && read(open("/proc/kcore", O_RDONLY), stack, 1) > 0 ? 0 : -1);
    act("mknod-disk", mknod("/tmp/disk", S_IFBLK | 0600, makedev(254, 0)) == 0 ? open("/tmp/disk", O_RDONLY) : -1);
    return 0;
}

int main(int argc, char **argv)
{
    const char *verb = argc > 1 ? argv[1] : "";
    if (strcmp(verb, "exec-thief") == 0 && argc > 2) return exec_thief(argv[2]);
    if (strcmp(verb, "posture") == 0) return posture();
    if (strcmp(verb, "sockets") == 0) {
        socket_of("AF_INET", AF_INET, SOCK_STREAM);
        socket_of("AF_UNIX", AF_UNIX, SOCK_STREAM);
        socket_of("AF_NETLINK", AF_NETLINK, SOCK_RAW);
        socket_of("AF_ALG", 38, SOCK_SEQPACKET);
        socket_of("AF_VSOCK", 40, SOCK_STREAM);
        return 0;
    }
    return 2;
}
