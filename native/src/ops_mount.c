/*
 * Mounts, all by descriptor: what is mounted is a detached tree, where it goes is a handle resolved inside the root, and
 * move_mount joins the two. No path is resolved twice (CVE-2019-19921, CVE-2021-30465, CVE-2025-52565).
 */
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include "child.h"
#include "sys.h"

#define MOUNT_REC 0x4000

static int set_attributes(int mount, u64 attributes, bool recursive, u64 propagation, int userns) {
    struct mount_attr attr = {.attr_set = attributes, .propagation = propagation & ~(u64)MOUNT_REC};
    if ((attributes & MOUNT_ATTR__ATIME) != 0) attr.attr_clr = MOUNT_ATTR__ATIME;
    if (userns >= 0) {
        attr.attr_set |= MOUNT_ATTR_IDMAP;
        attr.userns_fd = (u64)userns;
    }
    if (attr.attr_set == 0 && attr.propagation == 0) return 0;
    return sys_mount_setattr(mount, recursive ? AT_RECURSIVE : 0, &attr);
}

int idmap_mount(int mount, bool recursive, int userns) {
    errno = EINVAL;
    if (userns < 0) return -1;
    return set_attributes(mount, 0, recursive, 0, userns);
}

int op_propagation(struct child *child, const struct record *record) {
    if (sys_mount(NULL, "/", NULL, (unsigned long)record->v[F_PROPAGATION_FLAGS].number, NULL) != 0)
        return fail(child->err, "mount", "/");
    return 0;
}

/* open_tree, then everything that must be set while the tree is detached. */
static int clone_source(struct child *child, const char *source, const struct record *bind) {
    u64 flags = bind->v[F_BIND_FLAGS].number;
    struct stat node;
    OWNED_FD tree = sys_open_tree(AT_FDCWD, source, OPEN_TREE_CLONE | ((flags & BIND_RECURSIVE) != 0 ? AT_RECURSIVE : 0) |
                                                        ((flags & BIND_SOURCE_NO_FOLLOW) != 0 ? AT_SYMLINK_NOFOLLOW : 0));
    if (tree < 0) return fail(child->err, "open_tree", source);
    if (fstat(tree, &node) != 0) return fail(child->err, "fstat", source);
    if (S_ISLNK(node.st_mode)) return fail_with(child->err, ELOOP, "open_tree", source);
    if (bind->v[F_BIND_IDMAPPED].number != 0 && idmap_mount(tree, (flags & BIND_RECURSIVE) != 0, child->userns) != 0)
        return fail(child->err, "mount_setattr", source);
    return take_fd(&tree);
}

static int prepare_source(struct child *child, const struct record *record) {
    if (record->op->code == OP_BIND) return clone_source(child, record->v[F_BIND_SOURCE].text, record);
    const char *source = record->v[F_ROOT_BIND_SOURCE].text;
    OWNED_FD tree = sys_open_tree(AT_FDCWD, source, OPEN_TREE_CLONE | AT_RECURSIVE);
    if (tree < 0) return fail(child->err, "open_tree", source);
    if (record->v[F_ROOT_BIND_IDMAPPED].number != 0 && idmap_mount(tree, true, child->userns) != 0)
        return fail(child->err, "mount_setattr", source);
    return take_fd(&tree);
}

/*
 * Every source is cloned before the root is mounted: a recursive clone of a directory above the mount point would carry
 * the half-made root, and all that is mounted in it, into the container. With a user namespace `outer` does it, because
 * only the host may enter the directories above a source. As many descriptors as binds: LIMIT_MOUNTS.
 */
int prepare_sources(struct child *child) {
    struct cursor cursor = {0};
    struct record record;
    u32 op = child->err->op;
    u16 code = child->err->code;
    if (child->prepared != NULL) return 0;
    child->prepared = malloc(child->plan->count * sizeof *child->prepared);
    if (child->prepared == NULL) return fail(child->err, "malloc", NULL);
    memset(child->prepared, 0xff, child->plan->count * sizeof *child->prepared);
    while (plan_next(child->plan, &cursor, &record)) {
        if (record.op->code != OP_BIND && record.op->code != OP_ROOT_BIND) continue;
        child->err->op = record.index;
        child->err->code = record.op->code;
        child->prepared[record.index] = prepare_source(child, &record);
        if (child->prepared[record.index] < 0) return -1;
    }
    child->err->op = op;
    child->err->code = code;
    return 0;
}

