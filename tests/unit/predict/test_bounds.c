/* Places, bytes and time are bounded, and the end of a server is an orderly one. */
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "replica/agent/predict_internal.h"
#include "tests/unit/predict/predict_node.h"

static struct predict_node node;

static int setup(void **state)
{
	(void)state;
	predict_node_make(&node);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	predict_node_stop(&node);
	return 0;
}

static uint64_t start_stream(const char *payload)
{
	struct predict_said said;
	uint64_t id;

	predict_say_start(&node, payload, &said);
	assert_int_equal(said.answer->status, CADRE_OK);
	id = said.answer->stream;
	predict_said_fini(&said);
	return id;
}

static void cancel_stream(uint64_t id)
{
	struct predict_said said;

	predict_say_cancel(&node, id, &said);
	assert_int_equal(said.answer->status, CADRE_OK);
	predict_said_fini(&said);
}

static void expect_too_many(const char *payload)
{
	struct predict_said said;

	predict_say_start(&node, payload, &said);
	assert_int_equal(said.answer->status, CADRE_TOO_MANY_REQUESTS);
	assert_true(said.answer->has_started);
	assert_false(said.answer->started);
	predict_said_fini(&said);
}

static void test_a_full_node_refuses_and_takes_the_next_when_a_place_is_free(void **state)
{
	uint64_t ids[3];

	(void)state;
	node.options.places_max = 3;
	predict_node_start(&node);
	for (unsigned i = 0; i < 3; i++)
		ids[i] = start_stream("wait");
	expect_too_many("echo x");
	cancel_stream(ids[1]);
	predict_is_served(&node);
	cancel_stream(ids[0]);
	cancel_stream(ids[2]);
}

static void test_streams_that_ended_make_room_for_new_ones(void **state)
{
	struct cadre_prediction_request request = predict_request("count 300000");
	struct cadre_predict_client *client;
	struct predict_outcome outcome;

	(void)state;
	node.options.places_max = 2;
	predict_node_start(&node);
	client = predict_client(&node);
	for (unsigned i = 0; i < 6; i++) {
		predict_run(client, &request, &outcome);
		assert_int_equal(outcome.status, CADRE_OK);
		predict_outcome_fini(&outcome);
	}
	assert_true(predict_metric(&node, METRIC_STREAMS) <= 2);
	cadre_predict_client_close(&client);
}

static void test_a_full_worker_refuses_and_nothing_was_started(void **state)
{
	uint64_t ids[2];

	(void)state;
	node.worker_options.streams_max = 2;
	predict_node_start(&node);
	ids[0] = start_stream("wait");
	ids[1] = start_stream("wait");
	expect_too_many("echo x");
	cancel_stream(ids[0]);
	cancel_stream(ids[1]);
}

/* A body of `bytes` that the stub takes for "wait". */
static void *start_large(void *arg)
{
	struct cadre_prediction_request request = predict_request("");
	struct cadre_predict_client *client = predict_client(&node);
	struct predict_outcome outcome;
	size_t bytes = (size_t)2 << 20;
	char *body = calloc(1, bytes);

	memcpy(body, "wait", 4);
	request.payload = cadre_slice(body, bytes);
	request.deadline_ms = 900;
	predict_run(client, &request, &outcome);
	*(enum cadre_status *)arg = outcome.status;
	predict_outcome_fini(&outcome);
	cadre_predict_client_close(&client);
	free(body);
	return NULL;
}

static void test_bytes_in_flight_are_bounded_and_small_bodies_still_served(void **state)
{
	enum cadre_status first = CADRE_OK;
	enum cadre_status second = CADRE_OK;
	pthread_t thread;

	(void)state;
	node.options.bytes_max = (size_t)3 << 20;
	predict_node_start(&node);
	assert_int_equal(pthread_create(&thread, NULL, start_large, &first), 0);
	predict_wait_for(&node.stub.infers, 1);
	start_large(&second);
	assert_int_equal(second, CADRE_TOO_MANY_REQUESTS);
	predict_is_served(&node);
	pthread_join(thread, NULL);
	assert_int_equal(first, CADRE_DEADLINE);
	/* Its bytes are free again. */
	start_large(&second);
	assert_int_equal(second, CADRE_DEADLINE);
	assert_int_equal(predict_metric(&node, METRIC_BYTES), 0);
}

