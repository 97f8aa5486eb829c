#define _GNU_SOURCE
#include "fanfold_crash.h"

#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static volatile int64_t item;
static char alternate_stack[64 * 1024];
static const char prefix[] = "\nfanfold-helper: item ";

static void write_note(int number) {
    char text[sizeof prefix + 24];
    char digits[24];
    size_t length = sizeof prefix - 1, count = 0;
    uint64_t rest = (uint64_t)item;
    memcpy(text, prefix, length);
    do digits[count++] = (char)('0' + rest % 10);
    while ((rest /= 10) != 0);
    while (count > 0) text[length++] = digits[--count];
    text[length++] = '\n';
    (void)!write(2, text, length);
    /* SA_RESETHAND: the default is back, and it ends the process when this returns or at once here. */
    raise(number);
}

void fan_crash_note_install(void) {
    static const int fatal[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP};
    stack_t stack = {.ss_sp = alternate_stack, .ss_size = sizeof alternate_stack};
    struct sigaction action = {.sa_handler = write_note, .sa_flags = SA_ONSTACK | SA_RESETHAND | SA_NODEFER};
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    sigaltstack(&stack, NULL);
    sigemptyset(&action.sa_mask);
    for (unsigned i = 0; i < sizeof fatal / sizeof fatal[0]; i++) sigaction(fatal[i], &action, NULL);
}

void fan_crash_note_item(int64_t number) { item = number; }
