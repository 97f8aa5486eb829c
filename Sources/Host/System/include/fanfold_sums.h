/* fanfold_sums.h - sums that tell damaged bytes from whole ones. */
#ifndef FANFOLD_SUMS_H
#define FANFOLD_SUMS_H
#include <stddef.h>
#include <stdint.h>

/* CRC-64/XZ of what `before` is the sum of, followed by `bytes`; 0 is the sum of nothing.
 * Finds every burst of wrong bits up to 64 long; not meant against somebody who forges. */
uint64_t fan_crc64(uint64_t before, const void *_Nullable bytes, size_t size);
#endif
