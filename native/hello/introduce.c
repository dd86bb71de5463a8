/* Without a verb: where am I, for people. */
#include "text.h"

static void label(const char *name) {
    put("  ");
    put(name);
    for (size_t i = strlen(name); i < 14; i++) put(" ");
}

static const char *status_field(char *status, const char *name) {
    static char value[64];
    char *at = status == NULL ? NULL : strstr(status, name);
    if (at == NULL) return "?";
    at += strlen(name);
    at += strspn(at, ": \t");
    size_t length = strcspn(at, "\n");
    if (length >= sizeof value) length = sizeof value - 1;
    memcpy(value, at, length);
    value[length] = 0;
    return value;
}

static void put_bytes(uint64_t bytes) {
    static const char *const units[] = {" B", " KiB", " MiB", " GiB", " TiB"};
    int unit = 0;
    for (; unit < 4 && bytes >= 1024 && bytes % 1024 == 0; unit++) bytes /= 1024;
    for (; unit < 4 && bytes >= 10240; unit++) bytes /= 1024;
    put_number(bytes);
    put(units[unit]);
}

/* The first of these cgroup files that exists; "max" and v1's huge number mean no limit. */
static void put_limit(const char *name, const char *v2, const char *v1) {
    char *text = slurp(v2);
    if (text == NULL) text = slurp(v1);
    label(name);
    if (text == NULL) put("not visible from here");
    else if (*text < '0' || *text > '9' || strtoull(text, NULL, 10) > 1ull << 60) put("no limit");
    else if (name[0] == 'm') put_bytes(strtoull(text, NULL, 10));
    else put_n(text, strcspn(text, "\n"));
    line("");
}

static void put_capabilities(char *status) {
    uint64_t set = strtoull(status_field(status, "CapEff"), NULL, 16);
    unsigned count = 0;
    for (unsigned cap = 0; cap < 64; cap++) count += set >> cap & 1;
    label("capabilities");
    put_number(count);
    put(" of 41 (");
    put(status_field(status, "CapEff"));
    line(")");
}

static void put_mounts(void) {
    char *mounts = slurp("/proc/self/mounts");
    unsigned count = 0;
    label("mounts");
    if (mounts == NULL) {
        line("no /proc");
        return;
    }
    for (char *at = mounts; (at = strchr(at, '\n')) != NULL; at++) count++;
    put_number(count);
    put(":");
    unsigned shown = 0;
    for (char *at = mounts; *at != 0 && shown < 6; at += strcspn(at, "\n") + 1) {
        char *target = strchr(at, ' ') + 1, *type = strchr(target, ' ') + 1;
        if (strncmp(target, "/proc/", 6) == 0 || strncmp(target, "/sys/", 5) == 0 || strncmp(target, "/dev/", 5) == 0) continue;
        put(shown++ == 0 ? " " : ", ");
        put_n(target, strcspn(target, " "));
        put(" (");
        put_n(type, strcspn(type, " "));
        put(")");
    }
    line("");
}

int introduce(void) {
    static const char *const modes[] = {"off", "strict", "filter"};
    struct utsname name;
    struct rlimit files;
    struct sysinfo info;
    uname(&name);
    getrlimit(RLIMIT_NOFILE, &files);
    sysinfo(&info);
    line("\nHello from a container.\n\nThis is a small static program, running with nothing around it but what you see here:\n");
    label("process"); put("pid "); put_number((uint64_t)getpid()); line(getpid() == 1 ? ", the first in its own world" : "");
    label("hostname"); line(name.nodename);
    label("kernel"); put(name.sysname); put(" "); put(name.release); put(" "); line(name.machine);
    label("user"); put("uid "); put_number(getuid()); put(", gid "); put_number(getgid()); line("");
    char *status = slurp("/proc/self/status");
    const char *mode = status_field(status, "Seccomp");
    label("seccomp"); line(*mode >= '0' && *mode <= '2' ? modes[*mode - '0'] : mode);
    put_capabilities(status);
    label("new privs"); line(*status_field(status, "NoNewPrivs") == '1' ? "can never be gained" : "can be gained by setuid programs");
    put_limit("memory", "/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes");
    put_limit("processes", "/sys/fs/cgroup/pids.max", "/sys/fs/cgroup/pids/pids.max");
    label("open files"); put_number(files.rlim_cur); line(" at most");
    put_mounts();
    label("up since"); put_number((uint64_t)info.uptime); line(" s (the kernel, not the container: this is no virtual machine)");
    line("\nTo look around yourself: ctr run -it IMAGE sh\n");
    return 0;
}
