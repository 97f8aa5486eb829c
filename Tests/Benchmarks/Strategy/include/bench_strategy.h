/* bench_strategy.h - the smallest plugin there can be; only `fanfold bench` loads it. */
#include "fanfold_plugin.h"
