/* Starting processes and learning how they do: the container's init and every exec are the same thing here. */
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include "monitor.h"
#include "sys.h"

struct process *process_new(struct monitor *m, const char *id, const struct plan *plan, struct err *err) {
    struct record record;
    if (m->process_count >= MAX_PROCESSES) {
        fail_with(err, EMFILE, "exec", id);
        return NULL;
    }
    struct process *p = calloc(1, sizeof *p);
    if (p == NULL || (p->id = strdup(id)) == NULL) {
        free(p);
        fail(err, "calloc", id);
        return NULL;
    }
    p->sync = p->input = p->slave = p->out.fd = p->err.fd = -1;
    p->sync_slot = p->input_slot = p->out.slot = p->err.slot = -1;
    p->out.type = FRAME_STDOUT;
    p->err.type = FRAME_STDERR;
    if (plan_find(plan, OP_STDIO, &record)) {
        p->flags = (u32)record.v[F_STDIO_FLAGS].number;
        p->rows = (u32)record.v[F_STDIO_ROWS].number;
        p->cols = (u32)record.v[F_STDIO_COLS].number;
    }
    p->next = m->processes;
    m->processes = p;
    m->process_count++;
    return p;
}

struct process *process_find(struct monitor *m, const char *id) {
    for (struct process *p = m->processes; p != NULL; p = p->next)
        if (strcmp(p->id, id) == 0 && p->phase != PHASE_FAILED) return p;
    return NULL;
}

void process_free(struct monitor *m, struct process *p) {
    for (struct process **at = &m->processes; *at != NULL; at = &(*at)->next)
        if (*at == p) {
            *at = p->next;
            m->process_count--;
            break;
        }
    for (struct client *c = m->clients; c != NULL; c = c->next)
        if (c->process == p) c->process = NULL;
    stream_close(m, p, &p->out);
    stream_close(m, p, &p->err);
    close_owned(&p->input);
    close_owned(&p->sync);
    close_owned(&p->slave);
    free(p->id);
    free(p);
}

/* theirs[0..2]: the child's ends. With a terminal they come from inside the container later. */
static int open_stdio(struct monitor *m, struct process *p, int theirs[3]) {
    int pair[2];
    for (int i = 0; i < 3; i++) theirs[i] = m->null;
    if ((p->flags & STDIO_TTY) != 0) return 0;
    if ((p->flags & STDIO_STDIN) != 0) {
        if (pipe2(pair, O_CLOEXEC) != 0) return -1;
        theirs[0] = pair[0];
        p->input = pair[1];
        fcntl(p->input, F_SETFL, O_NONBLOCK);
    }
    for (int i = 1; i < 3; i++) {
        if (pipe2(pair, O_CLOEXEC) != 0) return -1;
        theirs[i] = pair[1];
        *(i == 1 ? &p->out.fd : &p->err.fd) = pair[0];
        fcntl(pair[0], F_SETFL, O_NONBLOCK);
    }
    return 0;
}

/* Each process writes itself into its v1 cgroups: writing another's pid there costs 10 ms on an idle host. */
static int join_cgroups(const struct monitor *m, const struct plan *plan, struct child *child) {
    struct record record;
    const char *at = (const char *)m->cgroup_v1;
    u32 count = m->cgroup_v1_count;
    if (plan_find(plan, OP_CGROUP_V1, &record)) {
        at = record.v[F_CGROUP_V1_FILES].text;
        count = record.v[F_CGROUP_V1_FILES].length;
        child->err->op = record.index;
    }
    child->err->code = OP_CGROUP_V1;
    for (u32 i = 0; i < count; i++) {
        const char *file = strs_next(&at);
        if (write_text_at(AT_FDCWD, file, "0") != 0) return fail(child->err, "write", file);
    }
    return 0;
}

