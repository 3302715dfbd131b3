/* Predictions through the socket: answers, statuses, streams, and their end. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "replica/agent/predict_internal.h"
#include "tests/unit/predict/predict_node.h"

struct bench {
	struct predict_node node;
	struct cadre_predict_client *client;
};

static int setup(void **state)
{
	static struct bench bench;

	*state = &bench;
	predict_node_make(&bench.node);
	predict_node_start(&bench.node);
	bench.client = predict_client(&bench.node);
	return 0;
}

static int teardown(void **state)
{
	struct bench *bench = *state;

	cadre_predict_client_close(&bench->client);
	predict_node_stop(&bench->node);
	return 0;
}

static void expect(struct bench *bench, const struct cadre_prediction_request *request,
                   enum cadre_status status, bool started, const char *text)
{
	struct predict_outcome outcome;

	predict_run(bench->client, request, &outcome);
	assert_int_equal(outcome.status, status);
	assert_int_equal(outcome.facts.started, started);
	assert_non_null(strstr(outcome.err.message, text));
	predict_outcome_fini(&outcome);
	predict_node_wait_held(&bench->node, 0);
}

static void test_a_short_answer_is_one_chunk_and_leaves_nothing(void **state)
{
	struct bench *bench = *state;
	struct cadre_prediction_request request = predict_request("echo hello");
	struct predict_outcome outcome;
	struct cadre_error err;

	predict_run(bench->client, &request, &outcome);
	err = outcome.err;
	assert_ok(outcome.status);
	assert_int_equal(outcome.chunks, 1);
	assert_memory_equal(outcome.bytes.data, "m hello", 7);
	assert_true(outcome.facts.started);
	assert_string_equal(outcome.facts.model_id, "ocid1.model.m");
	assert_int_equal(outcome.facts.generation, 7);
	predict_node_wait_held(&bench->node, 0);
	assert_int_equal(predict_metric(&bench->node, METRIC_STREAMS), 0);
	assert_int_equal(predict_metric(&bench->node, METRIC_BYTES), 0);
	predict_outcome_fini(&outcome);
}

static void test_a_long_answer_comes_in_order_and_whole(void **state)
{
	struct bench *bench = *state;
	struct cadre_prediction_request request = predict_request("count 400000");
	struct predict_outcome outcome;
	struct cadre_error err;

	predict_run(bench->client, &request, &outcome);
	err = outcome.err;
	assert_ok(outcome.status);
	assert_true(outcome.chunks > 1);
	predict_expect_count(cadre_buffer_slice(&outcome.bytes), 400000);
	predict_outcome_fini(&outcome);
	/* The route goes with the last chunk, not with the stream's record. */
	predict_node_wait_held(&bench->node, 0);
	assert_int_equal(predict_metric(&bench->node, METRIC_STREAMS), 1);
}

static void test_what_is_unknown_is_not_found_and_not_started(void **state)
{
	struct bench *bench = *state;
	struct cadre_prediction_request request = predict_request("echo x");

	request.key = "nobody";
	expect(bench, &request, CADRE_NOT_FOUND, false, "key \"nobody\"");
	request.key = "k";
	request.deployment = "elsewhere";
	expect(bench, &request, CADRE_NOT_FOUND, false, "deployment \"elsewhere\"");
	assert_int_equal(bench->node.stub.infers, 0);
}

static void test_a_member_that_is_not_ready_is_unavailable_with_its_state(void **state)
{
	struct bench *bench = *state;
	struct cadre_prediction_request request = predict_request("echo x");

	request.key = "cold";
	expect(bench, &request, CADRE_UNAVAILABLE, false, "LOADING, 40 %");
}

static void test_a_model_the_worker_has_not_is_unavailable_and_not_started(void **state)
{
	struct bench *bench = *state;
	struct cadre_prediction_request request = predict_request("echo x");

	request.key = "unloaded";
	expect(bench, &request, CADRE_UNAVAILABLE, false, "not ready in its worker");
}

static void test_what_the_worker_refuses_is_told_as_started(void **state)
{
	struct bench *bench = *state;
	struct cadre_prediction_request request = predict_request("nonsense");

	expect(bench, &request, CADRE_INVALID_PARAMETER, true, "no such request");
}

