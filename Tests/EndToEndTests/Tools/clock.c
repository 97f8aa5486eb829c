// Moves the wall clock of a process, as somebody who sets the system's clock would: preloaded, it adds the
// seconds that stand in the file FANFOLD_TEST_CLOCK (64 bits, read anew each time) to what the process sees.
//
// Waits until a moment of the wall clock end when the moved clock says so: that is what the kernel does when
// its clock is set.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile int64_t *moved;

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("FANFOLD_TEST_CLOCK");
  int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  if (file < 0) return;
  void *page = mmap(NULL, sizeof *moved, PROT_READ, MAP_SHARED, file, 0);
  if (page != MAP_FAILED) moved = page;
  close(file);
}

static int64_t offset(void) { return moved ? *moved : 0; }

int clock_gettime(clockid_t clock, struct timespec *out) {
  int result = (int)syscall(SYS_clock_gettime, clock, out);
  if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
    out->tv_sec += offset();
  return result;
}

int gettimeofday(struct timeval *restrict out, void *restrict zone) {
  int result = (int)syscall(SYS_gettimeofday, out, zone);
  if (result == 0) out->tv_sec += offset();
  return result;
}

time_t time(time_t *out) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (out) *out = now.tv_sec;
  return now.tv_sec;
}

static int is_over(const struct timespec *end) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return now.tv_sec > end->tv_sec || (now.tv_sec == end->tv_sec && now.tv_nsec >= end->tv_nsec);
}

int sem_timedwait(sem_t *restrict semaphore, const struct timespec *restrict end) {
  while (sem_trywait(semaphore) != 0) {
    if (errno != EAGAIN) return -1;
    if (is_over(end)) {
      errno = ETIMEDOUT;
      return -1;
    }
    usleep(2000);
  }
  return 0;
}
