/* ctr-shim: launch (plan on fd 3), explain (plan on stdin), version. */
#include <stdio.h>
#include <sys/prctl.h>
#include "io.h"
#include "monitor.h"
#include "sys.h"
#include "verbs.h"

static int version_main(void) {
    char line[64];
    int length = snprintf(line, sizeof line, "ctr-shim plan %u control %u table %016lx\n", PLAN_VERSION, CONTROL_VERSION, (u64)TABLE_HASH);
    return write_full(1, line, (size_t)length) == 0 ? 0 : 1;
}

int main(int argc, char **argv) {
    const char *verb = argc == 2 ? argv[1] : "";
    /*
     * CVE-2016-9962: before anything is cloned or joined, so that no process of a container can trace us or open our
     * descriptors through /proc. It is inherited by every child and ends only with exec.
     */
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return 1;
    if (strcmp(verb, "launch") == 0) {
        /* A monitor outlives whoever started the daemon: what that one left open (a pipe to `npm start | cat`) is not for us. */
        sys_close_range(4, ~0u, 0);
        monitor_main(3, argv[0]);
    }
    if (strcmp(verb, "explain") == 0) return explain_main();
    if (strcmp(verb, "version") == 0) return version_main();
    static const char usage[] = "usage: ctr-shim launch | explain | version\n";
    write_full(2, usage, sizeof usage - 1);
    return 64;
}
