/* fanfold_spawn.h - starting children, without more system calls than it takes. */
#ifndef FANFOLD_SPAWN_H
#define FANFOLD_SPAWN_H
#include <stdint.h>
#include <sys/types.h>

/* What the child was doing when it could not be started. */
enum fan_spawn_step {
    FAN_SPAWN_CLONE = 1,
    FAN_SPAWN_GROUP,
    FAN_SPAWN_PARENT,
    FAN_SPAWN_LIMIT,
    FAN_SPAWN_DIRECTORY,
    FAN_SPAWN_DESCRIPTORS,
    FAN_SPAWN_EXECUTE
};

/* Descriptors that a child can have beside its streams. */
enum { FAN_SPAWN_MORE = 4 };

/* A child to be: everything is borrowed for the time of the call. */
struct fan_child {
    const char *_Nullable program; /* not NULL when the child is started; nor are the lists */
    char *_Nullable const *_Nullable arguments;   /* ends with NULL */
    char *_Nullable const *_Nullable environment; /* ends with NULL */
    const char *_Nullable directory_path;        /* working directory; if NULL: */
    int32_t directory;                           /* an open directory */
    int32_t streams[3];                          /* open descriptors, each at least 3 */
    int32_t more[FAN_SPAWN_MORE];                /* what the child has from 3 on; unless at least 3 it ends the list */
    uint64_t memory_limit_bytes;                 /* RLIMIT_DATA; 0: none */
    int32_t *_Nullable group_cell;               /* gets the number of its group before it executes; may be NULL */

    int32_t process;            /* out: its id, which is also the id of its group */
    int32_t process_descriptor; /* out: readable when it has ended; close it */
    int32_t step;               /* out, on failure: an enum fan_spawn_step */
};

/* Starts a child that is leader of its own process group, is killed when the calling thread ends, has no
 * descriptor but its streams and those in `more`, no signal blocked and every signal at its default.  Returns 0, or the error
 * number of the step that failed, also if that was the execve in the child. */
int32_t fan_spawn(struct fan_child *_Nonnull spawn);

/* Starts a program as the leader of a session of its own, which outlives the caller: no descriptor but /dev/null to read
 * and the file `log` to write to, the working directory /, no signal blocked and every signal at its default.  Both lists end
 * with NULL.  Returns 0, and the child in `process`, which somebody must wait for when it ends, or an error number. */
int32_t fan_spawn_detached(const char *_Nonnull program, char *_Nullable const *_Nonnull arguments,
                           char *_Nullable const *_Nonnull environment, const char *_Nonnull log,
                           int32_t *_Nonnull process);

/* A pipe closed on exec, whose writing end does not block.  Returns 0 or an error number. */
int32_t fan_pipe_to_child(int32_t *_Nonnull read_end, int32_t *_Nonnull write_end);

/* A pipe closed on exec, both ends blocking.  Returns 0 or an error number. */
int32_t fan_pipe_from_child(int32_t *_Nonnull read_end, int32_t *_Nonnull write_end);

/* An event descriptor, closed on exec, not blocking; -1 on failure. */
int32_t fan_event_descriptor(void);

/* Whether the open directory has entries: 1, or 0, or -1 if that cannot be found out. */
int32_t fan_directory_has_entries(int32_t directory);

/* A new file without a name in `directory`, for reading and writing, closed on exec; -1 with errno. */
int32_t fan_unnamed_file(const char *_Nonnull directory);

/* Removes a directory with all that is in it, as far as that can be done; follows no links. */
void fan_remove_tree(const char *_Nonnull path);

/* The largest resident size that process `process` has had so far, in bytes; 0 if it cannot be read. */
int64_t fan_process_peak_bytes(int32_t process);

/* Waits until `descriptor` is readable or `nanoseconds` have passed: 1 if it is, else 0. */
int32_t fan_wait_readable(int32_t descriptor, uint64_t nanoseconds);

/* The name of a signal, such as "TERM"; NULL if it has none. */
const char *_Nullable fan_signal_name(int32_t number);

/* Makes sure that descriptors 0, 1 and 2 are open and that SIGPIPE is ignored: once per process. */
void fan_prepare_process(void);
#endif
