/* The agent when all goes well: placed, prepared, cut over, drained. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "replica/agent/agent_internal.h"
#include "tests/unit/agent/agent_node.h"

#define LONG_LINGER_MS (3600u * 1000)

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

static void refused(struct agent_node *node, const char *deployment, const char *key,
                    enum cadre_status status, const char *text)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_agent_route route;

	assert_int_equal(
	        cadre_agent_route(node->agent, NULL, deployment, key, &route, &err),
	        status);
	if (!strstr(err.message, text))
		fail_msg("\"%s\" is not in \"%s\"", text, err.message);
}

static void
test_what_is_placed_here_is_loaded_reported_and_served_once_cut_over(void **state)
{
	struct agent_node *node = *state;
	const Cadre__V1__DeploymentReport *report;
	const Cadre__V1__MemberReport *member;
	struct cadre_error err = CADRE_ERROR_INIT;
	char *deployment;

	agent_model(node, "a", "x");
	agent_model(node, "b", "y");
	agent_node_start(node);
	deployment = agent_deploy(node, "d", agent_group(node, "one=a b"));
	agent_wait_prepared(node, deployment, 1);
	assert_true(atomic_load(&node->changes) > 0);
	report = agent_report(node, deployment);
	assert_int_equal(report->serving_generation, 0);
	assert_false(report->has_failed_generation);
	member = agent_member(node, deployment, 1, "a");
	assert_int_equal(member->state, CADRE__V1__MEMBER_STATE__MEMBER_READY);
	assert_string_equal(member->inference_key, "one");
	assert_int_equal(member->bytes, 1000);
	assert_non_null(member->worker);
	assert_true(member->as_of_seq > 0);
	refused(node, deployment, "one", CADRE_UNAVAILABLE,
	        "serves nothing yet: generation 1 has 2 of 2 members ready");

	agent_cut_over(node, deployment, 1);
	agent_wait_serving(node, deployment, 1);
	assert_true(agent_report(node, deployment)->flipped_ms > 0);
	assert_string_equal(agent_answer(node, deployment, "one", &err),
	                    agent_name_of(node, "a", "x"));
	assert_string_equal(agent_answer(node, "d", agent_ocid(node, "b"), &err),
	                    agent_name_of(node, "b", "y"));
}

static void test_unknown_deployments_keys_and_names_are_told_apart(void **state)
{
	struct agent_node *node = *state;
	struct cadre_agent_route route;
	struct cadre_error err = CADRE_ERROR_INIT;
	char *deployment;

	agent_model(node, "a", "x");
	agent_node_start(node);
	deployment = agent_serve(node, "d", agent_group(node, "k=a"));
	refused(node, "nowhere", "k", CADRE_NOT_FOUND, "\"nowhere\" is not on this node");
	refused(node, deployment, "q", CADRE_NOT_FOUND, "no member \"q\"");
	assert_int_equal(
	        cadre_agent_route(node->agent, "elsewhere", "d", "k", &route, &err),
	        CADRE_NOT_FOUND);
	assert_ok(cadre_agent_route(node->agent, AGENT_COMPARTMENT, "d", "k", &route,
	                            &err));
	assert_string_equal(route.deployment_id, deployment);
	assert_string_equal(route.model_id, agent_ocid(node, "a"));
	assert_int_equal(route.generation, 1);
	cadre_agent_release(node->agent, &route);
	agent_serve(node, "d", agent_group(node, "k=a"));
	refused(node, "d", "k", CADRE_NOT_FOUND, "2 deployments on this node are named");
}

static void test_a_request_ends_on_the_version_it_resolved(void **state)
{
	struct agent_node *node = *state;
	struct cadre_agent_route held;
	struct cadre_error err = CADRE_ERROR_INIT;
	char *deployment;

	agent_model(node, "a", "x");
	agent_model(node, "b", "y");
	agent_node_start(node);
	deployment = agent_serve(node, "d", agent_group(node, "k=a"));
	agent_hold(node, deployment, "k", &held);
	assert_int_equal(agent_report(node, deployment)->in_flight, 1);

	agent_retarget(node, deployment, agent_group(node, "k=b"));
	agent_wait_prepared(node, deployment, 2);
	assert_string_equal(agent_answer(node, deployment, "k", &err),
	                    agent_name_of(node, "a", "x"));
	agent_cut_over(node, deployment, 2);
	agent_wait_serving(node, deployment, 2);
	assert_string_equal(agent_answer(node, deployment, "k", &err),
	                    agent_name_of(node, "b", "y"));
	assert_string_equal(agent_ask(node, &held), agent_name_of(node, "a", "x"));
	assert_int_equal(agent_report(node, deployment)->in_flight, 1);

	/* The linger has passed or does; the last request lets it go. */
	assert_int_equal(agent_metric(node, AGENT_METRIC_UNLOADS), 0);
	cadre_agent_release(node->agent, &held);
	agent_wait_metric(node, AGENT_METRIC_UNLOADS, 1);
	agent_wait_artifacts(node, 1);
}

