#define _GNU_SOURCE
#include "fanfold_scan.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>

#if defined(__x86_64__)
#define THIS_MACHINE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define THIS_MACHINE AUDIT_ARCH_AARCH64
#else
#error "name the audit architecture of this processor"
#endif

/* When a system call counts. */
enum when { ALWAYS, UNLESS_REPORT, IF_WRITING_2ND, IF_WRITING_3RD, IF_2ND, IF_3RD };

static const struct watched {
   int number;
   enum when when;
   const char *text;
} watched[] = {
#define STARTS "it starts a thread or a process"
   {SYS_clone, ALWAYS, STARTS " (clone)"},
   {SYS_clone3, ALWAYS, STARTS " (clone3)"},
   {SYS_execve, ALWAYS, STARTS " (execve)"},
   {SYS_execveat, ALWAYS, STARTS " (execveat)"},
#ifdef SYS_fork
   {SYS_fork, ALWAYS, STARTS " (fork)"},
   {SYS_vfork, ALWAYS, STARTS " (vfork)"},
#endif
#define TALKS "it uses the network"
   {SYS_socket, ALWAYS, TALKS " (socket)"},
   {SYS_socketpair, ALWAYS, TALKS " (socketpair)"},
   {SYS_connect, ALWAYS, TALKS " (connect)"},
   {SYS_bind, ALWAYS, TALKS " (bind)"},
   {SYS_sendto, ALWAYS, TALKS " (sendto)"},
   {SYS_sendmsg, ALWAYS, TALKS " (sendmsg)"},
#define WRITES "it writes to a file or to standard output"
   {SYS_write, UNLESS_REPORT, WRITES " (write)"},
   {SYS_writev, UNLESS_REPORT, WRITES " (writev)"},
   {SYS_pwrite64, ALWAYS, WRITES " (pwrite64)"},
   {SYS_pwritev, ALWAYS, WRITES " (pwritev)"},
   {SYS_sendfile, ALWAYS, WRITES " (sendfile)"},
   {SYS_ftruncate, ALWAYS, WRITES " (ftruncate)"},
   {SYS_truncate, ALWAYS, WRITES " (truncate)"},
#define CHANGES "it changes files"
   {SYS_openat, IF_WRITING_3RD, CHANGES " (openat for writing)"},
   {SYS_unlinkat, ALWAYS, CHANGES " (unlinkat)"},
   {SYS_renameat2, ALWAYS, CHANGES " (renameat2)"},
   {SYS_mkdirat, ALWAYS, CHANGES " (mkdirat)"},
   {SYS_linkat, ALWAYS, CHANGES " (linkat)"},
   {SYS_symlinkat, ALWAYS, CHANGES " (symlinkat)"},
   {SYS_fchmod, ALWAYS, CHANGES " (fchmod)"},
   {SYS_fchmodat, ALWAYS, CHANGES " (fchmodat)"},
   {SYS_fchownat, ALWAYS, CHANGES " (fchownat)"},
#ifdef SYS_open
   {SYS_open, IF_WRITING_2ND, CHANGES " (open for writing)"},
   {SYS_creat, ALWAYS, CHANGES " (creat)"},
   {SYS_unlink, ALWAYS, CHANGES " (unlink)"},
   {SYS_rename, ALWAYS, CHANGES " (rename)"},
   {SYS_mkdir, ALWAYS, CHANGES " (mkdir)"},
   {SYS_rmdir, ALWAYS, CHANGES " (rmdir)"},
   {SYS_chmod, ALWAYS, CHANGES " (chmod)"},
#endif
#define OPENS "it opens a descriptor"
   {SYS_memfd_create, ALWAYS, OPENS " (memfd_create)"},
   {SYS_pipe2, ALWAYS, OPENS " (pipe2)"},
   {SYS_eventfd2, ALWAYS, OPENS " (eventfd2)"},
   {SYS_epoll_create1, ALWAYS, OPENS " (epoll_create1)"},
   {SYS_timerfd_create, ALWAYS, OPENS " (timerfd_create)"},
   {SYS_inotify_init1, ALWAYS, OPENS " (inotify_init1)"},
   {SYS_dup, ALWAYS, OPENS " (dup)"},
   {SYS_dup3, ALWAYS, OPENS " (dup3)"},
#define SIGNALS "it sets a signal handler or a timer"
   {SYS_rt_sigaction, IF_2ND, SIGNALS " (rt_sigaction)"},
   {SYS_setitimer, ALWAYS, SIGNALS " (setitimer)"},
   {SYS_timer_create, ALWAYS, SIGNALS " (timer_create)"},
   {SYS_kill, ALWAYS, "it sends a signal (kill)"},
#define TURNS "it changes the process"
   {SYS_chdir, ALWAYS, TURNS " (chdir)"},
   {SYS_fchdir, ALWAYS, TURNS " (fchdir)"},
   {SYS_umask, ALWAYS, TURNS " (umask)"},
   {SYS_prlimit64, IF_3RD, TURNS " (prlimit64)"},
   {SYS_setpriority, ALWAYS, TURNS " (setpriority)"},
   {SYS_setsid, ALWAYS, TURNS " (setsid)"},
   {SYS_setpgid, ALWAYS, TURNS " (setpgid)"},
#define WAITS "it waits"
   {SYS_clock_nanosleep, ALWAYS, WAITS " (clock_nanosleep)"},
   {SYS_nanosleep, ALWAYS, WAITS " (nanosleep)"},
   {SYS_ppoll, ALWAYS, WAITS " (ppoll)"},
   {SYS_pselect6, ALWAYS, WAITS " (pselect6)"},
#ifdef SYS_poll
   {SYS_poll, ALWAYS, WAITS " (poll)"},
   {SYS_select, ALWAYS, WAITS " (select)"},
#endif
};

