#include "engine/store/thread.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "engine/store/internal.h"

/* One waiting caller of cadre_store_thread_run(), on its stack. */
struct job {
	cadre_store_job_fn run;
	void *ctx;
	bool done;
	bool ran;
	struct job *next;
};

struct cadre_store_thread {
	struct cadre_store *store;
	cadre_store_changed_fn changed;
	void *changed_ctx;
	struct cadre_store_status last; /* what `changed` was told, the loop's alone */
	pthread_t loop;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	pthread_cond_t job_done;
	struct request_list inbox; /* lock */
	struct job *jobs;          /* lock */
	bool ended;                /* lock; the loop takes nothing any more */
	bool stopping;             /* lock */
	bool failed;               /* lock */
	unsigned callers;          /* lock; inside cadre_store_thread_run() */
	/* The snapshot writer: started and joined by the loop. */
	pthread_t writer;
	bool writing;                    /* the loop's alone */
	_Atomic bool written;            /* set by the writer when it ends */
	struct cadre_snapshot_info info; /* the writer's until `written` */
	enum cadre_status write_status;
};

/* Moves the inbox into the store; false when the loop is to end. */
static bool take_inbox(struct cadre_store_thread *thread)
{
	struct request_list taken;
	struct cadre_request *request;
	bool stopping;

	pthread_mutex_lock(&thread->lock);
	taken = thread->inbox;
	memset(&thread->inbox, 0, sizeof thread->inbox);
	stopping = thread->stopping;
	pthread_mutex_unlock(&thread->lock);
	while ((request = cadre_request_pop(&taken)))
		cadre_store_submit(thread->store, request);
	return !stopping;
}

/* Takes all jobs, runs them, wakes their callers. With `run` false they are only
 * turned away. */
static void run_jobs(struct cadre_store_thread *thread, bool run)
{
	struct job *jobs;

	pthread_mutex_lock(&thread->lock);
	jobs = thread->jobs;
	thread->jobs = NULL;
	pthread_mutex_unlock(&thread->lock);
	while (jobs) {
		struct job *job = jobs;
		jobs = job->next;
		if (run)
			job->run(thread->store, job->ctx);
		pthread_mutex_lock(&thread->lock);
		job->ran = run;
		job->done = true;
		pthread_cond_broadcast(&thread->job_done);
		pthread_mutex_unlock(&thread->lock);
	}
}

static void tell_change(struct cadre_store_thread *thread)
{
	struct cadre_store *store = thread->store;
	struct cadre_log_head head = cadre_log_head(store->log);

	if (!thread->changed ||
	    (head.durable_seq == thread->last.log.durable_seq &&
	     store->committed_seq == thread->last.committed_seq &&
	     store->view_head.applied_seq == thread->last.view.applied_seq &&
	     store->diverged == (thread->last.state == CADRE_CONTROL_DIVERGED) &&
	     store->doubt.leader_digest_seq == thread->last.leader_digest_seq))
		return;
	cadre_store_status(store, &thread->last);
	thread->changed(thread->changed_ctx, &thread->last);
}

static void wait_for_work(struct cadre_store_thread *thread)
{
	struct timespec until;
	uint64_t pause = cadre_store_idle_ns(thread->store);

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += (time_t)(pause / 1000000000u);
	until.tv_nsec += (long)(pause % 1000000000u);
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	pthread_mutex_lock(&thread->lock);
	while (!thread->inbox.first && !thread->jobs && !thread->stopping) {
		if (pthread_cond_timedwait(&thread->wake, &thread->lock, &until) ==
		    ETIMEDOUT)
			break;
	}
	pthread_mutex_unlock(&thread->lock);
}

static void *write_snapshot(void *ctx)
{
	struct cadre_store_thread *thread = ctx;
	struct cadre_store *store = thread->store;

	thread->write_status = cadre_snapshot_write(store->env, store->paths.snapshots,
	                                            store->kv, NULL, NULL, &thread->info,
	                                            NULL);
	if (thread->write_status == CADRE_OK)
		thread->write_status = cadre_snapshot_prune(
		        store->env, store->paths.snapshots,
		        store->options.snapshots_kept ? store->options.snapshots_kept : 2,
		        NULL);
	atomic_store(&thread->written, true);
	return NULL;
}

static void join_writer(struct cadre_store_thread *thread)
{
	struct cadre_store *store = thread->store;

	if (!thread->writing)
		return;
	pthread_join(thread->writer, NULL);
	thread->writing = false;
	store->snapshots.last_mono_ns = store->env->ops->mono_ns(store->env);
	if (thread->write_status == CADRE_OK) {
		store->snapshots.last_seq = thread->info.head.applied_seq;
		store->snapshots.last_log_bytes = store->log_bytes;
	}
}

/* A rebuild closes the map under the writer's feet: none starts while views are
 * damaged, and a rebuild waits for a running one. */
static void tend_writer(struct cadre_store_thread *thread)
{
	struct cadre_store *store = thread->store;

	if (thread->writing) {
		if (atomic_load(&thread->written) || store->rebuild)
			join_writer(thread);
		return;
	}
	if (store->rebuild || store->behind || store->diverged ||
	    store->options.memory_views ||
	    !cadre_snapshot_due(&store->snapshots, store->view_head.applied_seq,
	                        store->log_bytes, store->env->ops->mono_ns(store->env),
	                        false))
		return;
	atomic_store(&thread->written, false);
	thread->writing = pthread_create(&thread->writer, NULL, write_snapshot, thread) ==
	                  0;
}

