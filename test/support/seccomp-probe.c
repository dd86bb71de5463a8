/* Loads a filter (file argv[1], flags argv[2]) and makes each system call of argv[3…] in a child of its own: "HOW NR A0 A1 …",
 * HOW 64 = syscall, 32 = int 0x80. Prints one line each: "ok", "errno N" or "signal N". */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static struct sock_filter filter[4096];

static long call32(long nr, const unsigned long *a)
{
    long result;
#ifdef __x86_64__
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(nr), "b"(a[0]), "c"(a[1]), "d"(a[2]) : "memory", "r8", "r9", "r10", "r11");
#else
    result = -ENOSYS, (void)nr, (void)a;
#endif
    return result;
}

static int probe(char *text, int out)
{
    unsigned long word[8] = {0};
    for (int i = 0; i < 8 && *text; i++) word[i] = strtoul(text, &text, 0);
    const unsigned long *a = word + 2;
    long result;
    if (word[0] == 32) {
        result = call32((long)word[1], a);
    } else {
        result = syscall((long)word[1], a[0], a[1], a[2], a[3], a[4], a[5]);
        if (result < 0) result = -errno;
    }
    int error = result < 0 && result > -4096 ? (int)-result : 0;
    return write(out, &error, sizeof error) == sizeof error ? 0 : 1;
}

int main(int argc, char **argv)
{
    int file = argc > 2 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
    ssize_t size = file < 0 ? -1 : read(file, filter, sizeof filter);
    struct sock_fprog program = {.len = (unsigned short)(size / 8), .filter = filter};
    if (size <= 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) return 2;
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, atoi(argv[2]), &program)) {
        printf("refused %d\n", errno);
        return 0;
    }
    for (int i = 3; i < argc; i++) {
        int ends[2], status = 0, error = -1;
        if (pipe(ends)) return 3;
        pid_t child = fork();
        if (child < 0) return 3;
        if (child == 0) _exit(probe(argv[i], ends[1]));
        close(ends[1]);
        if (read(ends[0], &error, sizeof error) != sizeof error) error = -1;
        close(ends[0]);
        waitpid(child, &status, 0);
        if (WIFSIGNALED(status)) printf("signal %d\n", WTERMSIG(status));
        else if (error == 0) printf("ok\n");
        else printf("errno %d\n", error);
        fflush(stdout);
    }
    return 0;
}
