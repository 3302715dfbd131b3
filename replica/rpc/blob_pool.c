/*
 * The threads that work on blobs: nng's must not wait for a disk.
 *
 * A call is parked, queued, taken by one thread, and goes on there. Nothing is queued
 * that is not parked: once the keeper has stopped, the queue is empty and stays so.
 */
#include "replica/rpc/internal.h"

#include <stdlib.h>
#include <time.h>

/* Enough to keep one disk busy; hashing shares the processors with the rest. */
#define POOL_THREADS 4u
/* Between two looks for abandoned uploads. */
#define TEND_S 600

struct blob_pool {
	struct cadre_rpc_server *server;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct call *first;      /* lock */
	struct call *last;       /* lock */
	unsigned queued;         /* lock */
	bool stopping;           /* lock */
	struct timespec tend_at; /* lock */
	pthread_t threads[POOL_THREADS];
	unsigned started;
};

static void set_next_look(struct blob_pool *pool)
{
	(void)clock_gettime(CLOCK_MONOTONIC, &pool->tend_at);
	pool->tend_at.tv_sec += TEND_S;
}

/* Under the lock, which is let go meanwhile. What fails is tried again next time. */
static void tend(struct blob_pool *pool)
{
	unsigned removed;

	/* First, or the other threads would look too. */
	set_next_look(pool);
	pthread_mutex_unlock(&pool->lock);
	(void)!cadre_blobs_tend(pool->server->options.blobs, &removed, NULL);
	pthread_mutex_lock(&pool->lock);
}

/* Under the lock. */
static struct call *take(struct blob_pool *pool)
{
	struct call *call = pool->first;

	if (!call)
		return NULL;
	pool->first = call->next;
	if (!pool->first)
		pool->last = NULL;
	pool->queued--;
	return call;
}

static void run(struct call *call)
{
	rpc_blob_op(call, call->request->ops[0], call->response.results[0]);
	call->next_op = 1;
	rpc_resume(call);
}

static void *work(void *ctx)
{
	struct blob_pool *pool = ctx;

	pthread_mutex_lock(&pool->lock);
	while (!pool->stopping) {
		struct call *call = take(pool);
		if (call) {
			pthread_mutex_unlock(&pool->lock);
			run(call);
			pthread_mutex_lock(&pool->lock);
		} else if (pthread_cond_timedwait(&pool->wake, &pool->lock,
		                                  &pool->tend_at) != 0) {
			tend(pool);
		}
	}
	pthread_mutex_unlock(&pool->lock);
	return NULL;
}

enum cadre_status rpc_blob_pool_start(struct cadre_rpc_server *server,
                                      struct cadre_error *err)
{
	struct blob_pool *pool;
	pthread_condattr_t attributes;

	if (!server->options.blobs)
		return CADRE_OK;
	pool = calloc(1, sizeof *pool);
	if (!pool)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY,
		                       "no memory for the RPC server");
	pool->server = server;
	pthread_mutex_init(&pool->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&pool->wake, &attributes);
	pthread_condattr_destroy(&attributes);
	server->pool = pool; /* the first look is due at once */
	for (; pool->started < POOL_THREADS; pool->started++) {
		int rc = pthread_create(&pool->threads[pool->started], NULL, work, pool);
		if (rc != 0)
			return cadre_error_errno(err, rc, "starting a thread for blobs");
	}
	return CADRE_OK;
}

void rpc_blob_pool_stop(struct cadre_rpc_server *server)
{
	struct blob_pool *pool = server->pool;

	server->pool = NULL;
	if (!pool)
		return;
	pthread_mutex_lock(&pool->lock);
	pool->stopping = true;
	pthread_cond_broadcast(&pool->wake);
	pthread_mutex_unlock(&pool->lock);
	for (unsigned i = 0; i < pool->started; i++)
		(void)pthread_join(pool->threads[i], NULL);
	pthread_cond_destroy(&pool->wake);
	pthread_mutex_destroy(&pool->lock);
	free(pool);
}

static bool enqueue(struct blob_pool *pool, struct call *call)
{
	bool room;

	pthread_mutex_lock(&pool->lock);
	room = pool->queued < CADRE_RPC_BLOB_CALLS_MAX;
	if (room) {
		call->next = NULL;
		if (pool->last)
			pool->last->next = call;
		else
			pool->first = call;
		pool->last = call;
		pool->queued++;
		pthread_cond_signal(&pool->wake);
	}
	pthread_mutex_unlock(&pool->lock);
	return room;
}

/* A follower's blobs are its artifacts: uploads and reads are the leader's. */
static void send_to_leader(struct call *call)
{
	rpc_name_leader(call);
	rpc_refuse_op(call, call->response.results[0],
	              call->response.leader ? CADRE_NOT_LEADER : CADRE_UNAVAILABLE,
	              "this node keeps no blobs: ask the leader");
}

bool rpc_run_blob(struct call *call)
{
	if (!call->server->options.blobs) {
		send_to_leader(call);
		return false;
	}
	if (rpc_park(call, false, &call->err) != CADRE_OK) {
		rpc_refuse_op(call, call->response.results[0], call->err.status,
		              call->err.message);
		return false;
	}
	if (enqueue(call->server->pool, call))
		return true;
	cadre_metric_add(call->server->metrics, METRIC_TOO_MANY, 1);
	rpc_refuse_op(call, call->response.results[0], CADRE_TOO_MANY_REQUESTS,
	              "many calls about blobs wait here already: nothing was done, send "
	              "it again later");
	return false;
}
