#define _GNU_SOURCE
#include "fanfold_imports.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <link.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#if defined(__x86_64__)
enum { ABSOLUTE = R_X86_64_64, GLOBAL_DATA = R_X86_64_GLOB_DAT, JUMP_SLOT = R_X86_64_JUMP_SLOT };
#elif defined(__aarch64__)
enum { ABSOLUTE = R_AARCH64_ABS64, GLOBAL_DATA = R_AARCH64_GLOB_DAT, JUMP_SLOT = R_AARCH64_JUMP_SLOT };
#else
#error "name the relocations of this processor"
#endif

struct replacement {
   const char *name;
   void *function;
};

struct tables {
   const Elf64_Sym *symbols;
   const char *strings;
   const Elf64_Rela *relocations[2];
   size_t counts[2];
};

static void read_tables(const struct link_map *map, struct tables *tables) {
   memset(tables, 0, sizeof *tables);
   for (const Elf64_Dyn *entry = map->l_ld; entry->d_tag != DT_NULL; entry++) {
      Elf64_Addr value = entry->d_un.d_ptr;
      /* glibc writes whole addresses into the section; other linkers leave it as it was. */
      char *place = (char *)(value < map->l_addr ? value + map->l_addr : value);
      switch (entry->d_tag) {
      case DT_SYMTAB: tables->symbols = (void *)place; break;
      case DT_STRTAB: tables->strings = place; break;
      case DT_RELA: tables->relocations[0] = (void *)place; break;
      case DT_RELASZ: tables->counts[0] = value / sizeof(Elf64_Rela); break;
      case DT_JMPREL: tables->relocations[1] = (void *)place; break;
      case DT_PLTRELSZ: tables->counts[1] = value / sizeof(Elf64_Rela); break;
      default: break;
      }
   }
}

static void set(char *place, void *function) {
   size_t page = (size_t)sysconf(_SC_PAGESIZE);
   char *start = (char *)((uintptr_t)place & ~(page - 1));
   if (mprotect(start, page, PROT_READ | PROT_WRITE) != 0) return;
   memcpy(place, &function, sizeof function);
}

static int32_t replace(void *handle, const struct replacement *list, size_t length) {
   struct link_map *map;
   struct tables tables;
   int32_t replaced = 0;
   if (dlinfo(handle, RTLD_DI_LINKMAP, &map) != 0) return 0;
   read_tables(map, &tables);
   if (!tables.symbols || !tables.strings) return 0;
   for (int table = 0; table < 2; table++)
      for (size_t i = 0; tables.relocations[table] && i < tables.counts[table]; i++) {
         const Elf64_Rela *entry = &tables.relocations[table][i];
         uint32_t type = ELF64_R_TYPE(entry->r_info);
         if (type != ABSOLUTE && type != GLOBAL_DATA && type != JUMP_SLOT) continue;
         const Elf64_Sym *symbol = &tables.symbols[ELF64_R_SYM(entry->r_info)];
         if (symbol->st_shndx != SHN_UNDEF) continue;
         for (size_t k = 0; k < length; k++)
            if (!strcmp(tables.strings + symbol->st_name, list[k].name)) {
               set((char *)map->l_addr + entry->r_offset, list[k].function);
               replaced++;
            }
      }
   return replaced;
}

/* Memory. */

static atomic_uint_fast64_t allocations, failing;

static int fails(void) { return atomic_fetch_add(&allocations, 1) + 1 == atomic_load(&failing); }

static void *nothing(void) {
   errno = ENOMEM;
   return NULL;
}

static void *watched_malloc(size_t size) { return fails() ? nothing() : malloc(size); }
static void *watched_calloc(size_t count, size_t size) { return fails() ? nothing() : calloc(count, size); }
static void *watched_realloc(void *old, size_t size) { return fails() ? nothing() : realloc(old, size); }
static void *watched_reallocarray(void *old, size_t count, size_t size) {
   return fails() ? nothing() : reallocarray(old, count, size);
}
static void *watched_aligned(size_t alignment, size_t size) {
   return fails() ? nothing() : aligned_alloc(alignment, size);
}
static int watched_posix_memalign(void **out, size_t alignment, size_t size) {
   return fails() ? ENOMEM : posix_memalign(out, alignment, size);
}
static char *watched_strdup(const char *text) { return fails() ? nothing() : strdup(text); }
static char *watched_strndup(const char *text, size_t size) { return fails() ? nothing() : strndup(text, size); }

int32_t fan_watch_allocations(void *handle) {
   static const struct replacement list[] = {
      {"malloc", watched_malloc},
      {"calloc", watched_calloc},
      {"realloc", watched_realloc},
      {"reallocarray", watched_reallocarray},
      {"aligned_alloc", watched_aligned},
      {"posix_memalign", watched_posix_memalign},
      {"strdup", watched_strdup},
      {"strndup", watched_strndup},
   };
   return replace(handle, list, sizeof list / sizeof list[0]);
}

void fan_fail_allocation(uint64_t number) {
   atomic_store(&failing, number);
   atomic_store(&allocations, 0);
}

uint64_t fan_allocation_count(void) { return atomic_load(&allocations); }

/* Clocks. */

static atomic_uint_fast64_t readings;
static _Atomic(const char *) clock_used;

static void note(const char *name) {
   atomic_fetch_add(&readings, 1);
   atomic_store(&clock_used, name);
}

static time_t watched_time(time_t *out) { return note("time"), time(out); }
static clock_t watched_clock(void) { return note("clock"), clock(); }
static int watched_gettime(clockid_t id, struct timespec *out) {
   return note("clock_gettime"), clock_gettime(id, out);
}
static int watched_timeofday(struct timeval *out, void *zone) {
   return note("gettimeofday"), gettimeofday(out, zone);
}
static int watched_timespec_get(struct timespec *out, int base) {
   return note("timespec_get"), timespec_get(out, base);
}
/* std::chrono of libstdc++: an object of one 64-bit number is returned as that number. */
static int64_t nanoseconds(clockid_t id) {
   struct timespec now;
   clock_gettime(id, &now);
   return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}
static int64_t watched_steady(void) { return note("std::chrono::steady_clock"), nanoseconds(CLOCK_MONOTONIC); }
static int64_t watched_system(void) { return note("std::chrono::system_clock"), nanoseconds(CLOCK_REALTIME); }

int32_t fan_watch_clocks(void *handle) {
   static const struct replacement list[] = {
      {"time", watched_time},
      {"clock", watched_clock},
      {"clock_gettime", watched_gettime},
      {"gettimeofday", watched_timeofday},
      {"timespec_get", watched_timespec_get},
      {"_ZNSt6chrono3_V212steady_clock3nowEv", watched_steady},
      {"_ZNSt6chrono3_V212system_clock3nowEv", watched_system},
   };
   return replace(handle, list, sizeof list / sizeof list[0]);
}

uint64_t fan_clock_count(void) { return atomic_load(&readings); }

const char *fan_clock_name(void) { return atomic_load(&clock_used); }
