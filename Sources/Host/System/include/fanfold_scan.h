/* fanfold_scan.h - what a library does while it is loaded and described: the kit's `scan-is-quiet`. */
#ifndef FANFOLD_SCAN_H
#define FANFOLD_SCAN_H
#include <stdint.h>

/* From now on, and for good, this process cannot write (but to `report`), start threads or processes, open
 * descriptors for writing, use the network, wait, or change signals, limits and folders: such a call fails
 * with EPERM and is counted.  Returns 0, or the error number of the kernel that has no such filter. */
int32_t fan_scan_watch(int32_t report);

/* How many different calls were counted. */
int32_t fan_scan_count(void);

/* What the call number `index` was, as "it starts a thread or a process (clone3)"; NULL past the end. */
const char *_Nullable fan_scan_what(int32_t index);
#endif
