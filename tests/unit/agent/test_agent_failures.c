/* The agent when something is missing, broken or dies: it says so, the rest goes on, and
 * it recovers by itself. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "replica/agent/agent_internal.h"
#include "tests/unit/agent/agent_node.h"

#define FAILED CADRE__V1__MEMBER_STATE__MEMBER_FAILED
#define LOADING CADRE__V1__MEMBER_STATE__MEMBER_LOADING

static int setup(void **state)
{
	struct agent_node *node = calloc(1, sizeof *node);

	assert_non_null(node);
	agent_node_make(node, STUB_WORKER_PATH);
	*state = node;
	return 0;
}

static int teardown(void **state)
{
	agent_node_remove(*state);
	free(*state);
	return 0;
}

/* ---- the worker ---- */

static void test_a_killed_worker_is_replaced_and_gets_its_models_back(void **state)
{
	struct agent_node *node = *state;
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_agent_route held;
	struct cadre_worker_piece piece = { 0 };
	char *deployment;

	agent_model(node, "a", "x");
	agent_node_start(node);
	deployment = agent_serve(node, "d", agent_group(node, "k=a"));
	for (int round = 0; round < 3; round++) {
		agent_hold(node, deployment, "k", &held);
		assert_int_equal(kill(cadre_worker_pid(held.client), SIGKILL), 0);
		/* Its client outlives it for who holds it. */
		assert_int_equal(cadre_worker_infer(held.client, held.name,
		                                    cadre_slice_text("echo x"), 5000,
		                                    &piece, &err),
		                 CADRE_UNAVAILABLE);
		agent_wait_answer(node, deployment, "k");
		cadre_agent_release(node->agent, &held);
	}
	agent_wait_serving(node, deployment, 1);
	assert_int_equal(agent_metric(node, AGENT_METRIC_WORKER_DEATHS), 3);
	cadre_buffer_fini(&piece.data);
}

static void test_while_the_worker_is_down_the_reason_is_told(void **state)
{
	struct agent_node *node = *state;
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_agent_route route;
	char *deployment;
	char *moved;
	char *there;

	/* A program that can be taken away. */
	there = agent_text(node, "%s/worker", node->dir);
	moved = agent_text(node, "%s/gone", node->dir);
	assert_int_equal(symlink(STUB_WORKER_PATH, there), 0);
	node->options.program.path = there;
	agent_model(node, "a", "x");
	agent_node_start(node);
	deployment = agent_serve(node, "d", agent_group(node, "k=a"));
	assert_int_equal(rename(there, moved), 0);
	assert_int_equal(kill(agent_worker_pid(node, deployment, "k"), SIGKILL), 0);
	agent_wait_member(node, deployment, 1, "a", FAILED, "No such file");
	assert_int_equal(
	        cadre_agent_route(node->agent, NULL, deployment, "k", &route, &err),
	        CADRE_UNAVAILABLE);
	assert_non_null(strstr(err.message, "FAILED here: starting"));
	assert_int_equal(agent_report(node, deployment)->prepared_generation, 0);
	assert_int_equal(rename(moved, there), 0);
	agent_wait_answer(node, deployment, "k");
}

static void test_a_missing_worker_program_is_a_reason_and_is_tried_again(void **state)
{
	struct agent_node *node = *state;
	const Cadre__V1__DeploymentReport *report;
	char *deployment;

	node->options.program.path = agent_text(node, "%s/worker", node->dir);
	agent_model(node, "a", "x");
	agent_node_start(node);
	deployment = agent_deploy(node, "d", agent_group(node, "k=a"));
	agent_wait_member(node, deployment, 1, "a", FAILED, "No such file");
	report = agent_report(node, deployment);
	assert_int_equal(report->failed_generation, 1);
	assert_non_null(strstr(report->reason, "1 of 1 members failed, \"k\": starting"));
	assert_int_equal(symlink(STUB_WORKER_PATH, node->options.program.path), 0);
	agent_wait_prepared(node, deployment, 1);
	assert_false(agent_report(node, deployment)->has_failed_generation);
}

static void test_a_node_without_a_worker_program_says_so(void **state)
{
	struct agent_node *node = *state;
	char *deployment;

	node->options.program.path = NULL;
	agent_model(node, "a", "x");
	agent_node_start(node);
	deployment = agent_deploy(node, "d", agent_group(node, "k=a"));
	agent_wait_member(node, deployment, 1, "a", FAILED, "has no worker program");
}

