/* Directories of the benchmark's data. */
#ifndef BENCH_FILES_H
#define BENCH_FILES_H

#include "engine/base/status.h"

#define BENCH_PATH_BYTES 1024u

/* "<dir>/<name>". A path that does not fit is a failed assertion. */
void bench_path(char path[BENCH_PATH_BYTES], const char *dir, const char *name);
/* Copies a directory with all it holds, lock files left out. */
CADRE_MUST_CHECK enum cadre_status bench_copy_tree(const char *from, const char *to,
                                                   struct cadre_error *err);
void bench_remove_tree(const char *path);
/* A file of zeros, written and synced. */
CADRE_MUST_CHECK enum cadre_status bench_zero_file(const char *path, uint64_t bytes,
                                                   struct cadre_error *err);

#endif
