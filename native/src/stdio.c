/*
 * A container's streams. Output goes to the log first and then to every attached client; a client that cannot take more
 * holds the container up while it makes progress, and is dropped when it takes nothing for STALL_MS.
 */
#include <fcntl.h>
#include <sys/ioctl.h>
#include "monitor.h"

u8 io_buffer[IO_BUFFER] __attribute__((aligned(4096)));
_Static_assert(IO_BUFFER >= FRAME_HEADER + IO_CHUNK, "room for a frame");

static bool wants(const struct client *c, const struct process *p, u8 type) {
    return c->process == p && !c->dead && (c->streams & (type == FRAME_STDOUT ? ATTACH_STDOUT : ATTACH_STDERR)) != 0;
}

bool stream_may_read(struct monitor *m, struct process *p) {
    bool may = true;
    for (struct client *c = m->clients; c != NULL; c = c->next) {
        if (c->process != p || c->dead) continue;
        bool full = client_room(c) < sizeof io_buffer + QUEUE_RESERVE;
        if (!full) c->stalled_at = 0;
        else if (c->stalled_at == 0) c->stalled_at = now_ms();
        may &= !full;
    }
    return may;
}

void stream_close(struct monitor *m, struct process *p, struct stream *s) {
    if (s->fd < 0) return;
    if (p == m->init && m->has_log) log_end(&m->log, &s->line, s->type == FRAME_STDOUT ? "stdout" : "stderr");
    /* the terminal's descriptor is also its input */
    if (s->fd == p->input) p->input = -1;
    close(s->fd);
    s->fd = -1;
}

void stream_readable(struct monitor *m, struct process *p, struct stream *s) {
    ssize_t n = read(s->fd, io_buffer + FRAME_HEADER, IO_CHUNK);
    m->busy = true;
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0) {
        stream_close(m, p, s);
        return;
    }
    if (p == m->init && m->has_log)
        log_chunk(&m->log, &s->line, s->type == FRAME_STDOUT ? "stdout" : "stderr", (char *)io_buffer + FRAME_HEADER, (size_t)n);
    frame_header(io_buffer, s->type, (u32)n);
    for (struct client *c = m->clients; c != NULL; c = c->next)
        if (wants(c, p, s->type)) client_send(c, io_buffer, FRAME_HEADER + (size_t)n);
}

/*
 * After the process has ended: its own last words are in the pipe already, so what can be read now is read; what is still
 * open then is held by a descendant, and that may take DRAIN_MS at most.
 */
void process_drain(struct monitor *m, struct process *p) {
    if (!p->ended || p->drained) return;
    bool late = now_ms() >= p->deadline;
    struct stream *streams[] = {&p->out, &p->err};
    for (int i = 0; i < 2; i++)
        if (late) stream_close(m, p, streams[i]);
    p->drained = p->out.fd < 0 && p->err.fd < 0;
}

ssize_t process_input(struct process *p, const u8 *bytes, size_t count) {
    if (p->input < 0 || p->ended) return (ssize_t)count;
    ssize_t n = write(p->input, bytes, count);
    if (n >= 0) return n;
    if (errno == EAGAIN || errno == EINTR) return 0;
    process_close_input(p);
    return (ssize_t)count;
}

/* Only a pipe can be closed in one direction; a terminal's end of input is a character, and the client's to send. */
void process_close_input(struct process *p) {
    if (p->input < 0 || (p->flags & STDIO_TTY) != 0) return;
    close(p->input);
    p->input = -1;
}

int process_resize(struct process *p, u32 rows, u32 cols) {
    struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)cols};
    p->rows = rows;
    p->cols = cols;
    errno = ENOTTY;
    if ((p->flags & STDIO_TTY) == 0) return -1;
    /* before the terminal exists the size is kept for it */
    return p->out.fd < 0 ? 0 : ioctl(p->out.fd, TIOCSWINSZ, &size);
}
