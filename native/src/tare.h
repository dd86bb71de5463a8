/* What every file needs: words, owned resources, errors. */
#ifndef TARE_H
#define TARE_H
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "../protocol.gen.h"

typedef uint8_t u8;
typedef int8_t i8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int64_t i64;

/* Why a record could not be performed. Functions that can fail return 0 or -1 and fill it through fail(). */
struct err {
    int number;       /* errno */
    u32 op;           /* index of the record, NO_OP outside of any */
    u16 code;         /* opcode, 0 outside of any */
    char call[22];    /* the system call */
    char path[224];   /* what it was applied to, cut when longer */
};
#define NO_OP UINT32_MAX

int fail(struct err *err, const char *call, const char *path);
int fail_with(struct err *err, int number, const char *call, const char *path);

void close_owned(int *fd);
/* An owned descriptor: closed when the variable leaves its scope, unless taken. */
#define OWNED_FD __attribute__((cleanup(close_owned))) int
static inline int take_fd(int *fd) {
    int taken = *fd;
    *fd = -1;
    return taken;
}
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#endif
