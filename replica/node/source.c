#include "replica/node/source.h"

#include <stdio.h>
#include <stdlib.h>

#include "replica/node/node.h"
#include "replica/node/source_internal.h"

static const struct cadre_metric_row metric_rows[SOURCE_METRIC_COUNT] = {
	[SOURCE_QUESTIONS] = { .name = "cadre_source_questions_total",
	                       .kind = CADRE_METRIC_COUNTER,
	                       .unit = "messages",
	                       .help = "Questions of followers." },
	[SOURCE_REFUSED] = { .name = "cadre_source_refused_total",
	                     .kind = CADRE_METRIC_COUNTER,
	                     .unit = "messages",
	                     .help = "Questions that ended with an error." },
	[SOURCE_HELLOS_REFUSED] = { .name = "cadre_source_hellos_refused_total",
	                            .kind = CADRE_METRIC_COUNTER,
	                            .unit = "messages",
	                            .help = "Followers that could not go on from where "
	                                    "they stand." },
	[SOURCE_BATCH_BYTES] = { .name = "cadre_source_batch_bytes_total",
	                         .kind = CADRE_METRIC_COUNTER,
	                         .unit = "bytes",
	                         .help = "Batches sent to followers." },
	[SOURCE_FROM_RING] = { .name = "cadre_source_ring_reads_total",
	                       .kind = CADRE_METRIC_COUNTER,
	                       .unit = "messages",
	                       .help = "Answers whose batches were in memory." },
	[SOURCE_FROM_LOG] = { .name = "cadre_source_log_reads_total",
	                      .kind = CADRE_METRIC_COUNTER,
	                      .unit = "messages",
	                      .help = "Answers whose batches were read from the log." },
	[SOURCE_SNAPSHOT_BYTES] = { .name = "cadre_source_snapshot_bytes_total",
	                            .kind = CADRE_METRIC_COUNTER,
	                            .unit = "bytes",
	                            .help = "Snapshot rows sent to followers." },
	[SOURCE_REPORTS_REFUSED] = { .name = "cadre_source_reports_refused_total",
	                             .kind = CADRE_METRIC_COUNTER,
	                             .unit = "reports",
	                             .help = "Reports over their limits." },
	[SOURCE_PARKED] = { .name = "cadre_source_parked",
	                    .kind = CADRE_METRIC_GAUGE,
	                    .unit = "followers",
	                    .help = "Followers that have everything and wait." },
	[SOURCE_CONNECTIONS] = { .name = "cadre_source_connections",
	                         .kind = CADRE_METRIC_GAUGE,
	                         .unit = "connections",
	                         .help = "Open connections of followers." },
};

uint64_t source_now_ms(const struct cadre_source *source)
{
	return source->env->ops->mono_ns(source->env) / 1000000u;
}

struct source_position source_position_now(struct cadre_source *source)
{
	struct source_position position;

	pthread_mutex_lock(&source->lock);
	position = source->position;
	pthread_mutex_unlock(&source->lock);
	return position;
}

void cadre_source_position(struct cadre_source *source,
                           const struct cadre_feed_position *position,
                           cadre_time_ms watermark_ms)
{
	pthread_mutex_lock(&source->lock);
	source->position.feed = *position;
	source->position.watermark_ms = watermark_ms;
	source->position.known = true;
	pthread_cond_signal(&source->wake);
	pthread_mutex_unlock(&source->lock);
}

const struct cadre_address *cadre_source_address(const struct cadre_source *source)
{
	return cadre_answerer_address(source->answerer);
}

struct cadre_metrics *cadre_source_metrics(struct cadre_source *source)
{
	struct cadre_answerer_stat stat;

	cadre_answerer_stat(source->answerer, &stat);
	cadre_metric_set(source->metrics, SOURCE_CONNECTIONS, stat.connections);
	return source->metrics;
}

/* ---- start and stop ---- */

static void init_locks(struct cadre_source *source)
{
	pthread_condattr_t attributes;

	pthread_mutex_init(&source->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&source->wake, &attributes);
	pthread_condattr_destroy(&attributes);
}

static enum cadre_status make(const struct cadre_source_options *options,
                              struct cadre_source *source, struct cadre_error *err)
{
	enum cadre_status status;

	init_locks(source);
	source->env = options->env;
	source->reports = options->reports;
	source->sink = options->sink;
	source->met = options->met;
	source->ctx = options->ctx;
	source_maker_init(&source->maker, options->thread);
	(void)snprintf(source->rpc_address, sizeof source->rpc_address, "%s",
	               options->rpc_address ? options->rpc_address : "");
	status = source_log_init(&source->log, options->env, options->log_dir, err);
	if (status == CADRE_OK)
		status = cadre_snapshot_source_create(options->env, options->snapshot_dir,
		                                      &source->snapshots, err);
	if (status != CADRE_OK)
		return status;
	source->feed = cadre_feed_create();
	if (!source->feed || cadre_metrics_create(metric_rows, SOURCE_METRIC_COUNT,
	                                          &source->metrics) != CADRE_OK)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY,
		                       "no memory for the replication socket");
	return CADRE_OK;
}

static enum cadre_status serve(const struct cadre_source_options *options,
                               struct cadre_source *source, struct cadre_error *err)
{
	const struct cadre_answerer_options answerer = {
		.address = options->address,
		.default_port = CADRE_REPLICATION_PORT,
		.insecure = options->insecure,
		.exchanges = SOURCE_EXCHANGES,
		.connections_max = SOURCE_CONNECTIONS_MAX,
		.message_bytes_max = CADRE_REPLICATION_QUESTION_BYTES_MAX,
		.reply_bytes_max = SOURCE_REPLY_BYTES_MAX,
		.storage_bytes = sizeof(struct question),
		.answer = source_answer,
		.ctx = source,
	};
	enum cadre_status status = source_keeper_start(source, err);

	if (status != CADRE_OK)
		return status;
	return cadre_answerer_start(&answerer, &source->answerer, err);
}

enum cadre_status cadre_source_start(const struct cadre_source_options *options,
                                     struct cadre_source **ret_source,
                                     struct cadre_error *err)
{
	struct cadre_source *source = calloc(1, sizeof *source);
	enum cadre_status status;

	*ret_source = NULL;
	if (!source)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY,
		                       "no memory for the replication socket");
	status = make(options, source, err);
	if (status == CADRE_OK)
		status = serve(options, source, err);
	if (status != CADRE_OK) {
		cadre_source_stop(&source);
		return status;
	}
	*ret_source = source;
	return CADRE_OK;
}

void cadre_source_stop(struct cadre_source **source_at)
{
	struct cadre_source *source = *source_at;

	*source_at = NULL;
	if (!source)
		return;
	/* Waits for the parked ones; the answerer's stop for those in a handler. */
	source_keeper_stop(source);
	cadre_answerer_stop(source->answerer);
	source_maker_fini(&source->maker);
	cadre_snapshot_source_destroy(&source->snapshots);
	source_log_fini(&source->log);
	cadre_feed_destroy(source->feed);
	cadre_metrics_destroy(&source->metrics);
	pthread_cond_destroy(&source->wake);
	pthread_mutex_destroy(&source->lock);
	free(source);
}
