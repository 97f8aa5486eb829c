/* fanfold_threads.h - what Swift does not see of the thread functions. */
#ifndef FANFOLD_THREADS_H
#define FANFOLD_THREADS_H

#if defined(__clang__)
#pragma clang assume_nonnull begin
#endif

/* Names the calling thread, for debuggers and ps.  More than 15 bytes are cut. */
void fanfold_set_thread_name(const char *name);

#if defined(__clang__)
#pragma clang assume_nonnull end
#endif
#endif
