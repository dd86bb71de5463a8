#include "io.h"
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include "sys.h"

static void copy_text(char *to, size_t size, const char *from) {
    size_t length = from == NULL ? 0 : strnlen(from, size - 1);
    if (length > 0) memcpy(to, from, length);
    to[length] = 0;
}

int fail_with(struct err *err, int number, const char *call, const char *path) {
    err->number = number;
    copy_text(err->call, sizeof err->call, call);
    copy_text(err->path, sizeof err->path, path);
    errno = number;
    return -1;
}

int fail(struct err *err, const char *call, const char *path) {
    return fail_with(err, errno, call, path);
}

void close_owned(int *fd) {
    if (*fd >= 0) {
        int saved = errno;
        close(*fd);
        errno = saved;
    }
}

int read_full(int fd, void *bytes, size_t count) {
    for (u8 *at = bytes; count > 0;) {
        ssize_t n = read(fd, at, count);
        if (n < 0 && errno == EINTR) continue;
        if (n == 0) errno = EPIPE;
        if (n <= 0) return -1;
        at += n;
        count -= (size_t)n;
    }
    return 0;
}

int write_full(int fd, const void *bytes, size_t count) {
    for (const u8 *at = bytes; count > 0;) {
        ssize_t n = write(fd, at, count);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return -1;
        at += n;
        count -= (size_t)n;
    }
    return 0;
}

int write_text_at(int dirfd, const char *path, const char *text) {
    OWNED_FD fd = openat(dirfd, path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) return -1;
    size_t length = strlen(text);
    ssize_t n = write(fd, text, length);
    if (n >= 0 && (size_t)n != length) errno = EIO;
    return n == (ssize_t)length ? 0 : -1;
}

ssize_t read_text_at(int dirfd, const char *path, char *text, size_t size) {
    OWNED_FD fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) return -1;
    ssize_t n = pread(fd, text, size - 1, 0);
    text[n < 0 ? 0 : n] = 0;
    return n;
}

u64 now_ns(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (u64)now.tv_sec * 1000000000ull + (u64)now.tv_nsec;
}

void give_back(void *bytes, size_t size) {
    uintptr_t page = getauxval(AT_PAGESZ), from = ((uintptr_t)bytes + page - 1) & ~(page - 1), to = ((uintptr_t)bytes + size) & ~(page - 1);
    if (from < to) madvise((void *)from, to - from, MADV_DONTNEED);
}

void keep_only(int *fds, size_t count) {
    /* insertion sort: a handful of numbers */
    for (size_t i = 1; i < count; i++)
        for (size_t j = i; j > 0 && fds[j - 1] > fds[j]; j--) {
            int larger = fds[j - 1];
            fds[j - 1] = fds[j];
            fds[j] = larger;
        }
    unsigned from = 3;
    for (size_t i = 0; i < count; i++) {
        if (fds[i] < (int)from) continue;
        if ((unsigned)fds[i] > from) sys_close_range(from, (unsigned)fds[i] - 1, 0);
        from = (unsigned)fds[i] + 1;
    }
    sys_close_range(from, ~0u, 0);
}

u64 start_time_of(pid_t pid) {
    char bytes[512], path[32];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    if (read_text_at(AT_FDCWD, path, bytes, sizeof bytes) <= 0) return 0;
    /* The second field is "(comm)" and may hold anything, also ") ": count from the last parenthesis. */
    const char *at = strrchr(bytes, ')');
    for (int field = 2; at != NULL && field < 22; field++) at = strchr(at + 1, ' ');
    return at == NULL ? 0 : strtoull(at + 1, NULL, 10);
}

void put_bytes(struct text *text, const char *bytes, size_t count) {
    if (text->full || count > text->size - text->length) {
        text->full = true;
        return;
    }
    memcpy(text->at + text->length, bytes, count);
    text->length += count;
}

void put_str(struct text *text, const char *string) {
    put_bytes(text, string, strlen(string));
}

