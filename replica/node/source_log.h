/*
 * Batches out of the leader's log for many followers: a ring of recent ones in memory,
 * and a read handle with a few cursors for those who are further behind.
 *
 * The ring is filled when somebody asks for what is newer than it holds; a leader
 * without followers keeps none. A follower that catches up finds its cursor where its
 * last Fetch left it.
 *
 * Threads: any. Locks: log > ring.
 */
#ifndef CADRE_NODE_SOURCE_LOG_H
#define CADRE_NODE_SOURCE_LOG_H

#include <pthread.h>

#include "engine/log/log.h"

#define SOURCE_RING_BATCHES 8192u
#define SOURCE_RING_BYTES_MAX ((size_t)32 << 20)
/* The ring begins at most so far behind what is committed, events. */
#define SOURCE_RING_EVENTS 4096u
/* Followers that catch up at once without looking for their place anew. */
#define SOURCE_CURSORS 8u

struct ring_batch {
	cadre_seq first_seq;
	cadre_seq last_seq;
	struct cadre_sha256 chain; /* after it */
	size_t length;
	uint8_t bytes[];
};

struct source_ring {
	struct ring_batch *batches[SOURCE_RING_BATCHES]; /* circular, without gaps */
	size_t first;
	size_t count;
	size_t bytes;
};

/* A cursor, and the batch that it has read and nobody has taken yet. */
struct source_cursor {
	struct cadre_log_cursor *cursor; /* NULL: free */
	cadre_seq next_seq;              /* of the batch that comes next */
	bool peeked;
	struct cadre_batch batch;
	uint64_t used; /* for the choice of the one to give up */
};

struct source_log {
	struct cadre_env *env;
	char dir[1024];
	pthread_mutex_t lock;
	struct cadre_log *log;                        /* lock; NULL: not open */
	struct source_cursor cursors[SOURCE_CURSORS]; /* lock */
	struct source_cursor tail;                    /* lock; feeds the ring */
	uint64_t uses;                                /* lock */
	pthread_mutex_t ring_lock;
	struct source_ring ring; /* ring_lock */
};

CADRE_MUST_CHECK enum cadre_status source_log_init(struct source_log *log,
                                                   struct cadre_env *env, const char *dir,
                                                   struct cadre_error *err);
void source_log_fini(struct source_log *log);

/* Appends whole batches from `from` on to `out`, none behind `committed`: as many as fit
 * into `bytes_max`, at least one. `from` is at most `committed`.
 * Errors: CADRE_DIVERGED (no batch begins at `from`), CADRE_NOT_FOUND (older than the
 * log), those of the log. */
CADRE_MUST_CHECK enum cadre_status source_log_read(struct source_log *log, cadre_seq from,
                                                   cadre_seq committed, size_t bytes_max,
                                                   struct cadre_buffer *out,
                                                   bool *ret_from_ring,
                                                   struct cadre_error *err);
/* The chain after `seq`, which is at most `committed`. CADRE_NOT_FOUND: no batch ends
 * there. */
CADRE_MUST_CHECK enum cadre_status source_log_chain(struct source_log *log, cadre_seq seq,
                                                    cadre_seq committed,
                                                    struct cadre_sha256 *ret_chain,
                                                    struct cadre_error *err);

#endif
