#define _GNU_SOURCE
#include "fanfold_machine.h"
#include <malloc.h>
#include <sched.h>

int32_t fanfold_usable_cores(void) {
   cpu_set_t set;
   if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
   int count = CPU_COUNT(&set);
   return count > 0 ? count : 1;
}

void fanfold_return_freed_memory(void) { malloc_trim(0); }

uint64_t fanfold_heap_bytes(void) { return (uint64_t)mallinfo2().uordblks; }

uint64_t fanfold_allocated_bytes(void) {
    struct mallinfo2 info = mallinfo2();
    return (uint64_t)info.uordblks + (uint64_t)info.hblkhd;
}
