/* The monitor: one per container, one thread, one poll loop. It outlives the daemon and is the parent of the container. */
#ifndef MONITOR_H
#define MONITOR_H
#include <poll.h>
#include <sys/types.h>
#include "child.h"
#include "frames.h"
#include "io.h"
#include "logfile.h"

/* A frame header and a chunk, in whole pages of 4 KiB: they are given back when idle. */
#define IO_BUFFER (68u << 10)
#define IO_CHUNK (64u << 10)
#define QUEUE_BYTES (1u << 20)
#define QUEUE_RESERVE (64u << 10) /* kept for reports when output has filled the rest */
#define STALL_MS 10000u
#define DRAIN_MS 2000u
#define MAX_CLIENTS 1024u
#define MAX_PROCESSES 1024u

enum phase { PHASE_SETUP, PHASE_CREATED, PHASE_STARTED, PHASE_RUNNING, PHASE_FAILED };

/* One output of a process: a pipe's end, or the terminal. */
struct stream {
    int fd;
    u8 type; /* FRAME_STDOUT or FRAME_STDERR */
    int slot;
    struct log_line line;
};
struct process {
    struct process *next;
    char *id;            /* "" for the container's init */
    pid_t pid, helper;   /* helper: outer or join, until it has ended; 0 none */
    u64 start_time, started_at, ended_at;
    int sync, sync_slot; /* to the child until it executes, then -1 */
    int input, input_slot;
    int slave;           /* kept open, or every reopening of the terminal by the program would look like its end */
    struct stream out, err;
    u32 flags, rows, cols;
    enum phase phase;
    bool early_proceed, early_start; /* known before the clone: nothing is waited for */
    bool ended, drained, finished, oom;
    int status;          /* code, or 128 + signal */
    int signal;
    u64 deadline;        /* ms, for draining */
};

enum mode { MODE_NEW, MODE_LAUNCH, MODE_WATCH, MODE_ATTACH, MODE_EXEC };
struct client {
    struct client *next;
    int fd, slot;
    enum mode mode;
    struct process *process; /* whose streams it has */
    u32 streams;             /* ATTACH bits */
    struct frame_parser parser;
    u8 *rest;                /* received but blocked on a full stdin pipe */
    size_t rest_length;
    u8 *queue;               /* ring of QUEUE_BYTES, only while something waits */
    size_t head, queued;
    u64 stalled_at;          /* ms when it began to hold the container up, 0 */
    bool closing, dead, deferred;
};
struct oom_watch {
    int fd, counter_fd, slot; /* v1: eventfd and memory.oom_control; v2: memory.events for both */
    u32 version;
    u64 kills;
    u64 look_until; /* ms: v1 tells before it kills, so the counter is looked at again for a while */
};
struct monitor {
    char *id, *run, *exit_path;
    int runtime_dir, listener, listener_slot, signals, signals_slot, null, proc;
    struct process *init, *processes;
    struct client *clients;
    u32 client_count, process_count;
    struct logfile log;
    bool has_log;
    struct oom_watch oom;
    char *cgroup_v2;        /* directory, or NULL */
    u8 *cgroup_v1;          /* packed strs */
    u32 cgroup_v1_count;
    bool spawned;
    bool started;           /* START was received: from now on nothing of the daemon's can stop us */
    bool aborting, ending, failed;
    u64 end_deadline;
    u64 accept_after;       /* ms: out of descriptors until then, 0 */
    u64 exit_after;         /* ms: the exit file could not be written, tried again then, 0 */
    bool busy;              /* big buffers have been touched since they were last given back */
};
extern u8 io_buffer[IO_BUFFER];

/* monitor.c */
/* title: argv[0], overwritten in place when the plan says who this is: a monitor may be started before its container is known. */
_Noreturn void monitor_main(int launch_socket, char *title);
u64 now_ms(void);

/* process.c */
struct process *process_new(struct monitor *m, const char *id, const struct plan *plan, struct err *err);
int process_spawn(struct monitor *m, struct process *p, const struct plan *plan, struct err *err);
void process_sync(struct monitor *m, struct process *p);
void process_reap(struct monitor *m);
void process_go(struct process *p, char word);
void process_free(struct monitor *m, struct process *p);
/* Told to whoever launched it; killed. */
void process_fail(struct monitor *m, struct process *p, const struct err *err);
struct process *process_find(struct monitor *m, const char *id);

/* stdio.c */
void stream_readable(struct monitor *m, struct process *p, struct stream *s);
bool stream_may_read(struct monitor *m, struct process *p);
void stream_close(struct monitor *m, struct process *p, struct stream *s);
void process_drain(struct monitor *m, struct process *p);
ssize_t process_input(struct process *p, const u8 *bytes, size_t count);
void process_close_input(struct process *p);
int process_resize(struct process *p, u32 rows, u32 cols);

/* client.c */
struct client *client_new(struct monitor *m, int fd, enum mode mode);
void client_readable(struct monitor *m, struct client *c);
void client_resume(struct monitor *m, struct client *c);
void client_writable(struct client *c);
/* header: FRAME_HEADER bytes and payload in one buffer. Never blocks; what does not fit the socket is queued. */
void client_send(struct client *c, const u8 *frame, size_t size);
size_t client_room(const struct client *c);
void client_sweep(struct monitor *m);
void clients_end(struct monitor *m, struct process *p);

/* report.c */
struct report {
    u8 frame[FRAME_HEADER];
    char json[2048];
    struct text text;
};
void report_begin(struct report *r, const char *at);
void report_string(struct report *r, const char *key, const char *value);
void report_number(struct report *r, const char *key, u64 value);
void report_bool(struct report *r, const char *key, bool value);
void report_time(struct report *r, const char *key, u64 ns);
size_t report_end(struct report *r);
void report_to(struct client *c, struct report *r);
void report_failed(struct client *c, const struct err *err, const char *exec);
/* To everyone who watches, and to those attached to this process (NULL: watchers only). */
void report_all(struct monitor *m, struct process *p, struct report *r);
void report_process(struct monitor *m, struct process *p, const char *at);
void report_state(struct monitor *m, struct client *c);
int write_exit_file(struct monitor *m);

/* oom.c */
int oom_open(struct oom_watch *watch, u32 version, const char *dir);
/* True when the kernel has killed since the last look. */
bool oom_look(struct oom_watch *watch);
#endif
