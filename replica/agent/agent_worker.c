#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "replica/agent/agent_internal.h"

/* A program that has not begun to answer by then never will. */
#define HELLO_MS 60000u
/* From SIGTERM to SIGKILL. */
#define GRACE_MS 2000u
/* Then it is not chance any more. */
#define DEATHS_HOPELESS 3u

static void set_state(struct cadre_agent *agent, enum agent_worker_state state,
                      bool hopeless, const char *reason)
{
	pthread_mutex_lock(&agent->lock);
	agent->worker_state = state;
	agent->worker_hopeless = hopeless;
	snprintf(agent->worker_reason, sizeof agent->worker_reason, "%s", reason);
	pthread_mutex_unlock(&agent->lock);
	cadre_metric_set(agent->metrics, AGENT_METRIC_WORKER_UP, state == WORKER_UP);
	agent->changed = true;
}

/* ---- the end ---- */

/* What was being loaded when it died is to blame until the next try. */
static void lose_models(struct cadre_agent *agent, const char *reason)
{
	for (size_t i = 0; i < agent->model_count; i++) {
		struct agent_model *model = agent_model_of(agent->models[i]);
		bool suspect = model->plan.state == PLAN_LOADING && model->plan.asked;
		char text[sizeof model->reason];
		agent_model_move(agent, model, PLAN_LOST);
		if (!suspect)
			continue;
		model->crashes++;
		snprintf(text, sizeof text, "while it was being loaded: %.200s", reason);
		agent_model_broke(agent, model, text);
	}
}

static void put_away(struct cadre_agent *agent)
{
	struct agent_worker *worker = agent->worker;

	pthread_mutex_lock(&agent->lock);
	agent->worker = NULL;
	worker->refs--;
	worker->next = agent->dead;
	agent->dead = worker;
	pthread_mutex_unlock(&agent->lock);
}

static void lose_worker(struct cadre_agent *agent, const char *reason, uint64_t now_ms)
{
	const struct cadre_agent_options *options = &agent->options;
	uint64_t delay = 0;

	if (now_ms - agent->worker_born_ms >= options->retry_max_ms)
		agent->worker_deaths = 0;
	if (agent->worker_deaths++ > 0)
		delay = plan_back_off_ms(agent->worker_deaths - 1, options->retry_min_ms,
		                         options->retry_max_ms);
	agent->worker_start_ms = now_ms + delay;
	cadre_metric_add(agent->metrics, AGENT_METRIC_WORKER_DEATHS, 1);
	agent_log(agent, CADRE_LOG_WARN, "agent.worker_died",
	          "process=%ld deaths=%u next_ms=%llu reason=\"%s\"",
	          (long)agent->worker->pid, agent->worker_deaths,
	          (unsigned long long)delay, reason);
	put_away(agent);
	set_state(agent, WORKER_DOWN, agent->worker_deaths >= DEATHS_HOPELESS, reason);
	lose_models(agent, reason);
}

static void end_process(const struct agent_worker *worker, int number)
{
	int pidfd = cadre_worker_pidfd(worker->client);

	if (pidfd >= 0)
		(void)syscall(SYS_pidfd_send_signal, pidfd, number, NULL, 0);
}

void agent_dismiss_worker(struct cadre_agent *agent)
{
	if (agent->worker) {
		end_process(agent->worker, SIGTERM);
		put_away(agent);
	}
}

/* Nobody finds a worker here to use it anew. */
static struct agent_worker *take_unused(struct cadre_agent *agent, bool all)
{
	struct agent_worker **link = &agent->dead;
	struct agent_worker *worker;

	pthread_mutex_lock(&agent->lock);
	while (*link && !all && ((*link)->refs > 0 || (*link)->used))
		link = &(*link)->next;
	worker = *link;
	if (worker)
		*link = worker->next;
	pthread_mutex_unlock(&agent->lock);
	return worker;
}

