/*
 * Inside the prediction server.
 *
 * Path of a start: nng thread: unpack, take a place, queue -> pool thread: route, infer,
 * answer. What did not end with its first chunk becomes a stream. Path of a next: nng
 * thread: a chunk that is held is answered there and then; else the question waits in its
 * stream, whose one job asks the worker on a pool thread and answers it.
 *
 *	stream:  idle <-> asking -> ended -> gone
 *	           \________\_____> cancelled -> gone
 *
 * One mutex guards queue, table, counts and the fields of streams; it is never held over
 * a call to worker, router or socket. While `asking` the pool thread alone uses the
 * stream's client; a cancelled stream's client is used by its closing job too, so the
 * route is let go by whoever leaves the stream last.
 */
#ifndef CADRE_AGENT_PREDICT_INTERNAL_H
#define CADRE_AGENT_PREDICT_INTERNAL_H

#include <pthread.h>

#include "engine/env/env.h"
#include "replica/agent/predict_server.h"
#include "replica/transport/answerer.h"

#define PREDICT_THREADS_DEFAULT 64u
#define PREDICT_THREADS_MAX 256u
#define PREDICT_IDLE_MS 30000u
/* Past its deadline nobody asks for a stream but to hear of that. */
#define PREDICT_LATE_MS 1000u
/* A thread waits for a worker's next chunk no longer than this before others have
 * their turn; with others waiting the shorter one. */
#define PREDICT_TURN_MS 1000u
#define PREDICT_TURN_BUSY_MS 50u
#define PREDICT_BUCKETS 1024u
#define NS_PER_MS UINT64_C(1000000)

enum predict_metric {
	METRIC_STARTS,
	METRIC_REFUSED,
	METRIC_FAILED,
	METRIC_CHUNKS,
	METRIC_REPEATS,
	METRIC_CANCELLED,
	METRIC_IDLE,
	METRIC_STREAMS,
	METRIC_QUEUED,
	METRIC_BYTES,
	METRIC_FIRST_US,
	METRIC_CONNECTIONS,
	METRIC_SLOW_PEERS,
	METRIC_COUNT
};

/* For a pool thread. Queued at most once at a time. */
struct predict_job {
	struct predict_job *next; /* lock */
	void (*run)(struct cadre_predict_server *server, struct predict_job *job);
};

/* One request; lives in its exchange's storage. */
struct predict_call {
	struct predict_job job;
	struct cadre_predict_server *server;
	struct cadre_exchange *exchange;
	struct cadre_arena arena;
	const Cadre__V1__PredictRequest *request; /* in the arena */
	struct cadre_error err;
	uint64_t received_ns;
	uint64_t until_ns; /* start: its deadline; next: its wait is over */
	size_t bytes;      /* counted as in flight */
	bool started;      /* a worker may have begun */
};

/* The last bytes of a stream, shared by those who answer with them. */
struct predict_chunk {
	unsigned refs; /* lock */
	uint32_t number;
	bool end;
	struct cadre_buffer data;
};

struct predict_stream {
	struct predict_stream *next;  /* lock; in its bucket */
	struct predict_stream *newer; /* lock; all, oldest first */
	struct predict_stream *older;
	unsigned refs;   /* lock; table, its start, asking job, closing job */
	uint64_t id;     /* random: who does not know it cannot ask */
	bool asking;     /* lock; `ask` is queued or runs */
	bool ended;      /* lock; by its last chunk or by `outcome` */
	bool cancelled;  /* lock */
	bool route_held; /* lock */
	struct cadre_agent_route route;
	uint64_t worker_stream;
	uint64_t deadline_ns;
	uint64_t asked_ns;            /* lock */
	uint32_t held;                /* lock; number of the chunk, 0: none yet */
	struct predict_chunk *chunk;  /* lock */
	struct cadre_error outcome;   /* lock; ended without a last chunk */
	struct predict_call *waiting; /* lock; for chunk held + 1 */
	struct predict_job ask;
	struct predict_job closing;
};

struct cadre_predict_server {
	struct cadre_env *env;
	struct cadre_answerer *answerer;
	struct cadre_predict_router router;
	struct cadre_log_sink *sink;
	struct cadre_metrics *metrics;
	unsigned places_max;
	size_t bytes_max;
	uint64_t idle_ns;

