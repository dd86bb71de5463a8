#include "logfile.h"
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include "io.h"

#define ATTRS_MAX 65536u
/* The worst record: every byte as six, plus attributes and the rest. */
#define RECORD_MAX (6 * LOG_PIECE + ATTRS_MAX + 256)
static char encoded[512 << 10] __attribute__((aligned(4096)));
_Static_assert(sizeof encoded >= 2 * RECORD_MAX, "room for records");
static size_t filled;
/* What ends every record of a chunk, made once for it. */
static struct {
    const char *stream;
    u64 time;
    size_t length;
    char text[ATTRS_MAX + 128];
} tail __attribute__((aligned(4096)));

static int open_at_end(struct logfile *log, int flags) {
    struct stat node;
    log->fd = open(log->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | flags, 0640);
    if (log->fd < 0) return -1;
    log->size = fstat(log->fd, &node) == 0 ? (u64)node.st_size : 0;
    return 0;
}

int log_open(struct logfile *log, const char *path, const char *attrs, u64 max_bytes, u32 max_files) {
    *log = (struct logfile){.fd = -1, .max_bytes = max_bytes, .max_files = max_files == 0 ? 1 : max_files};
    errno = EINVAL;
    if (strlen(attrs) > ATTRS_MAX) return -1;
    log->path = strdup(path);
    log->attrs = strdup(attrs);
    return log->path == NULL || log->attrs == NULL ? -1 : open_at_end(log, 0);
}

