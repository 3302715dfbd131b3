/*
 * The server's parts among themselves: server.c starts and stops, envelope.c
 * reads a message, call.c takes it through its operations, batches.c speaks with the
 * store, park.c is the keeper with what waits, answer.c packs, status.c answers for
 * the daemon.
 *
 * A call belongs to one thread at a time: the one that received it, then the store's
 * loop for its requests, then the keeper. `pending` hands it over.
 */
#ifndef CADRE_RPC_INTERNAL_H
#define CADRE_RPC_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "proto/codec/arena.h"
#include "replica/rpc/access.h"
#include "replica/rpc/query.h"
#include "replica/rpc/readers.h"
#include "replica/rpc/server.h"
#include "replica/rpc/sessions.h"
#include "replica/transport/answerer.h"

/* The arena's first bytes: a request of a few operations and its answer fit. */
#define CALL_STORAGE_BYTES 6144u
#define OPEN_MODE_PRINCIPAL "local"

enum call_wait { WAIT_NONE, WAIT_APPLIED, WAIT_EVENT };

/* One batch at the store. In the call's arena. */
struct call_batch {
	struct cadre_request request;
	struct call *call;
	size_t op; /* its number */
	struct call_batch *next;
	struct cadre_result results[];
};

/* One envelope being answered; the storage of its exchange. */
struct call {
	struct cadre_rpc_server *server;
	struct cadre_exchange *exchange;
	struct cadre_arena arena;
	Cadre__V1__Request *request;
	Cadre__V1__Response response;
	Cadre__V1__Position position;
	Cadre__V1__Actor actor;
	struct access_table *access; /* a reference; NULL: not asked yet, or no views */
	/* Whose rights count; NULL: open mode, all may. */
	const struct access_principal *who;
	uint8_t timeline_id[16];
	uint64_t arrived_ns;
	uint64_t deadline_ns;
	size_t next_op;
	struct call_batch *batches; /* under way */
	atomic_size_t pending;      /* of those, and one while they are submitted */
	bool wrote;
	bool refused_all; /* the envelope itself */
	struct cadre_error err;
	/* park.c; the server's lock. */
	bool parked;
	bool parked_to_wait;
	size_t parked_bytes;
	struct principal_share *share;
	enum call_wait wait;
	cadre_seq wait_seq;
	uint64_t wait_until_ns;
	struct call *next;
	struct call *previous;
	_Alignas(16) uint8_t storage[CALL_STORAGE_BYTES];
};

/* Calls of one principal that are parked. */
struct principal_share {
	uint32_t hash;
	unsigned count; /* 0: free */
	char name[256];
};

struct call_list {
	struct call *first;
	struct call *last;
};

enum rpc_metric {
	METRIC_REQUESTS,
	METRIC_OPS,
	METRIC_REFUSED,
	METRIC_TOO_MANY,
	METRIC_ANSWERS_TOO_LARGE,
	METRIC_PARKED,
	METRIC_READ_US,
	METRIC_WRITE_US,
	METRIC_CONNECTIONS,
	METRIC_CONNECTIONS_REFUSED,
	METRIC_SLOW_PEERS,
	METRIC_BLOB_BYTES_IN,
	METRIC_BLOB_BYTES_OUT,
	METRIC_COUNT
};

struct cadre_rpc_server {
	struct cadre_rpc_options options;
	char address[CADRE_ADDRESS_BYTES];
	char log_dir[1024];
	struct cadre_env *env;
	struct cadre_store_thread *thread;
	struct cadre_answerer *answerer;
	struct cadre_metrics *metrics;
	struct readers readers;
	struct access_cache access;
	struct sessions sessions;
	atomic_bool refusing;

	pthread_mutex_t log_lock;
	struct cadre_log *log; /* log_lock; NULL: not open */

	pthread_t keeper;
	bool keeping;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool stopping;                  /* lock */
	struct call_list ready;         /* lock: go on with */
	struct call_list waiting;       /* lock */
	atomic_uint waiting_count;      /* written under lock */
	unsigned parked;                /* lock */
	unsigned parked_to_wait;        /* lock; of those */
	size_t parked_bytes;            /* lock */
	uint64_t look_ns;               /* lock; next look for callers who left */
	struct principal_share *shares; /* lock; parked_max of them */
	_Atomic cadre_seq applied_seq;
	struct blob_pool *pool; /* NULL: no blobs are kept here */
};

/* ---- call.c ---- */

/* The answerer's handler. */
void rpc_answer(void *server, struct cadre_exchange *exchange);
/* Goes on with a call whose wait is over. */
void rpc_resume(struct call *call);