static void test_a_program_that_ends_at_once_is_a_reason(void **state)
{
	struct agent_node *node = *state;
	char *deployment;

	node->options.program.path = "/bin/false";
	agent_model(node, "a", "x");
	agent_node_start(node);
	deployment = agent_deploy(node, "d", agent_group(node, "k=a"));
	agent_wait_member(node, deployment, 1, "a", FAILED, "ended with status 1");
}

/* The only child that is a worker: its id comes from the log of starts. */
static pid_t started_worker(struct agent_node *node)
{
	pid_t pid = 0;

	while (pid == 0) {
		pthread_mutex_lock(&node->agent->lock);
		pid = node->agent->worker ? node->agent->worker->pid : 0;
		pthread_mutex_unlock(&node->agent->lock);
	}
	return pid;
}

static void test_a_worker_killed_during_a_load_is_replaced_and_loads_again(void **state)
{
	struct agent_node *node = *state;
	char *deployment;

	agent_model(node, "a", "slow:300");
	agent_node_start(node);
	deployment = agent_deploy(node, "d", agent_group(node, "k=a"));
	agent_wait_member(node, deployment, 1, "a", LOADING, "");
	assert_int_equal(kill(started_worker(node), SIGKILL), 0);
	agent_wait_metric(node, AGENT_METRIC_WORKER_DEATHS, 1);
	agent_wait_prepared(node, deployment, 1);
}

static void
test_a_model_that_kills_its_worker_does_not_keep_others_from_serving(void **state)
{
	struct agent_node *node = *state;
	char *deployment;
	char *deadly;

	agent_model(node, "a", "x");
	agent_model(node, "b", "die:");
	agent_node_start(node);
	deployment = agent_serve(node, "d", agent_group(node, "k=a"));
	deadly = agent_deploy(node, "e", agent_group(node, "k=b"));
	agent_wait_member(node, deadly, 1, "b", FAILED, "while it was being loaded");
	agent_wait_answer(node, deployment, "k");
	agent_end(node, deadly, true);
	agent_wait_metric(node, AGENT_METRIC_DEPLOYMENTS, 1);
	agent_wait_answer(node, deployment, "k");
}

/* ---- artifacts ---- */

static void test_a_missing_artifact_is_loaded_when_it_appears(void **state)
{
	struct agent_node *node = *state;
	struct cadre_error err = CADRE_ERROR_INIT;
	char *deployment;

	agent_model(node, "a", "x");
	agent_register(node, "b", "y");
	agent_node_start(node);
	deployment = agent_serve(node, "d", agent_group(node, "k=a"));
	agent_retarget(node, deployment, agent_group(node, "k=b"));
	agent_wait_member(node, deployment, 2, "b", FAILED, "no such file");
	assert_true(agent_member(node, deployment, 2, "b")->attempts > 0);
	assert_int_equal(agent_report(node, deployment)->failed_generation, 2);
	assert_int_equal(agent_report(node, deployment)->prepared_generation, 1);
	assert_non_null(agent_answer(node, deployment, "k", &err));
	agent_write(node, "b", "y");
	agent_wait_prepared(node, deployment, 2);
}

static void test_a_corrupt_artifact_is_never_loaded(void **state)
{
	struct agent_node *node = *state;
	char *deployment;

	agent_model(node, "a", "right");
	agent_write(node, "a", "wrong");
	agent_node_start(node);
	deployment = agent_deploy(node, "d", agent_group(node, "k=a"));
	agent_wait_member(node, deployment, 1, "a", FAILED, "not the registered one");
	agent_write(node, "a", "shor");
	agent_wait_member(node, deployment, 1, "a", FAILED, "4 bytes, registered with 5");
	assert_int_equal(agent_metric(node, AGENT_METRIC_LOADS), 0);
	assert_int_equal(agent_artifacts(node), 0);
	agent_write(node, "a", "right");
	agent_wait_prepared(node, deployment, 1);
}

static void test_an_artifact_that_changed_between_restarts_is_fetched_again(void **state)
{
	struct agent_node *node = *state;
	char *deployment;
	FILE *stored;

	agent_model(node, "a", "right");
	agent_node_start(node);
	deployment = agent_serve(node, "d", agent_group(node, "k=a"));
	agent_node_stop(node);
	stored = fopen(agent_artifact_path(node, "right"), "r+b");
	assert_non_null(stored);
	assert_true(fputs("bad:!", stored) >= 0);
	fclose(stored);
	agent_node_start(node);
	agent_wait_serving(node, deployment, 1);
	assert_int_equal(agent_metric(node, AGENT_METRIC_FETCHES), 1);
	assert_int_equal(agent_metric(node, AGENT_METRIC_LOAD_FAILURES), 0);
}

