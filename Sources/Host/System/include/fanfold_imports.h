/* fanfold_imports.h - what a loaded library calls of others, replaced: the kit's `oom` and `no-own-clock`.
 *
 * Only the library's own table of addresses changes: the host and other libraries call what they called.
 * Source: System V ABI, chapter 5, relocations; psABI of x86-64 and AArch64. */
#ifndef FANFOLD_IMPORTS_H
#define FANFOLD_IMPORTS_H
#include <stdint.h>

/* Counts the library's calls of malloc and its kin, and lets one of them fail when told to.
 * `handle` is that of dlopen.  Returns how many addresses were replaced: 0 if it calls none itself. */
int32_t fan_watch_allocations(void *_Nonnull handle);

/* Lets the allocation number `number` from now fail, from 1; 0 lets all succeed.  Sets the count to 0. */
void fan_fail_allocation(uint64_t number);

/* How many allocations there were since fan_fail_allocation. */
uint64_t fan_allocation_count(void);

/* Counts the library's readings of a clock.  Returns how many addresses were replaced. */
int32_t fan_watch_clocks(void *_Nonnull handle);

/* How many readings there were, and the name of the function last used; NULL if there were none. */
uint64_t fan_clock_count(void);
const char *_Nullable fan_clock_name(void);
#endif
