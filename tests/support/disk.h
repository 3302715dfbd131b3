/*
 * A disk of its own for a data directory, that can be filled and relieved: a tmpfs,
 * seen by this process and its children only, and gone with the last of them.
 *
 * Threads: one. disk_permitted() before any thread is made.
 */
#ifndef TESTS_SUPPORT_DISK_H
#define TESTS_SUPPORT_DISK_H

#include <stdbool.h>
#include <stdint.h>

/* Whether disks can be had: needs the right to mount. */
bool disk_permitted(void);
/* Mounts one on the directory `path`, which is made. */
void disk_make(const char *path);
/* Takes all room but `left` bytes, then gives it back. */
void disk_fill(const char *path, uint64_t left);
void disk_relieve(const char *path);
void disk_remove(const char *path);

#endif
