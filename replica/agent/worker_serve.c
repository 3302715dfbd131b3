/*
 * A worker from open to close.
 *
 * Open: the directory, the threads, then the socket, so that whoever gets an answer
 * gets it from a whole worker. Close: the socket first, so that no request comes any
 * more; then streams are cancelled, inferers end, the loader unloads all.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/assert.h"
#include "replica/agent/worker_dir.h"
#include "replica/agent/worker_internal.h"

#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S UINT64_C(1000000000)
#define FOREVER_NS (3600 * NS_PER_S)
/* Handlers beside those that wait for chunks: loads, unloads, status. */
#define HANDLERS_SPARE 8u

uint64_t worker_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

void worker_cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t attributes;

	CADRE_ASSERT(pthread_condattr_init(&attributes) == 0);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	CADRE_ASSERT(pthread_cond_init(cond, &attributes) == 0);
	pthread_condattr_destroy(&attributes);
}

bool worker_wait(struct cadre_worker *worker, pthread_cond_t *cond, uint64_t until_ns)
{
	uint64_t now = worker_now_ns();
	struct timespec until;

	if (now >= until_ns)
		return false;
	if (until_ns - now > FOREVER_NS)
		until_ns = now + FOREVER_NS;
	until.tv_sec = (time_t)(until_ns / NS_PER_S);
	until.tv_nsec = (long)(until_ns % NS_PER_S);
	pthread_cond_timedwait(cond, &worker->lock, &until);
	return true;
}

void worker_log(struct cadre_worker *worker, enum cadre_log_level level,
                const char *event, const char *format, ...)
{
	char text[CADRE_LOG_LINE_BYTES_MAX];
	struct timespec now;
	va_list args;

	if (!worker->log)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	clock_gettime(CLOCK_REALTIME, &now);
	cadre_log_line(worker->log,
	               (cadre_time_ms)now.tv_sec * 1000 +
	                       (cadre_time_ms)now.tv_nsec / NS_PER_MS,
	               level, event, "%s", text);
}

static void probe(struct cadre_worker *worker)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	bool renewed = false;

	if (cadre_worker_socket_probe(worker->socket, &renewed, &err) != CADRE_OK)
		worker_log(worker, CADRE_LOG_ERROR, "worker.listener_lost",
		           "reason=\"%s\"", err.message);
	else if (renewed)
		worker_log(worker, CADRE_LOG_WARN, "worker.listener_renewed",
		           "address=\"%s\"", worker->address);
}

static void *run_keeper(void *arg)
{
	struct cadre_worker *worker = arg;

	pthread_mutex_lock(&worker->lock);
	while (!worker->stopping) {
		uint64_t until = worker_now_ns() + worker->probe_ms * NS_PER_MS;
		while (!worker->stopping && worker_wait(worker, &worker->tick, until))
			;
		worker_streams_expire(worker);
		if (worker->stopping)
			break;
		pthread_mutex_unlock(&worker->lock);
		probe(worker);
		pthread_mutex_lock(&worker->lock);
	}
	pthread_mutex_unlock(&worker->lock);
	return NULL;
}

static enum cadre_status start_threads(struct cadre_worker *worker,
                                       struct cadre_error *err)
{
	worker->inferers = calloc(worker->inferences_max, sizeof worker->inferers[0]);
	if (!worker->inferers)
		goto failed;
	worker->has_loader = pthread_create(&worker->loader, NULL, worker_run_loader,
	                                    worker) == 0;
	if (!worker->has_loader)
		goto failed;
	while (worker->inferer_count < worker->inferences_max) {
		if (pthread_create(&worker->inferers[worker->inferer_count], NULL,
		                   worker_run_inferer, worker) != 0)
			goto failed;
		worker->inferer_count++;
	}
	return CADRE_OK;
failed:
	return cadre_error_set(err, CADRE_OUT_OF_MEMORY, "no memory for threads");
}

static enum cadre_status set_address(struct cadre_worker *worker, const char *address,
                                     struct cadre_error *err)
{
	const char *path;

	if (!address)
		return cadre_worker_dir_make(NULL, &worker->own_dir, &worker->address,
		                             err);
	worker->address = strdup(address);
	if (!worker->address)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY, "no memory for \"%s\"",
		                       address);
	path = cadre_worker_ipc_path(address);
	return path ? cadre_worker_dir_check(path, err) : CADRE_OK;
}

static enum cadre_status start(struct cadre_worker *worker, const char *address,
                               struct cadre_error *err)
{
	enum cadre_status status = set_address(worker, address, err);

