/* Threads that may wait for a worker, and the queue in front of them. */
#include "replica/agent/predict_internal.h"

#include <stdlib.h>
#include <time.h>

void predict_queue(struct cadre_predict_server *server, struct predict_job *job)
{
	job->next = NULL;
	*server->last = job;
	server->last = &job->next;
	server->queued++;
	cadre_metric_set(server->metrics, METRIC_QUEUED, server->queued);
	pthread_cond_signal(&server->work);
}

static struct predict_job *take(struct cadre_predict_server *server)
{
	struct predict_job *job = server->first;

	if (!job)
		return NULL;
	server->first = job->next;
	if (!server->first)
		server->last = &server->first;
	server->queued--;
	cadre_metric_set(server->metrics, METRIC_QUEUED, server->queued);
	return job;
}

static void *run(void *arg)
{
	struct cadre_predict_server *server = arg;

	pthread_mutex_lock(&server->lock);
	while (server->first || !server->stopping) {
		struct predict_job *job = take(server);
		if (!job) {
			pthread_cond_wait(&server->work, &server->lock);
			continue;
		}
		pthread_mutex_unlock(&server->lock);
		job->run(server, job);
		pthread_mutex_lock(&server->lock);
		if (server->refusing)
			pthread_cond_broadcast(&server->changed);
	}
	pthread_mutex_unlock(&server->lock);
	return NULL;
}

bool predict_wait(struct cadre_predict_server *server, uint64_t until_ns)
{
	uint64_t now = predict_now_ns(server);
	struct timespec until;

	if (until_ns == UINT64_MAX) {
		pthread_cond_wait(&server->changed, &server->lock);
		return true;
	}
	if (until_ns <= now)
		return false;
	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until_ns = until_ns - now + (uint64_t)until.tv_nsec;
	until.tv_sec += (time_t)(until_ns / 1000000000u);
	until.tv_nsec = (long)(until_ns % 1000000000u);
	(void)pthread_cond_timedwait(&server->changed, &server->lock, &until);
	return true;
}

enum cadre_status predict_pool_start(struct cadre_predict_server *server,
                                     unsigned threads, struct cadre_error *err)
{
	int rc = 0;

	server->threads = calloc(threads, sizeof *server->threads);
	if (!server->threads)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY,
		                       "no memory for %u threads", threads);
	while (rc == 0 && server->thread_count < threads) {
		rc = pthread_create(&server->threads[server->thread_count], NULL, run,
		                    server);
		server->thread_count += rc == 0 ? 1 : 0;
	}
	if (rc == 0)
		rc = pthread_create(&server->keeper, NULL, predict_keep, server);
	server->has_keeper = rc == 0;
	if (rc != 0)
		return cadre_error_errno(err, rc, "starting the threads of predictions");
	return CADRE_OK;
}

void predict_pool_stop(struct cadre_predict_server *server)
{
	pthread_mutex_lock(&server->lock);
	server->stopping = true;
	pthread_cond_broadcast(&server->work);
	pthread_cond_broadcast(&server->changed);
	pthread_mutex_unlock(&server->lock);
	for (unsigned i = 0; i < server->thread_count; i++)
		(void)pthread_join(server->threads[i], NULL);
	if (server->has_keeper)
		(void)pthread_join(server->keeper, NULL);
	free(server->threads);
}
