#define _GNU_SOURCE
#include "fanfold_spawn.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x00001000
#endif

/* Bytes of stack for the child until it executes: it calls nothing that is deep. */
#define CHILD_STACK_BYTES (32 * 1024)

struct child {
    struct fan_child *spawn;
    pid_t parent;
    volatile int error;
};

/* Signals that a host may handle or ignore.  A handler is reset by execve, "ignored" is not; a handler that
 * ran between unblocking and execve would run on the host's memory. */
static const int reset_signals[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE, SIGCHLD, SIGUSR1, SIGUSR2};

static void close_from(unsigned first) {
    if (syscall(SYS_close_range, first, ~0U, 0) == 0) return;
    for (unsigned descriptor = first; descriptor < 1024; descriptor++) close((int)descriptor);
}

/* Moves the descriptors out of each other's way first, to where none of them has to go. */
static int keep_more(const int32_t more[FAN_SPAWN_MORE]) {
    int moved[FAN_SPAWN_MORE], count = 0;
    for (; count < FAN_SPAWN_MORE && more[count] >= 3; count++) {
        moved[count] = fcntl(more[count], F_DUPFD, 3 + FAN_SPAWN_MORE);
        if (moved[count] < 0) return errno;
    }
    for (int index = 0; index < count; index++)
        if (dup2(moved[index], 3 + index) < 0) return errno;
    close_from(3 + (unsigned)count);
    return 0;
}

static int set_up(struct fan_child *spawn, pid_t parent) {
    spawn->step = FAN_SPAWN_GROUP;
    if (setpgid(0, 0) != 0) return errno;
    if (spawn->group_cell) *spawn->group_cell = getpid(); /* on the parent's memory, or shared with a warden */
    spawn->step = FAN_SPAWN_PARENT;
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return errno;
    if (getppid() != parent) return ESRCH;
    spawn->step = FAN_SPAWN_LIMIT;
    if (spawn->memory_limit_bytes != 0) {
        struct rlimit limit = {spawn->memory_limit_bytes, spawn->memory_limit_bytes};
        if (setrlimit(RLIMIT_DATA, &limit) != 0) return errno;
    }
    for (unsigned i = 0; i < sizeof reset_signals / sizeof reset_signals[0]; i++)
        signal(reset_signals[i], SIG_DFL);
    spawn->step = FAN_SPAWN_DIRECTORY;
    if ((spawn->directory_path ? chdir(spawn->directory_path) : fchdir(spawn->directory)) != 0) return errno;
    spawn->step = FAN_SPAWN_DESCRIPTORS;
    for (int stream = 0; stream < 3; stream++)
        if (dup2(spawn->streams[stream], stream) < 0) return errno;
    return keep_more(spawn->more);
}

/* Runs in the child, on the parent's memory, while the parent's thread waits. */
static int child_main(void *argument) {
    struct child *child = argument;
    struct fan_child *spawn = child->spawn;
    int error = set_up(spawn, child->parent);
    if (error == 0) {
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        spawn->step = FAN_SPAWN_EXECUTE;
        execve(spawn->program, spawn->arguments, spawn->environment);
        error = errno;
    }
    child->error = error;
    _exit(127);
}

int32_t fan_spawn(struct fan_child *spawn) {
    char stack[CHILD_STACK_BYTES] __attribute__((aligned(16)));
    struct child child = {spawn, getpid(), 0};
    sigset_t all, before;
    int descriptor = -1;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    spawn->step = FAN_SPAWN_CLONE;
    pid_t process = clone(child_main, stack + sizeof stack, CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD,
                          &child, &descriptor);
    int error = process < 0 ? errno : child.error;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (process > 0 && error != 0) {
        while (waitpid(process, NULL, 0) < 0 && errno == EINTR) continue;
        close(descriptor);
    }
    if (error != 0 && spawn->group_cell) *spawn->group_cell = 0;
    if (error != 0) return error;
    spawn->process = process;
    spawn->process_descriptor = descriptor;
    return 0;
}

static int32_t make_pipe(int32_t *read_end, int32_t *write_end) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return errno;
    *read_end = ends[0];
    *write_end = ends[1];
    return 0;
}

int32_t fan_pipe_from_child(int32_t *read_end, int32_t *write_end) { return make_pipe(read_end, write_end); }

int32_t fan_pipe_to_child(int32_t *read_end, int32_t *write_end) {
    int32_t error = make_pipe(read_end, write_end);
    if (error != 0) return error;
    if (fcntl(*write_end, F_SETFL, O_WRONLY | O_NONBLOCK) == 0) return 0;
    error = errno;
    close(*read_end);
    close(*write_end);
    return error;
}

int32_t fan_event_descriptor(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

int32_t fan_directory_has_entries(int32_t directory) {
    /* Room for "." and ".." and one more entry with the longest name. */
    _Alignas(8) char entries[512];
    if (lseek(directory, 0, SEEK_SET) < 0) return -1;
    for (;;) {
        long count = syscall(SYS_getdents64, directory, entries, sizeof entries);
        if (count <= 0) return count == 0 ? 0 : -1;
        for (long place = 0; place < count;) {
            struct dirent64 *entry = (struct dirent64 *)(void *)(entries + place);
            if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) return 1;
            place += entry->d_reclen;
        }
    }
}

int32_t fan_unnamed_file(const char *directory) {
    int descriptor = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (descriptor >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)) return descriptor;
    size_t length = strlen(directory);
    char path[4096];
    static const char name[] = "/output-XXXXXX";
    if (length + sizeof name > sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(path, directory, length);
    memcpy(path + length, name, sizeof name);
    descriptor = mkostemp(path, O_CLOEXEC);
    if (descriptor >= 0) unlink(path);
    return descriptor;
}

void fan_prepare_process(void) {
    for (int descriptor = 0; descriptor < 3; descriptor++)
        if (fcntl(descriptor, F_GETFD) < 0) (void)!open("/dev/null", O_RDWR);
    signal(SIGPIPE, SIG_IGN);
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *place) {
    (void)status;
    (void)kind;
    (void)place;
    remove(path); /* what cannot be removed stays, the rest goes */
    return 0;
}

static int open_up(const char *path, const struct stat *status, int kind, struct FTW *place) {
    (void)place;
    if ((kind == FTW_D || kind == FTW_DNR) && (status->st_mode & 0700) != 0700) chmod(path, 0700);
    return 0;
}

void fan_remove_tree(const char *path) {
    enum { OPEN_DIRECTORIES = 16 };
    nftw(path, open_up, OPEN_DIRECTORIES, FTW_PHYS | FTW_MOUNT);
    nftw(path, remove_entry, OPEN_DIRECTORIES, FTW_PHYS | FTW_MOUNT | FTW_DEPTH);
}

int64_t fan_process_peak_bytes(int32_t process) {
    char path[40], text[4096];
    snprintf(path, sizeof path, "/proc/%d/status", process);
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return 0;
    ssize_t count = read(descriptor, text, sizeof text - 1);
    close(descriptor);
    if (count <= 0) return 0;
    text[count] = 0;
    const char *line = strstr(text, "VmHWM:");
    return line ? strtoll(line + 6, NULL, 10) * 1024 : 0;
}

int32_t fan_wait_readable(int32_t descriptor, uint64_t nanoseconds) {
    struct pollfd wanted = {descriptor, POLLIN, 0};
    struct timespec time = {(time_t)(nanoseconds / 1000000000), (long)(nanoseconds % 1000000000)};
    return ppoll(&wanted, 1, &time, NULL) > 0;
}

const char *fan_signal_name(int32_t number) { return sigabbrev_np(number); }
