#define _GNU_SOURCE
#include "fanfold_isolation.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define THIS_MACHINE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define THIS_MACHINE AUDIT_ARCH_AARCH64
#endif

#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER (1ULL << 13)
#endif
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif
/* Rights of the first version, and what later versions added; see landlock(7). */
#define ACCESS_FIRST ((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1)
#define ACCESS_READ (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define ACCESS_NETWORK 3ULL /* bind and connect of TCP, version 4 */

/* As version 4 of the kernel's header has it, whatever this system's header knows. */
struct ruleset {
    uint64_t handled_access_fs;
    uint64_t handled_access_net;
};

static int add_readable(int rules, const char *path) {
    struct stat status;
    int place = open(path, O_PATH | O_CLOEXEC);
    if (place < 0) return 0;
    uint64_t access = ACCESS_READ;
    if (fstat(place, &status) != 0 || !S_ISDIR(status.st_mode)) access &= ~LANDLOCK_ACCESS_FS_READ_DIR;
    struct landlock_path_beneath_attr rule = {.allowed_access = access, .parent_fd = place};
    long code = syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    close(place);
    return code == 0;
}

static int restrict_files(const char *const *readable) {
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (version < 1) return 0;
    struct ruleset wanted = {.handled_access_fs = ACCESS_FIRST};
    if (version >= 2) wanted.handled_access_fs |= LANDLOCK_ACCESS_FS_REFER;
    if (version >= 3) wanted.handled_access_fs |= LANDLOCK_ACCESS_FS_TRUNCATE;
    if (version >= 4) wanted.handled_access_net = ACCESS_NETWORK;
    size_t size = version >= 4 ? sizeof wanted : sizeof wanted.handled_access_fs;
    int rules = (int)syscall(SYS_landlock_create_ruleset, &wanted, size, 0);
    if (rules < 0) return 0;
    for (; readable && *readable; readable++) add_readable(rules, *readable);
    long code = syscall(SYS_landlock_restrict_self, rules, 0);
    close(rules);
    return code == 0 ? (int)version : 0;
}

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define REFUSE(error) BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (error))
#define ALLOW BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
/* If the call is this one, refuse it. */
#define NOT(call) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (call), 0, 1), REFUSE(EPERM)

static int filter_calls(void) {
#ifdef THIS_MACHINE
    /* A list of what is refused, not of what is allowed: a plugin's run time may need any harmless call, and
     * Landlock, limits and the missing privileges stand behind it. */
    struct sock_filter code[] = {
        LOAD(arch),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, THIS_MACHINE, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        LOAD(nr),
        /* The network and other sockets; fd 3 is there already. */
        NOT(SYS_socket), NOT(SYS_socketpair), NOT(SYS_connect), NOT(SYS_bind), NOT(SYS_listen),
        /* Other programs. */
        NOT(SYS_execve), NOT(SYS_execveat),
        /* Other processes. */
        NOT(SYS_ptrace), NOT(SYS_process_vm_readv), NOT(SYS_process_vm_writev), NOT(SYS_pidfd_getfd),
        NOT(SYS_pidfd_send_signal), NOT(SYS_kill), NOT(SYS_tkill), NOT(SYS_setpgid), NOT(SYS_setsid),
        NOT(SYS_kcmp),
        /* The system. */
        NOT(SYS_mount), NOT(SYS_umount2), NOT(SYS_pivot_root), NOT(SYS_chroot), NOT(SYS_unshare), NOT(SYS_setns),
        NOT(SYS_bpf), NOT(SYS_perf_event_open), NOT(SYS_userfaultfd), NOT(SYS_io_uring_setup), NOT(SYS_keyctl),
        NOT(SYS_add_key), NOT(SYS_request_key), NOT(SYS_init_module), NOT(SYS_finit_module), NOT(SYS_delete_module),
        NOT(SYS_kexec_load), NOT(SYS_reboot), NOT(SYS_swapon), NOT(SYS_swapoff), NOT(SYS_open_by_handle_at),
        NOT(SYS_settimeofday), NOT(SYS_clock_settime), NOT(SYS_clock_adjtime), NOT(SYS_adjtimex), NOT(SYS_sethostname),
        NOT(SYS_setdomainname), NOT(SYS_syslog), NOT(SYS_acct), NOT(SYS_quotactl),
#ifdef SYS_fork
        NOT(SYS_fork), NOT(SYS_vfork),
#endif
        /* clone3 hides its flags from a filter: glibc goes on with clone when it is not there. */
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 0, 1), REFUSE(ENOSYS),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 3),
        LOAD(args[0]),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 1, 0),
        REFUSE(EPERM),
        ALLOW,
    };
    struct sock_fprog program = {sizeof code / sizeof code[0], code};
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
#else
    return 0;
#endif
}

static int limit(int what, uint64_t value) {
    struct rlimit before;
    if (getrlimit(what, &before) != 0) return 0;
    if (before.rlim_max != RLIM_INFINITY && value > before.rlim_max) value = before.rlim_max;
    struct rlimit wanted = {value, value};
    return setrlimit(what, &wanted) == 0;
}

void fan_sandbox_apply(struct fan_sandbox *sandbox) {
    sandbox->has_limits = limit(RLIMIT_CORE, 0);
    if (sandbox->descriptor_limit != 0) sandbox->has_limits &= limit(RLIMIT_NOFILE, sandbox->descriptor_limit);
    if (sandbox->memory_limit_bytes != 0) sandbox->has_limits &= limit(RLIMIT_AS, sandbox->memory_limit_bytes);
    sandbox->has_no_new_privileges = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
    sandbox->landlock_version = sandbox->has_no_new_privileges ? restrict_files(sandbox->readable) : 0;
    sandbox->has_filter = sandbox->has_no_new_privileges ? filter_calls() : 0;
}
