/* fanfold_lists.h - whether more users may change a file than its mode says. */
#ifndef FANFOLD_LISTS_H
#define FANFOLD_LISTS_H
#ifdef __clang__
#pragma clang assume_nonnull begin
#endif

/* 1 if a POSIX access control list is attached to the path, 0 if not or if nobody can say. */
int fanfold_path_has_list(const char *path);

/* The same for an open file. */
int fanfold_file_has_list(int descriptor);

#ifdef __clang__
#pragma clang assume_nonnull end
#endif
#endif
