#include "tests/unit/predict/predict_node.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- the router ---- */

static enum cadre_status route(void *ctx, const char *compartment, const char *deployment,
                               const char *key, struct cadre_agent_route *ret_route,
                               struct cadre_error *err)
{
	struct predict_node *node = ctx;

	(void)compartment;
	if (strcmp(deployment, "d") != 0)
		return cadre_error_set(err, CADRE_NOT_FOUND, "deployment \"%s\"",
		                       deployment);
	if (strcmp(key, "cold") == 0)
		return cadre_error_set(err, CADRE_UNAVAILABLE,
		                       "\"cold\" is LOADING, 40 %%");
	if (strcmp(key, "k") != 0 && strcmp(key, "unloaded") != 0)
		return cadre_error_set(err, CADRE_NOT_FOUND, "key \"%s\"", key);
	*ret_route = (struct cadre_agent_route){
		.client = node->client,
		.name = strcmp(key, "k") == 0 ? "m" : "never loaded",
		.model_id = "ocid1.model.m",
		.deployment_id = "ocid1.deployment.d",
		.generation = 7,
		.held = node,
	};
	atomic_fetch_add(&node->routes_held, 1);
	atomic_fetch_add(&node->routed, 1);
	return CADRE_OK;
}

static void release(void *ctx, struct cadre_agent_route *held)
{
	struct predict_node *node = ctx;

	assert_ptr_equal(held->held, node);
	held->held = NULL;
	assert_true(atomic_fetch_sub(&node->routes_held, 1) > 0);
}

/* ---- the node ---- */

void predict_node_make(struct predict_node *node)
{
	memset(node, 0, sizeof *node);
	node->options.address = "tcp://127.0.0.1:0";
	node->options.router = (struct cadre_predict_router){
		.route = route,
		.release = release,
		.ctx = node,
	};
}

static void start_worker(struct predict_node *node)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	const struct cadre_worker_load load = {
		.name = "m",
		.path = "/m",
		.kind = CADRE_WORKER_MODEL_BASE,
	};

	if (node->client)
		return;
	assert_ok(cadre_worker_open(&node->worker_options, &stub_worker_callbacks,
	                            &node->stub, &node->worker, &err));
	assert_ok(cadre_worker_connect(cadre_worker_address(node->worker), &node->client,
	                               &err));
	assert_ok(cadre_worker_load(node->client, &load, LONG_MS, NULL, &err));
}

void predict_node_start(struct predict_node *node)
{
	struct cadre_error err = CADRE_ERROR_INIT;

	start_worker(node);
	assert_ok(cadre_predict_start(&node->options, &node->server, &err));
	(void)snprintf(node->address, sizeof node->address, "tcp://127.0.0.1:%u",
	               (unsigned)cadre_predict_address(node->server)->port);
}

void predict_node_stop(struct predict_node *node)
{
	cadre_predict_stop(&node->server, LONG_MS);
	assert_null(node->server);
	assert_int_equal(node->routes_held, 0);
	if (!node->worker)
		return;
	cadre_worker_stop(&node->client, 0);
	cadre_worker_close(&node->worker);
}

static void turn(unsigned *turns)
{
	assert_true((*turns)++ < LONG_MS);
	poll(NULL, 0, 1);
}

void predict_node_wait_held(struct predict_node *node, unsigned count)
{
	unsigned turns = 0;

	while (atomic_load(&node->routes_held) != count)
		turn(&turns);
}

void predict_wait_for(const atomic_uint *counter, unsigned count)
{
	unsigned turns = 0;

	while (atomic_load(counter) < count)
		turn(&turns);
}

uint64_t predict_metric(struct predict_node *node, unsigned row)
{
	return cadre_metric_value(cadre_predict_metrics(node->server), row);
}

/* ---- through the client library ---- */

struct cadre_predict_client *predict_client(const struct predict_node *node)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_predict_client *client;

	assert_ok(cadre_predict_client_open(node->address, &client, &err));
	return client;
}

struct cadre_prediction_request predict_request(const char *payload)
{
	return (struct cadre_prediction_request){
		.deployment = "d",
		.key = "k",
		.payload = cadre_slice_text(payload),
		.deadline_ms = LONG_MS,
	};
}

static enum cadre_status take(void *ctx, struct cadre_slice chunk,
                              struct cadre_error *err)
{
	struct predict_outcome *outcome = ctx;

	(void)err;
	outcome->chunks++;
	return cadre_buffer_append(&outcome->bytes, chunk.data, chunk.length);
}

void predict_run(struct cadre_predict_client *client,
                 const struct cadre_prediction_request *request,
                 struct predict_outcome *outcome)
{
	memset(outcome, 0, sizeof *outcome);
	outcome->status = cadre_predict(client, request, take, outcome, &outcome->facts,
	                                &outcome->err);
}

void predict_outcome_fini(struct predict_outcome *outcome)
{
	cadre_buffer_fini(&outcome->bytes);
}