static void test_a_body_over_the_limit_is_refused_by_both_sides(void **state)
{
	struct bench *bench = *state;
	struct cadre_prediction_request request = predict_request("");
	struct predict_said said;
	size_t bytes = CADRE_PREDICT_BODY_BYTES_MAX + 1;
	char *text = malloc(bytes + 1);

	assert_non_null(text);
	memset(text, 'x', bytes);
	text[bytes] = '\0';
	request.payload = cadre_slice_text(text);
	expect(bench, &request, CADRE_TOO_LARGE, false, "at most 10485760");
	predict_say_start(&bench->node, text, &said);
	assert_int_equal(said.answer->status, CADRE_TOO_LARGE);
	assert_false(said.answer->started);
	predict_said_fini(&said);
	/* The largest one is taken, and goes away again. */
	memcpy(text, "echo ", 5);
	text[bytes - 1] = '\0';
	predict_say_start(&bench->node, text, &said);
	assert_int_equal(said.answer->status, CADRE_OK);
	predict_said_fini(&said);
	assert_int_equal(predict_metric(&bench->node, METRIC_BYTES), 0);
	free(text);
}

static void test_names_over_their_limit_are_refused(void **state)
{
	struct bench *bench = *state;
	struct cadre_prediction_request request = predict_request("echo x");
	char name[CADRE_PREDICT_NAME_BYTES_MAX + 2];

	memset(name, 'n', sizeof name);
	name[sizeof name - 1] = '\0';
	request.key = name;
	expect(bench, &request, CADRE_INVALID_PARAMETER, false, "start.key: 1025 bytes");
	request.key = "k";
	request.compartment = "";
	expect(bench, &request, CADRE_INVALID_PARAMETER, false, "start.compartment: 0");
}

static void test_the_deadline_ends_a_prediction_in_the_worker(void **state)
{
	struct bench *bench = *state;
	struct cadre_prediction_request request = predict_request("wait");

	request.deadline_ms = 200;
	expect(bench, &request, CADRE_DEADLINE, true, "");
	predict_wait_for(&bench->node.stub.stopped, 1);
	request.deadline_ms = 1500; /* past the first answer */
	expect(bench, &request, CADRE_DEADLINE, true, "");
	predict_wait_for(&bench->node.stub.stopped, 2);
}

static void test_a_chunk_is_repeated_until_the_next_one_is_asked_for(void **state)
{
	struct bench *bench = *state;
	struct predict_said first;
	struct predict_said second;
	struct predict_said again;
	uint32_t number;
	uint64_t id;

	predict_say_start(&bench->node, "count 400000", &first);
	assert_int_equal(first.answer->status, CADRE_OK);
	id = first.answer->stream;
	number = first.answer->chunk;
	predict_say_next(&bench->node, id, number, 10000, &second);
	assert_int_equal(second.answer->chunk, number + 1);
	predict_say_next(&bench->node, id, number, 10000, &again);
	assert_int_equal(again.answer->chunk, number + 1);
	assert_int_equal(again.answer->data.len, second.answer->data.len);
	assert_memory_equal(again.answer->data.data, second.answer->data.data,
	                    second.answer->data.len);
	assert_int_equal(predict_metric(&bench->node, METRIC_REPEATS), 1);
	predict_said_fini(&again);
	predict_say_next(&bench->node, id, number + 5, 0, &again);
	assert_int_equal(again.answer->status, CADRE_INVALID_PARAMETER);
	assert_true(again.answer->started);
	predict_said_fini(&again);
	predict_say_cancel(&bench->node, id, &again);
	assert_int_equal(again.answer->status, CADRE_OK);
	predict_said_fini(&again);
	predict_said_fini(&second);
	predict_said_fini(&first);
	predict_node_wait_held(&bench->node, 0);
}

/* Asks on to the end; the number of the last chunk. */
static uint32_t ask_to_the_end(struct predict_node *node, uint64_t id, uint32_t after)
{
	struct predict_said said;
	bool end = false;

	while (!end) {
		predict_say_next(node, id, after, 10000, &said);
		assert_int_equal(said.answer->status, CADRE_OK);
		after += said.answer->chunk > 0 ? 1 : 0;
		end = said.answer->end;
		predict_said_fini(&said);
	}
	return after;
}

