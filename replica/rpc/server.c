#include "replica/rpc/server.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/base/assert.h"
#include "proto/codec/limits.h"
#include "replica/rpc/internal.h"

static const uint64_t bounds_us[] = { 20,     50,     100,     200,     500,     1000,
	                              2000,   5000,   10000,   20000,   50000,   100000,
	                              200000, 500000, 1000000, 5000000, 30000000 };

static const struct cadre_metric_row metric_rows[METRIC_COUNT] = {
	[METRIC_REQUESTS] = { .name = "cadre_rpc_requests_total",
	                      .kind = CADRE_METRIC_COUNTER,
	                      .unit = "messages",
	                      .help = "Envelopes received." },
	[METRIC_OPS] = { .name = "cadre_rpc_operations_total",
	                 .kind = CADRE_METRIC_COUNTER,
	                 .unit = "operations",
	                 .help = "Operations in envelopes that were not refused." },
	[METRIC_REFUSED] = { .name = "cadre_rpc_refused_total",
	                     .kind = CADRE_METRIC_COUNTER,
	                     .unit = "messages",
	                     .help = "Envelopes refused as a whole." },
	[METRIC_TOO_MANY] = { .name = "cadre_rpc_too_many_total",
	                      .kind = CADRE_METRIC_COUNTER,
	                      .unit = "calls",
	                      .help = "Calls that found no place to wait." },
	[METRIC_ANSWERS_TOO_LARGE] = { .name = "cadre_rpc_answers_too_large_total",
	                               .kind = CADRE_METRIC_COUNTER,
	                               .unit = "results",
	                               .help = "Results refused for their size." },
	[METRIC_PARKED] = { .name = "cadre_rpc_parked",
	                    .kind = CADRE_METRIC_GAUGE,
	                    .unit = "calls",
	                    .help = "Calls that wait for the store or for an event." },
	[METRIC_READ_US] = { .name = "cadre_rpc_read_us",
	                     .kind = CADRE_METRIC_HISTOGRAM,
	                     .unit = "us",
	                     .help = "From message to answer, without a write.",
	                     .bounds = bounds_us,
	                     .bound_count = sizeof bounds_us / sizeof *bounds_us },
	[METRIC_WRITE_US] = { .name = "cadre_rpc_write_us",
	                      .kind = CADRE_METRIC_HISTOGRAM,
	                      .unit = "us",
	                      .help = "From message to answer, with a write.",
	                      .bounds = bounds_us,
	                      .bound_count = sizeof bounds_us / sizeof *bounds_us },
	[METRIC_CONNECTIONS] = { .name = "cadre_rpc_connections",
	                         .kind = CADRE_METRIC_GAUGE,
	                         .unit = "connections",
	                         .help = "Open connections." },
	[METRIC_CONNECTIONS_REFUSED] = { .name = "cadre_rpc_connections_refused",
	                                 .kind = CADRE_METRIC_GAUGE,
	                                 .unit = "connections",
	                                 .help = "Connections closed over the cap." },
	[METRIC_SLOW_PEERS] = { .name = "cadre_rpc_slow_peers",
	                        .kind = CADRE_METRIC_GAUGE,
	                        .unit = "connections",
	                        .help = "Connections closed for not reading." },
	[METRIC_BLOB_BYTES_IN] = { .name = "cadre_rpc_blob_received_bytes_total",
	                           .kind = CADRE_METRIC_COUNTER,
	                           .unit = "bytes",
	                           .help = "Bytes of chunks that were taken." },
	[METRIC_BLOB_BYTES_OUT] = { .name = "cadre_rpc_blob_sent_bytes_total",
	                            .kind = CADRE_METRIC_COUNTER,
	                            .unit = "bytes",
	                            .help = "Bytes of blobs that were read." },
};

static enum cadre_status make_metrics(struct cadre_rpc_server *server,
                                      struct cadre_error *err)
{
	if (cadre_metrics_create(metric_rows, METRIC_COUNT, &server->metrics) != CADRE_OK)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY, "no memory for metrics");
	return CADRE_OK;
}

static void init_locks(struct cadre_rpc_server *server)
{
	pthread_condattr_t attributes;

	pthread_mutex_init(&server->log_lock, NULL);
	pthread_mutex_init(&server->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&server->wake, &attributes);
	pthread_condattr_destroy(&attributes);
}

static bool copy_text(char *to, size_t capacity, const char *from)
{
	return snprintf(to, capacity, "%s", from ? from : "") < (int)capacity;
}

enum cadre_status cadre_rpc_create(const struct cadre_rpc_options *options,
                                   struct cadre_rpc_server **ret_server,
                                   struct cadre_error *err)
{
	struct cadre_rpc_server *server = calloc(1, sizeof *server);
	enum cadre_status status;

