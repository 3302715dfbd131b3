#include "replica/agent/predict_server.h"

#include <stdlib.h>

#include "replica/agent/predict_internal.h"

static const uint64_t bounds_us[] = { 100,    200,    500,     1000,   2000,
	                              5000,   10000,  20000,   50000,  100000,
	                              200000, 500000, 1000000, 5000000 };

static const struct cadre_metric_row metric_rows[METRIC_COUNT] = {
	[METRIC_STARTS] = { .name = "cadre_predict_starts_total",
	                    .kind = CADRE_METRIC_COUNTER,
	                    .unit = "predictions",
	                    .help = "Predictions asked for." },
	[METRIC_REFUSED] = { .name = "cadre_predict_refused_total",
	                     .kind = CADRE_METRIC_COUNTER,
	                     .unit = "predictions",
	                     .help = "Predictions that found no place here." },
	[METRIC_FAILED] = { .name = "cadre_predict_failed_total",
	                    .kind = CADRE_METRIC_COUNTER,
	                    .unit = "messages",
	                    .help = "Answers with a failure, those of full nodes too." },
	[METRIC_CHUNKS] = { .name = "cadre_predict_chunks_total",
	                    .kind = CADRE_METRIC_COUNTER,
	                    .unit = "chunks",
	                    .help = "Chunks answered, repeated ones too." },
	[METRIC_REPEATS] = { .name = "cadre_predict_repeats_total",
	                     .kind = CADRE_METRIC_COUNTER,
	                     .unit = "chunks",
	                     .help = "Chunks answered again." },
	[METRIC_CANCELLED] = { .name = "cadre_predict_cancelled_total",
	                       .kind = CADRE_METRIC_COUNTER,
	                       .unit = "streams",
	                       .help = "Streams cancelled before their end." },
	[METRIC_IDLE] = { .name = "cadre_predict_idle_total",
	                  .kind = CADRE_METRIC_COUNTER,
	                  .unit = "streams",
	                  .help = "Of those, the ones nobody asked for." },
	[METRIC_STREAMS] = { .name = "cadre_predict_streams",
	                     .kind = CADRE_METRIC_GAUGE,
	                     .unit = "streams",
	                     .help = "Streams that run, or whose last chunk is kept." },
	[METRIC_QUEUED] = { .name = "cadre_predict_queued",
	                    .kind = CADRE_METRIC_GAUGE,
	                    .unit = "jobs",
	                    .help = "Jobs that wait for a thread." },
	[METRIC_BYTES] = { .name = "cadre_predict_bytes",
	                   .kind = CADRE_METRIC_GAUGE,
	                   .unit = "bytes",
	                   .help = "Bodies and chunks that are held." },
	[METRIC_FIRST_US] = { .name = "cadre_predict_first_us",
	                      .kind = CADRE_METRIC_HISTOGRAM,
	                      .unit = "us",
	                      .help = "From a start to its first answer.",
	                      .bounds = bounds_us,
	                      .bound_count = sizeof bounds_us / sizeof *bounds_us },
	[METRIC_CONNECTIONS] = { .name = "cadre_predict_connections",
	                         .kind = CADRE_METRIC_GAUGE,
	                         .unit = "connections",
	                         .help = "Open connections." },
	[METRIC_SLOW_PEERS] = { .name = "cadre_predict_slow_peers",
	                        .kind = CADRE_METRIC_GAUGE,
	                        .unit = "connections",
	                        .help = "Connections closed for not reading." },
};

static void init_locks(struct cadre_predict_server *server)
{
	pthread_condattr_t attributes;

	pthread_mutex_init(&server->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&server->work, NULL);
	pthread_cond_init(&server->changed, &attributes);
	pthread_condattr_destroy(&attributes);
}

/* ---- the agent as router ---- */

static enum cadre_status agent_route(void *agent, const char *compartment,
                                     const char *deployment, const char *key,
                                     struct cadre_agent_route *ret_route,
                                     struct cadre_error *err)
{
	return cadre_agent_route(agent, compartment, deployment, key, ret_route, err);
}

static void agent_release(void *agent, struct cadre_agent_route *route)
{
	cadre_agent_release(agent, route);
}

static struct cadre_predict_router router_of(const struct cadre_predict_options *options)
{
	const struct cadre_predict_router agent = {
		.route = agent_route,
		.release = agent_release,
		.ctx = options->agent,
	};

	return options->router.route ? options->router : agent;
}

/* ---- start and stop ---- */

