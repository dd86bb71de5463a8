#include "text.h"

static char out[16384];
static size_t out_length;

void flush(void) {
    for (size_t at = 0; at < out_length;) {
        ssize_t n = write(1, out + at, out_length - at);
        if (n < 0 && errno != EINTR) break;
        if (n > 0) at += (size_t)n;
    }
    out_length = 0;
}
void put_n(const char *text, size_t count) {
    while (count > 0) {
        if (out_length == sizeof out) flush();
        size_t room = sizeof out - out_length, part = count < room ? count : room;
        memcpy(out + out_length, text, part);
        out_length += part;
        text += part;
        count -= part;
    }
}
void put(const char *text) { put_n(text, strlen(text)); }
void put_number(uint64_t value) {
    char digits[20];
    size_t at = sizeof digits;
    do digits[--at] = (char)('0' + value % 10);
    while ((value /= 10) > 0);
    put_n(digits + at, sizeof digits - at);
}
void line(const char *text) { put(text); put("\n"); flush(); }
char *slurp(const char *path) {
    static char text[65536];
    size_t length = 0;
    ssize_t n;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return NULL;
    while (length < sizeof text - 1 && (n = read(fd, text + length, sizeof text - 1 - length)) > 0) length += (size_t)n;
    close(fd);
    text[length] = 0;
    return text;
}

int report(const char *what) {
    int number = errno;
    put(what);
    put(": ");
    put(strerror(number));
    line("");
    return 1;
}
