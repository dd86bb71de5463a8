/*
 * The program of the built-in image. Alone it says where it runs, in text for people. With a verb it is the hermetic probe
 * of the tests: one small act, exact output, no shell and no libraries needed in the image.
 */
#include "text.h"

extern char **environ;

static int verb_file(const char *path) {
    char *text = slurp(path);
    if (text == NULL) return report(path);
    put(text);
    flush();
    return 0;
}

static int verb_write(const char *path, const char *text) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text)) return report(path);
    return 0;
}

static int verb_cat(void) {
    static char chunk[65536];
    for (ssize_t n; (n = read(0, chunk, sizeof chunk)) != 0;) {
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return report("read");
        for (ssize_t at = 0, w; at < n; at += w)
            if ((w = write(1, chunk + at, (size_t)(n - at))) < 0) return 1;
    }
    return 0;
}

static int verb_lines(uint64_t count, uint64_t length) {
    static char fill[256];
    memset(fill, 'x', sizeof fill);
    for (uint64_t i = 1; i <= count; i++) {
        uint64_t width = 1;
        for (uint64_t rest = i; rest >= 10; rest /= 10) width++;
        put_number(i);
        for (; width < length; width += sizeof fill) put_n(fill, length - width < sizeof fill ? length - width : sizeof fill);
        put_n("\n", 1);
    }
    flush();
    return 0;
}

static int verb_fds(void) {
    struct stat node;
    for (int fd = 0; fd < 4096; fd++)
        if (fstat(fd, &node) == 0) {
            put_number((uint64_t)fd);
            line("");
        }
    return 0;
}

static void put_size(void) {
    struct winsize size = {0};
    ioctl(0, TIOCGWINSZ, &size);
    put_number(size.ws_row);
    put(" ");
    put_number(size.ws_col);
    line("");
}
static void on_size(int number) {
    (void)number;
    put_size();
}
/*
 * An attacker as pid 1: tries to open memory (which needs what tracing needs), descriptors, root and program of whatever
 * enters its pid namespace. Prints what it got hold of.
 */
static _Noreturn void verb_snoop(void) {
    static const char *const targets[] = {"/fd/3", "/fd/4", "/fd/5", "/root", "/cwd", "/exe", "/mem"};
    line("snooping");
    for (int pid = 2;; pid = pid == 400 ? 2 : pid + 1) {
        char path[64] = "/proc/", digits[8], name[32] = {0};
        size_t at = sizeof digits;
        digits[--at] = 0;
        for (int rest = pid; rest > 0; rest /= 10) digits[--at] = (char)('0' + rest % 10);
        strcat(path, digits + at);
        size_t base = strlen(path);
        strcpy(path + base, "/comm");
        char *comm = slurp(path);
        if (comm == NULL || strncmp(comm, "tare", 4) != 0) continue;
        strncpy(name, comm, sizeof name - 1);
        for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
            strcpy(path + base, targets[i]);
            int fd = open(path, O_RDONLY | O_CLOEXEC);
            if (fd < 0) continue;
            close(fd);
            strcpy(path + base, "/comm");
            comm = slurp(path);
            strcpy(path + base, targets[i]);
            /* it may have become the program meanwhile, which is ours to open */
            if (comm == NULL || strcmp(comm, name) != 0) break;
            put("opened ");
            put(path);
            put(" of ");
            line(name);
        }
    }
}

static int verb_tty(void) {
    if (!isatty(0)) {
        line("not a tty");
        return 1;
    }
    signal(SIGWINCH, on_size);
    put_size();
    char byte;
    for (;;) {
        ssize_t n = read(0, &byte, 1);
        if (n == 0 || (n < 0 && errno != EINTR) || (n == 1 && byte == 'q')) return 0;
    }
}

static _Noreturn void wait_forever(void) {
    for (;;) pause();
}

static int verb_fork(int count) {
    for (int i = 0; i < count; i++)
        if (fork() == 0) {
            /* orphan of an orphan: pid 1's to reap */
            if (fork() == 0) _exit(0);
            _exit(0);
        }
    for (int i = 0; i < count; i++) wait(NULL);
    wait_forever();
}

