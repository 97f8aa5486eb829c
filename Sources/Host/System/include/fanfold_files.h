/* fanfold_files.h - what Swift cannot call because it is variadic or hidden: files that share their blocks. */
#ifndef FANFOLD_FILES_H
#define FANFOLD_FILES_H
#include <stdint.h>

/* Makes the empty file `to` share the blocks of `from`, which costs no time and no space.  0, or an error number:
 * EOPNOTSUPP, EXDEV, ENOTTY or EINVAL where the file system cannot do it. */
int32_t fanfold_clone_file(int32_t to, int32_t from);

/* Flushes the file system that the open file or folder is on.  0 or an error number. */
int32_t fanfold_sync_disk(int32_t descriptor);
#endif
