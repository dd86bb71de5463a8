/*
 * Paths inside the root. The root is the attacker's: any component may be a link, and in a shared volume may change while
 * we look (CVE-2019-18837, CVE-2021-30465, CVE-2024-45310). So every path is resolved by the kernel from the root's
 * handle with RESOLVE_IN_ROOT, and what is then used is the handle that came back, never the path again.
 */
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include "child.h"
#include "io.h"
#include "sys.h"

int open_in_root(const struct child *child, const char *path, u64 flags, u64 resolve) {
    struct open_how how = {.flags = flags | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | resolve};
    int fd;
    /* EAGAIN: a rename somewhere raced with ".." */
    for (int attempt = 0; (fd = sys_openat2(child->root, path, &how)) < 0 && errno == EAGAIN && attempt < 128; attempt++)
        ;
    return fd;
}

/* One component more: opens `prefix`, after making its last name in `parent` when it is missing. */
static int step(const struct child *child, int parent, const char *prefix, const char *name, u64 resolve) {
    int fd = open_in_root(child, prefix, O_PATH | O_DIRECTORY, resolve);
    if (fd >= 0 || errno != ENOENT) return fd;
    /* mkdirat does not follow a link at the end: a dangling one is EEXIST here, and the second open says so. */
    if (mkdirat(parent, name, 0755) != 0 && errno != EEXIST) return -1;
    return open_in_root(child, prefix, O_PATH | O_DIRECTORY, resolve);
}

static int make_missing(const struct child *child, const char *path, u64 resolve) {
    char prefix[PATH_MAX];
    const char *slash = strrchr(path, '/');
    if (strlen(path) >= sizeof prefix) {
        errno = ENAMETOOLONG;
        return -1;
    }
    /* Most often only the last name is missing. */
    if (slash != NULL && slash != path && slash[1] != 0 && strcmp(slash + 1, ".") != 0 && strcmp(slash + 1, "..") != 0) {
        memcpy(prefix, path, (size_t)(slash - path));
        prefix[slash - path] = 0;
        OWNED_FD parent = open_in_root(child, prefix, O_PATH | O_DIRECTORY, resolve);
        if (parent >= 0 && (mkdirat(parent, slash + 1, 0755) == 0 || errno == EEXIST))
            return open_in_root(child, path, O_PATH | O_DIRECTORY, resolve);
    }
    OWNED_FD at = open_in_root(child, "/", O_PATH | O_DIRECTORY, 0);
    size_t length = 0;
    for (const char *name = path; at >= 0;) {
        name += strspn(name, "/");
        size_t size = strcspn(name, "/");
        if (size == 0) break;
        prefix[length++] = '/';
        memcpy(prefix + length, name, size);
        length += size;
        prefix[length] = 0;
        int next = step(child, at, prefix, prefix + length - size, resolve);
        close_owned(&at);
        at = next;
        name += size;
    }
    return take_fd(&at);
}

int make_directory(const struct child *child, const char *path, u64 resolve) {
    int whole = open_in_root(child, path, O_PATH | O_DIRECTORY, resolve);
    return whole >= 0 || errno != ENOENT ? whole : make_missing(child, path, resolve);
}

int make_parent(const struct child *child, const char *path, char *buffer, size_t size, const char **name) {
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/') length--;
    errno = EINVAL;
    if (length == 0 || length >= size) return -1;
    memcpy(buffer, path, length);
    buffer[length] = 0;
    char *slash = strrchr(buffer, '/');
    *name = slash == NULL ? buffer : slash + 1;
    if (**name == 0 || strcmp(*name, ".") == 0 || strcmp(*name, "..") == 0) return -1;
    if (slash == NULL || slash == buffer) return open_in_root(child, "/", O_PATH | O_DIRECTORY, 0);
    *slash = 0;
    return make_directory(child, buffer, 0);
}

void forget_parent(struct child *child) {
    close_owned(&child->parent);
    child->parent = -1;
}

int borrow_parent(struct child *child, const char *path, char *buffer, size_t size, const char **name) {
    const char *slash = strrchr(path, '/');
    size_t length = slash == NULL ? 0 : (size_t)(slash - path);
    bool plain = slash != NULL && slash[1] != 0 && strcmp(slash, "/.") != 0 && strcmp(slash, "/..") != 0;
    if (child->parent >= 0 && child->keeps_parent && plain && length == strlen(child->parent_path) &&
        memcmp(path, child->parent_path, length) == 0) {
        *name = slash + 1;
        return child->parent;
    }
    forget_parent(child);
    child->parent = make_parent(child, path, buffer, size, name);
    child->keeps_parent = plain && length < sizeof child->parent_path;
    if (child->keeps_parent) {
        memcpy(child->parent_path, path, length);
        child->parent_path[length] = 0;
    }
    return child->parent;
}

int make_target(const struct child *child, const char *path, bool directory, u64 resolve) {
    char buffer[PATH_MAX];
    const char *name;
    int fd = open_in_root(child, path, O_PATH, resolve);
    if (fd >= 0 || errno != ENOENT) return fd;
    if (directory) return make_missing(child, path, resolve);
    OWNED_FD parent = make_parent(child, path, buffer, sizeof buffer, &name);
    if (parent < 0) return -1;
    OWNED_FD made = openat(parent, name, O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_WRONLY, 0644);
    if (made < 0 && errno != EEXIST) return -1;
    return openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
}

static bool is_procfs(int fd) {
    struct statfs fs;
    struct stat node;
    /* inode 1 is the root of a procfs: not a bind mount of some directory of it (CVE-2019-16884, CVE-2025-52881) */
    return fstatfs(fd, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC && fstat(fd, &node) == 0 && node.st_ino == 1;
}

/*
 * Three sources, best first: the host's, opened before the root was entered; a private instance of this pid namespace,
 * attached nowhere; the container's own /proc when the kernel does not let a user namespace make a private one (masks in
 * sight). All are verified, and open_proc never crosses a mount on top of an entry.
 */
int proc_handle(struct child *child) {
    if (child->proc >= 0) return 0;
    OWNED_FD fs = sys_fsopen("proc");
    if (fs >= 0 && sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL) == 0)
        child->proc = sys_fsmount(fs, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NODEV);
    if (child->proc < 0) child->proc = open_in_root(child, "/proc", O_PATH | O_DIRECTORY, RESOLVE_NO_SYMLINKS);
    if (child->proc < 0) return -1;
    if (!is_procfs(child->proc)) {
        close_owned(&child->proc);
        child->proc = -1;
        errno = EXDEV;
        return -1;
    }
    return 0;
}

int open_proc(struct child *child, const char *path, int flags) {
    struct open_how how = {
        .flags = (u64)flags | O_CLOEXEC | O_NOCTTY,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
    };
    struct statfs fs;
    if (proc_handle(child) != 0) return -1;
    OWNED_FD fd = sys_openat2(child->proc, path, &how);
    if (fd < 0) return -1;
    if (fstatfs(fd, &fs) != 0 || fs.f_type != PROC_SUPER_MAGIC) {
        errno = EXDEV;
        return -1;
    }
    return take_fd(&fd);
}
