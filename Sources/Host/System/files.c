#define _GNU_SOURCE
#include "fanfold_files.h"
#include <errno.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

int32_t fanfold_clone_file(int32_t to, int32_t from) {
    return ioctl(to, FICLONE, from) == 0 ? 0 : errno;
}

int32_t fanfold_sync_disk(int32_t descriptor) { return syncfs(descriptor) == 0 ? 0 : errno; }
