/* fanfold_network_filter.h - notices a plugin that talks to the network itself. */
#ifndef FANFOLD_NETWORK_FILTER_H
#define FANFOLD_NETWORK_FILTER_H
#include <stdint.h>

enum fanfold_filter_event {
    FANFOLD_FILTER_NOTHING,
    FANFOLD_FILTER_SOCKET,
    FANFOLD_FILTER_PROGRAM,
    FANFOLD_FILTER_RING
};

/* From now on, for all threads and for good: opening a socket, starting a process and setting up io_uring fail
 * with EPERM and are counted.  Returns 0, or an errno: ENOSYS or EINVAL where the kernel has no seccomp. */
int32_t fanfold_network_filter_install(void);

/* How often that happened; *first is what it was first, an enum fanfold_filter_event. */
int32_t fanfold_network_filter_count(int32_t *first);
#endif