/* A refusal as the result of one operation. */
void rpc_refuse_op(struct call *call, Cadre__V1__Result *result, enum cadre_status status,
                   const char *message);

/* ---- envelope.c ---- */

/* Unpacks and checks the request, finds the actor, the deadline, and room for the
 * results. An error refuses the envelope. */
CADRE_MUST_CHECK enum cadre_status rpc_read_envelope(struct call *call,
                                                     struct cadre_error *err);

/* ---- batches.c ---- */

/* Submits the neighbouring batches from `next_op` on. True: the call is the store's
 * and then the keeper's; false: all are answered, or were refused. */
bool rpc_run_batches(struct call *call);
/* Turns what the store answered into results. */
void rpc_collect_batches(struct call *call);

/* Names the leader in the answer, when it is known. */
void rpc_name_leader(struct call *call);

/* ---- blobs.c, blob_pool.c ---- */

bool rpc_is_blob_op(const Cadre__V1__Op *op);
/* Does what the operation asks, on the disk. */
void rpc_blob_op(struct call *call, const Cadre__V1__Op *op, Cadre__V1__Result *result);
/* Whether the blobs that the batch names are durable here. */
CADRE_MUST_CHECK enum cadre_status rpc_check_blobs(const struct cadre_rpc_server *server,
                                                   const Cadre__V1__Batch *batch,
                                                   struct cadre_error *err);
CADRE_MUST_CHECK enum cadre_status rpc_blob_pool_start(struct cadre_rpc_server *server,
                                                       struct cadre_error *err);
/* After the keeper's stop: nothing is queued any more. */
void rpc_blob_pool_stop(struct cadre_rpc_server *server);
/* Hands the call over to the pool. False: refused, which is its answer. */
bool rpc_run_blob(struct call *call);

/* ---- answer.c ---- */

/* Packs and sends; the call is gone. */
void rpc_send(struct call *call);

/* ---- park.c ---- */

enum cadre_status rpc_keeper_start(struct cadre_rpc_server *server,
                                   struct cadre_error *err);
/* Every parked call is answered on return. */
void rpc_keeper_stop(struct cadre_rpc_server *server);
/* Takes a place among the parked calls, until rpc_unpark(); a call that has one
 * keeps it. Half of them are for calls that wait for others (`to_wait`), so that these
 * keep no writer out. CADRE_TOO_MANY_REQUESTS otherwise. */
CADRE_MUST_CHECK enum cadre_status rpc_park(struct call *call, bool to_wait,
                                            struct cadre_error *err);
void rpc_unpark(struct call *call);
/* Waits for `call->wait_seq` to be applied or for the time to be over; the call is
 * the keeper's when it returns true. False: it is applied already. */
bool rpc_wait(struct call *call);
/* The keeper goes on with it. Threads: any. */
void rpc_ready(struct call *call);
/* The store's watch. */
void rpc_applied(void *ctx, cadre_seq seq);

/* ---- guard.c ---- */

/* Finds out whose rights count, and fills `call->actor`. */
CADRE_MUST_CHECK enum cadre_status rpc_admit(struct call *call, struct cadre_error *err);
bool rpc_may(const struct call *call, enum cadre_verb verb, unsigned resources,
             const char *compartment);
/* For cadre_query: the call as `ctx`. */
bool rpc_may_resource(void *ctx, enum cadre_verb verb,
                      const Cadre__V1__Resource *resource);
/* What is said to who may look at a thing but not do this: NOT_AUTHORIZED; as OCI has
 * it NOT_FOUND through its gateway. */
enum cadre_status rpc_not_allowed(const struct call *call);
/* Before a read that concerns no single resource. */
CADRE_MUST_CHECK enum cadre_status
rpc_check_op(const struct call *call, const Cadre__V1__Op *op, struct cadre_error *err);
/* Before a batch is submitted. */
CADRE_MUST_CHECK enum cadre_status rpc_check_rights(struct call *call,
                                                    const Cadre__V1__Batch *batch,
                                                    struct cadre_error *err);

/* ---- session.c ---- */

/* Challenge, Prove, FindPrincipal; CADRE_END: another operation. */
enum cadre_status rpc_session_op(struct call *call, const struct reader *reader,
                                 const Cadre__V1__Op *op, Cadre__V1__Result *result,
                                 struct cadre_error *err);

/* ---- status.c ---- */

/* StatusQuery, ModelStates, Endpoints; `reader` NULL: StatusQuery without views. */
void rpc_daemon_op(struct call *call, struct reader *reader, struct cadre_query *query,
                   const Cadre__V1__Op *op, Cadre__V1__Result *result);

#endif