static _Noreturn void child_start(struct monitor *m, struct process *p, const struct plan *plan, int sync, const int theirs[3]) {
    struct err err = {.op = NO_OP};
    struct child child = {
        .plan = plan, .err = &err, .sync = sync, .root = -1, .proc = m->proc, .null = m->null, .userns = -1,
        .stdio = {theirs[0], theirs[1], theirs[2]}, .slave = -1, .parent = -1, .masked = -1,
        .may_proceed = p->early_proceed, .may_start = p->early_start, .joins = plan->joins,
    };
    /* Nothing of the monitor's goes along: no socket, log, terminal or other process's stream (CVE-2016-9962). */
    int keep[] = {sync, m->proc, m->null, theirs[0], theirs[1], theirs[2]};
    keep_only(keep, COUNT_OF(keep));
    if (join_cgroups(m, plan, &child) != 0) child_fail(&child);
    err.op = NO_OP;
    err.code = 0;
    if (child_prepare(&child) != 0) child_fail(&child);
    if (plan->joins) join_main(&child);
    if (plan->has_outer) outer_main(&child);
    child_main(&child);
}

static int cgroup_directory(const struct monitor *m, const struct plan *plan, struct err *err) {
    struct record record;
    const char *dir = plan_find(plan, OP_CGROUP_V2, &record) ? record.v[F_CGROUP_V2_DIR].text : m->cgroup_v2;
    if (dir == NULL) return -1;
    int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) return fd;
    fail(err, "open", dir);
    return -2;
}

int process_spawn(struct monitor *m, struct process *p, const struct plan *plan, struct err *err) {
    struct record record;
    int pair[2], theirs[3];
    u64 flags = 0;
    if (open_stdio(m, p, theirs) != 0) return fail(err, "pipe2", NULL);
    OWNED_FD input = theirs[0] == m->null ? -1 : theirs[0];
    OWNED_FD output = theirs[1] == m->null ? -1 : theirs[1];
    OWNED_FD errors = theirs[2] == m->null ? -1 : theirs[2];
    OWNED_FD cgroup = cgroup_directory(m, plan, err);
    if (cgroup == -2) return -1;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) return fail(err, "socketpair", NULL);
    bool direct = !plan->joins && !plan->has_outer;
    if (direct && plan_find(plan, OP_CLONE, &record)) flags = record.v[F_CLONE_FLAGS].number;
    pid_t pid = sys_clone(flags, SIGCHLD, cgroup);
    if (pid == 0) {
        close(pair[0]);
        child_start(m, p, plan, pair[1], theirs);
    }
    close(pair[1]);
    p->sync = pair[0];
    if (pid < 0) return fail(err, "clone3", NULL);
    fcntl(p->sync, F_SETFL, O_NONBLOCK);
    (void)input, (void)output, (void)errors;
    if (!direct) {
        p->helper = pid;
        return 0;
    }
    p->pid = pid;
    p->start_time = start_time_of(pid);
    return 0;
}

void process_go(struct process *p, char word) {
    if (p->sync >= 0 && send(p->sync, &word, 1, MSG_NOSIGNAL) < 0) return; /* it has ended: its end says so */
}

static struct client *client_of(struct monitor *m, struct process *p) {
    for (struct client *c = m->clients; c != NULL; c = c->next)
        if (p == m->init ? c->mode == MODE_LAUNCH : c->mode == MODE_EXEC && c->process == p) return c;
    return NULL;
}

void process_fail(struct monitor *m, struct process *p, const struct err *err) {
    struct client *c = client_of(m, p);
    p->phase = PHASE_FAILED;
    if (c != NULL) {
        c->deferred = false;
        report_failed(c, err, p->id);
        if (p != m->init) c->closing = true;
    }
    if (p->pid > 0) kill(p->pid, SIGKILL);
    if (p == m->init) m->failed = true;
}

static void adopt_tty(struct process *p, const int *fds) {
    p->out.fd = p->input = fds[0];
    p->slave = fds[1];
    fcntl(p->out.fd, F_SETFL, O_RDWR | O_NONBLOCK);
    if (p->rows != 0 || p->cols != 0) process_resize(p, p->rows, p->cols);
}

