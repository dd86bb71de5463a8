/* Giving up power. The order of the plan is the order of the kernel's rules; each function says what it needs. */
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include "child.h"
#include "sys.h"

int op_rlimit(struct child *child, const struct record *record) {
    u64 limit[2] = {record->v[F_RLIMIT_SOFT].number, record->v[F_RLIMIT_HARD].number};
    if (syscall(SYS_prlimit64, 0, (unsigned)record->v[F_RLIMIT_RESOURCE].number, limit, NULL) != 0)
        return fail(child->err, "prlimit", NULL);
    return 0;
}

int op_umask(struct child *child, const struct record *record) {
    (void)child;
    umask((mode_t)record->v[F_UMASK_MASK].number & 0777);
    return 0;
}

int op_no_new_privs(struct child *child, const struct record *record) {
    (void)record;
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? 0 : fail(child->err, "prctl", NULL);
}

/* Without no_new_privs this needs CAP_SYS_ADMIN, so the plan has it before `user` then. */
int op_seccomp(struct child *child, const struct record *record) {
    const struct value *filter = &record->v[F_SECCOMP_FILTER];
    u32 count = filter->length / sizeof(struct sock_filter);
    if (filter->length % sizeof(struct sock_filter) != 0 || count == 0 || count > BPF_MAXINSNS)
        return fail_with(child->err, EINVAL, "seccomp", NULL);
    /* records are aligned to 4, which is all sock_filter asks for */
    struct sock_fprog program = {(unsigned short)count, (struct sock_filter *)(uintptr_t)filter->text};
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, (unsigned)record->v[F_SECCOMP_FLAGS].number, &program) != 0)
        return fail(child->err, "seccomp", NULL);
    return 0;
}

static int set_capabilities(u64 permitted, u64 effective, u64 inheritable) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    for (int i = 0; i < 2; i++) {
        data[i].permitted = (u32)(permitted >> (32 * i));
        data[i].effective = (u32)(effective >> (32 * i));
        data[i].inheritable = (u32)(inheritable >> (32 * i));
    }
    return (int)syscall(SYS_capset, &header, data);
}

int raise_capabilities(struct child *child) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    if (syscall(SYS_capget, &header, data) != 0) return fail(child->err, "capget", NULL);
    for (int i = 0; i < 2; i++) data[i].effective = data[i].permitted;
    return syscall(SYS_capset, &header, data) == 0 ? 0 : fail(child->err, "capset", NULL);
}

/* The four sets, after ids. Inheritable is what the plan says, which is nothing (CVE-2022-29162) unless ambient needs it. */
int apply_credentials(struct child *child) {
    if (!child->has_caps) return 0;
    if (set_capabilities(child->permitted, child->effective, child->inheritable) != 0) return fail(child->err, "capset", NULL);
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    for (unsigned cap = 0; cap < 64; cap++)
        if ((child->ambient >> cap & 1) != 0 && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) != 0)
            return fail(child->err, "prctl", NULL);
    child->has_caps = false;
    return 0;
}

static bool follows(const struct child *child, u16 opcode, u32 index) {
    struct record record;
    return plan_find(child->plan, opcode, &record) && record.index > index;
}

int op_capabilities(struct child *child, const struct record *record) {
    const struct value *v = record->v;
    /* The bounding set needs CAP_SETPCAP: now. */
    for (unsigned cap = 0; cap < 64; cap++) {
        if ((v[F_CAPABILITIES_BOUNDING].number >> cap & 1) != 0) continue;
        if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0) continue;
        if (errno == EINVAL && cap > 0) break; /* past the last one this kernel knows */
        return fail(child->err, "prctl", NULL);
    }
    child->permitted = v[F_CAPABILITIES_PERMITTED].number;
    child->effective = v[F_CAPABILITIES_EFFECTIVE].number;
    child->inheritable = v[F_CAPABILITIES_INHERITABLE].number;
    child->ambient = v[F_CAPABILITIES_AMBIENT].number;
    child->has_caps = true;
    /* Ids need CAP_SETUID and CAP_SETGID, which the sets may lack: they come first. */
    return follows(child, OP_USER, record->index) ? 0 : apply_credentials(child);
}

/* Pipes belong to whoever made them; as /dev/stdout a user could not open its own. Descriptors only, never paths. */
static void own_stdio(uid_t uid) {
    struct stat node;
    for (int fd = 0; fd < 3; fd++)
        if (fstat(fd, &node) == 0 && S_ISFIFO(node.st_mode) && fchown(fd, uid, (gid_t)-1) != 0) continue;
}

/* Raw calls: libc's wrappers signal other threads, of which there are none, with signals we have set to default. */
int op_user(struct child *child, const struct record *record) {
    static u32 groups[LIMIT_STRS_COUNT];
    const struct value *list = &record->v[F_USER_GROUPS];
    const char *at = list->text;
    u32 uid = (u32)record->v[F_USER_UID].number, gid = (u32)record->v[F_USER_GID].number;
    for (u32 i = 0; i < list->length; i++) {
        char *end;
        const char *text = strs_next(&at);
        unsigned long group = strtoul(text, &end, 10);
        if (*text < '0' || *text > '9' || *end != 0 || group >= UINT32_MAX) return fail_with(child->err, EINVAL, "setgroups", text);
        groups[i] = (u32)group;
    }
    bool caps_later = follows(child, OP_CAPABILITIES, record->index);
    own_stdio(uid);
    if (syscall(SYS_setgroups, list->length, groups) != 0) return fail(child->err, "setgroups", NULL);
    if (syscall(SYS_setresgid, gid, gid, gid) != 0) return fail(child->err, "setresgid", NULL);
    if ((child->has_caps || caps_later) && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) return fail(child->err, "prctl", NULL);
    if (syscall(SYS_setresuid, uid, uid, uid) != 0) return fail(child->err, "setresuid", NULL);
    /* dropping from the bounding set needs an effective CAP_SETPCAP, which leaving uid 0 has cleared */
    if (caps_later && raise_capabilities(child) != 0) return -1;
    return apply_credentials(child);
}