void agent_bury_workers(struct cadre_agent *agent, bool all)
{
	struct agent_worker *worker;

	while ((worker = take_unused(agent, all))) {
		cadre_worker_stop(&worker->client, GRACE_MS);
		free(worker);
	}
}

/* ---- the beginning ---- */

static void fail_start(struct cadre_agent *agent, const struct cadre_error *err,
                       uint64_t now_ms)
{
	const struct cadre_agent_options *options = &agent->options;
	uint64_t delay;

	agent->worker_start_failures++;
	delay = plan_back_off_ms(agent->worker_start_failures, options->retry_min_ms,
	                         options->retry_max_ms);
	agent->worker_start_ms = now_ms + delay;
	agent_log(agent, CADRE_LOG_ERROR, "agent.worker_not_started",
	          "next_ms=%llu reason=\"%s\"", (unsigned long long)delay, err->message);
	set_state(agent, WORKER_DOWN, true, err->message);
}

static void start_worker(struct cadre_agent *agent, uint64_t now_ms)
{
	struct agent_worker *worker = calloc(1, sizeof *worker);
	struct cadre_error err = CADRE_ERROR_INIT;
	enum cadre_status status = CADRE_OUT_OF_MEMORY;

	if (worker)
		status = cadre_worker_start(&agent->options.program, &worker->client,
		                            &err);
	if (status != CADRE_OK) {
		free(worker);
		fail_start(agent, &err, now_ms);
		return;
	}
	worker->refs = 1;
	agent->worker_start_failures = 0;
	worker->pid = cadre_worker_pid(worker->client);
	agent->worker_born_ms = now_ms;
	agent->hello_until_ms = now_ms + HELLO_MS;
	pthread_mutex_lock(&agent->lock);
	agent->worker = worker;
	agent->worker_state = WORKER_STARTING;
	pthread_mutex_unlock(&agent->lock);
	agent->changed = true;
	cadre_metric_add(agent->metrics, AGENT_METRIC_WORKER_STARTS, 1);
	agent_log(agent, CADRE_LOG_INFO, "agent.worker_started",
	          "program=\"%s\" process=%ld", agent->options.program.path,
	          (long)worker->pid);
}

static void say_hello(struct cadre_agent *agent)
{
	struct agent_job *job = &agent->loader.job;

	if (!agent_hand_idle(&agent->loader))
		return;
	job->kind = JOB_HELLO;
	job->worker = agent->worker;
	job->worker->used = true;
	agent_hand_give(&agent->loader);
}

void agent_tend_worker(struct cadre_agent *agent, uint64_t now_ms)
{
	struct cadre_error err = CADRE_ERROR_INIT;

	if (!agent->options.program.path)
		return;
	if (agent->worker && !cadre_worker_alive(agent->worker->client, &err))
		lose_worker(agent, err.message, now_ms);
	if (!agent->worker && now_ms >= agent->worker_start_ms)
		start_worker(agent, now_ms);
	if (agent->worker_state == WORKER_STARTING)
		say_hello(agent);
}

void agent_worker_met(struct cadre_agent *agent, const struct agent_job *job,
                      uint64_t now_ms)
{
	if (job->worker != agent->worker || agent->worker_state != WORKER_STARTING)
		return;
	if (job->status == CADRE_OK) {
		set_state(agent, WORKER_UP, false, "");
		agent_log(agent, CADRE_LOG_INFO, "agent.worker_up",
		          "process=%ld engine=\"%s\" devices=%zu",
		          (long)agent->worker->pid, job->facts.engine,
		          job->facts.device_count);
		return;
	}
	/* Not there yet, or dead, which its descriptor says. */
	if ((job->status == CADRE_DEADLINE || job->status == CADRE_UNAVAILABLE) &&
	    now_ms < agent->hello_until_ms)
		return;
	end_process(agent->worker, SIGKILL);
	lose_worker(agent, job->err.message, now_ms);
}
