// The floor: what the kernel alone charges for a container as Docker makes it, with no engine around it. Namespaces, cgroup,
// overlay root, the default mounts, devices and masks, pivot, exec. Prints one line of JSON: nanoseconds from the call
// to clone until the program executes ("exec") and until it has ended and its cgroup and directories are gone ("done").
//
//   floor SCRATCH LOWERDIR PROGRAM [ARG...]        LOWERDIR: an unpacked image; SCRATCH: an empty directory on the same filesystem
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef MOVE_MOUNT_F_EMPTY_PATH
#define MOVE_MOUNT_F_EMPTY_PATH 4
#endif

static const char *const controllers[] = {"memory", "cpu", "cpuacct", "cpuset", "blkio", "pids", "devices", "freezer"};
enum { CONTROLLERS = sizeof controllers / sizeof *controllers };

static void die(const char *what)
{
    fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
    _exit(125);
}

static uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return -1;
    ssize_t n = write(fd, text, strlen(text));
    close(fd);
    return n < 0 ? -1 : 0;
}

static int unified(void) { return access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0; }

static void cgroup_dir(char *out, size_t size, int index)
{
    if (unified()) snprintf(out, size, "/sys/fs/cgroup/tare-floor-%d", getpid());
    else snprintf(out, size, "/sys/fs/cgroup/%s/tare-floor-%d", controllers[index], getpid());
}

static int cgroup_count(void) { return unified() ? 1 : CONTROLLERS; }

// A cpuset starts empty and then refuses processes.
static void copy_cpuset(const char *dir, const char *name)
{
    char from[256], to[256], text[256];
    snprintf(from, sizeof from, "/sys/fs/cgroup/cpuset/%s", name);
    snprintf(to, sizeof to, "%.200s/%s", dir, name);
    int fd = open(from, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    if (n <= 0) return;
    text[n] = 0;
    write_text(to, text);
}

static void make_cgroups(char dirs[][128])
{
    for (int i = 0; i < cgroup_count(); i++) {
        cgroup_dir(dirs[i], 128, i);
        if (mkdir(dirs[i], 0755) < 0 && errno != EEXIST) dirs[i][0] = 0; // controller not mounted here
        if (dirs[i][0] && strstr(dirs[i], "/cpuset/")) copy_cpuset(dirs[i], "cpuset.cpus"), copy_cpuset(dirs[i], "cpuset.mems");
    }
}

// The child joins by itself: moving another process costs about 10 ms on an idle host with cgroup v1.
static void join_cgroups(char dirs[][128])
{
    char path[160];
    for (int i = 0; i < cgroup_count(); i++) {
        if (!dirs[i][0]) continue;
        snprintf(path, sizeof path, "%s/%s", dirs[i], unified() ? "cgroup.procs" : "tasks");
        if (write_text(path, "0") < 0) die(path);
    }
}

static void must_mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data)
{
    if (mount(source, target, type, flags, data) < 0) die(target);
}

static void make_dev(void)
{
    static const struct { const char *path; unsigned minor; } nodes[] = {
        {"dev/null", 3}, {"dev/zero", 5}, {"dev/full", 7}, {"dev/random", 8}, {"dev/urandom", 9},
    };
    must_mount("tmpfs", "dev", "tmpfs", MS_NOSUID | MS_STRICTATIME, "mode=755,size=65536k");
    mkdir("dev/pts", 0755), mkdir("dev/shm", 01777), mkdir("dev/mqueue", 01777);
    must_mount("devpts", "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620,gid=5");
    must_mount("shm", "dev/shm", "tmpfs", MS_NOSUID | MS_NOEXEC | MS_NODEV, "mode=1777,size=65536k");
    must_mount("mqueue", "dev/mqueue", "mqueue", MS_NOSUID | MS_NOEXEC | MS_NODEV, NULL);
    for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++)
        if (mknod(nodes[i].path, S_IFCHR | 0666, makedev(1, nodes[i].minor)) < 0) die(nodes[i].path);
    if (mknod("dev/tty", S_IFCHR | 0666, makedev(5, 0)) < 0) die("dev/tty");
    if (symlink("pts/ptmx", "dev/ptmx") || symlink("/proc/self/fd", "dev/fd") || symlink("/proc/self/fd/0", "dev/stdin") ||
        symlink("/proc/self/fd/1", "dev/stdout") || symlink("/proc/self/fd/2", "dev/stderr"))
        die("dev symlinks");
}