static void test_without_a_digest_what_is_found_is_loaded(void **state)
{
	struct agent_node *node = *state;
	struct cadre_error err = CADRE_ERROR_INIT;
	char *deployment;

	agent_write(node, "a", "whatever");
	agent_register(node, "a", NULL);
	agent_node_start(node);
	deployment = agent_serve(node, "d", agent_group(node, "k=a"));
	assert_string_equal(agent_answer(node, deployment, "k", &err),
	                    agent_name_of(node, "a", "whatever"));
}

/* ---- members ---- */

static void test_a_member_that_is_not_registered_fails_until_it_is(void **state)
{
	struct agent_node *node = *state;
	char *deployment;

	agent_model(node, "a", "x");
	agent_node_start(node);
	deployment = agent_deploy(node, "d", agent_group(node, "k=a l=b"));
	agent_wait_member(node, deployment, 1, "b", FAILED, "not registered");
	agent_model(node, "b", "y");
	agent_wait_prepared(node, deployment, 1);
}

static void test_a_model_registered_anew_is_loaded_beside_the_old(void **state)
{
	struct agent_node *node = *state;
	struct cadre_error err = CADRE_ERROR_INIT;
	char *deployment;

	agent_model(node, "a", "x");
	agent_node_start(node);
	deployment = agent_serve(node, "d", agent_group(node, "k=a"));
	agent_retire(node, "a");
	assert_non_null(agent_answer(node, deployment, "k", &err));
	agent_model(node, "a", "new");
	agent_wait_metric(node, AGENT_METRIC_FLIPS, 2);
	assert_string_equal(agent_answer(node, deployment, "k", &err),
	                    agent_name_of(node, "a", "new"));
	agent_wait_metric(node, AGENT_METRIC_UNLOADS, 1);
}

static void test_content_that_is_found_elsewhere_is_tried_at_once(void **state)
{
	struct agent_node *node = *state;
	char *deployment;

	node->options.retry_min_ms = node->options.retry_max_ms = 3600u * 1000;
	agent_register_at(node, "a", "lost", "x");
	agent_node_start(node);
	deployment = agent_deploy(node, "d", agent_group(node, "k=a"));
	agent_wait_member(node, deployment, 1, "a", FAILED, "no such file");
	agent_retire(node, "a");
	agent_write(node, "found", "x");
	agent_register_at(node, "a", "found", "x");
	agent_wait_prepared(node, deployment, 1);
}

static void test_adapters_fail_with_their_base_and_recover_with_it(void **state)
{
	struct agent_node *node = *state;
	char *deployment;

	agent_register(node, "z", "base");
	agent_model(node, "a", "one");
	agent_node_start(node);
	deployment = agent_deploy(node, "d", agent_stacked(node, "z", "k=a z"));
	agent_wait_member(node, deployment, 1, "a", FAILED,
	                  "its base \"ocid1.datasciencemodel.z\": ");
	assert_non_null(strstr(agent_report(node, deployment)->reason, "2 of 2 members"));
	agent_write(node, "z", "base");
	agent_wait_prepared(node, deployment, 1);
}

static void test_a_refused_load_keeps_the_old_generation_and_is_tried_again(void **state)
{
	struct agent_node *node = *state;
	struct cadre_error err = CADRE_ERROR_INIT;
	char *deployment;

	agent_model(node, "a", "x");
	agent_model(node, "b", "bad:no such layer");
	agent_node_start(node);
	deployment = agent_serve(node, "d", agent_group(node, "k=a"));
	agent_retarget(node, deployment, agent_group(node, "k=b"));
	agent_wait_member(node, deployment, 2, "b", FAILED, "no such layer");
	agent_wait_metric(node, AGENT_METRIC_LOAD_FAILURES, 3);
	assert_string_equal(agent_answer(node, deployment, "k", &err),
	                    agent_name_of(node, "a", "x"));
	assert_int_equal(agent_report(node, deployment)->serving_generation, 1);
}

