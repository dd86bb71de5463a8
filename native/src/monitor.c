/*
 * The life of a monitor:
 *
 *   fd 3: LAUNCH plan ─▶ plan_ok ─▶ clone ─▶ namespaced ─PROCEED▶ created ─START▶ execed ─▶ … ─▶ exit
 *
 * Before START, losing the daemon undoes everything. After it, nothing of the daemon's matters: the loop goes on until the
 * container has ended, its output is in the log, and its exit file is written; only then is anyone told.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include "monitor.h"
#include "sys.h"

#define IDLE_MS 1000
#define OOM_LOOK_MS 20
#define END_MS 30000u
#define MAX_SLOTS (4 + 4 * MAX_PROCESSES + MAX_CLIENTS)
static struct pollfd slots[MAX_SLOTS];
static nfds_t slot_count;

u64 now_ms(void) {
    return now_ns(CLOCK_MONOTONIC) / 1000000u;
}

static int slot_add(int fd, short events) {
    if (fd < 0 || slot_count >= MAX_SLOTS) return -1;
    slots[slot_count] = (struct pollfd){fd, events, 0};
    return (int)slot_count++;
}
static short slot_events(int slot) {
    return slot < 0 ? 0 : slots[slot].revents;
}

static bool input_waits(const struct monitor *m, const struct process *p) {
    for (const struct client *c = m->clients; c != NULL; c = c->next)
        if (c->process == p && c->rest != NULL) return true;
    return false;
}

static void build_slots(struct monitor *m) {
    slot_count = 0;
    m->signals_slot = slot_add(m->signals, POLLIN);
    m->listener_slot = m->client_count < MAX_CLIENTS && m->accept_after == 0 ? slot_add(m->listener, POLLIN) : -1;
    m->oom.slot = slot_add(m->oom.fd, m->oom.version == 1 ? POLLIN : POLLPRI);
    for (struct process *p = m->processes; p != NULL; p = p->next) {
        bool may_read = stream_may_read(m, p);
        p->sync_slot = slot_add(p->sync, POLLIN);
        p->out.slot = may_read ? slot_add(p->out.fd, POLLIN) : -1;
        p->err.slot = may_read ? slot_add(p->err.fd, POLLIN) : -1;
        p->input_slot = input_waits(m, p) ? slot_add(p->input, POLLOUT) : -1;
    }
    for (struct client *c = m->clients; c != NULL; c = c->next) {
        short events = (short)((c->rest == NULL ? POLLIN : 0) | (c->queued > 0 && !c->deferred ? POLLOUT : 0));
        c->slot = slot_add(c->fd, events);
        /* its process has ended and the rest only waits for it */
        if (c->closing && c->queued > 0 && c->stalled_at == 0) c->stalled_at = now_ms();
    }
}

static void sooner(int *timeout, u64 at, u64 now) {
    int left = at <= now ? 0 : at - now > 60000 ? 60000 : (int)(at - now);
    if (*timeout < 0 || left < *timeout) *timeout = left;
}

static int poll_timeout(const struct monitor *m) {
    int timeout = m->busy ? IDLE_MS : -1;
    u64 now = now_ms();
    for (const struct process *p = m->processes; p != NULL; p = p->next)
        if (p->ended && !p->drained) sooner(&timeout, p->deadline, now);
    for (const struct client *c = m->clients; c != NULL; c = c->next)
        if (c->stalled_at != 0) sooner(&timeout, c->stalled_at + STALL_MS, now);
    if (m->ending) sooner(&timeout, m->end_deadline, now);
    if (m->accept_after != 0) sooner(&timeout, m->accept_after, now);
    if (m->exit_after != 0) sooner(&timeout, m->exit_after, now);
    if (m->oom.look_until != 0) sooner(&timeout, now + OOM_LOOK_MS, now);
    return timeout;
}

/* Memory that only traffic needs goes back when there has been none for a second. */
static void go_idle(struct monitor *m) {
    give_back(io_buffer, sizeof io_buffer);
    log_idle();
    for (struct process *p = m->processes; p != NULL; p = p->next) {
        log_release(&p->out.line);
        log_release(&p->err.line);
    }
    m->busy = false;
}

static void handle_oom(struct monitor *m) {
    struct report r;
    short events = slot_events(m->oom.slot);
    u64 now = m->oom.look_until != 0 || events != 0 ? now_ms() : 0;
    if (events != 0) m->oom.look_until = now + 1000;
    if (m->oom.look_until == 0) return;
    if (now >= m->oom.look_until) m->oom.look_until = 0;
    /* the cgroup was removed under us: it would be readable for ever */
    if ((events & (POLLERR | POLLHUP)) != 0 && m->oom.version != 1 && m->init->ended) m->oom.fd = -1;
    if (!oom_look(&m->oom)) return;
    m->init->oom = true;
    report_begin(&r, AT_OOM);
    report_string(&r, KEY_RUN, m->run);
    report_time(&r, KEY_TIME, now_ns(CLOCK_REALTIME));
    report_all(m, NULL, &r);
}