static int verb_hold(const char *seconds) {
    /* ends at once, but leaves a child behind that keeps its streams open */
    if (fork() == 0) {
        sleep((unsigned)atoi(seconds));
        _exit(0);
    }
    line("held");
    return 7;
}

static int verb_alloc(uint64_t mebibytes) {
    for (uint64_t i = 0; i < mebibytes; i++) {
        char *space = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (space == MAP_FAILED) return report("mmap");
        memset(space, 1, 1 << 20);
    }
    line("allocated");
    return 0;
}

static int verb_signals(void) {
    signal(SIGTERM, SIG_IGN);
    line("ignoring");
    wait_forever();
}

static void on_signal(int number) {
    put("signal ");
    put_number((uint64_t)number);
    line("");
    if (number == SIGTERM) _exit(0);
}
static int verb_trap(void) {
    for (int number = 1; number < 32; number++)
        if (number != SIGCHLD) signal(number, on_signal);
    line("ready");
    wait_forever();
}

static int verb_status(const char *prefix) {
    char *text = slurp("/proc/self/status");
    size_t length = strlen(prefix);
    if (text == NULL) return report("/proc/self/status");
    for (char *at = text; *at != 0; at += strcspn(at, "\n") + 1)
        if (strncmp(at, prefix, length) == 0) put_n(at, strcspn(at, "\n") + 1);
    flush();
    return 0;
}

static int verb_id(void) {
    gid_t groups[256];
    int count = getgroups(256, groups);
    put("uid "); put_number(getuid()); put(" gid "); put_number(getgid()); put(" groups");
    for (int i = 0; i < count; i++) {
        put(" ");
        put_number(groups[i]);
    }
    line("");
    return 0;
}

static int verb_limits(void) {
    for (int resource = 0; resource < 16; resource++) {
        struct rlimit limit;
        getrlimit(resource, &limit);
        put_number((uint64_t)resource);
        put(" ");
        put_number(limit.rlim_cur);
        put(" ");
        put_number(limit.rlim_max);
        line("");
    }
    return 0;
}

/* A call that is expected to be refused: prints the errno, or "allowed". */
static int outcome(long result) {
    if (result >= 0) line("allowed");
    else {
        put("errno ");
        put_number((uint64_t)errno);
        line("");
    }
    return result >= 0 ? 0 : 1;
}

static int verb_namespaces(void) {
    static const char *const names[] = {"cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[32] = "/proc/self/ns/", target[64];
        strcat(path, names[i]);
        ssize_t n = readlink(path, target, sizeof target - 1);
        if (n < 0) continue;
        put_n(target, (size_t)n);
        line("");
    }
    return 0;
}

static int verb_stat(const char *path) {
    struct stat node;
    if (lstat(path, &node) != 0) return report(path);
    put("mode ");
    for (int shift = 15; shift >= 0; shift -= 3) put_number(node.st_mode >> shift & 7);
    put(" uid "); put_number(node.st_uid); put(" gid "); put_number(node.st_gid); put(" rdev "); put_number(node.st_rdev);
    line("");
    return 0;
}

static int verb_clock(const char *name) {
    struct timespec now;
    clock_gettime(strcmp(name, "boot") == 0 ? CLOCK_BOOTTIME : CLOCK_MONOTONIC, &now);
    put_number((uint64_t)now.tv_sec);
    line("");
    return 0;
}

static int verb_hostname(void) {
    struct utsname name;
    uname(&name);
    line(name.nodename);
    return 0;
}

static int verb_pwd(void) {
    char where[4096];
    if (syscall(SYS_getcwd, where, sizeof where) < 0) return report("getcwd");
    line(where);
    return 0;
}

static int verb_echo(char **words) {
    for (int i = 0; words[i] != NULL; i++) {
        put(i == 0 ? "" : " ");
        put(words[i]);
    }
    line("");
    return 0;
}

static int verb_env(void) {
    for (char **at = environ; *at != NULL; at++) line(*at);
    return 0;
}