static void test_the_old_generation_lingers_and_a_rollback_finds_it(void **state)
{
	struct agent_node *node = *state;
	struct cadre_error err = CADRE_ERROR_INIT;
	char *deployment;
	char *first;

	node->options.linger_ms = LONG_LINGER_MS;
	agent_model(node, "a", "x");
	agent_model(node, "b", "y");
	agent_node_start(node);
	first = agent_group(node, "k=a");
	deployment = agent_serve(node, "d", first);
	agent_retarget(node, deployment, agent_group(node, "k=b"));
	agent_wait_prepared(node, deployment, 2);
	agent_cut_over(node, deployment, 2);
	agent_wait_serving(node, deployment, 2);
	agent_retarget(node, deployment, first);
	agent_wait_prepared(node, deployment, 3);
	agent_cut_over(node, deployment, 3);
	agent_wait_serving(node, deployment, 3);
	assert_string_equal(agent_answer(node, deployment, "k", &err),
	                    agent_name_of(node, "a", "x"));
	assert_int_equal(agent_metric(node, AGENT_METRIC_LOADS), 2);
	assert_int_equal(agent_metric(node, AGENT_METRIC_UNLOADS), 0);
}

static void test_members_that_two_generations_share_are_not_touched(void **state)
{
	struct agent_node *node = *state;
	char *deployment;

	agent_model(node, "a", "x");
	agent_model(node, "b", "y");
	agent_model(node, "c", "z");
	agent_node_start(node);
	deployment = agent_serve(node, "d", agent_group(node, "k=a l=b"));
	agent_retarget(node, deployment, agent_group(node, "k=a l=c"));
	agent_wait_prepared(node, deployment, 2);
	agent_cut_over(node, deployment, 2);
	agent_wait_serving(node, deployment, 2);
	agent_wait_metric(node, AGENT_METRIC_UNLOADS, 1);
	assert_int_equal(agent_metric(node, AGENT_METRIC_LOADS), 3);
	assert_int_equal(agent_metric(node, AGENT_METRIC_FETCHES), 3);
	agent_wait_artifacts(node, 2);
}

static void test_a_newer_target_aborts_the_older_prepare(void **state)
{
	struct agent_node *node = *state;
	struct cadre_error err = CADRE_ERROR_INIT;
	char *deployment;

	agent_model(node, "a", "x");
	agent_model(node, "slow", "slow:3600000");
	agent_model(node, "b", "y");
	agent_node_start(node);
	deployment = agent_serve(node, "d", agent_group(node, "k=a"));
	agent_retarget(node, deployment, agent_group(node, "k=slow"));
	agent_wait_member(node, deployment, 2, "slow",
	                  CADRE__V1__MEMBER_STATE__MEMBER_LOADING, "");
	agent_retarget(node, deployment, agent_group(node, "k=b"));
	agent_wait_prepared(node, deployment, 3);
	assert_string_equal(agent_answer(node, deployment, "k", &err),
	                    agent_name_of(node, "a", "x"));
	agent_wait_metric(node, AGENT_METRIC_UNLOADS, 1);
	agent_wait_artifacts(node, 2);
}

