/*
 * The leader's replication socket: answers Hello, Fetch and Snapshot questions.
 *
 * A Fetch that finds nothing is parked, without a thread, until something is committed
 * or its wait is over. Batches go out byte for byte: from a ring of recent ones, else
 * from a read handle on the log. There is no buffer per follower: a slow one costs
 * nothing and shows as lag. Verdicts are core/feed.h's; snapshots transfer/'s.
 *
 * Normal sequence: Hello (the chain at the follower's seq is looked up, the feed
 * judges) -> Fetch, answered or parked -> position() -> the keeper answers what was
 * parked. SnapshotOpen without a snapshot: one is asked for, the follower comes again.
 *
 * Failures. A question that cannot be read: its status, nothing else happens. The log
 * cannot be read: the Fetch ends with that status, the handle is opened anew. A report
 * over its limits: left out, the positions count.
 * Stop: no new connections, parked ones are answered UNAVAILABLE, then the socket goes.
 *
 * Threads: nng's run the questions; one keeper answers what was parked; a third one
 * lives while a snapshot is made.
 * Locks, in the order in which they may be taken together: source > (nothing); log >
 * ring; those of reports and snapshots are leaves. position() takes the source's alone,
 * which is never held over a file or a socket.
 */
#ifndef CADRE_NODE_SOURCE_H
#define CADRE_NODE_SOURCE_H

#include "engine/store/thread.h"
#include "replica/core/feed.h"
#include "replica/node/reports.h"
#include "replica/transport/address.h"

/* Of one question; a report of 5,000 members fits. */
#define CADRE_REPLICATION_QUESTION_BYTES_MAX ((size_t)2 << 20)
/* Batches of one Fetch: at most so much, or one batch, which may be larger. */
#define CADRE_FETCH_BYTES_MAX ((uint32_t)4 << 20)

struct cadre_source;

struct cadre_source_options {
	struct cadre_env *env;
	const char *address;
	bool insecure;
	const char *log_dir;
	const char *snapshot_dir;
	const char *rpc_address;           /* told to followers in HelloAnswer.leader */
	struct cadre_store_thread *thread; /* asked for a snapshot when there is none */
	struct cadre_reports *reports;     /* gets what followers tell */
	struct cadre_log_sink *sink;
	/* A follower said hello and was accepted, or reported something new; any thread,
	 * must not block; may be NULL. */
	void (*met)(void *ctx);
	void *ctx;
};

/* Listens on return; refuses with UNAVAILABLE until the first cadre_source_position().
 * Errors: as cadre_answerer_start(). */
CADRE_MUST_CHECK enum cadre_status
cadre_source_start(const struct cadre_source_options *options,
                   struct cadre_source **ret_source, struct cadre_error *err);
/* While the store's loop still runs: a snapshot may be on its way. Takes NULL; nulls the
 * pointer. */
void cadre_source_stop(struct cadre_source **source);
/* Where the log stands now: called after every commit, from the store's loop.
 * `watermark_ms`: no event stamped at or before it comes behind `committed_seq`. */
void cadre_source_position(struct cadre_source *source,
                           const struct cadre_feed_position *position,
                           cadre_time_ms watermark_ms);
const struct cadre_address *cadre_source_address(const struct cadre_source *source);
struct cadre_metrics *cadre_source_metrics(struct cadre_source *source);

#endif