void predict_is_served(struct predict_node *node)
{
	struct cadre_prediction_request request = predict_request("echo x");
	struct cadre_predict_client *client = predict_client(node);
	struct predict_outcome outcome;
	struct cadre_error err;

	predict_run(client, &request, &outcome);
	err = outcome.err;
	assert_ok(outcome.status);
	assert_int_equal(outcome.bytes.length, 3);
	assert_memory_equal(outcome.bytes.data, "m x", 3);
	predict_outcome_fini(&outcome);
	cadre_predict_client_close(&client);
}

void predict_expect_count(struct cadre_slice bytes, unsigned long count)
{
	size_t at = 0;
	char text[32];

	for (unsigned long i = 0; i < count; i++) {
		size_t length = (size_t)snprintf(text, sizeof text, "%lu;", i);
		assert_true(at + length <= bytes.length);
		assert_memory_equal(bytes.data + at, text, length);
		at += length;
	}
	assert_int_equal(at, bytes.length);
}

/* ---- without it ---- */

struct waiter {
	pthread_mutex_t lock;
	pthread_cond_t done;
	bool answered;
	struct predict_said *said;
};

static void replied(void *ctx, enum cadre_status status, bool sent,
                    struct cadre_slice reply, const struct cadre_error *error)
{
	struct waiter *waiter = ctx;
	struct cadre_error err = *error;

	(void)sent;
	if (status == CADRE_OK)
		(void)!cadre_predict_unpack_answer(reply, &waiter->said->arena,
		                                   &waiter->said->answer, &err);
	pthread_mutex_lock(&waiter->lock);
	waiter->answered = true;
	pthread_cond_signal(&waiter->done);
	pthread_mutex_unlock(&waiter->lock);
}

static void say(struct predict_node *node, const Cadre__V1__PredictRequest *request,
                struct predict_said *ret_said)
{
	size_t bytes = protobuf_c_message_get_packed_size(&request->base);
	struct cadre_error err = CADRE_ERROR_INIT;
	struct waiter waiter = { .said = ret_said };
	struct cadre_question *question;
	struct cadre_asker *asker;
	uint8_t *body;

	memset(ret_said, 0, sizeof *ret_said);
	cadre_arena_init(&ret_said->arena, CADRE_PREDICT_ARENA_BYTES_MAX);
	pthread_mutex_init(&waiter.lock, NULL);
	pthread_cond_init(&waiter.done, NULL);
	assert_ok(cadre_asker_create(node->address, CADRE_PREDICT_PORT,
	                             CADRE_PREDICT_MESSAGE_BYTES_MAX, &asker, &err));
	assert_ok(cadre_question_begin(asker, bytes, &question, &body, &err));
	protobuf_c_message_pack(&request->base, body);
	cadre_question_send(question, LONG_MS, LONG_MS, replied, &waiter);
	pthread_mutex_lock(&waiter.lock);
	while (!waiter.answered)
		pthread_cond_wait(&waiter.done, &waiter.lock);
	pthread_mutex_unlock(&waiter.lock);
	cadre_asker_destroy(&asker);
	pthread_cond_destroy(&waiter.done);
	pthread_mutex_destroy(&waiter.lock);
	assert_non_null(ret_said->answer);
}

void predict_say_start(struct predict_node *node, const char *payload,
                       struct predict_said *ret_said)
{
	Cadre__V1__PredictRequest request = CADRE__V1__PREDICT_REQUEST__INIT;
	Cadre__V1__PredictStart start = CADRE__V1__PREDICT_START__INIT;
	char deployment[] = "d";
	char key[] = "k";

	start.deployment = deployment;
	start.key = key;
	start.payload.data = (uint8_t *)(uintptr_t)payload;
	start.payload.len = strlen(payload);
	request.body_case = CADRE__V1__PREDICT_REQUEST__BODY_START;
	request.start = &start;
	say(node, &request, ret_said);
}

void predict_say_next(struct predict_node *node, uint64_t stream, uint32_t after,
                      uint32_t wait_ms, struct predict_said *ret_said)
{
	Cadre__V1__PredictRequest request = CADRE__V1__PREDICT_REQUEST__INIT;
	Cadre__V1__PredictNext next = CADRE__V1__PREDICT_NEXT__INIT;

	next.stream = stream;
	next.after = after;
	next.has_wait_ms = true;
	next.wait_ms = wait_ms;
	request.body_case = CADRE__V1__PREDICT_REQUEST__BODY_NEXT;
	request.next = &next;
	say(node, &request, ret_said);
}

void predict_say_cancel(struct predict_node *node, uint64_t stream,
                        struct predict_said *ret_said)
{
	Cadre__V1__PredictRequest request = CADRE__V1__PREDICT_REQUEST__INIT;
	Cadre__V1__PredictCancel cancel = CADRE__V1__PREDICT_CANCEL__INIT;

	cancel.stream = stream;
	request.body_case = CADRE__V1__PREDICT_REQUEST__BODY_CANCEL;
	request.cancel = &cancel;
	say(node, &request, ret_said);
}

void predict_said_fini(struct predict_said *said)
{
	cadre_arena_fini(&said->arena);
}
