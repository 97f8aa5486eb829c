#define _GNU_SOURCE
#include "fanfold_isolation.h"

#include <execinfo.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* Stack frames that are written. */
#define MOST_FRAMES 64

static char alternate_stack[128 * 1024];

static void write_text(const char *text) { (void)!write(2, text, strlen(text)); }

static void write_trace(int number) {
    void *frames[MOST_FRAMES];
    const char *name = sigabbrev_np(number);
    write_text("\nfanfold-helper: signal ");
    write_text(name ? name : "?");
    write_text("; the stack:\n");
    backtrace_symbols_fd(frames, backtrace(frames, MOST_FRAMES), 2);
    /* SA_RESETHAND: the default is back, and it ends the process when this returns or at once here. */
    raise(number);
}

void fan_crash_trace_install(void) {
    static const int fatal[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
    stack_t stack = {.ss_sp = alternate_stack, .ss_size = sizeof alternate_stack};
    struct sigaction action = {.sa_handler = write_trace, .sa_flags = SA_ONSTACK | SA_RESETHAND | SA_NODEFER};
    void *first;
    backtrace(&first, 1); /* loads the unwinder now: a signal handler must not */
    sigaltstack(&stack, NULL);
    sigemptyset(&action.sa_mask);
    for (unsigned i = 0; i < sizeof fatal / sizeof fatal[0]; i++) sigaction(fatal[i], &action, NULL);
}