enum { WATCHED = sizeof watched / sizeof watched[0], MAXIMUM_STEPS = 7 };
static uint8_t is_seen[WATCHED];

static void on_call(int number, siginfo_t *info, void *context) {
   (void)number;
   ucontext_t *at = context;
   for (int i = 0; i < WATCHED; i++)
      if (watched[i].number == info->si_syscall) is_seen[i] = 1;
#if defined(__x86_64__)
   at->uc_mcontext.gregs[REG_RAX] = -EPERM;
#else
   at->uc_mcontext.regs[0] = (uint64_t)-EPERM;
#endif
}

#define LOAD(field) (struct sock_filter) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define LOW_ARGUMENT(index) LOAD(args[index])
#define HIGH_ARGUMENT(index) \
   (struct sock_filter) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[index]) + 4)
#define IF_EQUAL(value, yes, no) (struct sock_filter) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, yes, no)
#define IF_ANY_BIT(bits, yes, no) (struct sock_filter) BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bits, yes, no)
#define ANSWER(action) (struct sock_filter) BPF_STMT(BPF_RET | BPF_K, action)

/* The steps for one call, the number being loaded; returns how many. */
static int rule(struct sock_filter *at, const struct watched *call, uint32_t report) {
   struct sock_filter *next = at + 1;
   uint32_t writing = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY);
   switch (call->when) {
   case ALWAYS: break;
   case UNLESS_REPORT:
      *next++ = LOW_ARGUMENT(0);
      *next++ = IF_EQUAL(report, 1, 0);
      break;
   case IF_WRITING_2ND:
   case IF_WRITING_3RD:
      *next++ = LOW_ARGUMENT(call->when == IF_WRITING_2ND ? 1 : 2);
      *next++ = IF_ANY_BIT(writing, 0, 1);
      break;
   case IF_2ND:
   case IF_3RD:
      *next++ = HIGH_ARGUMENT(call->when == IF_2ND ? 1 : 2);
      *next++ = IF_EQUAL(0, 0, 2);
      *next++ = LOW_ARGUMENT(call->when == IF_2ND ? 1 : 2);
      *next++ = IF_EQUAL(0, 1, 0);
      break;
   }
   *next++ = ANSWER(SECCOMP_RET_TRAP);
   if (call->when != ALWAYS) *next++ = ANSWER(SECCOMP_RET_ALLOW);
   *at = IF_EQUAL((uint32_t)call->number, 0, (uint8_t)(next - at - 1));
   return (int)(next - at);
}

int32_t fan_scan_watch(int32_t report) {
   static struct sock_filter steps[WATCHED * MAXIMUM_STEPS + 5];
   struct sigaction action = {.sa_sigaction = on_call, .sa_flags = SA_SIGINFO | SA_NODEFER};
   int count = 0;
   steps[count++] = LOAD(arch);
   steps[count++] = IF_EQUAL(THIS_MACHINE, 1, 0);
   steps[count++] = ANSWER(SECCOMP_RET_ALLOW);
   steps[count++] = LOAD(nr);
   for (int i = 0; i < WATCHED; i++) count += rule(steps + count, &watched[i], (uint32_t)report);
   steps[count++] = ANSWER(SECCOMP_RET_ALLOW);
   struct sock_fprog program = {(unsigned short)count, steps};
   sigemptyset(&action.sa_mask);
   if (sigaction(SIGSYS, &action, NULL) != 0) return errno;
   if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno;
   if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) return errno;
   return 0;
}

int32_t fan_scan_count(void) {
   int count = 0;
   for (int i = 0; i < WATCHED; i++) count += is_seen[i];
   return count;
}

const char *fan_scan_what(int32_t index) {
   for (int i = 0; i < WATCHED; i++)
      if (is_seen[i] && index-- == 0) return watched[i].text;
   return NULL;
}
