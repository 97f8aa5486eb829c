/* fanfold_guard.h - memory that is lent to a plugin, page by page: the conformance kit's `borrow`.
 *
 * What is lent lies at the end of pages of its own, for reading only, before a page that nobody may touch.
 * Once the loan ends nobody may touch it either.  A plugin that does is not a mere crash: the fault is
 * written as the outcome of the check, with the name of what was lent, and the process ends.
 * For one thread at a time. */
#ifndef FANFOLD_GUARD_H
#define FANFOLD_GUARD_H
#include <stddef.h>
#include <stdint.h>

/* How many loans are told apart at a time; older ones stay untouchable and lose their name. */
enum { FAN_GUARD_LOANS = 32768 };

/* From now on a fault writes `before`, a sentence, `after` to `descriptor` and ends the process.
 * Both texts must stay. */
void fan_guard_install(int32_t descriptor, const char *_Nonnull before, const char *_Nonnull after);

/* A copy of `bytes` that can be read until it is taken back; `name` must stay.  NULL if there is no memory. */
void *_Nullable fan_guard_lend(const char *_Nonnull name, const void *_Nullable bytes, size_t size);

/* Lets the borrower write to what was lent, for what the contract lets it fill in. */
void fan_guard_make_writable(void *_Nonnull lent);

/* Ends a loan: whoever touches it from now on is named. */
void fan_guard_take_back(void *_Nonnull lent);
#endif
