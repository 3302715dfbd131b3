/* The private directory around a worker's socket: ipc sockets have no other guard. */
#ifndef CADRE_AGENT_WORKER_DIR_H
#define CADRE_AGENT_WORKER_DIR_H

#include "engine/base/status.h"

/* The environment variable that names the process a worker lives and dies with. */
#define CADRE_WORKER_PARENT_VARIABLE "CADRE_WORKER_PARENT"

/*
 * Makes a directory of mode 0700 below `parent` (NULL: $TMPDIR or /tmp).
 * Ownership: `*ret_dir` and `*ret_address` ("ipc://<dir>/worker.sock") go to free().
 * Errors: CADRE_INVALID_PARAMETER (too long for a socket), CADRE_IO_ERROR,
 * CADRE_OUT_OF_SPACE, CADRE_OUT_OF_MEMORY.
 */
CADRE_MUST_CHECK enum cadre_status cadre_worker_dir_make(const char *parent,
                                                         char **ret_dir,
                                                         char **ret_address,
                                                         struct cadre_error *err);
/* The directory of `socket_path` belongs to this user and to no other.
 * Errors: CADRE_NOT_AUTHORIZED, CADRE_INVALID_PARAMETER (too long), CADRE_IO_ERROR. */
CADRE_MUST_CHECK enum cadre_status cadre_worker_dir_check(const char *socket_path,
                                                          struct cadre_error *err);
/* The directory and the socket in it; what else is there stays. */
void cadre_worker_dir_remove(const char *dir);

#endif
