/*
 * One turn of the loop: outcomes of the hands -> the worker's health -> the views, when
 * they changed -> flips -> plan -> jobs for idle hands -> what nobody needs goes ->
 * changed() -> sleep until an event, the worker's death, or the time the plan named.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "replica/agent/agent_internal.h"

/* Reading the views takes at most a tenth of the loop's time. */
#define READ_REST_FACTOR 10u
#define READ_REST_MS_MIN 2u
#define READ_REST_MS_MAX 2000u
#define READ_RETRY_MS 1000u
/* Between two questions whether a model is unloaded by now. */
#define DRAIN_PAUSE_MS 100u

/* ---- outcomes ---- */

static void end_job(struct agent_hand *hand)
{
	struct agent_job *job = &hand->job;

	if (job->model)
		job->model->plan.busy = false;
	if (job->worker)
		job->worker->used = false;
	agent_hand_clear(hand);
}

static void fetch_failed(struct cadre_agent *agent, const struct agent_job *job)
{
	struct agent_model *model = job->model;

	if (atomic_load(&job->stopped)) {
		agent_model_move(agent, model, PLAN_DROPPED);
		return;
	}
	agent_model_broke(agent, model, job->err.message);
	cadre_metric_add(agent->metrics, AGENT_METRIC_FETCH_FAILURES, 1);
	agent_log(agent, CADRE_LOG_WARN, "agent.fetch_failed",
	          "model=\"%s\" attempts=%u reason=\"%s\"", model->id,
	          model->plan.attempts, job->err.message);
}

static void fetched(struct cadre_agent *agent, const struct agent_job *job)
{
	struct agent_model *model = job->model;

	if (job->status != CADRE_OK) {
		fetch_failed(agent, job);
		return;
	}
	if (!agent_model_seen(agent, model, &job->artifact.sha256)) {
		agent_model_broke(agent, model, "no memory for its name");
		return;
	}
	model->doubted = false;
	agent_model_move(agent, model, PLAN_FETCHED);
	if (!job->artifact.copied)
		return;
	cadre_metric_add(agent->metrics, AGENT_METRIC_FETCHES, 1);
	cadre_metric_add(agent->metrics, AGENT_METRIC_FETCHED_BYTES, job->artifact.bytes);
	agent_log(agent, CADRE_LOG_INFO, "agent.fetched",
	          "model=\"%s\" name=\"%s\" bytes=%llu ms=%llu", model->id, model->name,
	          (unsigned long long)job->artifact.bytes,
	          (unsigned long long)(job->took_us / 1000));
}

static void collected(struct cadre_agent *agent, const struct agent_job *job)
{
	cadre_metric_add(agent->metrics, AGENT_METRIC_COLLECTED, job->removed);
	if (job->removed > 0)
		agent_log(agent, CADRE_LOG_INFO, "agent.collected", "artifacts=%u",
		          job->removed);
	if (job->status != CADRE_OK)
		agent_log(agent, CADRE_LOG_WARN, "agent.collect_failed", "reason=\"%s\"",
		          job->err.message);
}

static void loaded(struct cadre_agent *agent, const struct agent_job *job)
{
	struct agent_model *model = job->model;

	/* Dead meanwhile: the model was moved with the others. */
	if (job->worker != agent->worker || model->plan.state != PLAN_LOADING ||
	    job->status == CADRE_DEADLINE || job->status == CADRE_UNAVAILABLE)
		return;
	if (job->status == CADRE_OK) {
		agent_model_loaded(agent, model, job->bytes);
		cadre_metric_add(agent->metrics, AGENT_METRIC_LOADS, 1);
		cadre_metric_observe(agent->metrics, AGENT_METRIC_LOAD_US, job->took_us);
		agent_log(agent, CADRE_LOG_INFO, "agent.loaded",
		          "model=\"%s\" name=\"%s\" bytes=%llu", model->id, model->name,
		          (unsigned long long)model->bytes);
		return;
	}
	/* Once, in case the file went bad behind its verification. */
	model->doubted = model->plan.attempts == 0;
	agent_model_broke(agent, model, job->err.message);
	cadre_metric_add(agent->metrics, AGENT_METRIC_LOAD_FAILURES, 1);
	agent_log(agent, CADRE_LOG_WARN, "agent.load_failed",
	          "model=\"%s\" name=\"%s\" attempts=%u reason=\"%s\"", model->id,
	          model->name, model->plan.attempts, job->err.message);
}

static void unloaded(struct cadre_agent *agent, const struct agent_job *job,
                     uint64_t now_ms)
{
	struct agent_model *model = job->model;

	if (job->worker != agent->worker || model->plan.state != PLAN_DRAINING)
		return;
	if (job->status != CADRE_OK) {
		model->plan.until_ms = now_ms + DRAIN_PAUSE_MS;
		return;
	}
	agent_model_move(agent, model, PLAN_UNLOADED);
	cadre_metric_add(agent->metrics, AGENT_METRIC_UNLOADS, 1);
	agent_log(agent, CADRE_LOG_INFO, "agent.unloaded", "model=\"%s\" name=\"%s\"",
	          model->id, model->name);
}

