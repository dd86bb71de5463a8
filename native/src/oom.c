/* Learning of kills by the kernel for lack of memory: v1 by an eventfd on memory.oom_control, v2 by POLLPRI on memory.events. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include "monitor.h"

static u64 read_kills(const struct oom_watch *watch) {
    char bytes[512];
    ssize_t n = pread(watch->counter_fd, bytes, sizeof bytes - 1, 0);
    if (n <= 0) return watch->kills;
    bytes[n] = 0;
    for (const char *line = bytes; line != NULL && *line != 0;) {
        if (strncmp(line, "oom_kill ", 9) == 0) return strtoull(line + 9, NULL, 10);
        line = strchr(line, '\n');
        if (line != NULL) line++;
    }
    return watch->kills;
}

int oom_open(struct oom_watch *watch, u32 version, const char *dir) {
    OWNED_FD at = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (at < 0) return -1;
    watch->version = version;
    watch->counter_fd = openat(at, version == 1 ? "memory.oom_control" : "memory.events", O_RDONLY | O_CLOEXEC);
    if (watch->counter_fd < 0) return -1;
    watch->kills = read_kills(watch);
    if (version != 1) {
        watch->fd = watch->counter_fd;
        return 0;
    }
    char words[48];
    watch->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (watch->fd < 0) return -1;
    snprintf(words, sizeof words, "%d %d", watch->fd, watch->counter_fd);
    return write_text_at(at, "cgroup.event_control", words);
}

bool oom_look(struct oom_watch *watch) {
    u64 event;
    if (watch->counter_fd < 0) return false;
    if (watch->version == 1 && read(watch->fd, &event, sizeof event) < 0 && errno != EAGAIN) return false;
    u64 kills = read_kills(watch);
    bool rose = kills > watch->kills;
    watch->kills = kills;
    return rose;
}
