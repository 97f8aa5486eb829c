/* fanfold_warden.h - process groups that must not outlive this process, however it ends.
 *
 * PR_SET_PDEATHSIG ends a child with its parent, but not what the child has started.  The warden is a process of
 * its own that holds the reading end of a pipe: when the last writing end is gone, which this process holds and
 * nobody else, it kills every group whose number stands in memory that both share.  A child writes its number
 * there itself, before it executes anything, so there is no time at which it could have started something and is
 * not known. */
#ifndef FANFOLD_WARDEN_H
#define FANFOLD_WARDEN_H
#include <stdint.h>

/* How many groups it knows at a time. */
enum { FAN_WARDEN_CELLS = 4096 };

/* Starts the warden, once per process; later calls give the same.  FAN_WARDEN_CELLS numbers of groups, 0 where there is
 * none; NULL if it cannot be started. */
int32_t *_Nullable fan_warden_start(void);
#endif