/* RFC 3339 with the zeros of the fraction trimmed, as Go's RFC3339Nano. */
static void put_rfc3339(struct text *text, u64 ns) {
    time_t seconds = (time_t)(ns / 1000000000u);
    unsigned fraction = (unsigned)(ns % 1000000000u);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    put_format(text, "%04d-%02d-%02dT%02d:%02d:%02d", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
    if (fraction != 0) put_format(text, ".%09u", fraction);
    for (; fraction != 0 && fraction % 10 == 0; fraction /= 10) text->length--;
    put_str(text, "Z");
}

static bool backup_name(const struct logfile *log, u32 number, char *path, size_t size) {
    int length = number == 0 ? snprintf(path, size, "%s", log->path) : snprintf(path, size, "%s.%u", log->path, number);
    return length >= 0 && (size_t)length < size;
}

/* path → path.1 → … → path.N-1, the oldest overwritten; with one file, a new start. */
static void rotate(struct logfile *log) {
    char from[4200], to[4200];
    if (log->fd >= 0) close(log->fd);
    for (u32 number = log->max_files - 1; number > 0; number--)
        if (backup_name(log, number, to, sizeof to) && backup_name(log, number - 1, from, sizeof from)) rename(from, to);
    if (open_at_end(log, log->max_files == 1 ? O_TRUNC : 0) != 0) log->failure = errno;
}

static u32 count_lines(const char *bytes, size_t count) {
    u32 lines = 0;
    for (const char *at = bytes, *end = bytes + count; (at = memchr(at, '\n', (size_t)(end - at))) != NULL; at++) lines++;
    return lines;
}

/*
 * What cannot be written is dropped and counted, and the container goes on: it is never blocked by a full disk. A record
 * that was cut is taken away again, so that every line of the file stays whole.
 */
static void flush(struct logfile *log) {
    if (filled == 0) return;
    size_t count = filled;
    filled = 0;
    if (log->fd < 0 && open_at_end(log, 0) != 0) {
        if (log->failure == 0) log->news = true;
        log->failure = errno;
        log->dropped += count_lines(encoded, count);
        return;
    }
    ssize_t n = write(log->fd, encoded, count);
    if (n == (ssize_t)count) {
        log->size += count;
        if (log->failure != 0) log->news = true;
        log->failure = 0;
        return;
    }
    int number = n < 0 ? errno : ENOSPC;
    size_t whole = n < 0 ? 0 : (size_t)n;
    while (whole > 0 && encoded[whole - 1] != '\n') whole--;
    if (n > 0 && ftruncate(log->fd, (off_t)(log->size + whole)) != 0) number = errno;
    log->size += whole;
    log->dropped += count_lines(encoded + whole, count - whole);
    if (log->failure == 0) log->news = true;
    log->failure = number;
}

static void make_tail(const struct logfile *log, const char *stream, u64 time) {
    if (tail.stream == stream && tail.time == time) return;
    struct text text = {tail.text, sizeof tail.text, 0, false};
    put_format(&text, "\\n\",\"stream\":\"%s\"%s%s,\"time\":\"", stream, *log->attrs == 0 ? "" : ",\"attrs\":", log->attrs);
    put_rfc3339(&text, time);
    put_str(&text, "\"}\n");
    tail.length = text.length;
    tail.stream = stream;
    tail.time = time;
}

/*
 * One piece of a line: up to its newline or LOG_PIECE bytes, as one record. A full piece is never the end of its line, even
 * when the newline is next: as Docker cuts it. Returns how many bytes were taken, with the newline.
 */
static size_t put_piece(struct logfile *log, struct log_line *line, const char *stream, const char *bytes, size_t count, bool may_end,
                        u64 now) {
    if (log->max_bytes != 0 && log->size + filled >= log->max_bytes) {
        flush(log);
        if (log->size >= log->max_bytes) rotate(log);
    }
    if (sizeof encoded - filled < RECORD_MAX) flush(log);
    if (!line->continued) line->first_time = now;
    make_tail(log, stream, line->first_time);
    struct text text = {encoded, sizeof encoded, filled, false};
    put_str(&text, "{\"log\":\"");
    size_t taken = put_json_line(&text, bytes, count < LOG_PIECE ? count : LOG_PIECE);
    bool ended = may_end && taken < LOG_PIECE;
    size_t skipped = ended ? 0 : 2; /* the newline */
    put_bytes(&text, tail.text + skipped, tail.length - skipped);
    filled = text.length;
    line->continued = !ended;
    return taken + (ended ? 1 : 0);
}

static bool hold(struct log_line *line, const char *bytes, size_t count) {
    if (line->held == NULL) {
        void *space = mmap(NULL, LOG_PIECE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (space == MAP_FAILED) return false;
        line->held = space;
    }
    memcpy(line->held + line->length, bytes, count);
    line->length += (u32)count;
    return true;
}

/* A line that began in an earlier chunk, or ends in a later one. Returns how many bytes were taken. */
static size_t collect(struct logfile *log, struct log_line *line, const char *stream, const char *bytes, size_t count, u64 now) {
    size_t room = LOG_PIECE - line->length, part = count < room ? count : room;
    const char *newline = memchr(bytes, '\n', part);
    if (newline != NULL) part = (size_t)(newline - bytes);
    if (!hold(line, bytes, part)) return put_piece(log, line, stream, bytes, part, false, now);
    if (newline == NULL && part < room) return part;
    put_piece(log, line, stream, line->held, line->length, true, now);
    line->length = 0;
    return part + (newline != NULL ? 1 : 0);
}

void log_chunk(struct logfile *log, struct log_line *line, const char *stream, const char *bytes, size_t count) {
    u64 now = now_ns(CLOCK_REALTIME);
    const char *last = memrchr(bytes, '\n', count);
    size_t whole = last == NULL ? 0 : (size_t)(last - bytes) + 1;
    for (size_t at = 0; at < count;) {
        if (line->length == 0 && at < whole) at += put_piece(log, line, stream, bytes + at, whole - at, true, now);
        else at += collect(log, line, stream, bytes + at, count - at, now);
    }
    flush(log);
}

void log_end(struct logfile *log, struct log_line *line, const char *stream) {
    if (line->length > 0) put_piece(log, line, stream, line->held, line->length, false, now_ns(CLOCK_REALTIME));
    line->length = 0;
    log_release(line);
    flush(log);
}

void log_release(struct log_line *line) {
    if (line->held == NULL || line->length > 0) return;
    munmap(line->held, LOG_PIECE);
    line->held = NULL;
}

void log_idle(void) {
    give_back(encoded, sizeof encoded);
    tail.stream = NULL;
    give_back(&tail, sizeof tail);
}
