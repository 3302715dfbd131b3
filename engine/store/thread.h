/*
 * The loop around a store: one thread steps it, any thread submits. Snapshots
 * are written by a second thread, so that commands do not wait for them.
 *
 * start: opens nothing; the store is the caller's and belongs to the loop until
 *   stop returns. stop: what is under way is finished, what still waits ends with
 *   CADRE_UNAVAILABLE; then the store is the caller's again, to close.
 * Failure of the log: the loop ends every request and stops stepping;
 *   cadre_store_thread_failed() turns true and the process should exit with 75.
 * Locks: one mutex guards the inbox. complete() runs on the loop's thread, with
 *   no lock held; it must not block.
 */
#ifndef CADRE_STORE_THREAD_H
#define CADRE_STORE_THREAD_H

#include "engine/store/store.h"

struct cadre_store_thread;

/* Runs on the loop's thread after each step that changed what is durable, committed
 * or applied; must not block. */
typedef void (*cadre_store_changed_fn)(void *ctx,
                                       const struct cadre_store_status *status);
/* Work for the loop's thread between two steps; may use the store as its owner. */
typedef void (*cadre_store_job_fn)(struct cadre_store *store, void *ctx);

/* The store should have been opened with no_snapshots: the loop writes them.
 * `changed` may be NULL. */
CADRE_MUST_CHECK enum cadre_status
cadre_store_thread_start(struct cadre_store *store, cadre_store_changed_fn changed,
                         void *changed_ctx, struct cadre_store_thread **ret_thread,
                         struct cadre_error *err);
/* Takes NULL; frees. */
void cadre_store_thread_stop(struct cadre_store_thread *thread);
/* From any thread. Ownership as cadre_store_submit(). */
void cadre_store_thread_submit(struct cadre_store_thread *thread,
                               struct cadre_request *request);
/* Submits and waits; request->complete and ctx are set by the call. Not from the
 * loop's thread. */
void cadre_store_thread_call(struct cadre_store_thread *thread,
                             struct cadre_request *request);
/* Runs `job` on the loop's thread and waits for its end; false when the loop has
 * ended and the job did not run. Not from the loop's thread. */
CADRE_MUST_CHECK bool cadre_store_thread_run(struct cadre_store_thread *thread,
                                             cadre_store_job_fn job, void *ctx);
/* The log failed, or the store did: nothing more will be done. */
bool cadre_store_thread_failed(struct cadre_store_thread *thread);

#endif