static void test_the_last_chunk_is_repeated_and_nothing_comes_behind_it(void **state)
{
	struct bench *bench = *state;
	struct predict_said said;
	uint32_t last;
	uint64_t id;

	predict_say_start(&bench->node, "count 400000", &said);
	id = said.answer->stream;
	last = ask_to_the_end(&bench->node, id, said.answer->chunk);
	predict_said_fini(&said);
	predict_say_next(&bench->node, id, last - 1, 0, &said);
	assert_int_equal(said.answer->chunk, last);
	assert_true(said.answer->end);
	predict_said_fini(&said);
	predict_say_next(&bench->node, id, last, 0, &said);
	assert_int_equal(said.answer->status, CADRE_INVALID_PARAMETER);
	assert_non_null(strstr(said.answer->message, "ended"));
	predict_said_fini(&said);
}

static void test_a_failure_behind_chunks_is_told_again_and_again(void **state)
{
	struct bench *bench = *state;
	struct cadre_error err = CADRE_ERROR_INIT;
	struct predict_said said;
	uint64_t id;

	predict_say_start(&bench->node, "wait", &said);
	assert_int_equal(said.answer->chunk, 0);
	id = said.answer->stream;
	predict_said_fini(&said);
	assert_ok(cadre_worker_unload(bench->node.client, "m", 0, LONG_MS, &err));
	for (unsigned i = 0; i < 2; i++) {
		predict_say_next(&bench->node, id, 0, 10000, &said);
		assert_int_not_equal(said.answer->status, CADRE_OK);
		assert_true(said.answer->started);
		predict_said_fini(&said);
	}
}

static void test_nothing_yet_is_answered_when_the_wait_is_over(void **state)
{
	struct bench *bench = *state;
	struct predict_said said;
	uint64_t id;

	predict_say_start(&bench->node, "wait", &said);
	assert_int_equal(said.answer->status, CADRE_OK);
	assert_int_equal(said.answer->chunk, 0);
	assert_false(said.answer->end);
	id = said.answer->stream;
	predict_said_fini(&said);
	for (unsigned wait_ms = 0; wait_ms <= 1500; wait_ms += 750) {
		predict_say_next(&bench->node, id, 0, wait_ms, &said);
		assert_int_equal(said.answer->status, CADRE_OK);
		assert_int_equal(said.answer->chunk, 0);
		predict_said_fini(&said);
	}
	assert_int_equal(bench->node.routes_held, 1);
	predict_say_cancel(&bench->node, id, &said);
	predict_said_fini(&said);
}

static void test_cancel_stops_the_worker_and_forgets_the_stream(void **state)
{
	struct bench *bench = *state;
	struct predict_said said;
	uint64_t id;

	predict_say_start(&bench->node, "wait", &said);
	id = said.answer->stream;
	predict_said_fini(&said);
	predict_say_cancel(&bench->node, id, &said);
	assert_int_equal(said.answer->status, CADRE_OK);
	predict_said_fini(&said);
	predict_wait_for(&bench->node.stub.stopped, 1);
	predict_node_wait_held(&bench->node, 0);
	predict_say_next(&bench->node, id, 0, 0, &said);
	assert_int_equal(said.answer->status, CADRE_NOT_FOUND);
	predict_said_fini(&said);
	/* As often as one likes. */
	predict_say_cancel(&bench->node, id, &said);
	assert_int_equal(said.answer->status, CADRE_OK);
	predict_said_fini(&said);
}

struct asker {
	struct predict_node *node;
	uint64_t id;
	struct predict_said said;
};

static void *ask_in_thread(void *arg)
{
	struct asker *asker = arg;

	predict_say_next(asker->node, asker->id, 0, 10000, &asker->said);
	return NULL;
}

/* Until the node handles so many. */
static void wait_until_handling(struct predict_node *node, unsigned count)
{
	struct cadre_answerer_stat stat;

	do {
		poll(NULL, 0, 1);
		cadre_answerer_stat(node->server->answerer, &stat);
	} while (stat.handling != count);
}