static void handle_log_news(struct monitor *m) {
    struct report r;
    if (!m->log.news) return;
    m->log.news = false;
    report_begin(&r, AT_LOG_ERROR);
    report_number(&r, KEY_ERRNO, (u64)m->log.failure);
    report_string(&r, KEY_PATH, m->log.path);
    report_number(&r, KEY_DROPPED, m->log.dropped);
    report_all(m, NULL, &r);
    if (m->log.failure == 0) m->log.dropped = 0;
}

static void handle_processes(struct monitor *m) {
    for (struct process *p = m->processes; p != NULL; p = p->next)
        if (slot_events(p->sync_slot) != 0) process_sync(m, p);
    if (slot_events(m->signals_slot) != 0) {
        struct signalfd_siginfo info;
        while (read(m->signals, &info, sizeof info) > 0)
            ;
        /* whatever a child had to say, it said before it died */
        for (struct process *p = m->processes; p != NULL; p = p->next) process_sync(m, p);
    }
    process_reap(m);
    for (struct process *p = m->processes; p != NULL; p = p->next) {
        if (slot_events(p->out.slot) != 0) stream_readable(m, p, &p->out);
        if (slot_events(p->err.slot) != 0) stream_readable(m, p, &p->err);
    }
}

static void handle_clients(struct monitor *m) {
    u64 now = now_ms();
    struct client *next;
    for (struct client *c = m->clients; c != NULL; c = next) {
        short events = slot_events(c->slot);
        next = c->next;
        bool may_resume = c->process == NULL || c->process->input < 0 || slot_events(c->process->input_slot) != 0;
        if (c->rest != NULL && may_resume) client_resume(m, c);
        if ((events & POLLIN) != 0) client_readable(m, c);
        else if ((events & (POLLHUP | POLLERR)) != 0) c->dead = true;
        if ((events & POLLOUT) != 0 || (c->queued > 0 && !c->deferred)) client_writable(c);
        if (c->stalled_at != 0 && now >= c->stalled_at + STALL_MS) c->dead = true;
    }
    if (m->accept_after != 0 && now >= m->accept_after) m->accept_after = 0;
    if (slot_events(m->listener_slot) != 0) {
        int fd = accept4(m->listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0) client_new(m, fd, MODE_NEW);
        else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM) m->accept_after = now + 100;
    }
}

static void unlink_control(struct monitor *m) {
    if (m->listener < 0) return;
    close(m->listener);
    m->listener = -1;
    unlinkat(m->runtime_dir, "ctl", 0);
}

static bool is_watched(const struct monitor *m) {
    for (const struct client *c = m->clients; c != NULL; c = c->next)
        if (c->mode == MODE_WATCH || c->mode == MODE_LAUNCH) return true;
    return false;
}

/*
 * Log closed, exit file in place, then the news. When the file cannot be written (a full disk) and nobody watches, the
 * status would be lost with us: then we stay, answer whoever asks, and try again every second. When the directory
 * itself is gone, so is the container's record, and nobody will ever ask.
 */
static void finish_init(struct monitor *m) {
    struct process *p = m->init;
    p->finished = true;
    m->exit_after = 0;
    handle_log_news(m);
    if (m->log.fd >= 0) close(m->log.fd);
    m->log.fd = -1;
    if (p->phase == PHASE_RUNNING && !m->aborting) {
        if (write_exit_file(m) != 0 && errno != ENOENT && !is_watched(m)) {
            m->exit_after = now_ms() + 1000;
            return;
        }
        unlink_control(m);
        report_process(m, p, AT_EXIT);
    }
    unlink_control(m);
    clients_end(m, NULL);
    m->ending = true;
    m->end_deadline = now_ms() + END_MS;
}

static void finish_processes(struct monitor *m) {
    struct process *next;
    for (struct process *p = m->processes; p != NULL; p = next) {
        next = p->next;
        process_drain(m, p);
        bool failed = p->phase == PHASE_FAILED && p->sync < 0 && p->helper == 0 && (p->pid <= 0 || p->ended);
        bool done = p->ended && p->drained && p->sync < 0;
        if (p == m->init || (!failed && !done)) continue;
        if (!failed) report_process(m, p, AT_EXIT);
        clients_end(m, p);
        process_free(m, p);
    }
    struct process *p = m->init;
    if (p->finished) {
        if (m->exit_after != 0 && (now_ms() >= m->exit_after || is_watched(m))) finish_init(m);
        return;
    }
    bool alone = m->process_count == 1;
    bool failed = p->phase == PHASE_FAILED && p->sync < 0 && p->helper == 0 && (p->pid <= 0 || p->ended);
    if (failed || (p->ended && p->drained && p->sync < 0 && alone)) finish_init(m);
}