static int verb_net(void) {
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    char *links = slurp("/proc/net/dev");
    if (fd < 0 || links == NULL) return report("net");
    for (char *at = links; *at != 0; at += strcspn(at, "\n") + 1) {
        char *colon = strchr(at, ':'), *end = strchr(at, '\n');
        if (colon == NULL || (end != NULL && colon > end)) continue;
        at += strspn(at, " ");
        put_n(at, (size_t)(colon - at));
        line("");
    }
    return 0;
}

static int plain_verb(const char *verb) {
    if (strcmp(verb, "true") == 0) return 0;
    if (strcmp(verb, "false") == 0) return 1;
    if (strcmp(verb, "cat") == 0) return verb_cat();
    if (strcmp(verb, "env") == 0) return verb_env();
    if (strcmp(verb, "id") == 0) return verb_id();
    if (strcmp(verb, "fds") == 0) return verb_fds();
    if (strcmp(verb, "pwd") == 0) return verb_pwd();
    if (strcmp(verb, "caps") == 0) return verb_status("Cap");
    if (strcmp(verb, "status") == 0) return verb_status("");
    if (strcmp(verb, "signals") == 0) return verb_signals();
    if (strcmp(verb, "trap") == 0) return verb_trap();
    if (strcmp(verb, "mounts") == 0) return verb_file("/proc/self/mountinfo");
    if (strcmp(verb, "hostname") == 0) return verb_hostname();
    if (strcmp(verb, "tty") == 0) return verb_tty();
    if (strcmp(verb, "limits") == 0) return verb_limits();
    if (strcmp(verb, "namespaces") == 0) return verb_namespaces();
    if (strcmp(verb, "net") == 0) return verb_net();
    if (strcmp(verb, "unshare") == 0) return outcome(unshare(CLONE_NEWUSER));
    if (strcmp(verb, "pid") == 0) {
        put_number((uint64_t)getpid());
        line("");
        return 0;
    }
    if (strcmp(verb, "pause") == 0) wait_forever();
    if (strcmp(verb, "snoop") == 0) verb_snoop();
    line("hello: unknown verb");
    return 64;
}

int main(int argc, char **argv) {
    const char *verb = argc > 1 ? argv[1] : NULL, *a = argc > 2 ? argv[2] : NULL, *b = argc > 3 ? argv[3] : NULL;
    if (verb == NULL) return introduce();
    if (strcmp(verb, "echo") == 0) return verb_echo(argv + 2);
    if (a == NULL) return plain_verb(verb);
    if (strcmp(verb, "exit") == 0) return atoi(a);
    if (strcmp(verb, "sleep") == 0) return sleep((unsigned)atoi(a)) == 0 ? 0 : 1;
    if (strcmp(verb, "lines") == 0) return verb_lines(strtoull(a, NULL, 10), b == NULL ? 0 : strtoull(b, NULL, 10));
    if (strcmp(verb, "alloc") == 0) return verb_alloc(strtoull(a, NULL, 10));
    if (strcmp(verb, "read") == 0) return verb_file(a);
    if (strcmp(verb, "write") == 0 && b != NULL) return verb_write(a, b);
    if (strcmp(verb, "stat") == 0) return verb_stat(a);
    if (strcmp(verb, "fork") == 0) return verb_fork(atoi(a));
    if (strcmp(verb, "hold") == 0) return verb_hold(a);
    if (strcmp(verb, "clock") == 0) return verb_clock(a);
    if (strcmp(verb, "mkdir") == 0) return outcome(mkdir(a, 0755));
    if (strcmp(verb, "socket") == 0) return outcome(socket(atoi(a), SOCK_RAW, 0));
    if (strcmp(verb, "kill") == 0 && b != NULL) return outcome(kill(atoi(a), atoi(b)));
    if (strcmp(verb, "stderr") == 0) return dup2(2, 1) < 0 || verb_echo(argv + 2);
    if (strcmp(verb, "print") == 0) return write(1, a, strlen(a)) < 0; /* no newline */
    line("hello: unknown verb");
    return 64;
}