/* A cut-over that this node was not ready for: it goes on with what it has. */
static void test_a_late_node_serves_the_old_generation_until_it_is_ready(void **state)
{
	struct agent_node *node = *state;
	struct cadre_error err = CADRE_ERROR_INIT;
	char *deployment;

	agent_model(node, "a", "x");
	agent_register(node, "b", "y");
	agent_node_start(node);
	deployment = agent_serve(node, "d", agent_group(node, "k=a"));
	agent_retarget(node, deployment, agent_group(node, "k=b"));
	agent_cut_over(node, deployment, 2);
	agent_wait_member(node, deployment, 2, "b", FAILED, "no such file");
	assert_string_equal(agent_answer(node, deployment, "k", &err),
	                    agent_name_of(node, "a", "x"));
	/* Also when it must be loaded anew: it is what is served. */
	assert_int_equal(kill(agent_worker_pid(node, deployment, "k"), SIGKILL), 0);
	agent_wait_metric(node, AGENT_METRIC_WORKER_DEATHS, 1);
	agent_wait_answer(node, deployment, "k");
	agent_write(node, "b", "y");
	agent_wait_serving(node, deployment, 2);
}

/* Nothing was served here before, so what is ready answers. */
static void test_after_a_restart_each_member_that_is_ready_answers(void **state)
{
	struct agent_node *node = *state;
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_agent_route route;
	char *deployment;

	agent_model(node, "a", "x");
	agent_model(node, "b", "y");
	agent_node_start(node);
	deployment = agent_serve(node, "d", agent_group(node, "k=a l=b"));
	agent_node_stop(node);
	assert_int_equal(unlink(agent_artifact_path(node, "y")), 0);
	agent_delete(node, "b");
	agent_node_start(node);
	agent_wait_answer(node, deployment, "k");
	agent_wait_member(node, deployment, 1, "b", FAILED, "no such file");
	assert_int_equal(agent_report(node, deployment)->serving_generation, 0);
	assert_int_equal(
	        cadre_agent_route(node->agent, NULL, deployment, "l", &route, &err),
	        CADRE_UNAVAILABLE);
	assert_non_null(strstr(err.message, "is FAILED here: "));
	agent_write(node, "b", "y");
	agent_wait_serving(node, deployment, 1);
}

/* Their OCIDs end alike, and so does their content. */
static void test_two_models_of_one_name_are_not_taken_for_each_other(void **state)
{
	struct agent_node *node = *state;
	char *deployment;

	agent_model(node, "a", "x");
	agent_model(node, "other.a", "x");
	agent_node_start(node);
	deployment = agent_serve(node, "d", agent_group(node, "k=a"));
	agent_retarget(node, deployment, agent_group(node, "k=other.a"));
	agent_wait_member(node, deployment, 2, "other.a", FAILED,
	                  "the worker has another model under its name");
	/* Once the first is gone there is room for the second. */
	agent_cut_over(node, deployment, 2);
	agent_end(node, deployment, true);
	agent_wait_metric(node, AGENT_METRIC_UNLOADS, 1);
	agent_serve(node, "e", agent_group(node, "k=other.a"));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_a_killed_worker_is_replaced_and_gets_its_models_back),
		CASE(test_while_the_worker_is_down_the_reason_is_told),
		CASE(test_a_missing_worker_program_is_a_reason_and_is_tried_again),
		CASE(test_a_node_without_a_worker_program_says_so),
		CASE(test_a_program_that_ends_at_once_is_a_reason),
		CASE(test_a_worker_killed_during_a_load_is_replaced_and_loads_again),
		CASE(test_a_model_that_kills_its_worker_does_not_keep_others_from_serving),
		CASE(test_a_missing_artifact_is_loaded_when_it_appears),
		CASE(test_a_corrupt_artifact_is_never_loaded),
		CASE(test_an_artifact_that_changed_between_restarts_is_fetched_again),
		CASE(test_without_a_digest_what_is_found_is_loaded),
		CASE(test_a_member_that_is_not_registered_fails_until_it_is),
		CASE(test_a_model_registered_anew_is_loaded_beside_the_old),
		CASE(test_content_that_is_found_elsewhere_is_tried_at_once),
		CASE(test_adapters_fail_with_their_base_and_recover_with_it),
		CASE(test_a_refused_load_keeps_the_old_generation_and_is_tried_again),
		CASE(test_after_a_restart_each_member_that_is_ready_answers),
		CASE(test_two_models_of_one_name_are_not_taken_for_each_other),
		CASE(test_a_late_node_serves_the_old_generation_until_it_is_ready),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