static void test_who_waits_for_a_stream_hears_of_its_cancel(void **state)
{
	struct bench *bench = *state;
	struct asker asker = { .node = &bench->node };
	struct predict_said said;
	pthread_t thread;

	predict_say_start(&bench->node, "wait", &said);
	asker.id = said.answer->stream;
	predict_said_fini(&said);
	/* The start's exchange may still be on its way out. */
	wait_until_handling(&bench->node, 0);
	assert_int_equal(pthread_create(&thread, NULL, ask_in_thread, &asker), 0);
	wait_until_handling(&bench->node, 1);
	predict_say_cancel(&bench->node, asker.id, &said);
	predict_said_fini(&said);
	pthread_join(thread, NULL);
	assert_int_equal(asker.said.answer->status, CADRE_UNAVAILABLE);
	assert_string_equal(asker.said.answer->message, "the prediction was cancelled");
	predict_said_fini(&asker.said);
	predict_node_wait_held(&bench->node, 0);
}

static void test_a_client_that_ends_early_cancels_in_the_worker(void **state)
{
	struct bench *bench = *state;
	struct cadre_prediction_request request = predict_request("wait");
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_prediction_facts facts;
	struct cadre_prediction *prediction;

	assert_ok(cadre_prediction_begin(bench->client, &request, &facts, &prediction,
	                                 &err));
	assert_true(facts.started);
	cadre_prediction_end(&prediction);
	assert_null(prediction);
	predict_wait_for(&bench->node.stub.stopped, 1);
	predict_node_wait_held(&bench->node, 0);
}

static enum cadre_status refuse_chunk(void *ctx, struct cadre_slice chunk,
                                      struct cadre_error *err)
{
	(void)ctx;
	(void)chunk;
	return cadre_error_set(err, CADRE_IO_ERROR, "the disk is full");
}

static void test_a_callback_that_fails_ends_the_prediction_with_its_reason(void **state)
{
	struct bench *bench = *state;
	struct cadre_prediction_request request = predict_request("flood 20000");
	struct cadre_error err = CADRE_ERROR_INIT;

	assert_int_equal(
	        cadre_predict(bench->client, &request, refuse_chunk, NULL, NULL, &err),
	        CADRE_IO_ERROR);
	assert_string_equal(err.message, "the disk is full");
	predict_node_wait_held(&bench->node, 0);
}

static void test_an_unreachable_node_is_unavailable_and_not_started(void **state)
{
	struct bench *bench = *state;
	struct cadre_prediction_request request = predict_request("echo x");
	struct cadre_error err = CADRE_ERROR_INIT;

	cadre_predict_client_close(&bench->client);
	/* A port that was ours and is nobody's: nothing listens there. */
	assert_ok(cadre_predict_client_open("tcp://127.0.0.1:1", &bench->client, &err));
	request.connect_ms = 100;
	expect(bench, &request, CADRE_UNAVAILABLE, false, "connecting to");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_a_short_answer_is_one_chunk_and_leaves_nothing),
		CASE(test_a_long_answer_comes_in_order_and_whole),
		CASE(test_what_is_unknown_is_not_found_and_not_started),
		CASE(test_a_member_that_is_not_ready_is_unavailable_with_its_state),
		CASE(test_a_model_the_worker_has_not_is_unavailable_and_not_started),
		CASE(test_what_the_worker_refuses_is_told_as_started),
		CASE(test_a_body_over_the_limit_is_refused_by_both_sides),
		CASE(test_names_over_their_limit_are_refused),
		CASE(test_the_deadline_ends_a_prediction_in_the_worker),
		CASE(test_a_chunk_is_repeated_until_the_next_one_is_asked_for),
		CASE(test_the_last_chunk_is_repeated_and_nothing_comes_behind_it),
		CASE(test_a_failure_behind_chunks_is_told_again_and_again),
		CASE(test_nothing_yet_is_answered_when_the_wait_is_over),
		CASE(test_cancel_stops_the_worker_and_forgets_the_stream),
		CASE(test_who_waits_for_a_stream_hears_of_its_cancel),
		CASE(test_a_client_that_ends_early_cancels_in_the_worker),
		CASE(test_a_callback_that_fails_ends_the_prediction_with_its_reason),
		CASE(test_an_unreachable_node_is_unavailable_and_not_started),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
