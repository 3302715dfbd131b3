/* Refusals, a leader that is away, a leader that says nothing. */
#include <stdio.h>

#include "engine/base/bytes.h"
#include "tests/support/proxy.h"
#include "tests/unit/replication/cluster.h"

static int setup(void **state)
{
	static struct cluster cluster;

	cluster_make(&cluster);
	*state = &cluster;
	return 0;
}

static int teardown(void **state)
{
	cluster_remove(*state);
	return 0;
}

static void assert_not_ready(struct cluster_node *node, const char *because)
{
	char why[512];

	assert_false(cadre_node_ready(node->node, why, sizeof why));
	if (!strstr(why, because))
		fail_msg("\"%s\" does not say \"%s\"", why, because);
}

static void a_follower_of_another_cluster_is_refused_with_the_reason(void **state)
{
	struct cluster *cluster = *state;
	struct cluster_node *follower = &cluster->followers[0];
	struct cluster_node other;
	char dir[300];

	cluster_follow(cluster, follower);
	cluster_wait_applied(follower, cluster_write(cluster, 10));
	cluster_stop(follower);
	(void)snprintf(dir, sizeof dir, "%s/other", cluster->dir);
	cluster_init_leader(&other, dir, "other");
	cluster_start(&other);
	follower->options.join = other.replication;
	cluster_start(follower);
	cluster_wait_alarm(follower,
	                   "LEADER_REFUSES: the follower's directory belongs "
	                   "to another cluster",
	                   true);
	assert_not_ready(follower, "another cluster");
	cluster_stop(&other);
}

static void copy_node_id(const char *from, const char *to)
{
	struct cadre_env *env = cadre_env_real();
	struct cadre_error err = CADRE_ERROR_INIT;
	char path[400];
	char meta[256];
	size_t length;

	(void)snprintf(path, sizeof path, "%s/node.meta", from);
	assert_ok(cadre_env_read_file(env, path, meta, sizeof meta, &length, &err));
	assert_ok(cadre_store_init_empty(env, to, &err));
	assert_ok(cadre_env_write_atomic(env, to, "node.meta", meta, length, &err));
}

static void a_second_node_with_the_same_id_is_refused_while_the_first_lives(void **state)
{
	struct cluster *cluster = *state;
	struct cluster_node *first = &cluster->followers[0];
	struct cluster_node *second = &cluster->followers[1];

	cluster_follow(cluster, first);
	cluster_wait_applied(first, cluster_write(cluster, 10));
	copy_node_id(first->dir, second->dir);
	cluster_follow(cluster, second);
	cluster_wait_alarm(second,
	                   "LEADER_REFUSES: another live process has this node id", true);
	assert_not_ready(second, "node id");
	cluster_assert_same(cluster, first);
}

static void a_follower_without_its_leader_answers_and_says_so(void **state)
{
	struct cluster *cluster = *state;
	struct cluster_node *follower = &cluster->followers[0];
	struct cadre_client *client;
	struct cadre_client_answer *answer;
	char why[512];

	cluster_follow(cluster, follower);
	cluster_wait_applied(follower, cluster_write(cluster, 10));
	cluster_stop(&cluster->leader);
	cluster_wait_alarm(follower, "LEADER_SILENT", true);
	client = cluster_client(follower);
	(void)rpc_done(client, rpc_op_get(&cluster->ops, "g3", true), &answer);
	cadre_client_answer_free(answer);
	cadre_client_close(client);
	/* All that the leader had is here: it goes on being asked. */
	assert_true(cadre_node_ready(follower->node, why, sizeof why));
	cluster_start(&cluster->leader);
	cluster_wait_alarm(follower, "LEADER_SILENT", false);
	cluster_write(cluster, 10);
	cluster_assert_same(cluster, follower);
}

static void a_follower_that_starts_without_its_leader_serves_what_it_has(void **state)
{
	struct cluster *cluster = *state;
	struct cluster_node *follower = &cluster->followers[0];
	struct cadre_client *client;
	struct cadre_client_answer *answer;

	cluster_follow(cluster, follower);
	cluster_wait_applied(follower, cluster_write(cluster, 10));
	cluster_stop(follower);
	cluster_stop(&cluster->leader);
	cluster_start(follower);
	assert_not_ready(follower, "no leader was met");
	client = cluster_client(follower);
	(void)rpc_done(client, rpc_op_get(&cluster->ops, "g3", true), &answer);
	cadre_client_answer_free(answer);
	cadre_client_close(client);
}

