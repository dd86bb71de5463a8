/* Reports: bounded JSON objects with the keys of the table, nothing else ever. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include "monitor.h"

void report_begin(struct report *r, const char *at) {
    r->text = (struct text){r->json, sizeof r->json - 2, 0, false};
    put_format(&r->text, "{\"at\":\"%s\"", at);
}

/* A value that does not fit is left out, whole. */
static void end_value(struct report *r, size_t before) {
    if (!r->text.full) return;
    r->text.length = before;
    r->text.full = false;
}

void report_string(struct report *r, const char *key, const char *value) {
    size_t before = r->text.length;
    put_format(&r->text, ",\"%s\":\"", key);
    put_json(&r->text, value, strlen(value));
    put_str(&r->text, "\"");
    end_value(r, before);
}

void report_number(struct report *r, const char *key, u64 value) {
    put_format(&r->text, ",\"%s\":%lu", key, value);
    end_value(r, r->text.length);
}

void report_bool(struct report *r, const char *key, bool value) {
    put_format(&r->text, ",\"%s\":%s", key, value ? "true" : "false");
    end_value(r, r->text.length);
}

void report_time(struct report *r, const char *key, u64 ns) {
    put_format(&r->text, ",\"%s\":\"%lu.%09lu\"", key, ns / 1000000000u, ns % 1000000000u);
    end_value(r, r->text.length);
}

size_t report_end(struct report *r) {
    r->json[r->text.length++] = '}';
    frame_header(r->frame, FRAME_REPORT, (u32)r->text.length);
    return FRAME_HEADER + r->text.length;
}

void report_to(struct client *c, struct report *r) {
    client_send(c, r->frame, report_end(r));
}

static const char *op_name(u16 code) {
    for (u32 i = 0; i < OP_COUNT; i++)
        if (OP_TABLE[i].code == code) return OP_TABLE[i].name;
    return NULL;
}

void report_failed(struct client *c, const struct err *err, const char *exec) {
    struct report r;
    const char *name = op_name(err->code);
    report_begin(&r, AT_FAILED);
    if (err->op != NO_OP) report_number(&r, KEY_OP, err->op);
    if (name != NULL) report_string(&r, KEY_NAME, name);
    report_string(&r, KEY_CALL, err->call);
    report_number(&r, KEY_ERRNO, (u64)err->number);
    if (err->path[0] != 0) report_string(&r, KEY_PATH, err->path);
    if (exec != NULL && *exec != 0) report_string(&r, KEY_EXEC, exec);
    report_to(c, &r);
}

void report_all(struct monitor *m, struct process *p, struct report *r) {
    size_t size = report_end(r);
    for (struct client *c = m->clients; c != NULL; c = c->next)
        if (c->mode == MODE_WATCH || c->mode == MODE_LAUNCH || (p != NULL && c->process == p)) client_send(c, r->frame, size);
}

static void put_exit(struct report *r, const struct process *p) {
    report_number(r, KEY_CODE, (u64)p->status);
    if (p->signal != 0) report_number(r, KEY_SIGNAL, (u64)p->signal);
    report_bool(r, KEY_OOM, p->oom);
    report_time(r, KEY_TIME, p->ended_at);
}

/* Everything known about a process, under any `at`. */
static void put_process(struct report *r, const struct monitor *m, const struct process *p) {
    report_string(r, KEY_RUN, m->run);
    if (*p->id != 0) report_string(r, KEY_EXEC, p->id);
    report_number(r, KEY_PID, (u64)p->pid);
    report_number(r, KEY_START_TIME, p->start_time);
    if (p->started_at != 0) report_time(r, KEY_STARTED, p->started_at);
}

void report_process(struct monitor *m, struct process *p, const char *at) {
    struct report r;
    report_begin(&r, at);
    put_process(&r, m, p);
    if (p->ended) put_exit(&r, p);
    report_number(&r, KEY_NS, now_ns(CLOCK_MONOTONIC));
    report_all(m, p, &r);
}

void report_state(struct monitor *m, struct client *c) {
    struct report r;
    report_begin(&r, AT_STATE);
    report_number(&r, KEY_V, CONTROL_VERSION);
    put_process(&r, m, m->init);
    if (m->init->finished) put_exit(&r, m->init);
    report_to(c, &r);
}

/*
 * One JSON line, complete or not there at all: written beside, then renamed. No fsync: when the host itself dies, the
 * container has died with it and the daemon needs no file to know.
 */
int write_exit_file(struct monitor *m) {
    struct report r;
    char beside[4200];
    if (snprintf(beside, sizeof beside, "%s.new", m->exit_path) >= (int)sizeof beside) return -1;
    report_begin(&r, AT_EXIT);
    put_process(&r, m, m->init);
    put_exit(&r, m->init);
    report_end(&r);
    r.json[r.text.length++] = '\n';
    OWNED_FD fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 || write_full(fd, r.json, r.text.length) != 0) return -1;
    return rename(beside, m->exit_path);
}
