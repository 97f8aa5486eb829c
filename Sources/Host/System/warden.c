#define _GNU_SOURCE
#include "fanfold_warden.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_close_range
#define SYS_close_range 436
#endif

static void close_all_but(unsigned kept) {
    if (kept > 0) syscall(SYS_close_range, 0U, kept - 1, 0);
    if (syscall(SYS_close_range, kept + 1, ~0U, 0) == 0) return;
    for (unsigned descriptor = 0; descriptor < 1024; descriptor++)
        if (descriptor != kept) close((int)descriptor);
}

/* Runs after a fork of a process with threads: calls only what a signal handler may. */
static void watch(volatile int32_t *cells, int pipe_end) {
    char byte;
    setsid(); /* what is sent to the terminal's group is not for us */
    prctl(PR_SET_NAME, "fanfold-warden");
    close_all_but((unsigned)pipe_end);
    (void)!chdir("/");
    for (;;) {
        ssize_t count = read(pipe_end, &byte, 1);
        if (count < 0 && errno == EINTR) continue;
        break;
    }
    for (int index = 0; index < FAN_WARDEN_CELLS; index++)
        if (cells[index] > 1) kill(-cells[index], SIGKILL);
    _exit(0);
}

static int32_t *start(void) {
    int ends[2];
    size_t bytes = FAN_WARDEN_CELLS * sizeof(int32_t);
    int32_t *cells = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (cells == MAP_FAILED) return NULL;
    if (pipe2(ends, O_CLOEXEC) != 0) {
        munmap(cells, bytes);
        return NULL;
    }
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    pid_t process = fork();
    if (process == 0) watch(cells, ends[0]);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(ends[0]);
    if (process > 0) return cells; /* the writing end stays open as long as this process */
    close(ends[1]);
    munmap(cells, bytes);
    return NULL;
}

static int32_t *cells_of_warden;

static void start_once(void) { cells_of_warden = start(); }

int32_t *fan_warden_start(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, start_once);
    return cells_of_warden;
}
