/* network_filter.c - a seccomp filter that turns forbidden calls into a counted EPERM.
 *
 * SECCOMP_RET_TRAP rather than RET_ERRNO: the check must know that it happened, and whose call it was does
 * not matter.  Source: seccomp(2), and the kernel's samples/seccomp.
 */
#define _GNU_SOURCE
#include "fanfold_network_filter.h"
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#if defined(__x86_64__)
#define THIS_ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define THIS_ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

#ifndef SYS_SECCOMP
#define SYS_SECCOMP 1 /* si_code of a trap of seccomp */
#endif

#ifdef SYS_fork
#define OLD_FORK SYS_fork
#define OLD_VFORK SYS_vfork
#else
#define OLD_FORK SYS_clone3 /* not there: clone3 is dealt with before */
#define OLD_VFORK SYS_clone3
#endif

/* The last three lines of the filter: let through, trap, say that there is no such call. */
enum { LAST = 15 };
#define ALLOW_FROM(line) (LAST - 2 - (line) - 1)
#define TRAP_FROM(line) (LAST - 1 - (line) - 1)

static atomic_int count;
static atomic_int first_event;

static void trapped(int number, siginfo_t *info, void *context) {
    (void)number;
    int event = FANFOLD_FILTER_SOCKET;
    if (info->si_syscall != SYS_socket) event = FANFOLD_FILTER_PROGRAM;
    if (info->si_syscall == SYS_io_uring_setup) event = FANFOLD_FILTER_RING;
    int nothing = FANFOLD_FILTER_NOTHING;
    atomic_compare_exchange_strong(&first_event, &nothing, event);
    atomic_fetch_add(&count, 1);
    ucontext_t *state = context;
#if defined(__x86_64__)
    state->uc_mcontext.gregs[REG_RAX] = -EPERM;
#elif defined(__aarch64__)
    state->uc_mcontext.regs[0] = (unsigned long long)-EPERM;
#else
    (void)state;
#endif
}

int32_t fanfold_network_filter_install(void) {
#if !defined(THIS_ARCHITECTURE)
    return ENOSYS;
#else
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = trapped;
    action.sa_flags = SA_SIGINFO;
    if (sigaction(SIGSYS, &action, NULL)) return errno;
    /* A new process is noticed before it is there: its own calls would not be counted here.  Threads are
     * let through, and clone3, whose flags a filter cannot read, is not there: libraries fall back on clone. */
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, THIS_ARCHITECTURE, 0, ALLOW_FROM(1)),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, TRAP_FROM(3), 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_execve, TRAP_FROM(4), 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_execveat, TRAP_FROM(5), 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, TRAP_FROM(6), 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, LAST - 7 - 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OLD_FORK, TRAP_FROM(8), 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OLD_VFORK, TRAP_FROM(9), 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, ALLOW_FROM(10)),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, ALLOW_FROM(12), TRAP_FROM(12)),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
    };
    _Static_assert(sizeof code / sizeof *code == LAST + 1, "the jumps count from the end");
    struct sock_fprog program = {.len = sizeof code / sizeof *code, .filter = code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) return errno;
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program)) return errno;
    return 0;
#endif
}

int32_t fanfold_network_filter_count(int32_t *first) {
    *first = atomic_load(&first_event);
    return atomic_load(&count);
}
