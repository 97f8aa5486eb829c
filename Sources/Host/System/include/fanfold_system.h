/* fanfold_system.h - the system calls that Swift cannot make or cannot make safely. */
#ifndef FANFOLD_SYSTEM_H
#define FANFOLD_SYSTEM_H
#include <stdint.h>
#include <sys/types.h>
#endif