static void test_a_stream_nobody_asks_for_is_cancelled(void **state)
{
	(void)state;
	node.options.idle_ms = 50;
	predict_node_start(&node);
	(void)start_stream("wait");
	predict_wait_for(&node.stub.stopped, 1);
	predict_node_wait_held(&node, 0);
	assert_int_equal(predict_metric(&node, METRIC_IDLE), 1);
	assert_int_equal(predict_metric(&node, METRIC_STREAMS), 0);
}

/* ---- a thousand ---- */

#define CROWD 1000u

struct crowd {
	pthread_mutex_t lock;
	pthread_cond_t all;
	unsigned answered;
	unsigned count[CADRE_STATUS_COUNT];
	unsigned refused_started;
};

static void take_answer(void *ctx, enum cadre_status status, bool sent,
                        struct cadre_slice reply, const struct cadre_error *err)
{
	struct crowd *crowd = ctx;
	const Cadre__V1__PredictAnswer *answer = NULL;
	struct cadre_error error = *err;
	struct cadre_arena arena;

	(void)sent;
	cadre_arena_init(&arena, CADRE_PREDICT_ARENA_BYTES_MAX);
	if (status == CADRE_OK)
		status = cadre_predict_unpack_answer(reply, &arena, &answer, &error);
	pthread_mutex_lock(&crowd->lock);
	if (answer)
		status = (enum cadre_status)answer->status;
	crowd->count[status]++;
	crowd->refused_started += status == CADRE_TOO_MANY_REQUESTS && answer &&
	                          answer->started;
	crowd->answered++;
	pthread_cond_signal(&crowd->all);
	pthread_mutex_unlock(&crowd->lock);
	cadre_arena_fini(&arena);
}

static void ask_crowd(struct crowd *crowd, const char *payload)
{
	Cadre__V1__PredictRequest request = CADRE__V1__PREDICT_REQUEST__INIT;
	Cadre__V1__PredictStart start = CADRE__V1__PREDICT_START__INIT;
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_asker *asker;
	char deployment[] = "d";
	char key[] = "k";
	size_t bytes;

	start.deployment = deployment;
	start.key = key;
	start.payload.data = (uint8_t *)(uintptr_t)payload;
	start.payload.len = strlen(payload);
	start.has_deadline_ms = true;
	start.deadline_ms = 3000;
	request.body_case = CADRE__V1__PREDICT_REQUEST__BODY_START;
	request.start = &start;
	bytes = cadre__v1__predict_request__get_packed_size(&request);
	memset(crowd, 0, sizeof *crowd);
	pthread_mutex_init(&crowd->lock, NULL);
	pthread_cond_init(&crowd->all, NULL);
	assert_ok(cadre_asker_create(node.address, CADRE_PREDICT_PORT,
	                             CADRE_PREDICT_MESSAGE_BYTES_MAX, &asker, &err));
	for (unsigned i = 0; i < CROWD; i++) {
		struct cadre_question *question;
		uint8_t *body;
		assert_ok(cadre_question_begin(asker, bytes, &question, &body, &err));
		cadre__v1__predict_request__pack(&request, body);
		cadre_question_send(question, LONG_MS, LONG_MS, take_answer, crowd);
	}
	pthread_mutex_lock(&crowd->lock);
	while (crowd->answered < CROWD)
		pthread_cond_wait(&crowd->all, &crowd->lock);
	pthread_mutex_unlock(&crowd->lock);
	cadre_asker_destroy(&asker);
	pthread_cond_destroy(&crowd->all);
	pthread_mutex_destroy(&crowd->lock);
}

static void test_a_thousand_at_once_are_all_answered(void **state)
{
	struct crowd crowd;

	(void)state;
	predict_node_start(&node);
	ask_crowd(&crowd, "echo x");
	assert_int_equal(crowd.count[CADRE_OK] + crowd.count[CADRE_TOO_MANY_REQUESTS],
	                 CROWD);
	assert_true(crowd.count[CADRE_OK] > 0);
	assert_int_equal(crowd.refused_started, 0);
	assert_int_equal(node.stub.infers, crowd.count[CADRE_OK]);
	predict_node_wait_held(&node, 0);
	assert_int_equal(predict_metric(&node, METRIC_BYTES), 0);
}

