#define _GNU_SOURCE
#include "fanfold_manners.h"

#include <fenv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

static int64_t floating_point(void) {
#if defined(__x86_64__)
   uint16_t control;
   __asm__ volatile("fnstcw %0" : "=m"(control));
   uint32_t vectors = __builtin_ia32_stmxcsr() & 0xFFC0u; /* without the flags of what was raised */
   return (int64_t)vectors << 16 | control;
#elif defined(__aarch64__)
   uint64_t control;
   __asm__ volatile("mrs %0, fpcr" : "=r"(control));
   return (int64_t)control;
#else
   return fegetround();
#endif
}

int64_t fan_process_setting(int32_t which) {
   int number = 0;
   switch (which) {
   case FAN_PROCESS_FLOATING_POINT: return floating_point();
   case FAN_PROCESS_DUMPABLE: return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
   case FAN_PROCESS_SUBREAPER: return prctl(PR_GET_CHILD_SUBREAPER, &number, 0, 0, 0) == 0 ? number : -1;
   case FAN_PROCESS_DEATH_SIGNAL: return prctl(PR_GET_PDEATHSIG, &number, 0, 0, 0) == 0 ? number : -1;
   case FAN_PROCESS_NO_NEW_PRIVILEGES: return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
   case FAN_PROCESS_TIMER_SLACK: return prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0);
   default: return 0;
   }
}

int32_t fan_capture_descriptor(int32_t descriptor) {
   int file = memfd_create("fanfold-check", MFD_CLOEXEC);
   if (file < 0) return -1;
   int code = dup2(file, descriptor);
   close(file);
   return code < 0 ? -1 : descriptor;
}