static void take_outcome(struct cadre_agent *agent, struct agent_hand *hand,
                         uint64_t now_ms)
{
	const struct agent_job *job = agent_hand_done(hand);

	if (!job)
		return;
	switch (job->kind) {
	case JOB_FETCH:
		fetched(agent, job);
		break;
	case JOB_COLLECT:
		collected(agent, job);
		break;
	case JOB_HELLO:
		agent_worker_met(agent, job, now_ms);
		break;
	case JOB_LOAD:
		loaded(agent, job);
		break;
	case JOB_UNLOAD:
		unloaded(agent, job, now_ms);
		break;
	}
	end_job(hand);
}

/* ---- jobs ---- */

static void give_fetch(struct cadre_agent *agent, struct agent_model *model)
{
	struct agent_job *job = &agent->fetcher.job;

	agent_model_move(agent, model, PLAN_FETCH_BEGUN);
	job->uri = model->uri ? strdup(model->uri) : NULL;
	if (model->uri && !job->uri) {
		agent_model_broke(agent, model, "no memory to fetch it");
		return;
	}
	job->kind = JOB_FETCH;
	job->model = model;
	job->want = (struct cadre_artifact_want){
		.has_sha256 = !model->sha256_is_ours,
		.sha256 = model->sha256,
		.bytes = model->registered_bytes,
		.again = model->doubted,
	};
	model->plan.busy = true;
	agent_hand_give(&agent->fetcher);
}

static void give_to_worker(struct cadre_agent *agent, enum agent_job_kind kind,
                           struct agent_model *model)
{
	struct agent_job *job = &agent->loader.job;

	job->kind = kind;
	job->model = model;
	job->worker = agent->worker;
	job->worker->used = true;
	model->plan.busy = true;
	agent_hand_give(&agent->loader);
}

static void give_load(struct cadre_agent *agent, struct agent_model *model)
{
	const struct agent_model *other = agent_model_clash(agent, model);
	char reason[sizeof model->reason];

	if (other) {
		snprintf(reason, sizeof reason,
		         "the worker has another model under its name \"%.100s\": "
		         "\"%.100s\"",
		         model->name, other->id);
		agent_model_broke(agent, model, reason);
		agent_log(agent, CADRE_LOG_WARN, "agent.load_failed",
		          "model=\"%s\" reason=\"%s\"", model->id, reason);
		return;
	}
	model->plan.asked = true;
	give_to_worker(agent, JOB_LOAD, model);
}

static void give_unload(struct cadre_agent *agent, struct agent_model *model)
{
	if (model->plan.state != PLAN_DRAINING)
		agent_model_move(agent, model, PLAN_UNLOAD_BEGUN);
	give_to_worker(agent, JOB_UNLOAD, model);
}

/* Digests that a model here has; only once the views were read. */
static void give_collect(struct cadre_agent *agent)
{
	struct agent_job *job = &agent->fetcher.job;

	job->keep = calloc(agent->model_count + 1, sizeof job->keep[0]);
	if (!job->keep)
		return;
	for (size_t i = 0; i < agent->model_count; i++) {
		const struct agent_model *model = agent_model_of(agent->models[i]);
		if (model->has_sha256)
			job->keep[job->keep_count++] = model->sha256;
	}
	job->kind = JOB_COLLECT;
	agent->garbage = false;
	agent_hand_give(&agent->fetcher);
}

/* The time at which to look again. */
static uint64_t take_steps(struct cadre_agent *agent, uint64_t now_ms)
{
	const struct plan_facts facts = {
		.now_ms = now_ms,
		.worker_up = agent->worker && agent->worker_state == WORKER_UP,
		.may_fetch = agent_hand_idle(&agent->fetcher) &&
		             agent->options.program.path,
		.may_load = agent_hand_idle(&agent->loader),
	};
	struct plan_step step;

	pthread_mutex_lock(&agent->lock);
	plan_next(agent->models, agent->model_count, &facts, &step);
	pthread_mutex_unlock(&agent->lock);
	agent->changed = agent->changed || step.moved;
	if (step.no_fetch)
		atomic_store(&agent->fetcher.job.stopped, true);
	if (step.fetch)
		give_fetch(agent, agent_model_of(step.fetch));
	else if (agent->garbage && agent->known && agent_hand_idle(&agent->fetcher))
		give_collect(agent);
	if (step.unload)
		give_unload(agent, agent_model_of(step.unload));
	else if (step.load)
		give_load(agent, agent_model_of(step.load));
	/* One that could not even begin leaves the hand to the next. */
	if ((step.fetch && agent_hand_idle(&agent->fetcher)) ||
	    (step.load && agent_hand_idle(&agent->loader)))
		return now_ms;
	return step.wake_ms;
}

/* ---- views ---- */

static enum cadre_status read_views(struct cadre_agent *agent, struct cadre_error *err)
{
	enum cadre_status status = CADRE_OK;
	struct desired desired;

