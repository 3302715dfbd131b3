/* The whole path: store, agent, worker process, prediction socket, client. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>

#include "tests/unit/agent/agent_node.h"
#include "tests/unit/predict/predict_node.h"

struct bench {
	struct agent_node agent;
	struct cadre_predict_server *server;
	struct cadre_predict_client *client;
	char *deployment;
};

/* Deployment "d" with key "k" on model "a". */
static int setup(void **state)
{
	static struct bench bench;
	struct cadre_predict_options options = { .address = "tcp://127.0.0.1:0" };
	struct cadre_error err = CADRE_ERROR_INIT;
	char address[64];

	*state = &bench;
	agent_node_make(&bench.agent, STUB_WORKER_PATH);
	agent_model(&bench.agent, "a", "x");
	agent_model(&bench.agent, "b", "y");
	agent_node_start(&bench.agent);
	bench.deployment = agent_serve(&bench.agent, "d",
	                               agent_group(&bench.agent, "k=a"));
	options.agent = bench.agent.agent;
	assert_ok(cadre_predict_start(&options, &bench.server, &err));
	(void)snprintf(address, sizeof address, "tcp://127.0.0.1:%u",
	               (unsigned)cadre_predict_address(bench.server)->port);
	assert_ok(cadre_predict_client_open(address, &bench.client, &err));
	return 0;
}

static int teardown(void **state)
{
	struct bench *bench = *state;

	cadre_predict_client_close(&bench->client);
	cadre_predict_stop(&bench->server, LONG_MS);
	agent_node_stop(&bench->agent);
	agent_node_remove(&bench->agent);
	return 0;
}

static void expect_answer(struct bench *bench, const char *model, const char *content,
                          uint64_t generation)
{
	struct cadre_prediction_request request = predict_request("echo hello");
	const char *text = agent_text(&bench->agent, "%s hello",
	                              agent_name_of(&bench->agent, model, content));
	struct predict_outcome outcome;
	struct cadre_error err;

	predict_run(bench->client, &request, &outcome);
	err = outcome.err;
	assert_ok(outcome.status);
	assert_int_equal(outcome.bytes.length, strlen(text));
	assert_memory_equal(outcome.bytes.data, text, strlen(text));
	assert_string_equal(outcome.facts.model_id, agent_ocid(&bench->agent, model));
	assert_int_equal(outcome.facts.generation, generation);
	predict_outcome_fini(&outcome);
}

static void test_a_key_is_answered_by_the_version_that_serves_it(void **state)
{
	struct bench *bench = *state;

	expect_answer(bench, "a", "x", 1);
	agent_retarget(&bench->agent, bench->deployment,
	               agent_group(&bench->agent, "k=b"));
	agent_wait_prepared(&bench->agent, bench->deployment, 2);
	expect_answer(bench, "a", "x", 1);
	agent_cut_over(&bench->agent, bench->deployment, 2);
	agent_wait_serving(&bench->agent, bench->deployment, 2);
	expect_answer(bench, "b", "y", 2);
}

static void test_a_stream_holds_its_version_until_it_has_ended(void **state)
{
	struct bench *bench = *state;
	struct cadre_prediction_request request = predict_request("wait");
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_prediction_facts facts;
	struct cadre_prediction *prediction;
	unsigned turns = 0;

	assert_ok(cadre_prediction_begin(bench->client, &request, &facts, &prediction,
	                                 &err));
	assert_int_equal(agent_report(&bench->agent, bench->deployment)->in_flight, 1);
	cadre_prediction_end(&prediction);
	while (agent_report(&bench->agent, bench->deployment)->in_flight > 0) {
		assert_true(turns++ < LONG_MS);
		poll(NULL, 0, 1);
	}
}

static void test_what_the_agent_does_not_know_is_told_in_its_words(void **state)
{
	struct bench *bench = *state;
	struct cadre_prediction_request request = predict_request("echo x");
	struct predict_outcome outcome;

	request.key = "nobody";
	predict_run(bench->client, &request, &outcome);
	assert_int_equal(outcome.status, CADRE_NOT_FOUND);
	assert_false(outcome.facts.started);
	assert_non_null(strstr(outcome.err.message, "no member \"nobody\""));
	predict_outcome_fini(&outcome);
}

static void test_after_a_workers_death_its_successor_answers(void **state)
{
	struct bench *bench = *state;
	struct cadre_prediction_request request = predict_request("die");
	struct predict_outcome outcome;
	unsigned turns = 0;

	predict_run(bench->client, &request, &outcome);
	assert_int_equal(outcome.status, CADRE_UNAVAILABLE);
	assert_true(outcome.facts.started);
	predict_outcome_fini(&outcome);
	request = predict_request("echo x");
	for (;;) {
		predict_run(bench->client, &request, &outcome);
		predict_outcome_fini(&outcome);
		if (outcome.status == CADRE_OK)
			break;
		assert_int_equal(outcome.status, CADRE_UNAVAILABLE);
		assert_true(turns++ < LONG_MS);
		poll(NULL, 0, 1);
	}
	expect_answer(bench, "a", "x", 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_a_key_is_answered_by_the_version_that_serves_it),
		CASE(test_a_stream_holds_its_version_until_it_has_ended),
		CASE(test_what_the_agent_does_not_know_is_told_in_its_words),
		CASE(test_after_a_workers_death_its_successor_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