	pthread_mutex_t lock;
	pthread_cond_t work;       /* a job is queued, or stopping */
	pthread_cond_t changed;    /* stop waits for the last; the keeper for the first */
	struct predict_job *first; /* lock; and all below */
	struct predict_job **last;
	unsigned queued;
	unsigned starts; /* calls between admission and answer */
	struct predict_stream *buckets[PREDICT_BUCKETS];
	struct predict_stream *oldest;
	struct predict_stream *newest;
	unsigned streams;
	size_t bytes;
	bool refusing; /* starts */
	bool stopping; /* everything */

	pthread_t keeper;
	bool has_keeper;
	pthread_t *threads;
	unsigned thread_count;
};

static inline uint64_t predict_now_ns(const struct cadre_predict_server *server)
{
	return server->env->ops->mono_ns(server->env);
}

/* ---- predict_answer.c: end a call; lock not held ---- */

struct predict_reply {
	uint64_t stream; /* 0: none */
	uint32_t chunk;
	struct cadre_slice data;
	bool end;
	const struct cadre_agent_route *route; /* of a first answer, else NULL */
};
void predict_answer_ok(struct predict_call *call, const struct predict_reply *reply);
/* With call->err. */
void predict_answer_error(struct predict_call *call);

/* ---- predict_pool.c ---- */

CADRE_MUST_CHECK enum cadre_status predict_pool_start(struct cadre_predict_server *server,
                                                      unsigned threads,
                                                      struct cadre_error *err);
/* Runs what is queued, then ends the threads. */
void predict_pool_stop(struct cadre_predict_server *server);
/* Lock held. */
void predict_queue(struct cadre_predict_server *server, struct predict_job *job);
/* Waits for `changed`, at most until `until_ns`; false when that has passed. Lock held. */
bool predict_wait(struct cadre_predict_server *server, uint64_t until_ns);

/* ---- predict_calls.c: nng's threads, and the job of a start ---- */

void predict_receive(void *server, struct cadre_exchange *exchange);

/* ---- predict_table.c: lock held ---- */

/* NULL when there is none. */
struct predict_stream *predict_table_find(struct cadre_predict_server *server,
                                          uint64_t id);
/* Gives it its id, and takes a reference; remove leaves that to the caller. */
void predict_table_add(struct cadre_predict_server *server,
                       struct predict_stream *stream);
void predict_table_remove(struct cadre_predict_server *server,
                          struct predict_stream *stream);
/* How many have not ended. */
unsigned predict_table_live(const struct cadre_predict_server *server);
/* Drops ended streams, the oldest first, until a place and `bytes` are free; false when
 * that does not help. */
bool predict_make_room(struct cadre_predict_server *server, size_t bytes);
/* Takes over the piece's data; NULL: no memory. Needs no lock. */
struct predict_chunk *predict_chunk_make(struct cadre_worker_piece *piece);
void predict_chunk_let_go(struct predict_chunk *chunk); /* takes NULL */
/* The stream's chunk is this one (NULL: none) and no longer the one before. */
void predict_hold(struct cadre_predict_server *server, struct predict_stream *stream,
                  struct predict_chunk *chunk);

/* ---- predict_streams.c ---- */

/* Turns a start's first piece into a stream and takes over the route and the piece's
 * data. Goes to predict_stream_leave(). NULL: no memory, or stopping (call->err); then
 * nothing is taken. */
struct predict_stream *predict_stream_make(struct cadre_predict_server *server,
                                           struct predict_call *call,
                                           const struct cadre_agent_route *route,
                                           struct cadre_worker_piece *piece);
void predict_stream_leave(struct cadre_predict_server *server,
                          struct predict_stream *stream);
/* Answers now or later. */
void predict_stream_next(struct cadre_predict_server *server, struct predict_call *call);
void predict_stream_cancel(struct cadre_predict_server *server, uint64_t id);
void predict_streams_cancel_all(struct cadre_predict_server *server);
/* The keeper's thread: cancels what nobody asks for, and what is past its deadline. */
void *predict_keep(void *server);

#endif