	pthread_mutex_lock(&agent->view_lock);
	if (!agent->kv) {
		pthread_mutex_unlock(&agent->view_lock);
		return CADRE_OK;
	}
	status = desired_read(&desired, agent->kv, agent->node_id, err);
	pthread_mutex_unlock(&agent->view_lock);
	if (status == CADRE_OK)
		status = agent_take_desired(agent, &desired, err);
	desired_fini(&desired);
	return status;
}

static uint64_t rest_after(const struct cadre_agent *agent, uint64_t begun_ms)
{
	uint64_t rest = (agent_now_ms(agent) - begun_ms) * READ_REST_FACTOR;

	if (rest < READ_REST_MS_MIN)
		return READ_REST_MS_MIN;
	return rest < READ_REST_MS_MAX ? rest : READ_REST_MS_MAX;
}

static uint64_t tend_views(struct cadre_agent *agent, uint64_t now_ms)
{
	struct cadre_error err = CADRE_ERROR_INIT;

	if (!atomic_load(&agent->views_changed))
		return UINT64_MAX;
	if (now_ms < agent->read_after_ms)
		return agent->read_after_ms;
	atomic_store(&agent->views_changed, false);
	if (read_views(agent, &err) == CADRE_OK) {
		agent->read_after_ms = now_ms + rest_after(agent, now_ms);
		return UINT64_MAX;
	}
	agent_log(agent, CADRE_LOG_WARN, "agent.views_unreadable", "reason=\"%s\"",
	          err.message);
	atomic_store(&agent->views_changed, true);
	agent->read_after_ms = now_ms + READ_RETRY_MS;
	return agent->read_after_ms;
}

/* ---- the loop ---- */

static void tell_changes(struct cadre_agent *agent)
{
	if (!agent->changed)
		return;
	agent->changed = false;
	pthread_mutex_lock(&agent->lock);
	agent->version++;
	pthread_mutex_unlock(&agent->lock);
	if (agent->options.changed)
		agent->options.changed(agent->options.changed_ctx);
}

static void count_states(struct cadre_agent *agent)
{
	size_t counts[PLAN_STATES] = { 0 };

	for (size_t i = 0; i < agent->model_count; i++)
		counts[agent->models[i]->state]++;
	cadre_metric_set(agent->metrics, AGENT_METRIC_DEPLOYMENTS,
	                 (int64_t)agent->deployment_count);
	cadre_metric_set(agent->metrics, AGENT_METRIC_READY, (int64_t)counts[PLAN_READY]);
	cadre_metric_set(agent->metrics, AGENT_METRIC_FAILED,
	                 (int64_t)counts[PLAN_FAILED]);
	cadre_metric_set(agent->metrics, AGENT_METRIC_PENDING,
	                 (int64_t)(counts[PLAN_ABSENT] + counts[PLAN_FETCHING] +
	                           counts[PLAN_LOADING]));
}

static void wait_until(struct cadre_agent *agent, uint64_t until_ms)
{
	uint64_t now_ms = agent_now_ms(agent);
	uint64_t rest = until_ms > now_ms ? until_ms - now_ms : 0;
	struct pollfd fds[2] = {
		{ .fd = agent->event, .events = POLLIN },
		{ .fd = -1, .events = POLLIN },
	};
	uint64_t count;

	if (agent->worker)
		fds[1].fd = cadre_worker_pidfd(agent->worker->client);
	(void)poll(fds, 2, rest > 60 * 1000 ? 60 * 1000 : (int)rest);
	(void)!read(agent->event, &count, sizeof count);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void turn(struct cadre_agent *agent)
{
	uint64_t now_ms = agent_now_ms(agent);
	uint64_t until_ms;

	take_outcome(agent, &agent->fetcher, now_ms);
	take_outcome(agent, &agent->loader, now_ms);
	agent_tend_worker(agent, now_ms);
	until_ms = tend_views(agent, now_ms);
	agent_flip(agent);
	if (agent->marks_stale)
		agent_mark(agent, now_ms);
	until_ms = earlier(until_ms, take_steps(agent, now_ms));
	if (agent_sweep(agent))
		agent->garbage = true;
	agent_bury_workers(agent, false);
	count_states(agent);
	tell_changes(agent);
	if (!agent->worker && agent->options.program.path)
		until_ms = earlier(until_ms, agent->worker_start_ms);
	if (agent->garbage && agent->known && agent_hand_idle(&agent->fetcher))
		until_ms = now_ms;
	wait_until(agent, until_ms);
}

void *agent_run_loop(void *ctx)
{
	struct cadre_agent *agent = ctx;

	while (!atomic_load(&agent->stopping))
		turn(agent);
	/* The hands' calls end with the worker; then nothing uses it. */
	agent_dismiss_worker(agent);
	atomic_store(&agent->fetcher.job.stopped, true);
	agent_hand_stop(&agent->fetcher);
	agent_hand_stop(&agent->loader);
	agent_bury_workers(agent, true);
	return NULL;
}
