/* fanfold_manners.h - settings of this process that Swift cannot ask for: the kit's `process-manners`. */
#ifndef FANFOLD_MANNERS_H
#define FANFOLD_MANNERS_H
#include <stdint.h>

enum fan_process_setting {
   FAN_PROCESS_FLOATING_POINT, /* rounding, flushing to zero, which exceptions trap; not what was raised */
   FAN_PROCESS_DUMPABLE,
   FAN_PROCESS_SUBREAPER,
   FAN_PROCESS_DEATH_SIGNAL,
   FAN_PROCESS_NO_NEW_PRIVILEGES,
   FAN_PROCESS_TIMER_SLACK,
   FAN_PROCESS_SETTINGS
};

/* The value of a setting, for comparing. */
int64_t fan_process_setting(int32_t which);

/* A memory file that takes the place of `descriptor`, so that what is written there can be counted; -1. */
int32_t fan_capture_descriptor(int32_t descriptor);
#endif