void put_format(struct text *text, const char *format, ...) {
    size_t room = text->full ? 0 : text->size - text->length;
    va_list values;
    va_start(values, format);
    int length = vsnprintf(text->at + text->length, room, format, values);
    va_end(values);
    if (length < 0 || (size_t)length >= room) text->full = true;
    else text->length += (size_t)length;
}

/* Length of the UTF-8 sequence at `s` (Go's rules: no surrogates, no overlong forms), 0 when it is not one. */
static size_t utf8_length(const u8 *s, size_t left) {
    size_t need = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    u8 low = 0x80, high = 0xbf;
    if (s[0] < 0xc2 || s[0] > 0xf4 || left < need) return 0;
    if (s[0] == 0xe0) low = 0xa0;
    if (s[0] == 0xed) high = 0x9f;
    if (s[0] == 0xf0) low = 0x90;
    if (s[0] == 0xf4) high = 0x8f;
    if (s[1] < low || s[1] > high) return 0;
    for (size_t i = 2; i < need; i++)
        if ((s[i] & 0xc0) != 0x80) return 0;
    return need;
}

static bool is_plain(u8 c) {
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&';
}

typedef i8 block __attribute__((vector_size(16)));
typedef u64 halves __attribute__((vector_size(16)));

/* Copies what needs no escape and says how much that was. Sixteen bytes at a time: this is where a log's time goes. */
static size_t put_plain(struct text *text, const u8 *s, size_t count) {
    size_t i = 0, room = text->full ? 0 : text->size - text->length;
    char *to = text->at + text->length;
    for (size_t whole = count < room ? count : room; i + sizeof(block) <= whole; i += sizeof(block)) {
        block bytes;
        memcpy(&bytes, s + i, sizeof bytes);
        memcpy(to + i, &bytes, sizeof bytes);
        /* signed: beyond ASCII is below 0. '<' is '>' but for one bit. */
        halves special = (halves)((bytes < ' ') | (bytes == '"') | (bytes == '\\') | (bytes == '&') | ((bytes | 2) == '>'));
        if ((special[0] | special[1]) == 0) continue;
        i += (size_t)(special[0] != 0 ? __builtin_ctzll(special[0]) : 64 + __builtin_ctzll(special[1])) / 8;
        text->length += i;
        return i;
    }
    for (; i < count && i < room && is_plain(s[i]); i++) to[i] = (char)s[i];
    text->length += i;
    text->full |= i == room && i < count;
    return i;
}

static size_t put_json_special(struct text *text, const u8 *s, size_t left) {
    static const char hex[] = "0123456789abcdef";
    if (s[0] < 0x80) {
        char code[6] = {'\\', 'u', '0', '0', hex[s[0] >> 4], hex[s[0] & 15]};
        char brief[2] = {'\\', s[0] == '\r' ? 'r' : (char)s[0]};
        bool is_brief = s[0] == '"' || s[0] == '\\' || s[0] == '\r';
        put_bytes(text, is_brief ? brief : code, is_brief ? 2 : 6);
        return 1;
    }
    size_t length = utf8_length(s, left);
    if (length == 0) put_bytes(text, "\\ufffd", 6);
    else if (length == 3 && s[0] == 0xe2 && s[1] == 0x80 && (s[2] == 0xa8 || s[2] == 0xa9))
        put_bytes(text, s[2] == 0xa8 ? "\\u2028" : "\\u2029", 6);
    else put_bytes(text, (const char *)s, length);
    return length == 0 ? 1 : length;
}

size_t put_json_line(struct text *text, const char *bytes, size_t count) {
    const u8 *s = (const u8 *)bytes;
    size_t i = 0;
    while (!text->full) {
        i += put_plain(text, s + i, count - i);
        if (i == count || s[i] == '\n') return i;
        i += put_json_special(text, s + i, count - i);
    }
    return count;
}

void put_json(struct text *text, const char *bytes, size_t count) {
    for (size_t i = 0; i < count; i++) {
        i += put_json_line(text, bytes + i, count - i);
        if (i < count) put_str(text, "\\n");
    }
}
