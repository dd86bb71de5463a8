/* Entries made in the root: always one name under a directory handle. */
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include "child.h"
#include "sys.h"

static int own(struct child *child, int parent, const char *name, const struct value *uid, const struct value *gid, const char *path) {
    if (uid->number == 0 && gid->number == 0) return 0;
    if (fchownat(parent, name, (uid_t)uid->number, (gid_t)gid->number, AT_SYMLINK_NOFOLLOW) == 0) return 0;
    return fail(child->err, "fchownat", path);
}

int op_device(struct child *child, const struct record *record) {
    const struct value *v = record->v;
    const char *path = v[F_DEVICE_PATH].text, *name;
    char buffer[PATH_MAX];
    mode_t mode = (mode_t)v[F_DEVICE_MODE].number;
    dev_t device = makedev((unsigned)v[F_DEVICE_MAJOR].number, (unsigned)v[F_DEVICE_MINOR].number);
    int parent = borrow_parent(child, path, buffer, sizeof buffer, &name);
    if (parent < 0) return fail(child->err, "openat2", path);
    if (mknodat(parent, name, mode, device) != 0) {
        struct stat old;
        if (errno != EEXIST) return fail(child->err, "mknodat", path);
        if (fstatat(parent, name, &old, AT_SYMLINK_NOFOLLOW) != 0) return fail(child->err, "fstatat", path);
        if ((old.st_mode & S_IFMT) != (mode & S_IFMT) || old.st_rdev != device)
            return fail_with(child->err, EEXIST, "mknodat", path);
        if (unlinkat(parent, name, 0) != 0) return fail(child->err, "unlinkat", path);
        if (mknodat(parent, name, mode, device) != 0) return fail(child->err, "mknodat", path);
    }
    return own(child, parent, name, &v[F_DEVICE_UID], &v[F_DEVICE_GID], path);
}

int op_symlink(struct child *child, const struct record *record) {
    const char *path = record->v[F_SYMLINK_PATH].text, *target = record->v[F_SYMLINK_TARGET].text, *name;
    char buffer[PATH_MAX];
    int parent = borrow_parent(child, path, buffer, sizeof buffer, &name);
    if (parent < 0) return fail(child->err, "openat2", path);
    if (symlinkat(target, parent, name) == 0) return 0;
    if (errno != EEXIST) return fail(child->err, "symlinkat", path);
    ssize_t length = readlinkat(parent, name, buffer, sizeof buffer);
    if (length == (ssize_t)strlen(target) && memcmp(buffer, target, (size_t)length) == 0) return 0;
    return fail_with(child->err, EEXIST, "symlinkat", path);
}

int op_directory(struct child *child, const struct record *record) {
    const struct value *v = record->v;
    const char *path = v[F_DIRECTORY_PATH].text, *name;
    char buffer[PATH_MAX];
    OWNED_FD existing = open_in_root(child, path, O_PATH | O_DIRECTORY, 0);
    if (existing >= 0) return 0;
    if (errno != ENOENT) return fail(child->err, "openat2", path);
    OWNED_FD parent = make_parent(child, path, buffer, sizeof buffer, &name);
    if (parent < 0) return fail(child->err, "openat2", path);
    /* umask is 0 here */
    if (mkdirat(parent, name, (mode_t)v[F_DIRECTORY_MODE].number & 07777) != 0) return fail(child->err, "mkdirat", path);
    return own(child, parent, name, &v[F_DIRECTORY_UID], &v[F_DIRECTORY_GID], path);
}

/*
 * CVE-2024-21626: a working directory outside the root (through a leaked descriptor) gives the host away. The handle is
 * resolved inside the root, and the kernel is asked where we are: "(unreachable)…" is outside.
 */
int op_chdir(struct child *child, const struct record *record) {
    const char *path = record->v[F_CHDIR_PATH].text;
    char where[PATH_MAX];
    OWNED_FD fd = record->v[F_CHDIR_CREATE].number != 0 ? make_directory(child, path, 0)
                                                        : open_in_root(child, path, O_PATH | O_DIRECTORY, 0);
    if (fd < 0) return fail(child->err, "openat2", path);
    if (fchdir(fd) != 0) return fail(child->err, "fchdir", path);
    if (syscall(SYS_getcwd, where, sizeof where) < 0) return fail(child->err, "getcwd", path);
    if (where[0] != '/') return fail_with(child->err, EXDEV, "getcwd", path);
    return 0;
}
