/*
 * Intermediate processes. Kernel ordering that forces them:
 *  - setns to a pid or time namespace moves children only, so whoever joins must clone once more;
 *  - id maps are written from outside the new user namespace, with the host's power, before anyone is root inside it;
 *  - idmapped mounts need the power over the filesystem that the container's user namespace does not have, while its
 *    other namespaces must be created from inside that user namespace to be owned by it.
 * Each ends by cloning the real child with CLONE_PARENT, so that the monitor gets its exit status.
 */
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include "child.h"
#include "io.h"
#include "sys.h"

#define NEW_NAMESPACES (CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWCGROUP | CLONE_NEWTIME)

static int write_map(struct child *child, pid_t pid, const char *file, const char *map) {
    char path[48];
    snprintf(path, sizeof path, "/proc/%d/%s", pid, file);
    return write_text_at(AT_FDCWD, path, map) == 0 ? 0 : fail(child->err, "write", path);
}

static int fill_user_namespace(struct child *child, pid_t holder, const struct record *record) {
    char path[48];
    if (record->v[F_USER_NAMESPACE_DENY_SETGROUPS].number != 0 && write_map(child, holder, "setgroups", "deny") != 0) return -1;
    if (write_map(child, holder, "gid_map", record->v[F_USER_NAMESPACE_GID_MAP].text) != 0) return -1;
    if (write_map(child, holder, "uid_map", record->v[F_USER_NAMESPACE_UID_MAP].text) != 0) return -1;
    snprintf(path, sizeof path, "/proc/%d/ns/user", holder);
    child->userns = open(path, O_RDONLY | O_CLOEXEC);
    return child->userns < 0 ? fail(child->err, "open", path) : 0;
}

/* A process that only holds the new namespace until it is mapped and opened. */
static int make_user_namespace(struct child *child, const struct record *record) {
    int gate[2];
    char byte;
    if (pipe2(gate, O_CLOEXEC) != 0) return fail(child->err, "pipe2", NULL);
    pid_t holder = sys_clone(CLONE_NEWUSER, SIGCHLD, -1);
    if (holder == 0) {
        close(gate[1]);
        while (read(gate[0], &byte, 1) < 0 && errno == EINTR)
            ;
        _exit(0);
    }
    close(gate[0]);
    int result = holder < 0 ? fail(child->err, "clone3", "user") : fill_user_namespace(child, holder, record);
    close(gate[1]);
    if (holder > 0)
        while (waitpid(holder, NULL, 0) < 0 && errno == EINTR)
            ;
    return result;
}

/* Puts an idmapped clone of a directory over itself. */
static int idmap_in_place(struct child *child, const char *path) {
    OWNED_FD tree = sys_open_tree(AT_FDCWD, path, OPEN_TREE_CLONE);
    if (tree < 0) return fail(child->err, "open_tree", path);
    if (idmap_mount(tree, false, child->userns) != 0) return fail(child->err, "mount_setattr", path);
    OWNED_FD at = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (at < 0) return fail(child->err, "open", path);
    return sys_move_mount(tree, at) == 0 ? 0 : fail(child->err, "move_mount", path);
}

/* The host's id of the map's first line, which maps the container's root: "0 100000 65536". */
static long mapped_root(const char *map) {
    char *end;
    if (strtol(map, &end, 10) != 0 || end == map) return -1;
    return strtol(end, NULL, 10);
}

/*
 * Overlay makes its work directory with the mounter's ids, for as long as it is mounted, and through an idmapped layer
 * only mapped ids exist (EOVERFLOW, and then a read-only overlay): it is mounted as the container's root seen from the
 * host. Leaving id 0 takes the filesystem capabilities away, which the mounter needs: they are raised again.
 */
static int filesystem_ids(struct child *child, bool mapped) {
    struct record record;
    long uid = 0, gid = 0;
    if (mapped && plan_find(child->plan, OP_USER_NAMESPACE, &record)) {
        uid = mapped_root(record.v[F_USER_NAMESPACE_UID_MAP].text);
        gid = mapped_root(record.v[F_USER_NAMESPACE_GID_MAP].text);
        if (uid < 0 || gid < 0) return fail_with(child->err, EINVAL, "setfsuid", "uid_map");
    }
    syscall(SYS_setfsgid, (gid_t)gid);
    syscall(SYS_setfsuid, (uid_t)uid);
    return raise_capabilities(child);
}

