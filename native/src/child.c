/*
 * From clone to exec. Everything here was decided by the plan; this walks it:
 *
 *   setup  (host power over new namespaces)   PROCEED → records → CREATED → START
 *   final  (giving up power)                  stdio, session, signals → records → exec
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include "child.h"
#include "io.h"
#include "sys.h"

static op_function *const OPS[OP_CODE_MAX + 1] = {
    [OP_OOM_SCORE] = op_oom_score,       [OP_PROPAGATION] = op_propagation,     [OP_ROOT_OVERLAY] = op_root_overlay,
    [OP_ROOT_BIND] = op_root_bind,       [OP_ROOT_PREPARED] = op_root_prepared, [OP_MOUNT] = op_mount,
    [OP_BIND] = op_bind,                 [OP_DEVICE] = op_device,               [OP_SYMLINK] = op_symlink,
    [OP_DIRECTORY] = op_directory,       [OP_MASK] = op_mask,                   [OP_READONLY_PATH] = op_readonly_path,
    [OP_CONSOLE] = op_console,           [OP_SYSCTL] = op_sysctl,               [OP_HOSTNAME] = op_hostname,
    [OP_DOMAINNAME] = op_domainname,     [OP_LOOPBACK_UP] = op_loopback_up,     [OP_PIVOT] = op_pivot,
    [OP_ROOT_ATTRIBUTES] = op_root_attributes, [OP_UNSHARE_CGROUP] = op_unshare_cgroup,
    [OP_RLIMIT] = op_rlimit,             [OP_UMASK] = op_umask,                 [OP_CHDIR] = op_chdir,
    [OP_NO_NEW_PRIVS] = op_no_new_privs, [OP_APPARMOR] = op_apparmor,           [OP_SECCOMP] = op_seccomp,
    [OP_CAPABILITIES] = op_capabilities, [OP_USER] = op_user,                   [OP_INIT] = op_init,
    [OP_EXEC] = op_exec,
};

int send_status(int socket, const struct status *status, const int *fds, size_t count) {
    struct iovec part = {(void *)(uintptr_t)status, sizeof *status};
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(2 * sizeof(int))];
    } control = {0};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    /* Plain write when there is nothing to pass: the container's own filter may be in force already. */
    if (count == 0) return write(socket, status, sizeof *status) == sizeof *status ? 0 : -1;
    message.msg_control = control.space;
    message.msg_controllen = CMSG_SPACE(count * sizeof(int));
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header == NULL) return -1;
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(count * sizeof(int));
    memcpy(CMSG_DATA(header), fds, count * sizeof(int));
    return sendmsg(socket, &message, MSG_NOSIGNAL) == sizeof *status ? 0 : -1;
}

void child_report(struct child *child, u32 kind, i64 pid) {
    struct status status = {.kind = kind, .pid = pid};
    if (send_status(child->sync, &status, NULL, 0) != 0) _exit(1);
}

/* A filter of the user's may forbid even this: libc's _exit would ask again for ever, a fault ends pid 1 as well. */
_Noreturn void child_exit(int code) {
    syscall(SYS_exit_group, code);
    syscall(SYS_exit, code);
    __builtin_trap();
}

_Noreturn void child_fail(struct child *child) {
    struct status status = {.kind = STATUS_FAILED, .err = *child->err};
    send_status(child->sync, &status, NULL, 0);
    child_exit(1);
}

/* The monitor is gone or gives up: so do we. */
static void wait_for(struct child *child, char word) {
    char got = 0;
    ssize_t n;
    while ((n = read(child->sync, &got, 1)) < 0 && errno == EINTR)
        ;
    if (n != 1 || got != word) _exit(1);
}

static char **pointers(const struct value *list) {
    char **array = calloc(list->length + 1u, sizeof *array);
    const char *at = list->text;
    for (u32 i = 0; array != NULL && i < list->length; i++) array[i] = (char *)(uintptr_t)strs_next(&at);
    return array;
}

int child_prepare(struct child *child) {
    struct record record;
    if (!plan_find(child->plan, OP_EXEC, &record)) return fail_with(child->err, EBADMSG, "decode", "exec");
    child->argv = pointers(&record.v[F_EXEC_ARGV]);
    child->env = pointers(&record.v[F_EXEC_ENV]);
    return child->argv == NULL || child->env == NULL ? fail(child->err, "calloc", NULL) : 0;
}

/* Done before any filter of the plan is loaded, so that the filter needs to allow as little of ours as possible. */
static int enter_final(struct child *child) {
    struct sigaction standard = {.sa_handler = SIG_DFL};
    sigset_t none;
    setsid();
    if (child->slave >= 0 && ioctl(child->slave, TIOCSCTTY, 0) != 0) return fail(child->err, "ioctl", "/dev/console");
    for (int fd = 0; fd < 3; fd++)
        if (dup2(child->stdio[fd], fd) < 0) return fail(child->err, "dup2", NULL);
    /* CVE-2024-21626: whatever is open, by whoever's mistake, does not survive exec. */
    if (sys_close_range(3, ~0u, CLOSE_RANGE_CLOEXEC) != 0) return fail(child->err, "close_range", NULL);
    for (int number = 1; number < 65; number++) sigaction(number, &standard, NULL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    return 0;
}

static int gate(struct child *child) {
    /* The host's procfs has done its work. From here on a container process may exist that could look at ours. */
    close_owned(&child->proc);
    child->proc = -1;
    if (!child->may_start) {
        prctl(PR_SET_NAME, "tare:[gate]", 0, 0, 0);
        child_report(child, STATUS_CREATED, 0);
    }
    wait_for(child, GO_START); /* with an early START the word is here already */
    prctl(PR_SET_NAME, "tare:[final]", 0, 0, 0);
    return 0;
}

static int perform(struct child *child, const struct record *record) {
    op_function *op = OPS[record->op->code];
    child->err->op = record->index;
    child->err->code = record->op->code;
    if (record->op->code != OP_DEVICE && record->op->code != OP_SYMLINK) forget_parent(child);
    if (record->op->code == OP_GATE) return child->joins ? 0 : gate(child);
    return op == NULL ? fail_with(child->err, ENOSYS, "perform", record->op->name) : op(child, record);
}

_Noreturn void child_main(struct child *child) {
    struct cursor cursor = {0};
    struct record record;
    bool final = false;
    prctl(PR_SET_NAME, "tare:[setup]", 0, 0, 0);
    umask(0);
    if (!child->joins && !child->may_proceed) wait_for(child, GO_PROCEED);
    while (plan_next(child->plan, &cursor, &record)) {
        if (record.op->stage < STAGE_SETUP && record.op->code != OP_OOM_SCORE) continue;
        if (record.op->stage == STAGE_FINAL && !final) {
            final = true;
            child->err->op = record.index;
            child->err->code = record.op->code;
            if (enter_final(child) != 0) child_fail(child);
        }
        if (perform(child, &record) != 0) child_fail(child);
    }
    fail_with(child->err, ENOEXEC, "execve", NULL);
    child_fail(child);
}