	*ret_server = NULL;
	if (!server)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY,
		                       "no memory for the RPC server");
	init_locks(server);
	readers_init(&server->readers);
	access_init(&server->access);
	sessions_init(&server->sessions);
	server->options = *options;
	server->env = options->env;
	if (server->options.parked_max == 0)
		server->options.parked_max = CADRE_RPC_PARKED_MAX;
	server->shares = calloc(server->options.parked_max, sizeof *server->shares);
	status = make_metrics(server, err);
	if (status == CADRE_OK && !server->shares)
		status = cadre_error_set(err, CADRE_OUT_OF_MEMORY,
		                         "no memory for the RPC server");
	if (status == CADRE_OK &&
	    (!copy_text(server->address, sizeof server->address, options->address) ||
	     !copy_text(server->log_dir, sizeof server->log_dir, options->log_dir)))
		status =
		        cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                        "the RPC's address or log directory is too long");
	if (status != CADRE_OK) {
		cadre_rpc_destroy(&server);
		return status;
	}
	*ret_server = server;
	return CADRE_OK;
}

/* Without views, log and directory may be replaced too: its handle is let go. */
static void switch_views(void *ctx, struct cadre_kv *kv)
{
	struct cadre_rpc_server *server = ctx;

	readers_switch(&server->readers, kv);
	if (kv)
		return;
	pthread_mutex_lock(&server->log_lock);
	cadre_log_close(server->log);
	server->log = NULL;
	pthread_mutex_unlock(&server->log_lock);
}

struct cadre_store_watch cadre_rpc_watch(struct cadre_rpc_server *server)
{
	struct cadre_store_watch watch = { .applied = rpc_applied,
		                           .views = switch_views,
		                           .ctx = server };
	return watch;
}

enum cadre_status cadre_rpc_listen(struct cadre_rpc_server *server,
                                   struct cadre_store_thread *thread,
                                   struct cadre_error *err)
{
	const struct cadre_answerer_options options = {
		.address = server->address,
		.default_port = CADRE_RPC_PORT,
		.insecure = server->options.insecure,
		.exchanges = server->options.exchanges,
		.connections_max = server->options.connections_max,
		.message_bytes_max = CADRE_MESSAGE_BYTES_MAX,
		.storage_bytes = sizeof(struct call),
		.answer = rpc_answer,
		.ctx = server,
	};
	enum cadre_status status;

	CADRE_ASSERT(thread || server->options.hooks.submit);
	server->thread = thread;
	status = rpc_keeper_start(server, err);
	if (status == CADRE_OK)
		status = rpc_blob_pool_start(server, err);
	if (status == CADRE_OK)
		status = cadre_answerer_start(&options, &server->answerer, err);
	if (status == CADRE_OK)
		return CADRE_OK;
	rpc_keeper_stop(server);
	rpc_blob_pool_stop(server);
	return status;
}

const struct cadre_address *cadre_rpc_address(const struct cadre_rpc_server *server)
{
	return cadre_answerer_address(server->answerer);
}

void cadre_rpc_stop(struct cadre_rpc_server *server)
{
	if (!server)
		return;
	atomic_store(&server->refusing, true);
	/* Waits for the parked ones; the answerer's stop for those in a handler. */
	rpc_keeper_stop(server);
	rpc_blob_pool_stop(server);
	cadre_answerer_stop(server->answerer);
	server->answerer = NULL;
}

void cadre_rpc_destroy(struct cadre_rpc_server **server_at)
{
	struct cadre_rpc_server *server = *server_at;

	*server_at = NULL;
	if (!server)
		return;
	CADRE_ASSERT(!server->answerer && !server->keeping);
	readers_fini(&server->readers);
	access_fini(&server->access);
	sessions_fini(&server->sessions);
	cadre_log_close(server->log);
	cadre_metrics_destroy(&server->metrics);
	pthread_cond_destroy(&server->wake);
	pthread_mutex_destroy(&server->lock);
	pthread_mutex_destroy(&server->log_lock);
	free(server->shares);
	free(server);
}

struct cadre_metrics *cadre_rpc_metrics(struct cadre_rpc_server *server)
{
	struct cadre_answerer_stat stat;

	if (server->answerer) {
		cadre_answerer_stat(server->answerer, &stat);
		cadre_metric_set(server->metrics, METRIC_CONNECTIONS, stat.connections);
		cadre_metric_set(server->metrics, METRIC_CONNECTIONS_REFUSED,
		                 (int64_t)stat.connections_refused);
		cadre_metric_set(server->metrics, METRIC_SLOW_PEERS,
		                 (int64_t)stat.slow_peers_closed);
	}
	return server->metrics;
}
