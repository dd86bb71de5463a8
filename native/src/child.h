/* The process that becomes the container's program: what it carries, and the operations it performs. */
#ifndef CHILD_H
#define CHILD_H
#include "plan.h"

/* The monitor and a child talk over a seqpacket pair; a message is a kind, then its fields. End of file means exec. */
enum status_kind { STATUS_PID = 1, STATUS_NAMESPACED, STATUS_CREATED, STATUS_FAILED, STATUS_TTY };
struct status {
    u32 kind;
    i64 pid;
    struct err err;
};
enum { GO_PROCEED = 'p', GO_START = 's' };

struct child {
    const struct plan *plan;
    struct err *err;
    int sync;           /* to the monitor, close-on-exec */
    int root;           /* the container's root, O_PATH; every path inside resolves from it */
    int proc;           /* a procfs that no container can have touched; see proc_handle() */
    int null;           /* the host's /dev/null, verified */
    int userns;         /* the container's user namespace, while mounts are made */
    int stdio[3];       /* what becomes 0, 1, 2 */
    int slave;          /* the pty's container end */
    int parent;         /* of the entry made last; see borrow_parent() */
    char parent_path[64]; /* its directory, while keeps_parent */
    bool keeps_parent;
    int masked;         /* the empty read-only tmpfs put over masked directories */
    int *prepared;      /* per record: the detached clone of its source (-1 none); NULL before, and for an exec */
    bool may_proceed, may_start;
    bool joins;         /* exec into a running container */
    bool has_caps, pivoted;
    bool at_root;       /* the working directory is the root's mount point */
    bool oom_score_set; /* by outer, with the host's power */
    u64 permitted, effective, inheritable, ambient;
    char **argv, **env; /* made before the gate: nothing is allocated after it */
};

/* child.c: never returns. */
_Noreturn void child_main(struct child *child);
_Noreturn void child_fail(struct child *child);
_Noreturn void child_exit(int code);
void child_report(struct child *child, u32 kind, i64 pid);
int child_prepare(struct child *child);
/* fds < 0: none. Sends a status with descriptors. */
int send_status(int socket, const struct status *status, const int *fds, size_t count);
/* outer.c: the intermediate process of a launch, and the joining one of an exec. Never return. */
_Noreturn void outer_main(struct child *child);
_Noreturn void join_main(struct child *child);

typedef int op_function(struct child *child, const struct record *record);
/* ops_*.c */
op_function op_propagation, op_root_overlay, op_root_bind, op_root_prepared, op_mount, op_bind, op_mask, op_readonly_path,
    op_pivot, op_root_attributes;
op_function op_device, op_symlink, op_directory, op_chdir;
op_function op_console, op_sysctl, op_hostname, op_domainname, op_loopback_up, op_oom_score, op_apparmor, op_unshare_cgroup;
op_function op_rlimit, op_umask, op_no_new_privs, op_seccomp, op_capabilities, op_user, op_init, op_exec;

/* paths.c: the only ways to a path inside the root. Descriptors are O_PATH, -1 with errno on failure. */
int open_in_root(const struct child *child, const char *path, u64 flags, u64 resolve);
/* The directory, made with its parents (0755) where missing. */
int make_directory(const struct child *child, const char *path, u64 resolve);
/* The directory that holds the last name of path, made where missing; *name points into `buffer`. */
int make_parent(const struct child *child, const char *path, char *buffer, size_t size, const char **name);
/* The same, kept open for the entries that follow: a dozen of them are made in /dev. Not to be closed by the caller. */
int borrow_parent(struct child *child, const char *path, char *buffer, size_t size, const char **name);
/* Before anything is mounted: the same path may then mean another directory. */
void forget_parent(struct child *child);
/* An existing file or directory, or an empty one made there. */
int make_target(const struct child *child, const char *path, bool directory, u64 resolve);
/* "/proc/self/fd/N" is never used on what a container may have mounted: modes go through this verified procfs. */
int proc_handle(struct child *child);
/* A file below `child->proc`, never across a mount or a link. */
int open_proc(struct child *child, const char *path, int flags);

/* ops_mount.c, also used by outer. */
int prepare_sources(struct child *child);
int idmap_mount(int mount, bool recursive, int userns);
/* ops_sec.c */
int apply_credentials(struct child *child);
/* All that is permitted becomes effective. */
int raise_capabilities(struct child *child);
#endif