/* Connected, and no word: what a stopped process looks like from outside. */
static void a_leader_that_says_nothing_is_noticed_and_found_again(void **state)
{
	struct cluster *cluster = *state;
	struct cluster_node *follower = &cluster->followers[0];
	unsigned port;
	struct proxy *proxy;
	char address[64];

	assert_int_equal(sscanf(cluster->leader.replication, "tcp://127.0.0.1:%u", &port),
	                 1);
	proxy = proxy_start((uint16_t)port);
	(void)snprintf(address, sizeof address, "tcp://127.0.0.1:%u",
	               (unsigned)proxy_port(proxy));
	follower->options.join = address;
	cluster_start(follower);
	cluster_wait_applied(follower, cluster_write(cluster, 10));
	proxy_set(proxy, PROXY_HOLD);
	cluster_wait_alarm(follower, "LEADER_SILENT", true);
	cluster_write(cluster, 10);
	proxy_set(proxy, PROXY_PASS);
	cluster_assert_same(cluster, follower);
	cluster_wait_alarm(follower, "LEADER_SILENT", false);
	cluster_stop(follower);
	proxy_stop(proxy);
}

/* Parked for 10 s at the leader, or waiting for one that does not answer. */
static void a_follower_stops_at_once(void **state)
{
	struct cluster *cluster = *state;
	struct cluster_node *follower = &cluster->followers[0];
	struct cadre_env *env = cadre_env_real();
	uint64_t begin;

	follower->options.fetch_wait_ms = 10000;
	cluster_follow(cluster, follower);
	cluster_wait_applied(follower, cluster_write(cluster, 10));
	begin = env->ops->mono_ns(env);
	cluster_stop(follower);
	assert_true(env->ops->mono_ns(env) - begin < UINT64_C(4000000000));
	cluster_stop(&cluster->leader);
	cluster_start(follower);
	cluster_wait_alarm(follower, "LEADER_SILENT", true);
	begin = env->ops->mono_ns(env);
	cluster_stop(follower);
	assert_true(env->ops->mono_ns(env) - begin < UINT64_C(4000000000));
}

static void a_directory_with_something_else_in_it_is_left_alone(void **state)
{
	struct cluster *cluster = *state;
	struct cluster_node *follower = &cluster->followers[0];
	struct cadre_env *env = cadre_env_real();
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_node *node;

	assert_ok(env->ops->mkdir(env, follower->dir, &err));
	assert_ok(cadre_env_write_atomic(env, follower->dir, "letter", "x", 1, &err));
	follower->options.join = cluster->leader.replication;
	assert_int_equal(cadre_node_start(env, &follower->options, &node, &err),
	                 CADRE_INVALID_PARAMETER);
	assert_non_null(strstr(err.message, "not empty"));
}

static void a_follower_without_an_address_to_join_is_refused(void **state)
{
	struct cluster *cluster = *state;
	struct cluster_node *follower = &cluster->followers[0];
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_node *node;

	follower->options.join = NULL;
	assert_int_equal(
	        cadre_node_start(cadre_env_real(), &follower->options, &node, &err),
	        CADRE_INVALID_PARAMETER);
	assert_memory_equal(err.message, "join:", 5);
}

static void every_alarm_has_a_meaning_and_a_remedy(void **state)
{
	(void)state;
	for (unsigned i = 0; i < CADRE_ALARM_COUNT; i++) {
		char text[128];

		assert_non_null(cadre_alarms[i].name);
		assert_non_null(cadre_alarms[i].meaning);
		assert_non_null(cadre_alarms[i].remedy);
		(void)snprintf(text, sizeof text, "%s: and why", cadre_alarms[i].name);
		assert_ptr_equal(cadre_alarm_find(text), &cadre_alarms[i]);
	}
	assert_null(cadre_alarm_find("LEADER"));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_follower_of_another_cluster_is_refused_with_the_reason),
		CASE(a_second_node_with_the_same_id_is_refused_while_the_first_lives),
		CASE(a_follower_without_its_leader_answers_and_says_so),
		CASE(a_follower_that_starts_without_its_leader_serves_what_it_has),
		CASE(a_leader_that_says_nothing_is_noticed_and_found_again),
		CASE(a_follower_stops_at_once),
		CASE(a_directory_with_something_else_in_it_is_left_alone),
		CASE(a_follower_without_an_address_to_join_is_refused),
		cmocka_unit_test(every_alarm_has_a_meaning_and_a_remedy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