	if (status == CADRE_OK)
		status = start_threads(worker, err);
	if (status == CADRE_OK)
		status = cadre_worker_socket_open(
		        worker->address, worker->streams_max + HANDLERS_SPARE,
		        worker_answer, worker, &worker->socket, err);
	if (status != CADRE_OK)
		return status;
	worker->has_keeper = pthread_create(&worker->keeper, NULL, run_keeper, worker) ==
	                     0;
	if (!worker->has_keeper)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY, "no memory for threads");
	return CADRE_OK;
}

enum cadre_status cadre_worker_open(const struct cadre_worker_options *options,
                                    const struct cadre_worker_callbacks *callbacks,
                                    void *ctx, struct cadre_worker **ret_worker,
                                    struct cadre_error *err)
{
	struct cadre_worker *worker = calloc(1, sizeof *worker);
	enum cadre_status status;

	if (!worker)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY,
		                       "no memory for a worker");
	worker->callbacks = *callbacks;
	worker->ctx = ctx;
	worker->log = options->log;
	worker->inferences_max = options->inferences_max ? options->inferences_max : 4;
	worker->streams_max = options->streams_max ? options->streams_max : 64;
	worker->idle_ms = options->idle_ms ? options->idle_ms : 30 * 1000;
	worker->probe_ms = options->probe_ms ? options->probe_ms : 1000;
	/* A client that outlives one worker must not take up a stream of the next. */
	worker->last_stream = worker_now_ns();
	CADRE_ASSERT(pthread_mutex_init(&worker->lock, NULL) == 0);
	worker_cond_init(&worker->models_changed);
	worker_cond_init(&worker->work);
	worker_cond_init(&worker->tick);
	status = start(worker, options->address, err);
	if (status == CADRE_OK)
		*ret_worker = worker;
	else
		cadre_worker_close(&worker);
	return status;
}

const char *cadre_worker_address(const struct cadre_worker *worker)
{
	return worker->address;
}

static void begin_stop(struct cadre_worker *worker)
{
	pthread_mutex_lock(&worker->lock);
	worker->stopping = true;
	for (struct worker_model *model = worker->models; model; model = model->next)
		atomic_store(&model->task.stopped, true);
	worker_stream_cancel_all(worker);
	pthread_cond_broadcast(&worker->models_changed);
	pthread_cond_broadcast(&worker->work);
	pthread_cond_broadcast(&worker->tick);
	pthread_mutex_unlock(&worker->lock);
}

void cadre_worker_close(struct cadre_worker **ref)
{
	struct cadre_worker *worker = *ref;

	if (!worker)
		return;
	*ref = NULL;
	begin_stop(worker);
	if (worker->has_keeper)
		pthread_join(worker->keeper, NULL);
	cadre_worker_socket_close(&worker->socket);
	for (unsigned i = 0; i < worker->inferer_count; i++)
		pthread_join(worker->inferers[i], NULL);
	if (worker->has_loader)
		pthread_join(worker->loader, NULL);
	pthread_mutex_lock(&worker->lock);
	worker_streams_drop(worker);
	pthread_mutex_unlock(&worker->lock);
	if (worker->own_dir)
		cadre_worker_dir_remove(worker->own_dir);
	pthread_cond_destroy(&worker->models_changed);
	pthread_cond_destroy(&worker->work);
	pthread_cond_destroy(&worker->tick);
	pthread_mutex_destroy(&worker->lock);
	free(worker->inferers);
	free(worker->own_dir);
	free(worker->address);
	free(worker);
}

/* The kernel ends this process with its parent, or with the thread that started it. */
static enum cadre_status follow_parent(struct cadre_error *err)
{
	const char *text = getenv(CADRE_WORKER_PARENT_VARIABLE);
	long parent = text ? strtol(text, NULL, 10) : 0;

	if (parent <= 0)
		return CADRE_OK;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
		return cadre_error_errno(err, errno, "asking to die with process %ld",
		                         parent);
	if (getppid() != (pid_t)parent)
		return cadre_error_set(err, CADRE_UNAVAILABLE,
		                       "process %ld, which started this worker, is gone",
		                       parent);
	return CADRE_OK;
}

enum cadre_status cadre_worker_serve(const struct cadre_worker_options *options,
                                     const struct cadre_worker_callbacks *callbacks,
                                     void *ctx,
                                     void (*listening)(void *ctx, const char *address),
                                     struct cadre_error *err)
{
	struct cadre_worker *worker = NULL;
	enum cadre_status status;
	sigset_t signals;
	int caught;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	status = follow_parent(err);
	if (status == CADRE_OK)
		status = cadre_worker_open(options, callbacks, ctx, &worker, err);
	if (status != CADRE_OK)
		return status;
	if (listening)
		listening(ctx, cadre_worker_address(worker));
	while (sigwait(&signals, &caught) != 0)
		;
	cadre_worker_close(&worker);
	return CADRE_OK;
}
