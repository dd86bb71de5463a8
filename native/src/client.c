/*
 * The control socket's clients. Nothing a client does or fails to do ends the container: malformed input and a queue that
 * overflows cost the client its connection, no more.
 */
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include "monitor.h"

struct client *client_new(struct monitor *m, int fd, enum mode mode) {
    struct client *c = calloc(1, sizeof *c);
    if (c == NULL) {
        close(fd);
        return NULL;
    }
    c->fd = fd;
    c->slot = -1;
    c->mode = mode;
    c->next = m->clients;
    m->clients = c;
    m->client_count++;
    return c;
}

static void client_free(struct client *c) {
    close(c->fd);
    frames_free(&c->parser);
    if (c->queue != NULL) munmap(c->queue, QUEUE_BYTES);
    free(c->rest);
    free(c);
}

void client_sweep(struct monitor *m) {
    for (struct client **at = &m->clients; *at != NULL;) {
        struct client *c = *at;
        if (!c->dead && !(c->closing && c->queued == 0)) {
            at = &c->next;
            continue;
        }
        /* An exec's input ends with its client; the container's does not. */
        if (c->mode == MODE_EXEC && c->process != NULL) process_close_input(c->process);
        if (c->mode == MODE_LAUNCH && !m->started && !m->failed) m->aborting = true;
        *at = c->next;
        m->client_count--;
        client_free(c);
    }
}

size_t client_room(const struct client *c) {
    return QUEUE_BYTES - c->queued;
}

