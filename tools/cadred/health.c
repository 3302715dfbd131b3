#include "tools/cadred/health.h"

#include <inttypes.h>
#include <stdio.h>

#include "engine/base/assert.h"

/* Older news of progress say nothing about now. */
#define PROGRESS_FRESH_NS UINT64_C(10000000000)
/* Less of a run says nothing about the rest. */
#define ESTIMATE_AFTER_NS UINT64_C(500000000)
#define SECOND_NS 1e9

static const struct cadre_metric_row rows[CADRED_METRIC_COUNT] = {
	[CADRED_METRIC_READY] = { "cadre_daemon_ready", CADRE_METRIC_GAUGE, "",
	                          "1 while /readyz answers 200", NULL, 0 },
	[CADRED_METRIC_STARTED] = { "cadre_daemon_start_time_seconds", CADRE_METRIC_GAUGE,
	                            "seconds", "When the process started, Unix time",
	                            NULL, 0 },
	[CADRED_METRIC_PERCENT] = { "cadre_daemon_progress_percent", CADRE_METRIC_GAUGE,
	                            "percent",
	                            "Of the recovery, rebuild or bootstrap that runs; 100 "
	                            "when none does",
	                            NULL, 0 },
	[CADRED_METRIC_RELOADS] = { "cadre_daemon_reloads_total", CADRE_METRIC_COUNTER,
	                            "reloads", "Reloads of the file that took effect",
	                            NULL, 0 },
	[CADRED_METRIC_RELOADS_REFUSED] = { "cadre_daemon_reloads_refused_total",
	                                    CADRE_METRIC_COUNTER, "reloads",
	                                    "Reloads refused because the file is wrong",
	                                    NULL, 0 },
	[CADRED_METRIC_REQUESTS] = { "cadre_daemon_http_requests_total",
	                             CADRE_METRIC_COUNTER, "requests",
	                             "HTTP requests for health and metrics", NULL, 0 },
};

enum cadre_status cadred_health_init(struct cadred_health *health, struct cadre_env *env,
                                     struct cadre_error *err)
{
	*health = (struct cadred_health){ .env = env };
	if (cadre_metrics_create(rows, CADRED_METRIC_COUNT, &health->metrics) != CADRE_OK)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY,
		                       "metrics: out of memory");
	CADRE_ASSERT(pthread_mutex_init(&health->node_lock, NULL) == 0);
	CADRE_ASSERT(pthread_mutex_init(&health->lock, NULL) == 0);
	atomic_init(&health->phase, CADRED_STARTING);
	atomic_init(&health->stop_wanted, false);
	cadre_metric_set(health->metrics, CADRED_METRIC_STARTED,
	                 (int64_t)(env->ops->wall_ms(env) / 1000));
	return CADRE_OK;
}

void cadred_health_fini(struct cadred_health *health)
{
	if (!health->metrics)
		return;
	cadre_metrics_destroy(&health->metrics);
	pthread_mutex_destroy(&health->node_lock);
	pthread_mutex_destroy(&health->lock);
}

enum cadre_status cadred_health_progress(void *ctx, uint64_t done, uint64_t total)
{
	struct cadred_health *health = ctx;
	struct cadred_progress *progress = &health->progress;
	uint64_t now = health->env->ops->mono_ns(health->env);

	pthread_mutex_lock(&health->lock);
	if (progress->last_ns == 0 || done < progress->done || total != progress->total) {
		progress->first_done = done;
		progress->first_ns = now;
	}
	progress->done = done;
	progress->total = total;
	progress->last_ns = now;
	pthread_mutex_unlock(&health->lock);
	return atomic_load(&health->stop_wanted) ? CADRE_UNAVAILABLE : CADRE_OK;
}

void cadred_health_node(struct cadred_health *health, struct cadre_node *node)
{
	pthread_mutex_lock(&health->node_lock);
	health->node = node;
	pthread_mutex_unlock(&health->node_lock);
	atomic_store(&health->phase, node ? CADRED_SERVING : CADRED_STOPPING);
}

static void fill_progress(struct cadred_health *health, struct cadred_state *state)
{
	uint64_t now = health->env->ops->mono_ns(health->env);
	struct cadred_progress progress;
	double speed;

	pthread_mutex_lock(&health->lock);
	progress = health->progress;
	pthread_mutex_unlock(&health->lock);
	if (progress.total == 0 || progress.done >= progress.total ||
	    now - progress.last_ns > PROGRESS_FRESH_NS)
		return;
	state->percent_known = true;
	state->percent = 100.0 * (double)progress.done / (double)progress.total;
	if (progress.last_ns - progress.first_ns < ESTIMATE_AFTER_NS ||
	    progress.done == progress.first_done)
		return;
	speed = (double)(progress.done - progress.first_done) /
	        (double)(progress.last_ns - progress.first_ns);
	state->left_known = true;
	state->left_s =
	        (uint64_t)((double)(progress.total - progress.done) / speed / SECOND_NS) +
	        1;
}

static void ask_node(struct cadred_health *health, struct cadred_state *state)
{
	pthread_mutex_lock(&health->node_lock);
	if (health->node)
		state->ready = cadre_node_ready(health->node, state->reason,
		                                sizeof state->reason);
	pthread_mutex_unlock(&health->node_lock);
}

void cadred_health_state(struct cadred_health *health, struct cadred_state *ret_state)
{
	static const char *const reasons[] = {
		[CADRED_STARTING] = "recovering the data directory",
		[CADRED_SERVING] = "",
		[CADRED_STOPPING] = "stopping",
	};
	struct cadred_state state = { .phase = (enum cadred_phase)atomic_load(
		                              &health->phase) };

	snprintf(state.reason, sizeof state.reason, "%s", reasons[state.phase]);
	ask_node(health, &state);
	if (state.ready)
		state.reason[0] = '\0';
	else
		fill_progress(health, &state);
	*ret_state = state;
}

void cadred_state_text(const struct cadred_state *state, char *text, size_t capacity)
{
	int used = snprintf(text, capacity, "%s%s",
	                    state->ready ? "ready" : "not ready: ", state->reason);

	if (state->percent_known && used > 0 && (size_t)used < capacity)
		used += snprintf(text + used, capacity - (size_t)used, ", %.0f %%",
		                 state->percent);
	if (state->left_known && used > 0 && (size_t)used < capacity)
		snprintf(text + used, capacity - (size_t)used,
		         ", about %" PRIu64 " s left", state->left_s);
}

enum cadre_status cadred_health_metrics(struct cadred_health *health,
                                        struct cadre_buffer *out)
{
	struct cadred_state state;
	enum cadre_status status;

	cadred_health_state(health, &state);
	cadre_metric_set(health->metrics, CADRED_METRIC_READY, state.ready);
	cadre_metric_set(health->metrics, CADRED_METRIC_PERCENT,
	                 state.percent_known ? (int64_t)state.percent : 100);
	status = cadre_metrics_text(health->metrics, out);
	pthread_mutex_lock(&health->node_lock);
	if (status == CADRE_OK && health->node)
		status = cadre_node_metrics_text(health->node, out);
	pthread_mutex_unlock(&health->node_lock);
	return status;
}
