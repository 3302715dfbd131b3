/*
 * Files around a running node: the ready file, and who holds a data directory.
 *
 * Threads: main only.
 */
#ifndef CADRE_TOOLS_CADRED_PLACES_H
#define CADRE_TOOLS_CADRED_PLACES_H

#include "replica/node/node.h"

/* Writes pid, role and addresses as one JSON object, whole or not at all. `http` may be
 * NULL. */
CADRE_MUST_CHECK enum cadre_status
cadred_ready_file_write(const char *path, const struct cadre_node *node, const char *role,
                        const struct cadre_address *http, struct cadre_error *err);
/* "http://127.0.0.1:7423" */
void cadred_http_text(const struct cadre_address *address,
                      char text[CADRE_ADDRESS_BYTES]);

/* The process that holds the lock of a data directory, as far as /proc tells; 0 when
 * unknown. */
long cadred_lock_owner(const char *data_dir);
/* Whether `data_dir` was initialised. */
bool cadred_is_data_dir(const char *data_dir);

#endif
