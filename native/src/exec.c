/* The end of a child: the program, or pid 1 of `--init` with the program below it. */
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include "child.h"
#include "sys.h"

/* Tries each candidate, as a shell does with PATH: what is forbidden matters more than what is missing. */
int op_exec(struct child *child, const struct record *record) {
    const char *at = record->v[F_EXEC_CANDIDATES].text;
    int worst = ENOENT;
    if (apply_credentials(child) != 0) return -1;
    for (u32 i = 0; i < record->v[F_EXEC_CANDIDATES].length; i++) {
        execve(strs_next(&at), child->argv, child->env);
        if (errno == ENOENT || errno == ENOTDIR) continue;
        worst = errno;
        if (errno != EACCES) break;
    }
    return fail_with(child->err, worst, "execve", child->argv[0]);
}

static _Noreturn void reap_until(pid_t program) {
    sigset_t all;
    int status;
    sigfillset(&all);
    for (;;) {
        siginfo_t info;
        int number = sigwaitinfo(&all, &info);
        if (number < 0 && errno != EINTR) child_exit(1);
        if (number < 0) continue;
        if (number != SIGCHLD) {
            /* Job control of the terminal is between it and its foreground group, which is not ours. */
            if (number != SIGTTIN && number != SIGTTOU) kill(program, number);
            continue;
        }
        for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
            if (pid == program) child_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    }
}

/*
 * This process stays as pid 1. Its copy of the status socket is closed at once, so that end-of-file still means that the
 * program was executed. It keeps no stream of the container: output ends when the program's does.
 */
int op_init(struct child *child, const struct record *record) {
    sigset_t all, none;
    (void)record;
    if (apply_credentials(child) != 0) return -1;
    sigfillset(&all);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &all, NULL);
    /* the old call: the filter is loaded already, and the default one answers ENOSYS to clone3 */
    pid_t program = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
    if (program < 0) return fail(child->err, "clone", NULL);
    if (program == 0) {
        setpgid(0, 0);
        if (child->slave >= 0) {
            /* blocked SIGTTOU: a background group may take the terminal */
            pid_t group = getpid();
            ioctl(0, TIOCSPGRP, &group);
        }
        sigprocmask(SIG_SETMASK, &none, NULL);
        return 0;
    }
    for (int fd = 0; fd < 3; fd++) dup2(child->null, fd);
    sys_close_range(3, ~0u, 0);
    prctl(PR_SET_NAME, "tare-init", 0, 0, 0);
    reap_until(program);
}
