/* The roles `worker` and `predict`: a worker whose answer is its question, and a node's
 * prediction socket in front of it. */
#include <stdio.h>

#include "bench/child.h"
#include "replica/agent/predict_server.h"
#include "replica/agent/worker.h"

#define MODEL "m"
#define CALL_MS 10000u

/* ---- worker ---- */

static enum cadre_status tell_facts(void *ctx, struct cadre_worker_facts *ret_facts,
                                    struct cadre_error *err)
{
	(void)ctx;
	(void)err;
	(void)snprintf(ret_facts->engine, sizeof ret_facts->engine, "echo 1");
	return CADRE_OK;
}

static enum cadre_status load(void *ctx, const struct cadre_worker_load *load,
                              void **ret_model, uint64_t *ret_bytes,
                              struct cadre_error *err)
{
	(void)load;
	(void)err;
	*ret_model = ctx;
	*ret_bytes = 1;
	return CADRE_OK;
}

static void unload(void *ctx, void *model)
{
	(void)ctx;
	(void)model;
}

static enum cadre_status infer(void *ctx, void *model, struct cadre_slice payload,
                               struct cadre_worker_stream *stream,
                               struct cadre_error *err)
{
	(void)ctx;
	(void)model;
	return cadre_worker_emit_last(stream, payload, err);
}

static int failed(const char *role, const struct cadre_error *err)
{
	fprintf(stderr, "cadre-bench --child %s: %s\n", role, err->message);
	return 1;
}

int bench_worker_child(void)
{
	static const struct cadre_worker_callbacks callbacks = { tell_facts, load, unload,
		                                                 infer, tell_facts };
	const struct cadre_worker_options options = { .address = NULL };
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_worker *worker;
	int model;

	if (cadre_worker_open(&options, &callbacks, &model, &worker, &err) != CADRE_OK)
		return failed("worker", &err);
	bench_child_serve(cadre_worker_address(worker));
	cadre_worker_close(&worker);
	return 0;
}

/* ---- the node's socket ---- */

static enum cadre_status route(void *ctx, const char *compartment, const char *deployment,
                               const char *key, struct cadre_agent_route *ret_route,
                               struct cadre_error *err)
{
	(void)compartment;
	(void)deployment;
	(void)key;
	(void)err;
	*ret_route = (struct cadre_agent_route){ .client = ctx,
		                                 .name = MODEL,
		                                 .model_id = "ocid1.model",
		                                 .deployment_id = "ocid1.deployment",
		                                 .generation = 1 };
	return CADRE_OK;
}

static void release(void *ctx, struct cadre_agent_route *held)
{
	(void)ctx;
	(void)held;
}

static enum cadre_status serve(struct cadre_worker_client *client,
                               struct cadre_error *err)
{
	const struct cadre_worker_load load = { .name = MODEL,
		                                .path = "/",
		                                .kind = CADRE_WORKER_MODEL_BASE };
	const struct cadre_predict_options options = {
		.address = "tcp://127.0.0.1:0", .router = { route, release, client }
	};
	struct cadre_predict_server *server;
	char address[CADRE_ADDRESS_BYTES];
	enum cadre_status status = cadre_worker_load(client, &load, CALL_MS, NULL, err);

	if (status == CADRE_OK)
		status = cadre_predict_start(&options, &server, err);
	if (status != CADRE_OK)
		return status;
	cadre_address_format(cadre_predict_address(server), address);
	bench_child_serve(address);
	cadre_predict_stop(&server, CALL_MS);
	return CADRE_OK;
}

int bench_predict_child(const char *worker)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_worker_client *client;
	enum cadre_status status = cadre_worker_connect(worker, &client, &err);

	if (status != CADRE_OK)
		return failed("predict", &err);
	status = serve(client, &err);
	cadre_worker_stop(&client, 0);
	return status == CADRE_OK ? 0 : failed("predict", &err);
}
