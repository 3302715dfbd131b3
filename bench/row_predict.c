/* G1: a prediction through a node's socket against the same worker called directly. */
#include <stdlib.h>

#include "bench/child.h"
#include "bench/echo.h"
#include "bench/rows.h"
#include "replica/agent/predict_client.h"
#include "replica/agent/worker_client.h"

#define BODY_BYTES 256u
#define CALL_MS 10000u
/* What the node may take beside one more round trip. */
#define ALLOWED_NS 50000u

struct predictions {
	struct bench *bench;
	struct bench_child worker;
	struct bench_child node;
	uint64_t count;
	uint8_t body[BODY_BYTES];
};

/* ---- ours ---- */

static enum cadre_status pass_over(void *ctx, struct cadre_slice chunk,
                                   struct cadre_error *err)
{
	size_t *bytes = ctx;

	(void)err;
	*bytes += chunk.length;
	return CADRE_OK;
}

static enum cadre_status predict_once(struct predictions *predictions,
                                      struct cadre_predict_client *client,
                                      struct bench_histogram *latency,
                                      struct cadre_error *err)
{
	const struct cadre_prediction_request request = {
		.deployment = "ocid1.deployment",
		.key = "key",
		.payload = cadre_slice(predictions->body, BODY_BYTES),
		.deadline_ms = CALL_MS,
	};
	uint64_t begin = bench_now_ns();
	size_t bytes = 0;
	enum cadre_status status = cadre_predict(client, &request, pass_over, &bytes,
	                                         NULL, err);

	if (latency)
		bench_histogram_add(latency, bench_now_ns() - begin);
	if (status == CADRE_OK && bytes != BODY_BYTES)
		return cadre_error_set(err, CADRE_INTERNAL, "an answer of %zu bytes",
		                       bytes);
	return status;
}

static enum cadre_status run_ours(void *ctx, struct bench_measure *measure,
                                  struct cadre_error *err)
{
	struct predictions *predictions = ctx;
	struct cadre_predict_client *client = NULL;
	enum cadre_status status = bench_child_start(&predictions->node, "predict",
	                                             predictions->worker.address, NULL,
	                                             NULL, err);

	if (status == CADRE_OK)
		status = cadre_predict_client_open(predictions->node.address, &client,
		                                   err);
	for (uint64_t i = 0; i < predictions->count / 10 + 1 && status == CADRE_OK; i++)
		status = predict_once(predictions, client, NULL, err);
	bench_measure_start(measure);
	for (uint64_t i = 0; i < predictions->count && status == CADRE_OK; i++)
		status = predict_once(predictions, client, measure->latency, err);
	bench_measure_stop(measure, (double)predictions->count);
	measure->cpu_ns = 0; /* of one of three processes only */
	cadre_predict_client_close(&client);
	bench_child_stop(&predictions->node);
	return status;
}

/* ---- the limit ---- */

static enum cadre_status infer_once(struct predictions *predictions,
                                    struct cadre_worker_client *client,
                                    struct bench_histogram *latency, uint64_t on_top_ns,
                                    struct cadre_error *err)
{
	struct cadre_worker_piece piece = { .end = false };
	uint64_t begin = bench_now_ns();
	enum cadre_status status = cadre_worker_infer(
	        client, "m", cadre_slice(predictions->body, BODY_BYTES), CALL_MS, &piece,
	        err);

	for (uint32_t number = 1; status == CADRE_OK && !piece.end; number++)
		status = cadre_worker_next(client, number, CALL_MS, &piece, err);
	if (latency)
		bench_histogram_add(latency, bench_now_ns() - begin + on_top_ns);
	cadre_buffer_fini(&piece.data);
	return status;
}

static void nothing(void *ctx)
{
	(void)ctx;
}

/* Median of a bare round trip of as many bytes. */
static enum cadre_status round_trip(const struct predictions *predictions,
                                    uint64_t *ret_ns, struct cadre_error *err)
{
	struct bench_histogram *latency = calloc(1, sizeof *latency);
	struct bench_echo echo = { .outstanding = 1,
		                   .request_bytes = BODY_BYTES,
		                   .messages = predictions->count,
		                   .latency = latency };
	struct bench_child child;
	enum cadre_status status;

	if (!latency)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY,
		                       "round trips: out of memory");
	status = bench_child_start(&child, "echo", "-", "256", "0", err);
	echo.address = child.address;
	if (status == CADRE_OK)
		status = bench_echo_run(&echo, nothing, NULL, err);
	bench_child_stop(&child);
	*ret_ns = bench_histogram_at(latency, 5000);
	free(latency);
	return status;
}

static enum cadre_status run_limit(void *ctx, struct bench_measure *measure,
                                   struct cadre_error *err)
{
	struct predictions *predictions = ctx;
	struct cadre_worker_client *client = NULL;
	uint64_t round_trip_ns = 0;
	enum cadre_status status = round_trip(predictions, &round_trip_ns, err);

	if (status == CADRE_OK)
		status = cadre_worker_connect(predictions->worker.address, &client, err);
	for (uint64_t i = 0; i < predictions->count / 10 + 1 && status == CADRE_OK; i++)
		status = infer_once(predictions, client, NULL, 0, err);
	bench_measure_start(measure);
	for (uint64_t i = 0; i < predictions->count && status == CADRE_OK; i++)
		status = infer_once(predictions, client, measure->latency,
		                    round_trip_ns + ALLOWED_NS, err);
	bench_measure_stop(measure, (double)predictions->count);
	measure->cpu_ns = 0;
	if (client)
		cadre_worker_stop(&client, 0);
	return status;
}

/* ---- the row ---- */

/* Loaded once; both sides find it. */
static enum cadre_status start_worker(struct predictions *predictions,
                                      struct cadre_error *err)
{
	const struct cadre_worker_load load = { .name = "m",
		                                .path = "/",
		                                .kind = CADRE_WORKER_MODEL_BASE };
	struct cadre_worker_client *client = NULL;
	enum cadre_status status = bench_child_start(&predictions->worker, "worker", "-",
	                                             NULL, NULL, err);

	if (status == CADRE_OK)
		status = cadre_worker_connect(predictions->worker.address, &client, err);
	if (status == CADRE_OK)
		status = cadre_worker_load(client, &load, CALL_MS, NULL, err);
	if (client)
		cadre_worker_stop(&client, 0);
	return status;
}

enum cadre_status bench_row_g1(struct bench *bench, struct cadre_error *err)
{
	struct predictions predictions = {
		.bench = bench, .count = bench_by_size(bench, 100, 10000, 50000)
	};
	const struct bench_comparison comparison = {
		.name = "G1",
		.what = "prediction through a node's socket, p50",
		.unit = "prediction",
		.ours_name = "cadre_predict over tcp, the node asks the worker",
		.limit_name = "the worker called directly, one nng round trip, 50 us",
		.target = 1,
		.at_most = true,
		.medians = true,
		.ours = run_ours,
		.limit = run_limit,
		.ctx = &predictions,
		.note = "the limit's latencies have round trip and 50 us on top, its rate has "
		        "not",
	};
	enum cadre_status status = start_worker(&predictions, err);

	if (status == CADRE_OK)
		status = bench_compare(bench, &comparison, err);
	bench_child_stop(&predictions.worker);
	return status;
}