static void abort_launch(struct monitor *m) {
    struct process *p = m->init;
    if (p->pid > 0 && !p->ended) kill(p->pid, SIGKILL);
    /* a helper without a child yet ends with its socket, and so does a child we do not know yet */
    if (p->sync >= 0) close(p->sync);
    p->sync = -1;
    p->phase = PHASE_FAILED;
}

static _Noreturn void run(struct monitor *m) {
    bool aborted = false;
    for (;;) {
        client_sweep(m);
        if (m->aborting && !aborted) {
            aborted = true;
            abort_launch(m);
        }
        finish_processes(m);
        client_sweep(m);
        if (m->ending && (m->client_count == 0 || now_ms() >= m->end_deadline)) _exit(0);
        build_slots(m);
        int count = poll(slots, slot_count, poll_timeout(m));
        if (count == 0 && m->busy && m->oom.look_until == 0) go_idle(m);
        if (count < 0) continue;
        handle_processes(m);
        handle_oom(m);
        handle_clients(m);
        handle_log_news(m);
    }
}

static int open_control(struct monitor *m, const char *dir, struct err *err) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    m->runtime_dir = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (m->runtime_dir < 0) return fail(err, "open", dir);
    m->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (m->listener < 0) return fail(err, "socket", dir);
    /* A root may be longer than sun_path is: the directory is named by its descriptor. */
    snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/ctl", m->runtime_dir);
    unlinkat(m->runtime_dir, "ctl", 0);
    umask(0177);
    int result = bind(m->listener, (struct sockaddr *)&address, sizeof address);
    umask(022);
    if (result != 0) return fail(err, "bind", dir);
    return listen(m->listener, 128) == 0 ? 0 : fail(err, "listen", dir);
}

static int open_null(struct monitor *m, struct err *err) {
    struct stat node;
    m->null = open("/dev/null", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (m->null < 0 || fstat(m->null, &node) != 0) return fail(err, "open", "/dev/null");
    if (!S_ISCHR(node.st_mode) || node.st_rdev != 0x103) return fail_with(err, ENODEV, "open", "/dev/null");
    m->proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    return m->proc >= 0 ? 0 : fail(err, "open", "/proc");
}

/* Copies what outlives the plan's memory. */
static int monitor_record(struct monitor *m, const struct record *record, struct err *err) {
    const struct value *v = record->v;
    switch (record->op->code) {
    case OP_MONITOR:
        m->id = strdup(v[F_MONITOR_ID].text);
        m->run = strdup(v[F_MONITOR_RUN].text);
        m->exit_path = strdup(v[F_MONITOR_EXIT_PATH].text);
        return m->id == NULL || m->run == NULL || m->exit_path == NULL ? fail(err, "strdup", NULL) : 0;
    case OP_CGROUP_V2:
        m->cgroup_v2 = strdup(v[F_CGROUP_V2_DIR].text);
        return m->cgroup_v2 != NULL ? 0 : fail(err, "strdup", NULL);
    case OP_CGROUP_V1: {
        const char *end = v[F_CGROUP_V1_FILES].text;
        for (u32 i = 0; i < v[F_CGROUP_V1_FILES].length; i++) strs_next(&end);
        size_t size = (size_t)(end - v[F_CGROUP_V1_FILES].text);
        m->cgroup_v1 = malloc(size + 1);
        if (m->cgroup_v1 == NULL) return fail(err, "malloc", NULL);
        memcpy(m->cgroup_v1, v[F_CGROUP_V1_FILES].text, size);
        m->cgroup_v1_count = v[F_CGROUP_V1_FILES].length;
        return 0;
    }
    default:
        return 0;
    }
}

/* What only the running container needs. */
static int service_record(struct monitor *m, const struct record *record, struct err *err) {
    const struct value *v = record->v;
    switch (record->op->code) {
    case OP_MONITOR:
        return open_control(m, v[F_MONITOR_RUNTIME_DIR].text, err);
    case OP_LOG:
        if (v[F_LOG_FORMAT].number == LOG_NONE) return 0;
        if (v[F_LOG_FORMAT].number != LOG_JSON_FILE) return fail_with(err, EINVAL, "log", NULL);
        m->has_log = true;
        if (log_open(&m->log, v[F_LOG_PATH].text, v[F_LOG_ATTRS].text, v[F_LOG_MAX_BYTES].number, (u32)v[F_LOG_MAX_FILES].number) != 0)
            return fail(err, "open", v[F_LOG_PATH].text);
        return 0;
    case OP_OOM_WATCH:
        if (oom_open(&m->oom, (u32)v[F_OOM_WATCH_CGROUP_VERSION].number, v[F_OOM_WATCH_DIR].text) != 0)
            return fail(err, "oom_watch", v[F_OOM_WATCH_DIR].text);
        return 0;
    default:
        return 0;
    }
}

typedef int record_function(struct monitor *m, const struct record *record, struct err *err);
static int each_record(struct monitor *m, const struct plan *plan, record_function *take, struct err *err) {
    struct cursor cursor = {0};
    struct record record;
    while (plan_next(plan, &cursor, &record) && record.op->stage == STAGE_MONITOR) {
        err->op = record.index;
        err->code = record.op->code;
        if (take(m, &record, err) != 0) return -1;
    }
    err->op = NO_OP;
    err->code = 0;
    return 0;
}

/* Everything that can be done before the plan is known. */
static int prepare(struct monitor *m, struct err *err) {
    sigset_t all, children;
    sigfillset(&all);
    sigemptyset(&children);
    sigaddset(&children, SIGCHLD);
    /* Nothing but SIGKILL ends a monitor; its children set their own mask. */
    sigprocmask(SIG_SETMASK, &all, NULL);
    m->signals = signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK);
    if (m->signals < 0) return fail(err, "signalfd", NULL);
    return open_null(m, err);
}

