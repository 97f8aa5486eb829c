#include "fanfold_lists.h"
#include <stddef.h>
#include <sys/xattr.h>

static const char list[] = "system.posix_acl_access";

int fanfold_path_has_list(const char *path) {
   return getxattr(path, list, NULL, 0) > 0;
}

int fanfold_file_has_list(int descriptor) {
   return fgetxattr(descriptor, list, NULL, 0) > 0;
}