/* upper and work must lie in one mount: their common directory is the one that is mapped. */
static int idmapped_overlay(struct child *child, const struct record *record) {
    static char data[4096];
    char parent[PATH_MAX];
    const char *base = record->v[F_ROOT_OVERLAY_IDMAPPED_BASE].text, *point = record->v[F_ROOT_OVERLAY_IDMAPPED_MOUNT_POINT].text;
    const char *upper = record->v[F_ROOT_OVERLAY_IDMAPPED_UPPER].text, *at = record->v[F_ROOT_OVERLAY_IDMAPPED_LOWERS].text;
    const char *options = record->v[F_ROOT_OVERLAY_IDMAPPED_OPTIONS].text, *slash = strrchr(upper, '/');
    struct text text = {data, sizeof data, 0, false};
    if (chdir(base) != 0) return fail(child->err, "chdir", base);
    for (u32 i = 0; i < record->v[F_ROOT_OVERLAY_IDMAPPED_LOWERS].length; i++) {
        const char *lower = strs_next(&at);
        if (idmap_in_place(child, lower) != 0) return -1;
        put_format(&text, "%s%s", i == 0 ? "lowerdir=" : ":", lower);
    }
    if (slash == NULL || slash == upper || (size_t)(slash - upper) >= sizeof parent) return fail_with(child->err, EINVAL, "mount", upper);
    memcpy(parent, upper, (size_t)(slash - upper));
    parent[slash - upper] = 0;
    if (idmap_in_place(child, parent) != 0) return -1;
    put_format(&text, ",upperdir=%s,workdir=%s%s%s", upper, record->v[F_ROOT_OVERLAY_IDMAPPED_WORK].text, *options == 0 ? "" : ",", options);
    if (text.full) return fail_with(child->err, E2BIG, "mount", point);
    if (filesystem_ids(child, true) != 0) return -1;
    if (sys_mount("overlay", point, "overlay", 0, data) != 0) return fail(child->err, "mount", point);
    return filesystem_ids(child, false);
}

/*
 * The mount point lies below directories that only the host's root may enter. The working directory goes along into the
 * next mount namespace (the kernel moves it to the copy), a path would not.
 */
static int stand_at_root(struct child *child) {
    struct record record;
    const char *point = NULL;
    if (plan_find(child->plan, OP_ROOT_PREPARED, &record)) point = record.v[F_ROOT_PREPARED_MOUNT_POINT].text;
    else if (plan_find(child->plan, OP_ROOT_BIND, &record)) point = record.v[F_ROOT_BIND_MOUNT_POINT].text;
    if (point == NULL) return 0;
    if (chdir(point) != 0) return fail(child->err, "chdir", point);
    child->at_root = true;
    return 0;
}

static int join_namespace(struct child *child, const struct record *record) {
    const char *path = record->v[F_JOIN_NAMESPACE_PATH].text;
    OWNED_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) return fail(child->err, "open", path);
    /* the kernel refuses a descriptor of another kind than asked for */
    return setns(fd, (int)record->v[F_JOIN_NAMESPACE_NAMESPACE].number) == 0 ? 0 : fail(child->err, "setns", path);
}

static int outer_record(struct child *child, const struct record *record) {
    child->err->op = record->index;
    child->err->code = record->op->code;
    switch (record->op->code) {
    case OP_USER_NAMESPACE:
        if (make_user_namespace(child, record) != 0) return -1;
        /* mounts made here are for the container only */
        if (unshare(CLONE_NEWNS) != 0) return fail(child->err, "unshare", "mnt");
        if (sys_mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL) != 0) return fail(child->err, "mount", "/");
        return prepare_sources(child);
    case OP_JOIN_NAMESPACE:
        return join_namespace(child, record);
    case OP_TIME_OFFSETS:
        if (unshare(CLONE_NEWTIME) != 0) return fail(child->err, "unshare", "time");
        if (write_text_at(AT_FDCWD, "/proc/self/timens_offsets", record->v[F_TIME_OFFSETS_TEXT].text) != 0)
            return fail(child->err, "write", "/proc/self/timens_offsets");
        return 0;
    case OP_ROOT_OVERLAY_IDMAPPED:
        return idmapped_overlay(child, record);
    default:
        return 0;
    }
}