static void test_a_thousand_that_never_end_go_at_their_deadline(void **state)
{
	struct crowd crowd;

	(void)state;
	node.worker_options.inferences_max = 8;
	predict_node_start(&node);
	ask_crowd(&crowd, "wait");
	assert_int_equal(crowd.count[CADRE_OK] + crowd.count[CADRE_TOO_MANY_REQUESTS] +
	                         crowd.count[CADRE_DEADLINE],
	                 CROWD);
	assert_int_equal(crowd.refused_started, 0);
	assert_true(crowd.count[CADRE_TOO_MANY_REQUESTS] > 0);
	/* Although nobody asked for them again. */
	predict_node_wait_held(&node, 0);
	predict_is_served(&node);
}

/* ---- the end ---- */

struct reader {
	uint64_t id;
	struct predict_said said;
};

static void *ask_in_thread(void *arg)
{
	struct reader *reader = arg;

	predict_say_next(&node, reader->id, 0, 10000, &reader->said);
	return NULL;
}

static void wait_until_handling(unsigned count)
{
	struct cadre_answerer_stat stat;

	do {
		poll(NULL, 0, 1);
		cadre_answerer_stat(node.server->answerer, &stat);
	} while (stat.handling != count);
}

static void test_stop_cancels_what_is_open_and_tells_who_waits(void **state)
{
	struct reader reader = { .id = 0 };
	pthread_t thread;

	(void)state;
	predict_node_start(&node);
	reader.id = start_stream("wait");
	(void)start_stream("wait");
	(void)start_stream("wait");
	/* The last start's exchange may still be on its way out. */
	wait_until_handling(0);
	assert_int_equal(pthread_create(&thread, NULL, ask_in_thread, &reader), 0);
	wait_until_handling(1);
	cadre_predict_stop(&node.server, 0);
	assert_int_equal(node.routes_held, 0);
	predict_wait_for(&node.stub.stopped, 3);
	pthread_join(thread, NULL);
	assert_int_equal(reader.said.answer->status, CADRE_UNAVAILABLE);
	predict_said_fini(&reader.said);
}

static void *read_count(void *arg)
{
	struct cadre_prediction_request request = predict_request("count 1000000");
	struct cadre_predict_client *client = predict_client(&node);

	predict_run(client, &request, arg);
	cadre_predict_client_close(&client);
	return NULL;
}

static void test_stop_gives_what_runs_time_to_end(void **state)
{
	struct predict_outcome outcome;
	pthread_t thread;

	(void)state;
	predict_node_start(&node);
	assert_int_equal(pthread_create(&thread, NULL, read_count, &outcome), 0);
	predict_wait_for(&node.routed, 1);
	cadre_predict_stop(&node.server, LONG_MS);
	pthread_join(thread, NULL);
	assert_int_equal(outcome.status, CADRE_OK);
	assert_int_equal(node.stub.stopped, 0);
	predict_outcome_fini(&outcome);
}

static void test_a_server_without_a_router_is_refused(void **state)
{
	struct cadre_predict_options options = { .address = "tcp://127.0.0.1:0" };
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_predict_server *server;

	(void)state;
	assert_int_equal(cadre_predict_start(&options, &server, &err),
	                 CADRE_INVALID_PARAMETER);
	assert_null(server);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_a_full_node_refuses_and_takes_the_next_when_a_place_is_free),
		CASE(test_streams_that_ended_make_room_for_new_ones),
		CASE(test_a_full_worker_refuses_and_nothing_was_started),
		CASE(test_bytes_in_flight_are_bounded_and_small_bodies_still_served),
		CASE(test_a_stream_nobody_asks_for_is_cancelled),
		CASE(test_a_thousand_at_once_are_all_answered),
		CASE(test_a_thousand_that_never_end_go_at_their_deadline),
		CASE(test_stop_cancels_what_is_open_and_tells_who_waits),
		CASE(test_stop_gives_what_runs_time_to_end),
		cmocka_unit_test(test_a_server_without_a_router_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
