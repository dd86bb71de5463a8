/*
 * System calls that musl or an older glibc does not wrap. <sys/mount.h> is used nowhere: it and <linux/mount.h> define
 * the same words.
 */
#ifndef SYS_H
#define SYS_H
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <sched.h>
#include <sys/syscall.h>
#include "tare.h"

#define CLONE_INTO_CGROUP_BIT 0x200000000ull
#define UMOUNT_DETACH 2
#define MOVE_EMPTY (MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH)

struct clone3_args {
    u64 flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup;
};

static inline int sys_close_range(unsigned first, unsigned last, unsigned flags) {
    return (int)syscall(SYS_close_range, first, last, flags);
}
static inline int sys_openat2(int dirfd, const char *path, const struct open_how *how) {
    return (int)syscall(SYS_openat2, dirfd, path, how, sizeof *how);
}
static inline int sys_open_tree(int dirfd, const char *path, unsigned flags) {
    return (int)syscall(SYS_open_tree, dirfd, path, flags | OPEN_TREE_CLOEXEC);
}
static inline int sys_move_mount(int from, int to) {
    return (int)syscall(SYS_move_mount, from, "", to, "", MOVE_EMPTY);
}
static inline int sys_fsopen(const char *fstype) {
    return (int)syscall(SYS_fsopen, fstype, FSOPEN_CLOEXEC);
}
static inline int sys_fsconfig(int fd, unsigned command, const char *key, const char *value) {
    return (int)syscall(SYS_fsconfig, fd, command, key, value, 0);
}
static inline int sys_fsmount(int fd, unsigned attributes) {
    return (int)syscall(SYS_fsmount, fd, FSMOUNT_CLOEXEC, attributes);
}
static inline int sys_mount_setattr(int fd, unsigned flags, const struct mount_attr *attr) {
    return (int)syscall(SYS_mount_setattr, fd, "", flags | AT_EMPTY_PATH, attr, sizeof *attr);
}
static inline int sys_mount(const char *source, const char *target, const char *fstype, unsigned long flags, const char *data) {
    return (int)syscall(SYS_mount, source, target, fstype, flags, data);
}
static inline int sys_umount(const char *target, int flags) {
    return (int)syscall(SYS_umount2, target, flags);
}
static inline int sys_pivot_root(const char *new_root, const char *put_old) {
    return (int)syscall(SYS_pivot_root, new_root, put_old);
}
static inline int sys_pidfd_open(pid_t pid) {
    return (int)syscall(SYS_pidfd_open, pid, 0);
}
/* fork with namespaces: 0 in the child. cgroup: a directory descriptor (v2), or -1. */
static inline pid_t sys_clone(u64 flags, int exit_signal, int cgroup) {
    struct clone3_args args = {.flags = flags, .exit_signal = (u64)exit_signal};
    if (cgroup >= 0) {
        args.flags |= CLONE_INTO_CGROUP_BIT;
        args.cgroup = (u64)cgroup;
    }
    return (pid_t)syscall(SYS_clone3, &args, sizeof args);
}
#endif
