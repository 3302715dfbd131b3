/* The agent with cadre-worker-llama: a base with adapters, patched, cut over, killed. */
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "replica/agent/agent_internal.h"
#include "tests/unit/agent/agent_node.h"

#define LONG_MS 60000u
#define GREEDY "{\"prompt\":\"hello\",\"n_predict\":16}"

/* A tiny model; the node takes its digest from the file. */
static void make(struct agent_node *node, const char *kind, const char *name,
                 const char *seed, const char *width)
{
	char *const arguments[] = {
		agent_text(node, "%s", PYTHON),
		agent_text(node, "%s", MAKE_GGUF),
		agent_text(node, "%s", kind),
		agent_text(node, "%s/%s", node->dir, name),
		agent_text(node, "--seed"),
		agent_text(node, "%s", seed),
		agent_text(node, "--width"),
		agent_text(node, "%s", width),
		NULL,
	};
	int status;
	pid_t pid;

	assert_int_equal(posix_spawn(&pid, PYTHON, NULL, NULL, arguments, environ), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	agent_register(node, name, NULL);
}

/* The whole answer of a key. */
static char *answer(struct agent_node *node, const char *deployment, const char *key)
{
	struct cadre_worker_piece piece = { 0 };
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_agent_route route;
	char *all = agent_text(node, "%s", "");
	uint32_t held = 0;

	agent_hold(node, deployment, key, &route);
	assert_ok(cadre_worker_infer(route.client, route.name, cadre_slice_text(GREEDY),
	                             LONG_MS, &piece, &err));
	for (;;) {
		if (piece.number == held + 1) {
			held++;
			all = agent_text(node, "%s%.*s", all, (int)piece.data.length,
			                 (const char *)piece.data.data);
			if (piece.end)
				break;
		}
		assert_ok(cadre_worker_next(route.client, held + 1, 1000, &piece, &err));
	}
	cadre_buffer_fini(&piece.data);
	cadre_agent_release(node->agent, &route);
	assert_non_null(strstr(all, "\"done\":true"));
	return all;
}

static void start(struct agent_node *node)
{
	static const char *const arguments[] = { "--devices", "cpu", "--threads", "1",
		                                 NULL };

	agent_node_make(node, WORKER_PATH);
	node->options.program.arguments = arguments;
	node->options.program.devices = "";
	make(node, "base", "base", "1", "32");
	make(node, "adapter", "one", "1", "32");
	make(node, "adapter", "two", "2", "32");
	make(node, "adapter", "wide", "1", "64");
	agent_node_start(node);
}

static void
test_adapters_on_one_base_are_patched_and_come_back_after_a_crash(void **state)
{
	struct agent_node node;
	char *deployment;
	char *plain;
	char *first;
	char *second;

	(void)state;
	start(&node);
	deployment = agent_serve(&node, "d",
	                         agent_stacked(&node, "base", "base=base k=one"));
	plain = answer(&node, deployment, "base");
	first = answer(&node, deployment, "k");
	assert_string_not_equal(plain, first);

	agent_retarget(&node, deployment,
	               agent_stacked(&node, "base", "base=base k=two"));
	agent_wait_prepared(&node, deployment, 2);
	assert_string_equal(answer(&node, deployment, "k"), first);
	agent_cut_over(&node, deployment, 2);
	agent_wait_serving(&node, deployment, 2);
	second = answer(&node, deployment, "k");
	assert_string_not_equal(first, second);
	/* The base was there and stayed. */
	agent_wait_metric(&node, AGENT_METRIC_UNLOADS, 1);
	assert_int_equal(agent_metric(&node, AGENT_METRIC_LOADS), 3);

	assert_int_equal(kill(agent_worker_pid(&node, deployment, "k"), SIGKILL), 0);
	agent_wait_metric(&node, AGENT_METRIC_WORKER_DEATHS, 1);
	agent_wait_prepared(&node, deployment, 2);
	assert_string_equal(answer(&node, deployment, "k"), second);
	assert_string_equal(answer(&node, deployment, "base"), plain);
	agent_node_remove(&node);
}

static void
test_an_adapter_that_does_not_fit_its_base_fails_with_the_engines_reason(void **state)
{
	struct agent_node node;
	char *deployment;
	char *first;

	(void)state;
	start(&node);
	deployment = agent_serve(&node, "d", agent_stacked(&node, "base", "k=one base"));
	first = answer(&node, deployment, "k");
	agent_retarget(&node, deployment, agent_stacked(&node, "base", "k=wide base"));
	agent_wait_member(&node, deployment, 2, "wide",
	                  CADRE__V1__MEMBER_STATE__MEMBER_FAILED, "no adapter for");
	assert_int_equal(agent_report(&node, deployment)->failed_generation, 2);
	assert_string_equal(answer(&node, deployment, "k"), first);
	agent_node_remove(&node);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		        test_adapters_on_one_base_are_patched_and_come_back_after_a_crash),
		cmocka_unit_test(
		        test_an_adapter_that_does_not_fit_its_base_fails_with_the_engines_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
