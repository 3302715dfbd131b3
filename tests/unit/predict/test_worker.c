/* Predictions while worker processes die and others take their place. */
#include <signal.h>

#include "tests/unit/predict/predict_node.h"

static struct cadre_worker_client *start_worker(void)
{
	const struct cadre_worker_program program = { .path = STUB_WORKER_PATH };
	const struct cadre_worker_load load = {
		.name = "m",
		.path = "/m",
		.kind = CADRE_WORKER_MODEL_BASE,
	};
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_worker_client *client = NULL;

	assert_ok(cadre_worker_start(&program, &client, &err));
	assert_ok(cadre_worker_load(client, &load, LONG_MS, NULL, &err));
	return client;
}

static void replace_worker(struct predict_node *node)
{
	predict_node_wait_held(node, 0);
	cadre_worker_stop(&node->client, 0);
	node->client = start_worker();
}

static void test_a_worker_that_dies_is_told_and_its_successor_serves(void **state)
{
	struct predict_node node;
	struct cadre_prediction_request request = predict_request("die");
	struct cadre_predict_client *client;
	struct predict_outcome outcome;

	(void)state;
	predict_node_make(&node);
	node.client = start_worker();
	predict_node_start(&node);
	client = predict_client(&node);
	predict_run(client, &request, &outcome);
	assert_int_equal(outcome.status, CADRE_UNAVAILABLE);
	assert_true(outcome.facts.started);
	assert_non_null(strstr(outcome.err.message, "ended with status 3"));
	predict_outcome_fini(&outcome);
	/* Dead before it is asked: nothing began. */
	predict_run(client, &request, &outcome);
	assert_int_equal(outcome.status, CADRE_UNAVAILABLE);
	assert_false(outcome.facts.started);
	predict_outcome_fini(&outcome);
	replace_worker(&node);
	predict_is_served(&node);
	cadre_predict_client_close(&client);
	predict_node_stop(&node);
	cadre_worker_stop(&node.client, LONG_MS);
}

static void test_a_worker_killed_while_it_streams_ends_the_stream(void **state)
{
	struct predict_node node;
	struct predict_said said;
	uint64_t id;

	(void)state;
	predict_node_make(&node);
	node.client = start_worker();
	predict_node_start(&node);
	predict_say_start(&node, "wait", &said);
	assert_int_equal(said.answer->status, CADRE_OK);
	id = said.answer->stream;
	predict_said_fini(&said);
	assert_int_equal(kill(cadre_worker_pid(node.client), SIGKILL), 0);
	predict_say_next(&node, id, 0, 10000, &said);
	assert_int_equal(said.answer->status, CADRE_UNAVAILABLE);
	assert_true(said.answer->started);
	assert_non_null(strstr(said.answer->message, "killed by signal 9"));
	predict_said_fini(&said);
	replace_worker(&node);
	predict_is_served(&node);
	predict_node_stop(&node);
	cadre_worker_stop(&node.client, LONG_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		        test_a_worker_that_dies_is_told_and_its_successor_serves),
		cmocka_unit_test(test_a_worker_killed_while_it_streams_ends_the_stream),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
