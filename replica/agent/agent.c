#include "replica/agent/agent.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "engine/base/bytes.h"
#include "replica/agent/agent_internal.h"

enum {
	LINGER_MS = 60 * 1000,
	RETRY_MIN_MS = 500,
	RETRY_MAX_MS = 60 * 1000,
	DRAIN_MS = 60 * 1000,
};

static const uint64_t load_bounds_us[] = {
	1000, 10000, 100000, 1000000, 10000000,
};

#define ROW(which, metric, text, of, what)     \
	[AGENT_METRIC_##which] = {             \
		.name = "cadre_agent_" text,   \
		.kind = CADRE_METRIC_##metric, \
		.unit = of,                    \
		.help = what,                  \
	}
static const struct cadre_metric_row metric_rows[AGENT_METRICS] = {
	ROW(DEPLOYMENTS, GAUGE, "deployments", "deployments",
	    "Deployments placed on this node."),
	ROW(READY, GAUGE, "models_ready", "models", "Models that the worker has ready."),
	ROW(PENDING, GAUGE, "models_pending", "models",
	    "Models to be fetched or loaded."),
	ROW(FAILED, GAUGE, "models_failed", "models",
	    "Models that wait for their next try."),
	ROW(WORKER_UP, GAUGE, "worker_up", "workers", "Whether the worker answers."),
	ROW(ROUTES_HELD, GAUGE, "routes_held", "routes", "Requests under way."),
	ROW(FETCHES, COUNTER, "fetches_total", "artifacts", "Artifacts copied here."),
	ROW(FETCH_FAILURES, COUNTER, "fetch_failures_total", "fetches",
	    "Artifacts that could not be had or were not what was registered."),
	ROW(FETCHED_BYTES, COUNTER, "fetched_bytes_total", "bytes",
	    "Bytes of artifacts copied here."),
	ROW(COLLECTED, COUNTER, "collected_total", "artifacts",
	    "Artifacts removed because no model here names them."),
	ROW(LOADS, COUNTER, "loads_total", "models", "Models loaded."),
	ROW(LOAD_FAILURES, COUNTER, "load_failures_total", "models",
	    "Loads that the worker refused."),
	[AGENT_METRIC_LOAD_US] = {
		.name = "cadre_agent_load_us",
		.kind = CADRE_METRIC_HISTOGRAM,
		.unit = "us",
		.help = "Time of the question to the worker that ended a load.",
		.bounds = load_bounds_us,
		.bound_count = sizeof load_bounds_us / sizeof load_bounds_us[0],
	},
	ROW(UNLOADS, COUNTER, "unloads_total", "models", "Models unloaded."),
	ROW(WORKER_STARTS, COUNTER, "worker_starts_total", "workers",
	    "Worker processes started."),
	ROW(WORKER_DEATHS, COUNTER, "worker_deaths_total", "workers",
	    "Worker processes that ended by themselves."),
	ROW(FLIPS, COUNTER, "flips_total", "flips",
	    "Times a deployment went to another generation here."),
	ROW(NOT_READY, COUNTER, "not_ready_total", "requests",
	    "Requests for members that were not ready."),
};

uint64_t agent_now_ms(const struct cadre_agent *agent)
{
	return agent->env->ops->mono_ns(agent->env) / AGENT_NS_PER_MS;
}

void agent_wake(struct cadre_agent *agent)
{
	uint64_t one = 1;

	while (write(agent->event, &one, sizeof one) < 0 && errno == EINTR)
		;
}

void agent_log(struct cadre_agent *agent, enum cadre_log_level level, const char *event,
               const char *format, ...)
{
	char line[CADRE_LOG_LINE_BYTES_MAX];
	va_list arguments;

	if (!agent->options.sink)
		return;
	va_start(arguments, format);
	vsnprintf(line, sizeof line, format, arguments);
	va_end(arguments);
	cadre_log_line(agent->options.sink, agent->env->ops->wall_ms(agent->env), level,
	               event, "%s", line);
}

static uint32_t or_default(uint32_t value, uint32_t fallback)
{
	return value > 0 ? value : fallback;
}

