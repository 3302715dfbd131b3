/*
 * The source's parts among themselves: source.c starts and stops, source_question.c
 * reads and answers questions, source_park.c is the keeper with what waits,
 * source_answer.c packs, source_log.c reads batches, source_snapshot.c has snapshots.
 *
 * A question belongs to one thread at a time: the one that received it, then, when it
 * was parked, the keeper.
 */
#ifndef CADRE_NODE_SOURCE_INTERNAL_H
#define CADRE_NODE_SOURCE_INTERNAL_H

#include <pthread.h>

#include "engine/base/metrics.h"
#include "replica/node/source.h"
#include "replica/node/source_log.h"
#include "replica/transfer/snapshot_source.h"
#include "replica/transport/answerer.h"

#define SOURCE_VERSION 1u
/* Every follower may wait; the rest is for those who say hello or fetch snapshots. */
#define SOURCE_PARKED_MAX CADRE_FEED_FOLLOWERS_MAX
/* Over that the oldest are answered; so many may be while they are. */
#define SOURCE_PARKED_EXTRA 128u
#define SOURCE_EXCHANGES (SOURCE_PARKED_MAX + 256u)
/* A connection for each, and some that are being given up. */
#define SOURCE_CONNECTIONS_MAX SOURCE_EXCHANGES
/* Of answers that followers have not taken yet: 128 that catch up at once. */
#define SOURCE_REPLY_BYTES_MAX (128 * (size_t)CADRE_FETCH_BYTES_MAX)
/* Leases are looked after so often. */
#define SOURCE_TEND_MS 10000u

/* What is kept of a Fetch that waits; the storage of its exchange. */
struct question {
	struct cadre_source *source;
	struct cadre_exchange *exchange;
	cadre_epoch epoch;
	cadre_seq next_seq;
	uint32_t bytes_max;
	uint64_t until_ms;
	/* source_park.c; the source's lock. */
	struct question *next;
	struct question *previous;
};

struct question_list {
	struct question *first;
	struct question *last;
};

/* Where the log stands, as one moment saw it. */
struct source_position {
	struct cadre_feed_position feed;
	cadre_time_ms watermark_ms;
	bool known; /* there was one */
	bool stopping;
};

enum source_metric {
	SOURCE_QUESTIONS,
	SOURCE_REFUSED,
	SOURCE_HELLOS_REFUSED,
	SOURCE_BATCH_BYTES,
	SOURCE_FROM_RING,
	SOURCE_FROM_LOG,
	SOURCE_SNAPSHOT_BYTES,
	SOURCE_REPORTS_REFUSED,
	SOURCE_PARKED,
	SOURCE_CONNECTIONS,
	SOURCE_METRIC_COUNT
};

/* source_snapshot.c: a snapshot is made when somebody asks and there is none. */
struct snapshot_maker {
	pthread_mutex_t lock;
	pthread_t thread;
	bool started; /* lock; to be joined */
	bool done;    /* lock */
	struct cadre_store_thread *store;
	char why[256]; /* lock; the last one failed, "" when it did not */
};

struct cadre_source {
	struct cadre_env *env;
	struct cadre_reports *reports;
	struct cadre_log_sink *sink;
	void (*met)(void *ctx);
	void *ctx;
	char rpc_address[CADRE_ADDRESS_BYTES];
	struct cadre_answerer *answerer;
	struct cadre_metrics *metrics;
	struct cadre_snapshot_source *snapshots;
	struct snapshot_maker maker;
	struct source_log log;

	pthread_t keeper;
	bool keeping;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct cadre_feed *feed;         /* lock */
	struct source_position position; /* lock */
	struct question_list parked;     /* lock */
	unsigned parked_count;           /* lock; also those the keeper is answering */
};

uint64_t source_now_ms(const struct cadre_source *source);
struct source_position source_position_now(struct cadre_source *source);

/* ---- source_question.c ---- */

/* The answerer's handler. */
void source_answer(void *source, struct cadre_exchange *exchange);
/* Scans and unpacks; `version` and a body are there. Stands any bytes. */
CADRE_MUST_CHECK enum cadre_status
source_request_read(struct cadre_slice bytes, struct cadre_arena *arena,
                    Cadre__V1__ReplicationRequest **ret_request, struct cadre_error *err);

/* ---- source_park.c ---- */

enum cadre_status source_keeper_start(struct cadre_source *source,
                                      struct cadre_error *err);
/* Every parked question is answered on return. */
void source_keeper_stop(struct cadre_source *source);
/* Under the lock. The question is the keeper's from now on when it returns CADRE_OK. */
CADRE_MUST_CHECK enum cadre_status source_park(struct cadre_source *source,
                                               struct question *question,
                                               struct cadre_error *err);

/* ---- source_answer.c: each sends, and the exchange is gone ---- */

void source_send_error(struct cadre_source *source, struct cadre_exchange *exchange,
                       const struct cadre_error *err);
void source_send_hello(struct cadre_source *source, struct cadre_exchange *exchange,
                       const struct source_position *position,
                       Cadre__V1__HelloVerdict verdict, const char *message);
/* A verdict other than HELLO_OK, or nothing new. */
void source_send_fetch(struct cadre_source *source, struct cadre_exchange *exchange,
                       const struct source_position *position,
                       Cadre__V1__HelloVerdict verdict, const char *message);
/* Batches of `question` up to what `position` has committed. */
void source_send_batches(struct cadre_source *source, struct question *question,
                         const struct source_position *position);
void source_send_snapshot_info(struct cadre_exchange *exchange,
                               Cadre__V1__SnapshotInfo *info);
void source_send_snapshot_bytes(struct cadre_source *source,
                                struct cadre_exchange *exchange, uint64_t offset,
                                struct cadre_slice bytes);

/* ---- source_snapshot.c ---- */

void source_maker_init(struct snapshot_maker *maker, struct cadre_store_thread *store);
/* Waits for one that is being made. */
void source_maker_fini(struct snapshot_maker *maker);
void source_snapshot_open(struct cadre_source *source, struct cadre_exchange *exchange);
void source_snapshot_chunk(struct cadre_source *source, struct cadre_exchange *exchange,
                           const Cadre__V1__SnapshotChunkRequest *request);

#endif
