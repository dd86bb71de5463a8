/* Buffered text on stdout without stdio, which would weigh more than the rest of the program. */
#ifndef HELLO_TEXT_H
#define HELLO_TEXT_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>


void flush(void);
void put_n(const char *text, size_t count);
void put(const char *text);
void put_number(uint64_t value);
/* Also flushes: a test reads line by line. */
void line(const char *text);
/* A whole small file, NUL-terminated; NULL when it cannot be read. One buffer: the next call overwrites it. */
char *slurp(const char *path);
int report(const char *what);
int introduce(void);
#endif