static void set_options(struct cadre_agent *agent,
                        const struct cadre_agent_options *options)
{
	struct cadre_agent_options *to = &agent->options;

	*to = *options;
	to->linger_ms = or_default(to->linger_ms, LINGER_MS);
	to->retry_min_ms = or_default(to->retry_min_ms, RETRY_MIN_MS);
	to->retry_max_ms = or_default(to->retry_max_ms, RETRY_MAX_MS);
	to->drain_ms = or_default(to->drain_ms, DRAIN_MS);
	cadre_hex_encode(options->node_id, sizeof options->node_id, agent->node_id);
	if (!options->program.path) {
		agent->worker_hopeless = true;
		snprintf(agent->worker_reason, sizeof agent->worker_reason,
		         "this node has no worker program");
	}
}

static void init_hand(struct agent_hand *hand)
{
	pthread_mutex_init(&hand->lock, NULL);
	pthread_cond_init(&hand->given, NULL);
}

static void fini_hand(struct agent_hand *hand)
{
	pthread_cond_destroy(&hand->given);
	pthread_mutex_destroy(&hand->lock);
}

enum cadre_status cadre_agent_create(struct cadre_env *env,
                                     const struct cadre_agent_options *options,
                                     struct cadre_agent **ret_agent,
                                     struct cadre_error *err)
{
	struct cadre_agent *agent = calloc(1, sizeof *agent);
	enum cadre_status status;

	if (!agent)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY,
		                       "no memory for an agent");
	agent->env = env;
	pthread_mutex_init(&agent->lock, NULL);
	pthread_mutex_init(&agent->view_lock, NULL);
	init_hand(&agent->fetcher);
	init_hand(&agent->loader);
	set_options(agent, options);
	agent->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (agent->event < 0)
		status = cadre_error_errno(err, errno, "making an agent");
	else
		status = cadre_metrics_create(metric_rows, AGENT_METRICS,
		                              &agent->metrics);
	if (status == CADRE_OK)
		status = cadre_artifacts_open(env, options->dir, &agent->artifacts, err);
	if (status != CADRE_OK) {
		cadre_agent_destroy(&agent);
		return status;
	}
	cadre_artifacts_set_remote(agent->artifacts, &options->remote);
	*ret_agent = agent;
	return CADRE_OK;
}

enum cadre_status cadre_agent_start(struct cadre_agent *agent, struct cadre_error *err)
{
	agent->started = agent_hand_start(&agent->fetcher, agent) &&
	                 agent_hand_start(&agent->loader, agent) &&
	                 pthread_create(&agent->loop, NULL, agent_run_loop, agent) == 0;
	if (agent->started)
		return CADRE_OK;
	agent_hand_stop(&agent->fetcher);
	agent_hand_stop(&agent->loader);
	return cadre_error_set(err, CADRE_OUT_OF_MEMORY,
	                       "the agent's threads cannot start");
}

void cadre_agent_stop(struct cadre_agent *agent)
{
	if (!agent->started)
		return;
	atomic_store(&agent->stopping, true);
	agent_wake(agent);
	pthread_join(agent->loop, NULL);
	agent->started = false;
}

void cadre_agent_destroy(struct cadre_agent **agent)
{
	struct cadre_agent *gone;

	if (!agent || !*agent)
		return;
	gone = *agent;
	cadre_agent_stop(gone);
	agent_free_tables(gone);
	cadre_artifacts_close(&gone->artifacts);
	cadre_metrics_destroy(&gone->metrics);
	if (gone->event >= 0)
		close(gone->event);
	fini_hand(&gone->fetcher);
	fini_hand(&gone->loader);
	pthread_mutex_destroy(&gone->view_lock);
	pthread_mutex_destroy(&gone->lock);
	free(gone);
	*agent = NULL;
}

void cadre_agent_views(struct cadre_agent *agent, struct cadre_kv *kv)
{
	pthread_mutex_lock(&agent->view_lock);
	agent->kv = kv;
	pthread_mutex_unlock(&agent->view_lock);
	if (!kv)
		return;
	atomic_store(&agent->views_changed, true);
	agent_wake(agent);
}

void cadre_agent_applied(struct cadre_agent *agent, cadre_seq seq)
{
	(void)seq;
	/* One wake for all that comes until the loop reads. */
	if (!atomic_exchange(&agent->views_changed, true))
		agent_wake(agent);
}

struct cadre_metrics *cadre_agent_metrics(struct cadre_agent *agent)
{
	return agent->metrics;
}
