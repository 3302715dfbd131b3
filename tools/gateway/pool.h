/*
 * Threads that may wait, so that those of the HTTP library never do.
 *
 * Threads: submit from any; create and destroy on one.
 */
#ifndef CADRE_TOOLS_GATEWAY_POOL_H
#define CADRE_TOOLS_GATEWAY_POOL_H

#include "engine/base/status.h"
#include "engine/base/types.h"

struct gateway_pool;
typedef void (*gateway_job_fn)(void *job);

/* Up to `threads` at a time, started as they are needed; `queued_max` more may wait.
 * Errors: CADRE_OUT_OF_MEMORY. */
CADRE_MUST_CHECK enum cadre_status
gateway_pool_create(unsigned threads, unsigned queued_max, gateway_job_fn run,
                    struct gateway_pool **ret_pool, struct cadre_error *err);
/* Runs `job` on a thread, soon. CADRE_TOO_MANY_REQUESTS: not taken. */
CADRE_MUST_CHECK enum cadre_status gateway_pool_submit(struct gateway_pool *pool,
                                                       void *job);
/* Every job that was taken is run; then the threads end. Takes NULL; nulls the
 * pointer. */
void gateway_pool_destroy(struct gateway_pool **pool);

#endif
