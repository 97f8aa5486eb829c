/* fanfold_isolation.h - frames, shared memory and the sandbox of fanfold-helper. */
#ifndef FANFOLD_ISOLATION_H
#define FANFOLD_ISOLATION_H
#include <stddef.h>
#include <stdint.h>

/* Two ends of a socket that keeps messages whole and in order, both closed on exec.  0 or an error number. */
int32_t fan_frame_pair(int32_t *_Nonnull ours, int32_t *_Nonnull theirs);

/* How long fan_frame_receive waits before it says EAGAIN. */
int32_t fan_frame_set_tick(int32_t socket, uint32_t milliseconds);

/* Sends head and body as one message, with one descriptor unless it is negative.  0 or an error number;
 * EAGAIN if the peer has read nothing for a tick. */
int32_t fan_frame_send(int32_t socket, const void *_Nonnull head, size_t head_size, const void *_Nullable body,
                       size_t body_size, int32_t descriptor);

/* Receives one message of at most size bytes.  Returns its size, 0 when the peer is gone, or a negative error
 * number: -EAGAIN after a tick, -EMSGSIZE if it was longer.  *descriptor is -1 or one that came with it. */
int64_t fan_frame_receive(int32_t socket, void *_Nonnull buffer, size_t size, int32_t *_Nonnull descriptor);

/* Memory without a name that can neither shrink nor grow, closed on exec; -1 with errno. */
int32_t fan_memory_file(const char *_Nonnull name, uint64_t size);

/* What the calling process may do from now on. */
struct fan_sandbox {
    const char *_Nullable const *_Nullable readable; /* files and folders, NULL-terminated; what is not there is skipped */
    uint64_t memory_limit_bytes;                     /* RLIMIT_AS; 0: none */
    uint32_t descriptor_limit;                       /* RLIMIT_NOFILE */

    int32_t has_no_new_privileges; /* out: 0 or 1 */
    int32_t has_limits;            /* out: 0 or 1 */
    int32_t landlock_version;      /* out: 0 if the kernel has none or refused */
    int32_t has_filter;            /* out: 0 or 1: seccomp */
};

/* Gives up what a plugin does not need: new privileges, other files, the network, other programs and processes.
 * Each part is tried; what could not be applied is 0 in the struct.  Only threads made later are bound by all. */
void fan_sandbox_apply(struct fan_sandbox *_Nonnull sandbox);

/* From now on a fatal signal writes its name and the stack to standard error before it ends the process. */
void fan_crash_trace_install(void);
#endif