/* Root of the user namespace we are in: full power over what it owns, none over the host. */
static int become_mapped_root(struct child *child) {
    /* refused where setgroups is denied, and then there is nothing to drop either */
    if (syscall(SYS_setgroups, 0, NULL) != 0 && errno != EPERM) return fail(child->err, "setgroups", NULL);
    if (syscall(SYS_setresgid, 0, 0, 0) != 0) return fail(child->err, "setresgid", NULL);
    if (syscall(SYS_setresuid, 0, 0, 0) != 0) return fail(child->err, "setresuid", NULL);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    return 0;
}

static int enter_user_namespace(struct child *child) {
    if (child->userns < 0) return 0;
    if (stand_at_root(child) != 0) return -1;
    if (setns(child->userns, CLONE_NEWUSER) != 0) return fail(child->err, "setns", "user");
    return become_mapped_root(child);
}

/* Its file belongs to the host's root: inside a user namespace it could not be written any more. */
static int set_oom_score(struct child *child) {
    struct record record;
    if (!plan_find(child->plan, OP_OOM_SCORE, &record)) return 0;
    child->err->op = record.index;
    child->err->code = OP_OOM_SCORE;
    if (op_oom_score(child, &record) != 0) return -1;
    child->oom_score_set = true;
    return 0;
}

static _Noreturn void clone_child(struct child *child, u64 flags) {
    pid_t pid = sys_clone(flags | CLONE_PARENT, 0, -1);
    if (pid == 0) child_main(child);
    if (pid < 0) {
        fail(child->err, "clone3", NULL);
        child_fail(child);
    }
    child_report(child, STATUS_PID, pid);
    _exit(0);
}

_Noreturn void outer_main(struct child *child) {
    struct cursor cursor = {0};
    struct record record;
    u64 flags = 0;
    prctl(PR_SET_NAME, "tare:[outer]", 0, 0, 0);
    if (set_oom_score(child) != 0) child_fail(child);
    while (plan_next(child->plan, &cursor, &record)) {
        if (record.op->code == OP_CLONE) flags = record.v[F_CLONE_FLAGS].number & NEW_NAMESPACES;
        if (record.op->stage > STAGE_OUTER) break;
        if (outer_record(child, &record) != 0) child_fail(child);
    }
    child->err->op = NO_OP;
    child->err->code = 0;
    if (enter_user_namespace(child) != 0) child_fail(child);
    clone_child(child, flags);
}

/* The container's init by pidfd, its start time checked: a number alone may already be another process. */
static int open_container(struct child *child, const struct record *record) {
    pid_t pid = (pid_t)record->v[F_JOIN_CONTAINER_PID].number;
    OWNED_FD pidfd = sys_pidfd_open(pid);
    if (pidfd < 0) return fail(child->err, "pidfd_open", NULL);
    if (start_time_of(pid) != record->v[F_JOIN_CONTAINER_START_TIME].number) return fail_with(child->err, ESRCH, "pidfd_open", NULL);
    /* still alive after the check: so it was that one whose time we read */
    if (syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0) != 0) return fail(child->err, "pidfd_send_signal", NULL);
    return take_fd(&pidfd);
}

static int join(struct child *child) {
    struct record record;
    if (set_oom_score(child) != 0) return -1;
    if (!plan_find(child->plan, OP_JOIN_CONTAINER, &record)) return fail_with(child->err, EBADMSG, "decode", "join_container");
    child->err->op = record.index;
    child->err->code = OP_JOIN_CONTAINER;
    OWNED_FD pidfd = open_container(child, &record);
    if (pidfd < 0) return -1;
    /* Never carry the host's procfs into a container where somebody may look into us (CVE-2016-9962). */
    close_owned(&child->proc);
    child->proc = -1;
    int namespaces = (int)record.v[F_JOIN_CONTAINER_NAMESPACES].number;
    if (namespaces != 0 && setns(pidfd, namespaces) != 0) return fail(child->err, "setns", NULL);
    if ((namespaces & CLONE_NEWUSER) != 0 && become_mapped_root(child) != 0) return -1;
    child->root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    return child->root < 0 || chdir("/") != 0 ? fail(child->err, "open", "/") : 0;
}

_Noreturn void join_main(struct child *child) {
    prctl(PR_SET_NAME, "tare:[join]", 0, 0, 0);
    if (join(child) != 0) child_fail(child);
    clone_child(child, 0);
}