/* End of file: the last copy of the socket was closed, by exec. Or by death, which before START is a failure. */
static void executed(struct monitor *m, struct process *p) {
    close(p->sync);
    p->sync = -1;
    if (p->phase == PHASE_FAILED) return;
    if (p->pid == 0 || (p == m->init && p->phase < PHASE_STARTED)) {
        struct err err = {.op = NO_OP};
        fail_with(&err, ECHILD, "waitid", NULL);
        process_fail(m, p, &err);
        return;
    }
    struct client *c = client_of(m, p);
    if (p == m->init && p->early_start) report_process(m, p, AT_CREATED);
    p->phase = PHASE_RUNNING;
    p->started_at = now_ns(CLOCK_REALTIME);
    if (c != NULL) c->deferred = false;
    report_process(m, p, AT_EXECED);
}

static void take_status(struct monitor *m, struct process *p, const struct status *status, const int *fds, size_t fd_count) {
    switch (status->kind) {
    case STATUS_PID:
        p->pid = (pid_t)status->pid;
        p->start_time = start_time_of(p->pid);
        if (p == m->init) report_process(m, p, AT_NAMESPACED);
        return;
    case STATUS_CREATED:
        if (p->phase == PHASE_SETUP) p->phase = PHASE_CREATED;
        report_process(m, p, AT_CREATED);
        return;
    case STATUS_FAILED:
        if (p->phase != PHASE_FAILED) process_fail(m, p, &status->err);
        return;
    case STATUS_TTY:
        if (fd_count == 2 && p->out.fd < 0) adopt_tty(p, fds);
        return;
    default:
        return;
    }
}

void process_sync(struct monitor *m, struct process *p) {
    while (p->sync >= 0) {
        struct status status;
        union {
            struct cmsghdr header;
            char space[CMSG_SPACE(2 * sizeof(int))];
        } control;
        struct iovec part = {&status, sizeof status};
        struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof control.space};
        int fds[2] = {-1, -1};
        size_t count = 0;
        ssize_t n = recvmsg(p->sync, &message, MSG_CMSG_CLOEXEC);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
        /* It ended without taking its START: said once, before its last words. */
        if (n < 0 && errno == ECONNRESET) continue;
        if (n != sizeof status) {
            executed(m, p);
            return;
        }
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        if (header != NULL && header->cmsg_type == SCM_RIGHTS) {
            count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
            memcpy(fds, CMSG_DATA(header), (count < 2 ? count : 2) * sizeof(int));
        }
        status.err.call[sizeof status.err.call - 1] = status.err.path[sizeof status.err.path - 1] = 0;
        take_status(m, p, &status, fds, count);
    }
}

static void ended(struct monitor *m, struct process *p, const siginfo_t *info) {
    p->ended = true;
    p->ended_at = now_ns(CLOCK_REALTIME);
    p->signal = info->si_code == CLD_EXITED ? 0 : info->si_status;
    p->status = info->si_code == CLD_EXITED ? info->si_status : 128 + info->si_status;
    p->deadline = now_ms() + DRAIN_MS;
    /* with the last slave closed, the terminal says when it is empty */
    close_owned(&p->slave);
    p->slave = -1;
    process_close_input(p);
    if (p != m->init) return;
    p->oom = oom_look(&m->oom) || p->oom;
    /* Those outside the container's pid namespace have to be told. */
    for (struct process *other = m->processes; other != NULL; other = other->next)
        if (other != p && other->pid > 0 && !other->ended) kill(other->pid, SIGKILL);
}

/*
 * A child that a helper cloned for us may die before the helper's message with its pid is read. It is looked at first and
 * left as a zombie until we know whose it is.
 */
void process_reap(struct monitor *m) {
    for (;;) {
        siginfo_t info = {0};
        struct process *owner = NULL;
        bool waiting = false;
        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) return;
        for (struct process *p = m->processes; p != NULL; p = p->next) {
            if (p->pid == info.si_pid || p->helper == info.si_pid) owner = p;
            waiting |= p->sync >= 0 && p->pid == 0;
        }
        if (owner == NULL && waiting) return;
        waitid(P_PID, (id_t)info.si_pid, &info, WEXITED | WNOHANG);
        if (owner == NULL) continue;
        if (owner->helper == info.si_pid) owner->helper = 0;
        else ended(m, owner, &info);
    }
}
