/* Small I/O without streams: they would cost memory in every monitor. */
#ifndef IO_H
#define IO_H
#include <sys/types.h>
#include <time.h>
#include "tare.h"

int read_full(int fd, void *bytes, size_t count);
int write_full(int fd, const void *bytes, size_t count);
/* A small text file, written with one write(2) or read with one read(2); NUL-terminated. -1 with errno. */
int write_text_at(int dirfd, const char *path, const char *text);
ssize_t read_text_at(int dirfd, const char *path, char *text, size_t size);
u64 now_ns(clockid_t clock);
/* Zeroes and frees the whole pages inside a static buffer: never a neighbour's bytes (madvise itself rounds outwards). */
void give_back(void *bytes, size_t size);
/* Closes every descriptor from 3 on except these (ascending, -1 ignored). */
void keep_only(int *fds, size_t count);
/* Field 22 of /proc/PID/stat, 0 when it cannot be read. */
u64 start_time_of(pid_t pid);

/* Bounded text; what does not fit is cut and `full` is set. */
struct text {
    char *at;
    size_t size, length;
    bool full;
};
void put_bytes(struct text *text, const char *bytes, size_t count);
void put_str(struct text *text, const char *string);
/* One byte more is needed than is put. */
__attribute__((format(printf, 2, 3))) void put_format(struct text *text, const char *format, ...);
/* The inside of a JSON string. Bytes that are not UTF-8 become \ufffd, as Go's encoder does. */
void put_json(struct text *text, const char *bytes, size_t count);
/* The same up to the first newline, which is not taken. Returns how many bytes that were. */
size_t put_json_line(struct text *text, const char *bytes, size_t count);
#endif