static void test_an_aborted_fetch_stops_in_the_middle(void **state)
{
	struct agent_node *node = *state;
	char *deployment;

	agent_model(node, "a", "x");
	agent_write(node, "huge", "");
	/* Sparse; copying it would take seconds. */
	assert_int_equal(truncate(agent_text(node, "%s/huge", node->dir), (off_t)2 << 30),
	                 0);
	agent_register(node, "huge", NULL);
	agent_node_start(node);
	deployment = agent_deploy(node, "d", agent_group(node, "k=huge"));
	agent_wait_member(node, deployment, 1, "huge",
	                  CADRE__V1__MEMBER_STATE__MEMBER_FETCHING, "");
	agent_retarget(node, deployment, agent_group(node, "k=a"));
	agent_wait_prepared(node, deployment, 2);
	assert_int_equal(agent_metric(node, AGENT_METRIC_FETCHES), 1);
	assert_int_equal(agent_metric(node, AGENT_METRIC_FETCH_FAILURES), 0);
}

static void test_adapters_are_loaded_onto_their_base(void **state)
{
	struct agent_node *node = *state;
	struct cadre_error err = CADRE_ERROR_INIT;
	char *deployment;
	char *name;

	agent_model(node, "z", "base");
	agent_model(node, "a", "one");
	agent_model(node, "b", "two");
	agent_node_start(node);
	deployment = agent_serve(node, "d", agent_stacked(node, "z", "k=a l=b base=z"));
	assert_string_equal(agent_answer(node, deployment, "base", &err),
	                    agent_name_of(node, "z", "base"));
	name = agent_answer(node, deployment, "k", &err);
	assert_ptr_equal(strstr(name, agent_name_of(node, "a", "one")), name);
	/* All go, the base last: the worker refuses another order. */
	agent_end(node, deployment, true);
	agent_wait_metric(node, AGENT_METRIC_UNLOADS, 3);
	agent_wait_artifacts(node, 0);
}

static void test_other_parameters_make_another_model_of_the_same_file(void **state)
{
	struct agent_node *node = *state;
	struct cadre_error err = CADRE_ERROR_INIT;
	char *deployment;
	char *plain;
	char *scaled;

	agent_model(node, "a", "x");
	agent_node_start(node);
	deployment = agent_serve(node, "d", agent_group(node, "k=a"));
	plain = agent_answer(node, deployment, "k", &err);
	agent_retarget(node, deployment,
	               agent_group_with(node, "k=a", "k", "scale", "2"));
	agent_wait_prepared(node, deployment, 2);
	agent_cut_over(node, deployment, 2);
	agent_wait_serving(node, deployment, 2);
	scaled = agent_answer(node, deployment, "k", &err);
	assert_string_not_equal(plain, scaled);
	assert_ptr_equal(strstr(scaled, plain), scaled);
	/* Another's row is not its own. */
	agent_retarget(node, deployment,
	               agent_group_with(node, "k=a", "other", "scale", "2"));
	agent_wait_prepared(node, deployment, 3);
	agent_cut_over(node, deployment, 3);
	agent_wait_serving(node, deployment, 3);
	assert_string_equal(agent_answer(node, deployment, "k", &err), plain);
}

static void test_what_leaves_this_node_is_unloaded_and_its_files_removed(void **state)
{
	struct agent_node *node = *state;
	char *moved;
	char *stopped;

	agent_model(node, "a", "x");
	agent_model(node, "b", "y");
	agent_node_start(node);
	moved = agent_serve(node, "m", agent_group(node, "k=a"));
	stopped = agent_serve(node, "s", agent_group(node, "k=b"));
	agent_place(node, moved, false);
	agent_wait_metric(node, AGENT_METRIC_DEPLOYMENTS, 1);
	refused(node, moved, "k", CADRE_NOT_FOUND, "not on this node");
	agent_end(node, stopped, false);
	agent_wait_metric(node, AGENT_METRIC_UNLOADS, 2);
	refused(node, stopped, "k", CADRE_NOT_FOUND, "or is INACTIVE");
	agent_wait_artifacts(node, 0);
	agent_place(node, moved, true);
	agent_wait_serving(node, moved, 1);
}

static void test_a_node_without_readable_views_goes_on_serving(void **state)
{
	struct agent_node *node = *state;
	struct cadre_error err = CADRE_ERROR_INIT;
	char *deployment;

	agent_model(node, "a", "x");
	agent_node_start(node);
	deployment = agent_serve(node, "d", agent_group(node, "k=a"));
	cadre_agent_views(node->agent, NULL);
	cadre_agent_applied(node->agent, 1);
	assert_non_null(agent_answer(node, deployment, "k", &err));
	/* What came meanwhile is read when they are back. */
	agent_model(node, "b", "y");
	agent_retarget(node, deployment, agent_group(node, "k=b"));
	assert_int_equal(agent_report(node, deployment)->prepared_generation, 1);
	cadre_agent_views(node->agent, node->kv);
	agent_wait_prepared(node, deployment, 2);
}