static struct cadre_predict_server *make(const struct cadre_predict_options *options)
{
	struct cadre_predict_server *server = calloc(1, sizeof *server);

	if (!server)
		return NULL;
	init_locks(server);
	server->env = cadre_env_real();
	server->last = &server->first;
	server->sink = options->sink;
	server->router = router_of(options);
	server->bytes_max = options->bytes_max ? options->bytes_max
	                                       : CADRE_PREDICT_BYTES_IN_FLIGHT_MAX;
	server->idle_ns = (options->idle_ms ? options->idle_ms : PREDICT_IDLE_MS) *
	                  NS_PER_MS;
	server->places_max = options->places_max;
	if (server->places_max == 0 || server->places_max > CADRE_PREDICT_PLACES_MAX)
		server->places_max = CADRE_PREDICT_PLACES_MAX;
	return server;
}

static unsigned threads_of(const struct cadre_predict_options *options)
{
	if (options->threads == 0)
		return PREDICT_THREADS_DEFAULT;
	return options->threads < PREDICT_THREADS_MAX ? options->threads
	                                              : PREDICT_THREADS_MAX;
}

static enum cadre_status listen_now(struct cadre_predict_server *server,
                                    const struct cadre_predict_options *options,
                                    struct cadre_error *err)
{
	const struct cadre_answerer_options answerer = {
		.address = options->address ? options->address : "tcp://127.0.0.1",
		.default_port = CADRE_PREDICT_PORT,
		.insecure = options->insecure,
		.connections_max = options->connections_max
		                           ? options->connections_max
		                           : CADRE_PREDICT_CONNECTIONS_MAX,
		.message_bytes_max = CADRE_PREDICT_MESSAGE_BYTES_MAX,
		.storage_bytes = sizeof(struct predict_call),
		.answer = predict_receive,
		.ctx = server,
	};

	return cadre_answerer_start(&answerer, &server->answerer, err);
}

enum cadre_status cadre_predict_start(const struct cadre_predict_options *options,
                                      struct cadre_predict_server **ret_server,
                                      struct cadre_error *err)
{
	struct cadre_predict_server *server;
	enum cadre_status status = CADRE_OK;

	*ret_server = NULL;
	if (!options->router.route && !options->agent)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "predictions: nothing knows where keys lead");
	server = make(options);
	if (!server ||
	    cadre_metrics_create(metric_rows, METRIC_COUNT, &server->metrics) != CADRE_OK)
		status = cadre_error_set(err, CADRE_OUT_OF_MEMORY,
		                         "no memory for the prediction socket");
	if (status == CADRE_OK)
		status = predict_pool_start(server, threads_of(options), err);
	if (status == CADRE_OK)
		status = listen_now(server, options, err);
	if (status != CADRE_OK) {
		cadre_predict_stop(&server, 0);
		return status;
	}
	*ret_server = server;
	return CADRE_OK;
}

/* What runs has `grace_ms` to end by itself. */
static void drain(struct cadre_predict_server *server, uint32_t grace_ms)
{
	uint64_t until_ns = predict_now_ns(server) + grace_ms * NS_PER_MS;

	pthread_mutex_lock(&server->lock);
	server->refusing = true;
	while ((server->starts > 0 || predict_table_live(server) > 0) &&
	       predict_wait(server, until_ns))
		;
	server->stopping = true;
	pthread_mutex_unlock(&server->lock);
}

void cadre_predict_stop(struct cadre_predict_server **ref, uint32_t grace_ms)
{
	struct cadre_predict_server *server = *ref;

	*ref = NULL;
	if (!server)
		return;
	/* Who asks meanwhile is told that nothing was started. */
	drain(server, grace_ms);
	predict_streams_cancel_all(server);
	predict_pool_stop(server);
	cadre_answerer_stop(server->answerer);
	cadre_metrics_destroy(&server->metrics);
	pthread_cond_destroy(&server->work);
	pthread_cond_destroy(&server->changed);
	pthread_mutex_destroy(&server->lock);
	free(server);
}

const struct cadre_address *
cadre_predict_address(const struct cadre_predict_server *server)
{
	return cadre_answerer_address(server->answerer);
}

struct cadre_metrics *cadre_predict_metrics(struct cadre_predict_server *server)
{
	struct cadre_answerer_stat stat;

	cadre_answerer_stat(server->answerer, &stat);
	cadre_metric_set(server->metrics, METRIC_CONNECTIONS, stat.connections);
	cadre_metric_set(server->metrics, METRIC_SLOW_PEERS,
	                 (int64_t)stat.slow_peers_closed);
	return server->metrics;
}