static void *run(void *ctx)
{
	struct cadre_store_thread *thread = ctx;
	struct cadre_store *store = thread->store;
	struct cadre_error err = CADRE_ERROR_INIT;
	struct request_list left;
	bool again = false;

	/* A batch under way is finished, unless it waits for somebody else's word. */
	while (take_inbox(thread) || (again && store->phase != PHASE_IDLE)) {
		tend_writer(thread);
		run_jobs(thread, true);
		if (cadre_store_step(store, &again, &err) != CADRE_OK)
			break;
		tell_change(thread);
		if (!again)
			wait_for_work(thread);
	}
	/* A write transaction ends on its thread, and the writer may wait for that. */
	cadre_store_abandon_batch(store);
	join_writer(thread);
	pthread_mutex_lock(&thread->lock);
	thread->failed = !thread->stopping;
	thread->ended = true;
	left = thread->inbox;
	memset(&thread->inbox, 0, sizeof thread->inbox);
	pthread_mutex_unlock(&thread->lock);
	run_jobs(thread, false);
	cadre_request_fail_all(&store->waiting, CADRE_UNAVAILABLE,
	                       "the store is stopping");
	cadre_request_fail_all(&left, CADRE_UNAVAILABLE, "the store is stopping");
	return NULL;
}

enum cadre_status cadre_store_thread_start(struct cadre_store *store,
                                           cadre_store_changed_fn changed,
                                           void *changed_ctx,
                                           struct cadre_store_thread **ret_thread,
                                           struct cadre_error *err)
{
	struct cadre_store_thread *thread = calloc(1, sizeof *thread);
	pthread_condattr_t attributes;

	*ret_thread = NULL;
	if (!thread)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY,
		                       "store thread: out of memory");
	thread->store = store;
	thread->changed = changed;
	thread->changed_ctx = changed_ctx;
	pthread_mutex_init(&thread->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&thread->wake, &attributes);
	pthread_condattr_destroy(&attributes);
	pthread_cond_init(&thread->job_done, NULL);
	if (pthread_create(&thread->loop, NULL, run, thread) != 0) {
		pthread_cond_destroy(&thread->wake);
		pthread_cond_destroy(&thread->job_done);
		pthread_mutex_destroy(&thread->lock);
		free(thread);
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY,
		                       "store thread: cannot start");
	}
	*ret_thread = thread;
	return CADRE_OK;
}

void cadre_store_thread_stop(struct cadre_store_thread *thread)
{
	if (!thread)
		return;
	pthread_mutex_lock(&thread->lock);
	thread->stopping = true;
	pthread_cond_signal(&thread->wake);
	pthread_mutex_unlock(&thread->lock);
	pthread_join(thread->loop, NULL);
	/* Who waited for a job must have left before the lock goes. */
	pthread_mutex_lock(&thread->lock);
	while (thread->callers > 0)
		pthread_cond_wait(&thread->job_done, &thread->lock);
	pthread_mutex_unlock(&thread->lock);
	pthread_cond_destroy(&thread->wake);
	pthread_cond_destroy(&thread->job_done);
	pthread_mutex_destroy(&thread->lock);
	free(thread);
}

void cadre_store_thread_submit(struct cadre_store_thread *thread,
                               struct cadre_request *request)
{
	bool refused;

	pthread_mutex_lock(&thread->lock);
	refused = thread->stopping || thread->ended;
	if (!refused) {
		cadre_request_push(&thread->inbox, request);
		pthread_cond_signal(&thread->wake);
	}
	pthread_mutex_unlock(&thread->lock);
	if (refused)
		cadre_request_finish(request, CADRE_UNAVAILABLE, "the store is stopping");
}

bool cadre_store_thread_run(struct cadre_store_thread *thread, cadre_store_job_fn fn,
                            void *ctx)
{
	struct job job = { .run = fn, .ctx = ctx };

	pthread_mutex_lock(&thread->lock);
	if (!thread->ended && !thread->stopping) {
		struct job **end = &thread->jobs;
		while (*end)
			end = &(*end)->next;
		*end = &job;
		pthread_cond_signal(&thread->wake);
		thread->callers++;
		while (!job.done)
			pthread_cond_wait(&thread->job_done, &thread->lock);
		thread->callers--;
		pthread_cond_broadcast(&thread->job_done);
	}
	pthread_mutex_unlock(&thread->lock);
	return job.ran;
}

bool cadre_store_thread_failed(struct cadre_store_thread *thread)
{
	bool failed;

	pthread_mutex_lock(&thread->lock);
	failed = thread->failed;
	pthread_mutex_unlock(&thread->lock);
	return failed;
}

struct waiter {
	pthread_mutex_t lock;
	pthread_cond_t done_cond;
	bool done;
};

static void wake_waiter(struct cadre_request *request)
{
	struct waiter *waiter = request->ctx;

	pthread_mutex_lock(&waiter->lock);
	waiter->done = true;
	pthread_cond_signal(&waiter->done_cond);
	pthread_mutex_unlock(&waiter->lock);
}

void cadre_store_thread_call(struct cadre_store_thread *thread,
                             struct cadre_request *request)
{
	struct waiter waiter = { .done = false };

	pthread_mutex_init(&waiter.lock, NULL);
	pthread_cond_init(&waiter.done_cond, NULL);
	request->complete = wake_waiter;
	request->ctx = &waiter;
	cadre_store_thread_submit(thread, request);
	pthread_mutex_lock(&waiter.lock);
	while (!waiter.done)
		pthread_cond_wait(&waiter.done_cond, &waiter.lock);
	pthread_mutex_unlock(&waiter.lock);
	pthread_cond_destroy(&waiter.done_cond);
	pthread_mutex_destroy(&waiter.lock);
}
