/* fanfold_crash.h - a last word on standard error when a signal ends a helper. */
#ifndef FANFOLD_CRASH_H
#define FANFOLD_CRASH_H
#include <stdint.h>

/* From now on SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT and SIGTRAP write "fanfold-helper: item N" before they
 * end the process as they would have.  Works when the stack is used up. */
void fan_crash_note_install(void);

/* Sets N. */
void fan_crash_note_item(int64_t number);
#endif
