/* bench_direct.h - the body that `fanfold bench abi` calls directly, to compare a call through the
 * plugin's table with. */
#ifndef BENCH_DIRECT_H
#define BENCH_DIRECT_H
#include "fanfold_plugin.h"

/* Adds up what a result says; not inlined into the caller. */
fan_code bench_on_result(uint64_t *sum, const fan_result *result);
#endif
