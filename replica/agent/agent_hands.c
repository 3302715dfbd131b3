/* The two threads that wait, for files and for the worker, so that the loop need not. */
#include <stdlib.h>

#include "replica/agent/agent_internal.h"

/* The worker says "not yet" after a second; the loop then looks around. */
#define CALL_DEADLINE_MS 1500u

static void fetch(struct cadre_agent *agent, struct agent_job *job)
{
	job->want.uri = job->uri;
	job->status = cadre_artifacts_fetch(agent->artifacts, &job->want, &job->stopped,
	                                    &job->artifact, &job->err);
}

static void collect(struct cadre_agent *agent, struct agent_job *job)
{
	job->status = cadre_artifacts_collect(agent->artifacts, job->keep,
	                                      job->keep_count, &job->removed, &job->err);
}

static void load(struct cadre_agent *agent, struct agent_job *job)
{
	const struct agent_model *model = job->model;
	char *path = cadre_artifacts_path(agent->artifacts, &model->sha256);
	const struct cadre_worker_load wanted = {
		.name = model->name,
		.path = path,
		.sha256 = model->sha256,
		.kind = model->kind,
		.base_name = model->base ? model->base->name : NULL,
		.parameters = model->parameters,
		.parameter_count = model->parameter_count,
	};

	if (path)
		job->status = cadre_worker_load(job->worker->client, &wanted,
		                                CALL_DEADLINE_MS, &job->bytes, &job->err);
	else
		job->status = cadre_error_set(&job->err, CADRE_OUT_OF_MEMORY,
		                              "no memory for a load");
	free(path);
}

static void work(struct agent_hand *hand)
{
	struct cadre_agent *agent = hand->agent;
	struct agent_job *job = &hand->job;
	uint64_t begun = agent->env->ops->mono_ns(agent->env);

	switch (job->kind) {
	case JOB_FETCH:
		fetch(agent, job);
		break;
	case JOB_COLLECT:
		collect(agent, job);
		break;
	case JOB_HELLO:
		job->status = cadre_worker_hello(job->worker->client, CALL_DEADLINE_MS,
		                                 &job->facts, &job->err);
		break;
	case JOB_LOAD:
		load(agent, job);
		break;
	case JOB_UNLOAD:
		job->status = cadre_worker_unload(job->worker->client, job->model->name,
		                                  agent->options.drain_ms,
		                                  CALL_DEADLINE_MS, &job->err);
		break;
	}
	job->took_us = (agent->env->ops->mono_ns(agent->env) - begun) / 1000;
}

static void *run(void *ctx)
{
	struct agent_hand *hand = ctx;

	pthread_mutex_lock(&hand->lock);
	for (;;) {
		while (hand->state != HAND_GIVEN && !hand->stopping)
			pthread_cond_wait(&hand->given, &hand->lock);
		if (hand->state != HAND_GIVEN)
			break;
		pthread_mutex_unlock(&hand->lock);
		work(hand);
		pthread_mutex_lock(&hand->lock);
		hand->state = HAND_DONE;
		agent_wake(hand->agent);
	}
	pthread_mutex_unlock(&hand->lock);
	return NULL;
}

bool agent_hand_start(struct agent_hand *hand, struct cadre_agent *agent)
{
	hand->agent = agent;
	hand->stopping = false;
	hand->started = pthread_create(&hand->thread, NULL, run, hand) == 0;
	return hand->started;
}

void agent_hand_stop(struct agent_hand *hand)
{
	if (!hand->started)
		return;
	pthread_mutex_lock(&hand->lock);
	hand->stopping = true;
	pthread_cond_signal(&hand->given);
	pthread_mutex_unlock(&hand->lock);
	pthread_join(hand->thread, NULL);
	hand->started = false;
	agent_hand_clear(hand);
}

static enum agent_hand_state state_of(struct agent_hand *hand)
{
	enum agent_hand_state state;

	pthread_mutex_lock(&hand->lock);
	state = hand->state;
	pthread_mutex_unlock(&hand->lock);
	return state;
}

bool agent_hand_idle(struct agent_hand *hand)
{
	return state_of(hand) == HAND_IDLE;
}

void agent_hand_give(struct agent_hand *hand)
{
	pthread_mutex_lock(&hand->lock);
	hand->state = HAND_GIVEN;
	pthread_cond_signal(&hand->given);
	pthread_mutex_unlock(&hand->lock);
}

struct agent_job *agent_hand_done(struct agent_hand *hand)
{
	return state_of(hand) == HAND_DONE ? &hand->job : NULL;
}

void agent_hand_clear(struct agent_hand *hand)
{
	pthread_mutex_lock(&hand->lock);
	free(hand->job.uri);
	free(hand->job.keep);
	memset(&hand->job, 0, sizeof hand->job);
	hand->state = HAND_IDLE;
	pthread_mutex_unlock(&hand->lock);
}