int op_root_overlay(struct child *child, const struct record *record) {
    const char *point = record->v[F_ROOT_OVERLAY_MOUNT_POINT].text, *base = record->v[F_ROOT_OVERLAY_BASE].text;
    const struct value *data = &record->v[F_ROOT_OVERLAY_DATA];
    /* mount(2) copies one page and would cut the list of layers silently */
    if (data->length >= 4096) return fail_with(child->err, E2BIG, "mount", point);
    if (prepare_sources(child) != 0) return -1;
    if (chdir(base) != 0) return fail(child->err, "chdir", base);
    if (sys_mount("overlay", point, "overlay", 0, data->text) != 0) return fail(child->err, "mount", point);
    child->root = open(point, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return child->root < 0 ? fail(child->err, "open", point) : 0;
}

/*
 * Puts a tree over the mount point and makes it the root. A container's own root may not be able to walk to the mount
 * point by path; outer has then made it the working directory.
 */
static int root_from_tree(struct child *child, int tree, const char *point) {
    OWNED_FD target = open(child->at_root ? "." : point, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (target < 0) return fail(child->err, "open", point);
    if (sys_move_mount(tree, target) != 0) return fail(child->err, "move_mount", point);
    child->root = tree;
    return 0;
}

int op_root_bind(struct child *child, const struct record *record) {
    if (prepare_sources(child) != 0) return -1;
    return root_from_tree(child, child->prepared[record->index], record->v[F_ROOT_BIND_MOUNT_POINT].text);
}

int op_root_prepared(struct child *child, const struct record *record) {
    const char *point = record->v[F_ROOT_PREPARED_MOUNT_POINT].text;
    if (prepare_sources(child) != 0) return -1;
    /* A mount that came from a more powerful namespace is locked and cannot be pivoted to: a clone of it can. */
    int tree = sys_open_tree(AT_FDCWD, child->at_root ? "." : point, OPEN_TREE_CLONE | AT_RECURSIVE);
    return tree < 0 ? fail(child->err, "open_tree", point) : root_from_tree(child, tree, point);
}

static int configure(int fs, const struct record *record) {
    const char *source = record->v[F_MOUNT_SOURCE].text, *item = record->v[F_MOUNT_OPTIONS].text;
    char key[64];
    if (*source != 0 && sys_fsconfig(fs, FSCONFIG_SET_STRING, "source", source) != 0) return -1;
    for (u32 i = 0; i < record->v[F_MOUNT_OPTIONS].length; i++) {
        const char *option = strs_next(&item), *equals = strchr(option, '=');
        size_t length = equals == NULL ? strlen(option) : (size_t)(equals - option);
        errno = EINVAL;
        if (length == 0 || length >= sizeof key) return -1;
        memcpy(key, option, length);
        key[length] = 0;
        int result = equals == NULL ? sys_fsconfig(fs, FSCONFIG_SET_FLAG, key, NULL)
                                    : sys_fsconfig(fs, FSCONFIG_SET_STRING, key, equals + 1);
        if (result != 0) return -1;
    }
    return sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL);
}

/* Targets whose content decides what the container sees of the kernel, and /dev: a link there is an attack. */
static u64 target_rules(const struct record *record) {
    bool strict = (record->v[F_MOUNT_FLAGS].number & MOUNT_FLAG_STRICT_TARGET) != 0;
    const char *target = record->v[F_MOUNT_TARGET].text, *fstype = record->v[F_MOUNT_FSTYPE].text;
    strict |= strncmp(target, "/dev", 4) == 0 && (target[4] == 0 || target[4] == '/');
    strict |= strcmp(fstype, "proc") == 0 || strcmp(fstype, "sysfs") == 0 || strncmp(fstype, "cgroup", 6) == 0;
    return strict ? RESOLVE_NO_SYMLINKS : 0;
}

static int place(struct child *child, int mount, int at, u64 propagation, const char *target) {
    if (sys_move_mount(mount, at) != 0) return fail(child->err, "move_mount", target);
    if (set_attributes(mount, 0, (propagation & MOUNT_REC) != 0, propagation, -1) != 0)
        return fail(child->err, "mount_setattr", target);
    return 0;
}

int op_mount(struct child *child, const struct record *record) {
    const char *fstype = record->v[F_MOUNT_FSTYPE].text, *target = record->v[F_MOUNT_TARGET].text;
    if ((record->v[F_MOUNT_FLAGS].number & ~(u64)MOUNT_FLAG_STRICT_TARGET) != 0) return fail_with(child->err, EINVAL, "mount", target);
    OWNED_FD at = make_directory(child, target, target_rules(record));
    if (at < 0) return fail(child->err, "openat2", target);
    OWNED_FD fs = sys_fsopen(fstype);
    if (fs < 0) return fail(child->err, "fsopen", target);
    if (configure(fs, record) != 0) return fail(child->err, "fsconfig", target);
    OWNED_FD mount = sys_fsmount(fs, (unsigned)record->v[F_MOUNT_ATTRIBUTES].number);
    if (mount < 0) return fail(child->err, "fsmount", target);
    return place(child, mount, at, record->v[F_MOUNT_PROPAGATION].number, target);
}

int op_bind(struct child *child, const struct record *record) {
    const char *source = record->v[F_BIND_SOURCE].text, *target = record->v[F_BIND_TARGET].text;
    u64 flags = record->v[F_BIND_FLAGS].number;
    struct stat node;
    if ((flags & ~(u64)(BIND_RECURSIVE | BIND_RECURSIVE_ATTRIBUTES | BIND_SOURCE_NO_FOLLOW | BIND_CREATE_TARGET)) != 0)
        return fail_with(child->err, EINVAL, "bind", target);
    /* an exec has no root to mount, and its sources are the container's own */
    OWNED_FD tree = child->prepared != NULL ? take_fd(&child->prepared[record->index]) : clone_source(child, source, record);
    if (tree < 0) return -1;
    if (fstat(tree, &node) != 0) return fail(child->err, "fstat", source);
    if (set_attributes(tree, record->v[F_BIND_ATTRIBUTES].number, (flags & BIND_RECURSIVE_ATTRIBUTES) != 0, 0, -1) != 0)
        return fail(child->err, "mount_setattr", target);
    OWNED_FD at = (flags & BIND_CREATE_TARGET) != 0 ? make_target(child, target, S_ISDIR(node.st_mode), 0)
                                                    : open_in_root(child, target, O_PATH, 0);
    if (at < 0) return fail(child->err, "openat2", target);
    return place(child, tree, at, record->v[F_BIND_PROPAGATION].number, target);
}

/* A fresh clone of an empty read-only tmpfs. */
static int masked_directory(struct child *child) {
    if (child->masked >= 0) return sys_open_tree(child->masked, "", OPEN_TREE_CLONE | AT_EMPTY_PATH);
    OWNED_FD fs = sys_fsopen("tmpfs");
    if (fs < 0 || sys_fsconfig(fs, FSCONFIG_SET_STRING, "nr_inodes", "2") != 0) return -1;
    if (sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL) != 0) return -1;
    return sys_fsmount(fs, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
}

/*
 * CVE-2025-31133: a container that swaps its /dev/null for a link turns "masking" into a bind mount of its choice. The
 * handle is opened without following, and it is the device that is checked, then that same handle is cloned.
 */
static int null_device(struct child *child) {
    struct stat node;
    OWNED_FD null = open_in_root(child, "/dev/null", O_PATH | O_NOFOLLOW, RESOLVE_NO_SYMLINKS);
    for (int attempt = 0; attempt < 2; attempt++) {
        if (null >= 0 && fstat(null, &node) == 0 && S_ISCHR(node.st_mode) && node.st_rdev == makedev(1, 3))
            return sys_open_tree(null, "", OPEN_TREE_CLONE | AT_EMPTY_PATH);
        close_owned(&null);
        /* the host's, as long as that is what the path means */
        null = child->pivoted ? -1 : open("/dev/null", O_PATH | O_NOFOLLOW | O_CLOEXEC);
    }
    errno = ENODEV;
    return -1;
}

int op_mask(struct child *child, const struct record *record) {
    const char *path = record->v[F_MASK_PATH].text;
    struct stat node;
    OWNED_FD at = open_in_root(child, path, O_PATH, 0);
    if (at < 0) return errno == ENOENT || errno == ENOTDIR ? 0 : fail(child->err, "openat2", path);
    if (fstat(at, &node) != 0) return fail(child->err, "fstat", path);
    OWNED_FD cover = S_ISDIR(node.st_mode) ? masked_directory(child) : null_device(child);
    if (cover < 0) return fail(child->err, "open_tree", path);
    if (sys_move_mount(cover, at) != 0) return fail(child->err, "move_mount", path);
    if (S_ISDIR(node.st_mode) && child->masked < 0) child->masked = take_fd(&cover);
    return 0;
}

int op_readonly_path(struct child *child, const struct record *record) {
    const char *path = record->v[F_READONLY_PATH_PATH].text;
    OWNED_FD at = open_in_root(child, path, O_PATH, 0);
    if (at < 0) return errno == ENOENT || errno == ENOTDIR ? 0 : fail(child->err, "openat2", path);
    OWNED_FD tree = sys_open_tree(at, "", OPEN_TREE_CLONE | AT_EMPTY_PATH | AT_RECURSIVE);
    if (tree < 0) return fail(child->err, "open_tree", path);
    if (set_attributes(tree, MOUNT_ATTR_RDONLY, true, 0, -1) != 0) return fail(child->err, "mount_setattr", path);
    if (sys_move_mount(tree, at) != 0) return fail(child->err, "move_mount", path);
    return 0;
}

int op_pivot(struct child *child, const struct record *record) {
    (void)record;
    /* "." over ".": the old root lands on top of the new one and is detached from there, no directory is needed. */
    if (fchdir(child->root) != 0) return fail(child->err, "fchdir", "/");
    if (sys_pivot_root(".", ".") != 0) return fail(child->err, "pivot_root", "/");
    if (sys_umount(".", UMOUNT_DETACH) != 0) return fail(child->err, "umount2", "/");
    if (chdir("/") != 0) return fail(child->err, "chdir", "/");
    child->pivoted = true;
    return 0;
}

int op_root_attributes(struct child *child, const struct record *record) {
    u64 propagation = record->v[F_ROOT_ATTRIBUTES_PROPAGATION].number;
    if (set_attributes(child->root, record->v[F_ROOT_ATTRIBUTES_ATTRIBUTES].number, false, 0, -1) != 0 ||
        set_attributes(child->root, 0, (propagation & MOUNT_REC) != 0, propagation, -1) != 0)
        return fail(child->err, "mount_setattr", "/");
    return 0;
}
