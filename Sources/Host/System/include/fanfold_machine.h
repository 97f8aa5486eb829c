/* fanfold_machine.h - what Swift's Glibc module leaves out about this machine. */
#ifndef FANFOLD_MACHINE_H
#define FANFOLD_MACHINE_H
#include <stdint.h>

/* Cores that this process may use: its affinity mask, at least 1. */
int32_t fanfold_usable_cores(void);

/* Gives memory that was freed back to the system, so that what is resident is what is used. */
void fanfold_return_freed_memory(void);

/* Bytes that malloc has given out and not got back, over all its arenas. */
uint64_t fanfold_heap_bytes(void);

/* The same, with what malloc has mapped for itself because it is large. */
uint64_t fanfold_allocated_bytes(void);
#endif
