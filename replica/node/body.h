/*
 * The store of a node with its loop: opened, closed and opened anew under parts that
 * live on (a follower that takes a snapshot).
 *
 * Normal sequence: open -> watch told (views, applied) -> loop -> ... -> close (loop
 * ended, watch told that there are no views) -> open again, perhaps on other content.
 * What others ask without waiting is a copy, renewed whenever the loop moved on and by
 * body_refresh().
 *
 * Threads: open and close on one thread at a time; the rest on any.
 * Locks: `swap` is held while a job is on its way, so that the loop does not end under
 * it; `lock` guards the copy and is a leaf.
 */
#ifndef CADRE_NODE_BODY_H
#define CADRE_NODE_BODY_H

#include <pthread.h>
#include <stdatomic.h>

#include "engine/store/thread.h"

/* Who the content belongs to; all zero while it holds nothing. */
struct body_identity {
	uint8_t node_id[16];
	uint8_t cluster_id[16];
	uint8_t timeline_id[16];
};

struct body_options {
	struct cadre_env *env;
	struct cadre_store_options store;
	struct cadre_store_watch watch;
	cadre_store_changed_fn changed; /* on the loop; may be NULL */
	void *ctx;                      /* of `changed` */
};

struct body {
	struct body_options options;
	pthread_rwlock_t swap;
	struct cadre_store *store;         /* swap */
	struct cadre_store_thread *thread; /* swap */
	pthread_mutex_t lock;
	struct cadre_store_status status; /* lock */
	struct body_identity identity;    /* lock */
	cadre_time_ms watermark_ms;       /* lock */
	atomic_bool opening;              /* inside body_open() */
	atomic_bool open;
	atomic_bool failed; /* the log: latched */
	/* The part of the control page that servers read, alive as long as the body. */
	struct cadre_control_page page;
};

void body_init(struct body *body, const struct body_options *options);
void body_fini(struct body *body);

/* Errors: as cadre_store_open(). */
CADRE_MUST_CHECK enum cadre_status body_open(struct body *body, struct cadre_error *err);
void body_close(struct body *body);
/* Runs `job` on the loop and waits; false when there is none. Not on the loop. */
CADRE_MUST_CHECK bool body_run(struct body *body, cadre_store_job_fn job, void *ctx);
/* Renews the copy on the loop, and notices a failed log. */
void body_refresh(struct body *body);
/* The same, for jobs that run on the loop already. */
void body_note(struct body *body, struct cadre_store *store);
/* The copy. */
void body_status(struct body *body, struct cadre_store_status *ret_status,
                 struct body_identity *ret_identity, cadre_time_ms *ret_watermark_ms);

#endif