static bool enqueue(struct client *c, const u8 *bytes, size_t size) {
    if (size > client_room(c)) return false;
    if (c->queue == NULL) {
        void *space = mmap(NULL, QUEUE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (space == MAP_FAILED) return false;
        c->queue = space;
        c->head = 0;
    }
    size_t at = (c->head + c->queued) % QUEUE_BYTES, first = QUEUE_BYTES - at < size ? QUEUE_BYTES - at : size;
    memcpy(c->queue + at, bytes, first);
    memcpy(c->queue, bytes + first, size - first);
    c->queued += size;
    return true;
}

void client_send(struct client *c, const u8 *frame, size_t size) {
    size_t sent = 0;
    if (c->dead) return;
    if (c->queued == 0 && !c->deferred) {
        ssize_t n = send(c->fd, frame, size, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN && errno != EINTR) {
            c->dead = true;
            return;
        }
        sent = n < 0 ? 0 : (size_t)n;
    }
    if (sent < size && !enqueue(c, frame + sent, size - sent)) c->dead = true;
}

void client_writable(struct client *c) {
    while (c->queued > 0 && !c->deferred) {
        size_t part = QUEUE_BYTES - c->head < c->queued ? QUEUE_BYTES - c->head : c->queued;
        ssize_t n = send(c->fd, c->queue + c->head, part, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (n < 0) {
            c->dead = true;
            return;
        }
        c->head = (c->head + (size_t)n) % QUEUE_BYTES;
        c->queued -= (size_t)n;
        c->stalled_at = 0;
    }
    if (c->queued > 0 || c->queue == NULL) return;
    munmap(c->queue, QUEUE_BYTES);
    c->queue = NULL;
}

void clients_end(struct monitor *m, struct process *p) {
    for (struct client *c = m->clients; c != NULL; c = c->next)
        if (p == NULL || c->process == p) c->closing = true;
}

struct exchange {
    struct monitor *m;
    struct client *c;
};

static int answer(struct client *c, int result, const char *call, const char *target) {
    struct err err = {.op = NO_OP};
    struct report r;
    if (result == 0) {
        report_begin(&r, AT_DONE);
        report_to(c, &r);
        return 0;
    }
    fail(&err, call, target);
    report_failed(c, &err, target);
    return 0;
}

static int request_signal(struct exchange *x, const u8 *payload, u32 length, bool reply) {
    static const u8 types[] = {FIELD_STR, FIELD_U32};
    struct value v[2];
    if (fields_decode(payload, length, types, 2, v) != 0) return -1;
    struct process *p = process_find(x->m, v[R_SIGNAL_TARGET].text);
    errno = ESRCH;
    /* Not yet reaped, so the number is still its own. */
    int result = p == NULL || p->pid <= 0 || p->ended ? -1 : kill(p->pid, (int)v[R_SIGNAL_SIGNAL].number);
    return reply ? answer(x->c, result, "kill", v[R_SIGNAL_TARGET].text) : 0;
}

static int request_resize(struct exchange *x, const u8 *payload, u32 length, bool reply) {
    static const u8 types[] = {FIELD_STR, FIELD_U32, FIELD_U32};
    struct value v[3];
    if (fields_decode(payload, length, types, 3, v) != 0) return -1;
    struct process *p = process_find(x->m, v[R_RESIZE_TARGET].text);
    errno = ESRCH;
    int result = p == NULL || p->ended ? -1 : process_resize(p, (u32)v[R_RESIZE_ROWS].number, (u32)v[R_RESIZE_COLS].number);
    return reply ? answer(x->c, result, "ioctl", v[R_RESIZE_TARGET].text) : 0;
}

static int attach(struct exchange *x, const u8 *payload, u32 length) {
    static const u8 types[] = {FIELD_U32};
    struct value v[1];
    struct report r;
    if (fields_decode(payload, length, types, 1, v) != 0) return -1;
    x->c->mode = MODE_ATTACH;
    x->c->process = x->m->init;
    x->c->streams = (u32)v[R_ATTACH_STREAMS].number;
    report_begin(&r, AT_ATTACHED);
    report_to(x->c, &r);
    return 0;
}

/* The plan is read here for its header records only; the helper walks the rest in a copy of our memory. */
static int exec_plan(struct exchange *x, const u8 *payload, u32 length) {
    struct monitor *m = x->m;
    struct plan plan;
    struct record record;
    struct err err;
    struct process *p = NULL;
    x->c->mode = MODE_EXEC;
    if (plan_check(payload, length, &plan, &err) == 0 && plan_find(&plan, OP_MONITOR, &record)) {
        const char *id = record.v[F_MONITOR_ID].text;
        if (!plan.joins || *id == 0) fail_with(&err, EINVAL, "exec", id);
        else if (m->init->phase != PHASE_RUNNING || m->init->ended) fail_with(&err, ESRCH, "exec", id);
        else if (process_find(m, id) != NULL) fail_with(&err, EEXIST, "exec", id);
        else p = process_new(m, id, &plan, &err);
    }
    if (p != NULL) {
        x->c->process = p;
        x->c->streams = ATTACH_STDIN | ATTACH_STDOUT | ATTACH_STDERR;
        if (process_spawn(m, p, &plan, &err) == 0) return 0;
        process_free(m, p);
    }
    report_failed(x->c, &err, NULL);
    x->c->closing = true;
    return 0;
}

static int launch_frame(struct exchange *x, u8 type) {
    struct monitor *m = x->m;
    struct process *p = m->init;
    if (type == FRAME_PROCEED) {
        if (!m->spawned) p->early_proceed = true;
        else process_go(p, GO_PROCEED);
        return 0;
    }
    if (type != FRAME_START) return -1;
    m->started = true;
    if (p->phase < PHASE_STARTED) p->phase = PHASE_STARTED;
    if (!m->spawned) p->early_start = p->early_proceed;
    if (!p->early_start) process_go(p, GO_START);
    return 0;
}

static int frame(void *context, u8 type, const u8 *payload, u32 length) {
    struct exchange *x = context;
    enum mode mode = x->c->mode;
    bool session = mode == MODE_ATTACH || mode == MODE_EXEC;
    if (mode == MODE_LAUNCH) return launch_frame(x, type);
    if (type == FRAME_SIGNAL && (session || mode == MODE_NEW)) return request_signal(x, payload, length, !session);
    if (type == FRAME_RESIZE && (session || mode == MODE_NEW)) return request_resize(x, payload, length, !session);
    if (type == FRAME_STDIN_END && session) {
        if (x->c->process != NULL && (x->c->streams & ATTACH_STDIN) != 0) process_close_input(x->c->process);
        return 0;
    }
    if (mode != MODE_NEW) return -1;
    if (type == FRAME_ATTACH) return attach(x, payload, length);
    if (type == FRAME_EXEC) return exec_plan(x, payload, length);
    if (type != FRAME_WATCH) return -1;
    x->c->mode = MODE_WATCH;
    report_state(x->m, x->c);
    return 0;
}

static ssize_t stdin_bytes(void *context, const u8 *bytes, size_t count) {
    struct client *c = ((struct exchange *)context)->c;
    if (c->mode != MODE_ATTACH && c->mode != MODE_EXEC) return -1;
    if (c->process == NULL || (c->streams & ATTACH_STDIN) == 0) return (ssize_t)count;
    return process_input(c->process, bytes, count);
}

/* Returns what was not consumed because stdin is full. */
static size_t feed(struct monitor *m, struct client *c, const u8 *bytes, size_t count) {
    struct exchange x = {m, c};
    const struct frame_sink sink = {stdin_bytes, frame, &x};
    ssize_t n = frames_feed(&c->parser, &sink, bytes, count);
    if (n < 0) c->dead = true;
    return n < 0 ? 0 : count - (size_t)n;
}

void client_readable(struct monitor *m, struct client *c) {
    ssize_t n = recv(c->fd, io_buffer, sizeof io_buffer, MSG_DONTWAIT);
    m->busy = true;
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0) {
        c->dead = true;
        return;
    }
    size_t left = feed(m, c, io_buffer, (size_t)n);
    if (left == 0) return;
    c->rest = malloc(left);
    if (c->rest == NULL) {
        c->dead = true;
        return;
    }
    memcpy(c->rest, io_buffer + (size_t)n - left, left);
    c->rest_length = left;
}

void client_resume(struct monitor *m, struct client *c) {
    u8 *rest = c->rest;
    size_t count = c->rest_length;
    if (rest == NULL) return;
    size_t left = feed(m, c, rest, count);
    memmove(rest, rest + count - left, left);
    c->rest_length = left;
    if (left > 0) return;
    c->rest = NULL;
    free(rest);
}
