/* Predictions over a network that loses answers and breaks connections. */
#include <stdio.h>

#include "replica/agent/predict_internal.h"
#include "tests/support/proxy.h"
#include "tests/unit/predict/predict_node.h"

struct bench {
	struct predict_node node;
	struct proxy *proxy;
	struct cadre_predict_client *client; /* through the proxy */
};

static int setup(void **state)
{
	static struct bench bench;
	struct cadre_error err = CADRE_ERROR_INIT;
	char address[64];

	*state = &bench;
	predict_node_make(&bench.node);
	predict_node_start(&bench.node);
	bench.proxy = proxy_start(cadre_predict_address(bench.node.server)->port);
	(void)snprintf(address, sizeof address, "tcp://127.0.0.1:%u",
	               (unsigned)proxy_port(bench.proxy));
	assert_ok(cadre_predict_client_open(address, &bench.client, &err));
	return 0;
}

static int teardown(void **state)
{
	struct bench *bench = *state;

	cadre_predict_client_close(&bench->client);
	proxy_stop(bench->proxy);
	predict_node_stop(&bench->node);
	return 0;
}

static void test_chunks_whose_answers_are_lost_are_asked_for_again(void **state)
{
	struct bench *bench = *state;
	struct cadre_prediction_request request = predict_request("count 600000");
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_prediction_facts facts;
	struct cadre_prediction *prediction;
	struct cadre_buffer bytes = { 0 };
	struct cadre_slice chunk;
	enum cadre_status status;
	unsigned chunks = 0;

	assert_ok(cadre_prediction_begin(bench->client, &request, &facts, &prediction,
	                                 &err));
	for (;;) {
		if (chunks++ % 2 == 1 && proxy_lost(bench->proxy) < 3)
			proxy_set(bench->proxy, PROXY_LOSE_ANSWER);
		status = cadre_prediction_next(prediction, &chunk, &err);
		if (status == CADRE_END)
			break;
		assert_ok(status);
		assert_ok(cadre_buffer_append(&bytes, chunk.data, chunk.length));
	}
	cadre_prediction_end(&prediction);
	predict_expect_count(cadre_buffer_slice(&bytes), 600000);
	cadre_buffer_fini(&bytes);
	assert_true(proxy_lost(bench->proxy) >= 2);
	assert_int_equal(bench->node.stub.infers, 1);
	assert_true(predict_metric(&bench->node, METRIC_REPEATS) > 0);
}

static void test_a_start_whose_answer_is_lost_is_not_repeated(void **state)
{
	struct bench *bench = *state;
	struct cadre_prediction_request request = predict_request("echo x");
	struct predict_outcome outcome;

	proxy_set(bench->proxy, PROXY_LOSE_ANSWER);
	predict_run(bench->client, &request, &outcome);
	assert_int_equal(outcome.status, CADRE_UNAVAILABLE);
	assert_true(outcome.facts.started);
	assert_int_equal(bench->node.stub.infers, 1);
	predict_outcome_fini(&outcome);
	/* The same client goes on, over a new connection. */
	predict_run(bench->client, &request, &outcome);
	assert_int_equal(outcome.status, CADRE_OK);
	predict_outcome_fini(&outcome);
}

static void test_the_clients_deadline_holds_when_nothing_is_heard(void **state)
{
	struct bench *bench = *state;
	struct cadre_prediction_request request = predict_request("wait");
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_prediction_facts facts;
	struct cadre_prediction *prediction;
	struct cadre_slice chunk;

	request.deadline_ms = 3000;
	assert_ok(cadre_prediction_begin(bench->client, &request, &facts, &prediction,
	                                 &err));
	proxy_set(bench->proxy, PROXY_HOLD);
	assert_int_equal(cadre_prediction_next(prediction, &chunk, &err), CADRE_DEADLINE);
	cadre_prediction_end(&prediction);
	predict_wait_for(&bench->node.stub.stopped, 1);
	predict_node_wait_held(&bench->node, 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_chunks_whose_answers_are_lost_are_asked_for_again),
		CASE(test_a_start_whose_answer_is_lost_is_not_repeated),
		CASE(test_the_clients_deadline_holds_when_nothing_is_heard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
