/* The container's log in Docker's json-file format, with rotation. Owned by the monitor, so no line waits for the daemon. */
#ifndef LOGFILE_H
#define LOGFILE_H
#include "tare.h"

/* What a stream has printed of a line that is not finished: at most one piece. */
#define LOG_PIECE 16384u
struct log_line {
    char *held;      /* mmapped LOG_PIECE bytes, NULL while nothing is held */
    u32 length;
    bool continued;  /* an earlier piece of this line was already written */
    u64 first_time;  /* of that piece: all pieces of a line carry its time */
};
struct logfile {
    int fd;
    char *path, *attrs;
    u64 max_bytes, size;
    u32 max_files;
    u32 dropped;     /* lines, since writing stopped working */
    int failure;     /* errno while writing does not work */
    bool news;       /* the monitor has to report failure or recovery */
};
int log_open(struct logfile *log, const char *path, const char *attrs, u64 max_bytes, u32 max_files);
/* stream: "stdout" or "stderr". One write(2) for all that this chunk completes. */
void log_chunk(struct logfile *log, struct log_line *line, const char *stream, const char *bytes, size_t count);
/* The unfinished line, at end of file. */
void log_end(struct logfile *log, struct log_line *line, const char *stream);
void log_release(struct log_line *line);
/* Gives the encoder's memory back; it comes again on demand. */
void log_idle(void);
#endif
