/* A prediction from client to llama.cpp and back, a token at a time. */
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/agent/agent_node.h"
#include "tests/unit/predict/predict_node.h"

#define GREEDY "{\"prompt\":\"hello\",\"n_predict\":64,\"stream\":true}"

struct bench {
	struct agent_node agent;
	struct cadre_predict_server *server;
	struct cadre_predict_client *client;
};

static void make_base(struct agent_node *node)
{
	char *const arguments[] = {
		agent_text(node, "%s", PYTHON),
		agent_text(node, "%s", MAKE_GGUF),
		agent_text(node, "base"),
		agent_text(node, "%s/base", node->dir),
		agent_text(node, "--seed"),
		agent_text(node, "1"),
		agent_text(node, "--width"),
		agent_text(node, "32"),
		NULL,
	};
	int status;
	pid_t pid;

	assert_int_equal(posix_spawn(&pid, PYTHON, NULL, NULL, arguments, environ), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	agent_register(node, "base", NULL);
}

static int setup(void **state)
{
	static const char *const arguments[] = { "--devices", "cpu", "--threads", "1",
		                                 NULL };
	static struct bench bench;
	struct cadre_predict_options options = { .address = "tcp://127.0.0.1:0" };
	struct cadre_error err = CADRE_ERROR_INIT;
	char address[64];

	*state = &bench;
	agent_node_make(&bench.agent, WORKER_PATH);
	bench.agent.options.program.arguments = arguments;
	bench.agent.options.program.devices = "";
	make_base(&bench.agent);
	agent_node_start(&bench.agent);
	agent_serve(&bench.agent, "d", agent_stacked(&bench.agent, "base", "k=base"));
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

static void test_the_same_question_has_the_same_answer(void **state)
{
	struct bench *bench = *state;
	struct cadre_prediction_request request = predict_request(GREEDY);
	struct predict_outcome outcomes[2];
	struct cadre_error err;

	for (unsigned i = 0; i < 2; i++) {
		predict_run(bench->client, &request, &outcomes[i]);
		err = outcomes[i].err;
		assert_ok(outcomes[i].status);
		assert_string_equal(outcomes[i].facts.model_id,
		                    agent_ocid(&bench->agent, "base"));
		assert_non_null(memmem(outcomes[i].bytes.data, outcomes[i].bytes.length,
		                       "\"done\":true", 11));
	}
	assert_int_equal(outcomes[0].bytes.length, outcomes[1].bytes.length);
	assert_memory_equal(outcomes[0].bytes.data, outcomes[1].bytes.data,
	                    outcomes[0].bytes.length);
	predict_outcome_fini(&outcomes[0]);
	predict_outcome_fini(&outcomes[1]);
}

static void test_what_the_engine_refuses_is_told_in_its_words(void **state)
{
	struct bench *bench = *state;
	struct cadre_prediction_request request = predict_request("{\"prompt\":7}");
	struct predict_outcome outcome;

	predict_run(bench->client, &request, &outcome);
	assert_int_equal(outcome.status, CADRE_INVALID_PARAMETER);
	assert_true(outcome.facts.started);
	predict_outcome_fini(&outcome);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_same_question_has_the_same_answer),
		cmocka_unit_test(test_what_the_engine_refuses_is_told_in_its_words),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
