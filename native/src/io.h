/* Small I/O without stdio: it would cost memory in every monitor. */
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
void put_u64(struct text *text, u64 value);
void put_i64(struct text *text, i64 value);
void put_padded(struct text *text, u64 value, unsigned digits);
/* The inside of a JSON string. Bytes that are not UTF-8 become \ufffd, as Go's encoder does. */
void put_json(struct text *text, const char *bytes, size_t count);
/* The same up to the first newline, which is not taken. Returns how many bytes that were. */
size_t put_json_line(struct text *text, const char *bytes, size_t count);
/* "seconds.nanoseconds" */
void put_time(struct text *text, u64 ns);
#endif
