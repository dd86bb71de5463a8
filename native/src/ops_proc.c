/* Kernel objects that are not files of the container: names, the loopback link, sysctls, labels, the terminal. */
#include <fcntl.h>
#include <linux/magic.h>
#include <net/if.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include "child.h"
#include "io.h"
#include "sys.h"

#define DEVPTS_MAGIC 0x1cd1

static int write_proc(struct child *child, const char *path, const char *text) {
    OWNED_FD fd = open_proc(child, path, O_WRONLY);
    if (fd < 0) return fail(child->err, "openat2", path);
    size_t length = strlen(text);
    ssize_t n = write(fd, text, length);
    if (n != (ssize_t)length) {
        if (n >= 0) errno = EINVAL;
        return fail(child->err, "write", path);
    }
    return 0;
}

/* "<this process in that procfs>/<file>": `self` is a link and links are not followed there. */
static int own_entry(struct child *child, const char *file, char *path, size_t size) {
    if (proc_handle(child) != 0) return fail(child->err, "openat2", "/proc");
    ssize_t length = readlinkat(child->proc, "self", path, size);
    if (length <= 0 || (size_t)length + strlen(file) + 2 > size) return fail(child->err, "readlinkat", "/proc/self");
    path[length] = '/';
    memcpy(path + length + 1, file, strlen(file) + 1);
    return 0;
}

int op_oom_score(struct child *child, const struct record *record) {
    char path[64], text[24];
    if (child->oom_score_set) return 0;
    snprintf(text, sizeof text, "%ld", (i64)record->v[F_OOM_SCORE_VALUE].number);
    if (own_entry(child, "oom_score_adj", path, sizeof path) != 0) return -1;
    return write_proc(child, path, text);
}

int op_apparmor(struct child *child, const struct record *record) {
    static const char *const entries[] = {"attr/apparmor/exec", "attr/exec"};
    char path[64], text[4096];
    if (snprintf(text, sizeof text, "exec %s", record->v[F_APPARMOR_LABEL].text) >= (int)sizeof text)
        return fail_with(child->err, ENAMETOOLONG, "write", "attr/exec");
    for (size_t i = 0; i < COUNT_OF(entries); i++) {
        if (own_entry(child, entries[i], path, sizeof path) != 0) return -1;
        if (write_proc(child, path, text) == 0) return 0;
        if (child->err->number != ENOENT) return -1;
    }
    return -1;
}

/* "net.ipv4.ip_forward" or "net/ipv4/ip_forward"; with a slash in it, dots are part of names (interfaces). */
int op_sysctl(struct child *child, const struct record *record) {
    const char *name = record->v[F_SYSCTL_NAME].text;
    char path[512];
    if (*name == 0 || snprintf(path, sizeof path, "sys/%s", name) >= (int)sizeof path) return fail_with(child->err, EINVAL, "openat2", name);
    if (strchr(name, '/') == NULL)
        for (char *at = path + 4; *at != 0; at++)
            if (*at == '.') *at = '/';
    if (strstr(path, "/../") != NULL) return fail_with(child->err, EINVAL, "openat2", name);
    return write_proc(child, path, record->v[F_SYSCTL_VALUE].text);
}

int op_hostname(struct child *child, const struct record *record) {
    const struct value *name = &record->v[F_HOSTNAME_NAME];
    return syscall(SYS_sethostname, name->text, name->length) == 0 ? 0 : fail(child->err, "sethostname", name->text);
}

int op_domainname(struct child *child, const struct record *record) {
    const struct value *name = &record->v[F_DOMAINNAME_NAME];
    return syscall(SYS_setdomainname, name->text, name->length) == 0 ? 0 : fail(child->err, "setdomainname", name->text);
}

int op_loopback_up(struct child *child, const struct record *record) {
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    (void)record;
    OWNED_FD fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return fail(child->err, "socket", "lo");
    return ioctl(fd, SIOCSIFFLAGS, &request) == 0 ? 0 : fail(child->err, "ioctl", "lo");
}

int op_unshare_cgroup(struct child *child, const struct record *record) {
    (void)record;
    return unshare(CLONE_NEWCGROUP) == 0 ? 0 : fail(child->err, "unshare", "cgroup");
}

/* The container's devpts and its multiplexer, both verified: a fake /dev/pts would give us a fake terminal. */
static int open_master(struct child *child) {
    struct statfs fs;
    struct stat node;
    OWNED_FD pts = open_in_root(child, "/dev/pts", O_PATH | O_DIRECTORY, RESOLVE_NO_SYMLINKS);
    if (pts < 0) return fail(child->err, "openat2", "/dev/pts");
    if (fstatfs(pts, &fs) != 0 || fs.f_type != DEVPTS_MAGIC) return fail_with(child->err, ENODEV, "fstatfs", "/dev/pts");
    OWNED_FD master = openat(pts, "ptmx", O_RDWR | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC);
    if (master < 0) return fail(child->err, "openat", "/dev/pts/ptmx");
    if (fstat(master, &node) != 0 || node.st_rdev != makedev(5, 2)) return fail_with(child->err, ENODEV, "fstat", "/dev/pts/ptmx");
    return take_fd(&master);
}

/* CVE-2025-52565: the terminal is bound by its descriptor, never by a /dev/pts path that could be swapped meanwhile. */
static int bind_console(struct child *child) {
    const char *name;
    char buffer[32];
    OWNED_FD dev = make_parent(child, "/dev/console", buffer, sizeof buffer, &name);
    if (dev < 0) return fail(child->err, "openat2", "/dev");
    OWNED_FD made = openat(dev, name, O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_WRONLY, 0600);
    if (made < 0 && errno != EEXIST) return fail(child->err, "openat", "/dev/console");
    OWNED_FD at = openat(dev, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (at < 0) return fail(child->err, "openat", "/dev/console");
    OWNED_FD tree = sys_open_tree(child->slave, "", OPEN_TREE_CLONE | AT_EMPTY_PATH);
    if (tree < 0) return fail(child->err, "open_tree", "/dev/console");
    return sys_move_mount(tree, at) == 0 ? 0 : fail(child->err, "move_mount", "/dev/console");
}

int op_console(struct child *child, const struct record *record) {
    int unlock = 0;
    OWNED_FD master = open_master(child);
    if (master < 0) return -1;
    if (ioctl(master, TIOCSPTLCK, &unlock) != 0) return fail(child->err, "ioctl", "/dev/pts/ptmx");
    child->slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (child->slave < 0) return fail(child->err, "ioctl", "/dev/pts/ptmx");
    if (fchown(child->slave, (uid_t)record->v[F_CONSOLE_UID].number, (gid_t)-1) != 0) return fail(child->err, "fchown", "/dev/console");
    if (fchmod(child->slave, (mode_t)record->v[F_CONSOLE_MODE].number & 0777) != 0) return fail(child->err, "fchmod", "/dev/console");
    if (!child->joins && bind_console(child) != 0) return -1;
    struct status status = {.kind = STATUS_TTY};
    int fds[2] = {master, child->slave};
    if (send_status(child->sync, &status, fds, 2) != 0) return fail(child->err, "sendmsg", "/dev/console");
    for (int i = 0; i < 3; i++) child->stdio[i] = child->slave;
    return 0;
}
