#include "tools/gateway/pool.h"

#include <pthread.h>
#include <stdlib.h>

/* jansson recurses up to 2,048 levels into a hostile body. */
#define STACK_BYTES ((size_t)4 << 20)

struct gateway_pool {
	gateway_job_fn run;
	unsigned threads_max;
	unsigned queued_max;
	unsigned room; /* of the ring */
	pthread_mutex_t lock;
	pthread_cond_t work;
	unsigned threads; /* lock; started */
	unsigned busy;    /* lock; of those, with a job */
	unsigned first;   /* lock */
	unsigned count;   /* lock; jobs in the ring */
	bool ending;      /* lock */
	pthread_t *ids;
	void *ring[];
};

enum cadre_status gateway_pool_create(unsigned threads, unsigned queued_max,
                                      gateway_job_fn run, struct gateway_pool **ret_pool,
                                      struct cadre_error *err)
{
	unsigned room = threads + queued_max;
	struct gateway_pool *pool = calloc(1, sizeof *pool + room * sizeof(void *));

	if (pool)
		pool->ids = calloc(threads, sizeof *pool->ids);
	if (!pool || !pool->ids) {
		free(pool);
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY,
		                       "no memory for %u threads", threads);
	}
	pool->run = run;
	pool->threads_max = threads;
	pool->queued_max = queued_max;
	pool->room = room;
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->work, NULL);
	*ret_pool = pool;
	return CADRE_OK;
}

static void *take(struct gateway_pool *pool)
{
	void *job;

	while (pool->count == 0 && !pool->ending)
		pthread_cond_wait(&pool->work, &pool->lock);
	if (pool->count == 0)
		return NULL;
	pool->busy++;
	job = pool->ring[pool->first];
	pool->first = (pool->first + 1) % pool->room;
	pool->count--;
	return job;
}

static void *work(void *ctx)
{
	struct gateway_pool *pool = ctx;
	void *job;

	pthread_mutex_lock(&pool->lock);
	while ((job = take(pool))) {
		pthread_mutex_unlock(&pool->lock);
		pool->run(job);
		pthread_mutex_lock(&pool->lock);
		pool->busy--;
	}
	pthread_mutex_unlock(&pool->lock);
	return NULL;
}

/* One more thread when all are busy; without one the job waits for another. */
static void add_thread(struct gateway_pool *pool)
{
	pthread_attr_t attributes;

	if (pool->threads - pool->busy >= pool->count ||
	    pool->threads == pool->threads_max)
		return;
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	if (pthread_create(&pool->ids[pool->threads], &attributes, work, pool) == 0)
		pool->threads++;
	pthread_attr_destroy(&attributes);
}

/* Without a job, started or not. */
static unsigned free_threads(const struct gateway_pool *pool)
{
	return pool->threads_max - pool->busy;
}

enum cadre_status gateway_pool_submit(struct gateway_pool *pool, void *job)
{
	enum cadre_status status = CADRE_TOO_MANY_REQUESTS;

	pthread_mutex_lock(&pool->lock);
	if (!pool->ending && pool->count < free_threads(pool) + pool->queued_max) {
		pool->ring[(pool->first + pool->count) % pool->room] = job;
		pool->count++;
		add_thread(pool);
		if (pool->threads > 0)
			status = CADRE_OK;
		else
			pool->count--;
		pthread_cond_signal(&pool->work);
	}
	pthread_mutex_unlock(&pool->lock);
	return status;
}

void gateway_pool_destroy(struct gateway_pool **pool)
{
	struct gateway_pool *old = *pool;

	if (!old)
		return;
	pthread_mutex_lock(&old->lock);
	old->ending = true;
	pthread_cond_broadcast(&old->work);
	pthread_mutex_unlock(&old->lock);
	for (unsigned i = 0; i < old->threads; i++)
		pthread_join(old->ids[i], NULL);
	pthread_cond_destroy(&old->work);
	pthread_mutex_destroy(&old->lock);
	free(old->ids);
	free(old);
	*pool = NULL;
}