static void mask_paths(void)
{
    static const char *const masked[] = {"proc/acpi", "proc/kcore", "proc/keys", "proc/timer_list", "proc/scsi", "sys/firmware"};
    static const char *const readonly[] = {"proc/bus", "proc/fs", "proc/irq", "proc/sys", "proc/sysrq-trigger"};
    struct stat st;
    for (size_t i = 0; i < sizeof masked / sizeof *masked; i++) {
        if (stat(masked[i], &st) < 0) continue;
        if (S_ISDIR(st.st_mode)) must_mount("tmpfs", masked[i], "tmpfs", MS_RDONLY, "nr_blocks=1,nr_inodes=1");
        else must_mount("dev/null", masked[i], NULL, MS_BIND, NULL);
    }
    for (size_t i = 0; i < sizeof readonly / sizeof *readonly; i++) {
        if (stat(readonly[i], &st) < 0) continue;
        must_mount(readonly[i], readonly[i], NULL, MS_BIND | MS_REC, NULL);
        must_mount(NULL, readonly[i], NULL, MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NOEXEC | MS_NODEV, NULL);
    }
}

static void enter_root(const char *scratch, const char *lower)
{
    char data[4096];
    if (chdir(scratch) < 0) die(scratch);
    must_mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
    snprintf(data, sizeof data, "lowerdir=%s,upperdir=u,workdir=w", lower);
    must_mount("overlay", "m", "overlay", 0, data);
    if (chdir("m") < 0) die("m");
    mkdir("proc", 0755), mkdir("sys", 0755), mkdir("dev", 0755);
    must_mount("proc", "proc", "proc", MS_NOSUID | MS_NOEXEC | MS_NODEV, NULL);
    make_dev();
    must_mount("sysfs", "sys", "sysfs", MS_NOSUID | MS_NOEXEC | MS_NODEV | MS_RDONLY, NULL);
    mask_paths();
    if (syscall(SYS_pivot_root, ".", ".") < 0) die("pivot_root");
    if (umount2(".", MNT_DETACH) < 0 || chdir("/") < 0) die("detach the old root");
}

static int child(const char *scratch, const char *lower, char dirs[][128], char **argv)
{
    char *env[] = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", NULL};
    join_cgroups(dirs);
    if (unshare(CLONE_NEWCGROUP) < 0) die("unshare");
    enter_root(scratch, lower);
    if (sethostname("floor", 5) < 0) die("sethostname");
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    execve(argv[0], argv, env);
    die(argv[0]);
    return 125;
}

static pid_t clone_child(void)
{
    struct clone_args args = {.exit_signal = SIGCHLD};
    args.flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC;
    return (pid_t)syscall(SYS_clone3, &args, sizeof args);
}

static void remove_scratch(const char *scratch, char dirs[][128])
{
    char path[512];
    for (int i = 0; i < cgroup_count(); i++)
        if (dirs[i][0]) rmdir(dirs[i]);
    static const char *const parts[] = {"u/dev", "u/proc", "u/sys", "u", "w/work", "w", "m"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        snprintf(path, sizeof path, "%s/%s", scratch, parts[i]);
        rmdir(path);
    }
}

int main(int argc, char **argv)
{
    char dirs[CONTROLLERS][128] = {{0}};
    char byte;
    int status, executed[2];
    if (argc < 4) return fprintf(stderr, "usage: floor SCRATCH LOWERDIR PROGRAM [ARG...]\n"), 2;
    static const char *const parts[] = {"u", "w", "m"};
    if (pipe2(executed, O_CLOEXEC) < 0) die("pipe");
    uint64_t start = now();
    for (int i = 0; i < 3; i++) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s", argv[1], parts[i]);
        if (mkdir(path, 0755) < 0 && errno != EEXIST) die(path);
    }
    make_cgroups(dirs);
    pid_t pid = clone_child();
    if (pid < 0) die("clone3");
    if (pid == 0) return child(argv[1], argv[2], dirs, argv + 3);
    close(executed[1]);
    if (read(executed[0], &byte, 1) < 0) die("read"); // end of file: the child's copy closed on exec
    uint64_t exec = now();
    if (waitpid(pid, &status, 0) < 0) die("waitpid");
    remove_scratch(argv[1], dirs);
    printf("{\"exec\":%llu,\"done\":%llu,\"status\":%d}\n", (unsigned long long)(exec - start), (unsigned long long)(now() - start), status);
    return 0;
}