static void test_before_the_first_views_nothing_is_said_to_be_unknown(void **state)
{
	struct agent_node *node = *state;
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_agent *agent = NULL;
	struct cadre_agent_route route;

	node->options.program.path = NULL;
	assert_ok(cadre_agent_create(cadre_env_real(), &node->options, &agent, &err));
	assert_ok(cadre_agent_start(agent, &err));
	assert_int_equal(cadre_agent_route(agent, NULL, "d", "k", &route, &err),
	                 CADRE_UNAVAILABLE);
	cadre_agent_destroy(&agent);
}

static void test_what_was_served_is_served_again_after_a_restart(void **state)
{
	struct agent_node *node = *state;
	struct cadre_error err = CADRE_ERROR_INIT;
	char *deployment;

	agent_model(node, "a", "x");
	agent_node_start(node);
	deployment = agent_serve(node, "d", agent_group(node, "k=a"));
	agent_node_stop(node);
	agent_delete(node, "a");
	agent_node_start(node);
	agent_wait_serving(node, deployment, 1);
	assert_string_equal(agent_answer(node, deployment, "k", &err),
	                    agent_name_of(node, "a", "x"));
	assert_int_equal(agent_metric(node, AGENT_METRIC_FETCHES), 0);
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* One member of 500 changes: one is fetched and loaded, routes stay short. */
static void test_a_patch_of_one_in_500_members_loads_one(void **state)
{
	enum { COUNT = 500, ASKED = 20000 };
	struct agent_node *node = *state;
	struct cadre_agent_route route;
	char *deployment;
	double begun;

	for (unsigned i = 0; i < COUNT; i++)
		agent_model(node, agent_text(node, "m%u", i), "x");
	agent_model(node, "new", "y");
	agent_node_start(node);
	deployment = agent_serve(node, "d", agent_group_of(node, COUNT, "m0"));
	assert_int_equal(agent_metric(node, AGENT_METRIC_LOADS), COUNT);
	/* One content, once. */
	assert_int_equal(agent_metric(node, AGENT_METRIC_FETCHES), 1);
	begun = seconds();
	for (unsigned i = 0; i < ASKED; i++) {
		agent_hold(node, deployment, "k250", &route);
		cadre_agent_release(node->agent, &route);
	}
	print_message("a route and its release: %.2f us\n",
	              (seconds() - begun) * 1e6 / ASKED);
	/* Far above what it is, far below a look-up in the views. */
	assert_true((seconds() - begun) / ASKED < 200e-6);
	agent_retarget(node, deployment, agent_group_of(node, COUNT, "new"));
	agent_wait_prepared(node, deployment, 2);
	assert_int_equal(agent_metric(node, AGENT_METRIC_LOADS), COUNT + 1);
	assert_int_equal(agent_metric(node, AGENT_METRIC_FETCHES), 2);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_what_is_placed_here_is_loaded_reported_and_served_once_cut_over),
		CASE(test_unknown_deployments_keys_and_names_are_told_apart),
		CASE(test_a_request_ends_on_the_version_it_resolved),
		CASE(test_the_old_generation_lingers_and_a_rollback_finds_it),
		CASE(test_members_that_two_generations_share_are_not_touched),
		CASE(test_a_newer_target_aborts_the_older_prepare),
		CASE(test_an_aborted_fetch_stops_in_the_middle),
		CASE(test_adapters_are_loaded_onto_their_base),
		CASE(test_other_parameters_make_another_model_of_the_same_file),
		CASE(test_what_leaves_this_node_is_unloaded_and_its_files_removed),
		CASE(test_a_node_without_readable_views_goes_on_serving),
		CASE(test_before_the_first_views_nothing_is_said_to_be_unknown),
		CASE(test_what_was_served_is_served_again_after_a_restart),
		CASE(test_a_patch_of_one_in_500_members_loads_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