static int take_plan(struct monitor *m, const struct plan *plan, char *title, struct err *err) {
    struct record record;
    if (plan->joins) return fail_with(err, EINVAL, "launch", "join_container");
    if (each_record(m, plan, monitor_record, err) != 0) return -1;
    /* as much as there is room for, the rest of it blank */
    if (plan_find(plan, OP_MONITOR, &record)) strncpy(title, record.v[F_MONITOR_TITLE].text, strlen(title));
    m->init = process_new(m, "", plan, err);
    return m->init == NULL ? -1 : 0;
}

static int read_plan(int socket, u8 **bytes, u32 *length) {
    u8 h[FRAME_HEADER];
    if (read_full(socket, h, sizeof h) != 0) return -1;
    *length = (u32)h[4] << 24 | (u32)h[5] << 16 | (u32)h[6] << 8 | h[7];
    errno = EPROTO;
    if (h[0] != FRAME_LAUNCH || *length == 0 || *length > LIMIT_PLAN_BYTES) return -1;
    *bytes = mmap(NULL, *length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return *bytes == MAP_FAILED ? -1 : read_full(socket, *bytes, *length);
}

/* What was made so far goes again: the log stays, it is the daemon's. */
static _Noreturn void refuse(struct monitor *m, struct client *c, const struct err *err) {
    unlink_control(m);
    c->deferred = false;
    report_failed(c, err, NULL);
    client_writable(c);
    _exit(1);
}

_Noreturn void monitor_main(int launch_socket, char *title) {
    static struct monitor m = {.runtime_dir = -1, .listener = -1, .signals = -1, .null = -1, .proc = -1, .log = {.fd = -1},
                               .oom = {.fd = -1, .counter_fd = -1}};
    struct plan plan;
    struct err err = {.op = NO_OP}, early = {.op = NO_OP};
    struct report r;
    u8 *bytes = NULL;
    u32 length = 0;
    prctl(PR_SET_NAME, "tare:[monitor]", 0, 0, 0);
    fcntl(launch_socket, F_SETFD, FD_CLOEXEC);
    struct client *c = client_new(&m, launch_socket, MODE_LAUNCH);
    if (c == NULL) _exit(1);
    int prepared = prepare(&m, &early);
    /* here a spare waits for its container, or ends with the daemon */
    if (read_plan(launch_socket, &bytes, &length) != 0) {
        fail(&err, "read", "launch");
        refuse(&m, c, &err);
    }
    if (plan_check(bytes, length, &plan, &err) != 0) refuse(&m, c, &err);
    if (prepared != 0) refuse(&m, c, &early);
    if (take_plan(&m, &plan, title, &err) != 0) refuse(&m, c, &err);
    client_readable(&m, c); /* PROCEED and START that came along */
    c->deferred = m.init->early_start;
    report_begin(&r, AT_PLAN_OK);
    report_to(c, &r);
    if (process_spawn(&m, m.init, &plan, &err) != 0) refuse(&m, c, &err);
    m.spawned = true;
    if (m.init->pid > 0) report_process(&m, m.init, AT_NAMESPACED);
    /* While the child makes its mounts. It passes the gate only when told, and that is after this. */
    if (each_record(&m, &plan, service_record, &err) == 0) {
        if (m.init->early_start) process_go(m.init, GO_START);
    } else {
        process_fail(&m, m.init, &err);
        abort_launch(&m);
    }
    munmap(bytes, length);
    run(&m);
}
