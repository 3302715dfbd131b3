/* A follower beside its leader: convergence, restarts, how soon a commit is seen. */
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/bytes.h"
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

static void a_follower_converges_and_its_digest_is_the_leaders(void **state)
{
	struct cluster *cluster = *state;
	struct cluster_node *follower = &cluster->followers[0];

	cluster_write(cluster, 3000);
	cluster_follow(cluster, follower);
	cluster_assert_same(cluster, follower);
	cluster_write(cluster, 3000);
	cluster_assert_same(cluster, follower);
}

static void two_followers_hold_the_same(void **state)
{
	struct cluster *cluster = *state;

	cluster_follow(cluster, &cluster->followers[0]);
	cluster_follow(cluster, &cluster->followers[1]);
	cluster_write(cluster, 1000);
	cluster_assert_same(cluster, &cluster->followers[0]);
	cluster_assert_same(cluster, &cluster->followers[1]);
}

static void a_follower_that_is_started_again_goes_on_where_it_was(void **state)
{
	struct cluster *cluster = *state;
	struct cluster_node *follower = &cluster->followers[0];
	struct cadre_store_status status;

	cluster_follow(cluster, follower);
	cluster_wait_applied(follower, cluster_write(cluster, 500));
	cluster_stop(follower);
	cluster_write(cluster, 500);
	cluster_start(follower);
	cluster_positions(follower, &status);
	assert_true(status.view.applied_seq >= 501);
	cluster_assert_same(cluster, follower);
}

static void a_leader_that_is_started_again_is_found_again(void **state)
{
	struct cluster *cluster = *state;
	struct cluster_node *follower = &cluster->followers[0];

	cluster_follow(cluster, follower);
	cluster_wait_applied(follower, cluster_write(cluster, 10));
	for (int i = 0; i < 3; i++) {
		cluster_stop(&cluster->leader);
		cluster_start(&cluster->leader);
		cluster_write(cluster, 10);
		cluster_assert_same(cluster, follower);
	}
	cluster_wait_alarm(follower, "LEADER_SILENT", false);
}

static int compare_u64(const void *a, const void *b)
{
	uint64_t left, right;

	memcpy(&left, a, sizeof left);
	memcpy(&right, b, sizeof right);
	return left < right ? -1 : left > right;
}

static uint64_t median(uint64_t *values, size_t count)
{
	qsort(values, count, sizeof *values, compare_u64);
	return values[count / 2];
}

/* With a Fetch parked for 10 s, anything that looks at intervals would show. */
static void a_commit_is_on_its_way_at_once(void **state)
{
	enum { COMMITS = 101 };
	struct cluster *cluster = *state;
	struct cluster_node *follower = &cluster->followers[0];
	struct cadre_env *env = cadre_env_real();
	struct cadre_client *client = cluster_client(&cluster->leader);
	struct cadre_client *reader;
	uint64_t answered[COMMITS], visible[COMMITS];

	follower->options.fetch_wait_ms = 10000;
	cluster_follow(cluster, follower);
	cluster_wait_applied(follower, cluster_write(cluster, 1));
	reader = cluster_client(follower);
	for (unsigned i = 0; i < COMMITS; i++) {
		char *name = rpc_text(&cluster->ops, "one by one %u", i);
		Cadre__V1__Command *command = rpc_create_group(&cluster->ops, name, "m",
		                                               1, 1);
		const Cadre__V1__Op *op = rpc_op_batch(&cluster->ops, &command, 1);
		struct cadre_client_answer *answer;
		uint64_t begin = env->ops->mono_ns(env);
		cadre_seq seq = rpc_done(client, op, &answer)->batch->results[0]->seq;

		answered[i] = (env->ops->mono_ns(env) - begin) / 1000;
		cadre_client_answer_free(answer);
		/* Parked on the follower until the event is there to be read. */
		(void)rpc_done(reader, rpc_op_watch(&cluster->ops, seq, 20000), &answer);
		visible[i] = (env->ops->mono_ns(env) - begin) / 1000;
		cadre_client_answer_free(answer);
	}
	cadre_client_close(reader);
	cadre_client_close(client);
	print_message("a command: answered after %llu us, visible on the follower "
	              "after %llu us (medians)\n",
	              (unsigned long long)median(answered, COMMITS),
	              (unsigned long long)median(visible, COMMITS));
	assert_true(median(visible, COMMITS) < 100000);
}

static void a_follower_resolves_at_a_time_that_its_leader_settled(void **state)
{
	struct cluster *cluster = *state;
	struct cluster_node *follower = &cluster->followers[0];
	struct cadre_env *env = cadre_env_real();
	struct cadre_client *client;
	struct cadre_client_answer *answer;
	Cadre__V1__Op *op;
	uint64_t until = 0;
	bool done = false;
	cadre_time_ms at;

	cluster_follow(cluster, follower);
	cluster_wait_applied(follower, cluster_write(cluster, 1));
	/* Nothing is written any more: only the leader's word makes this time past. */
	at = env->ops->wall_ms(env) + 1;
	client = cluster_client(follower);
	while (!done) {
		const Cadre__V1__Op *ops[1];

		op = rpc_op_resolve(&cluster->ops, "g0", "k1");
		op->resolve->has_at_time_ms = true;
		op->resolve->at_time_ms = at;
		ops[0] = op;
		done = cadre_client_call(client, ops, 1, NULL, &answer) ==
		       CADRE_CLIENT_DONE;
		if (!done)
			assert_string_equal(cadre_client_answer_status_name(answer),
			                    "LAGGING");
		cadre_client_answer_free(answer);
		cluster_tick(&until);
	}
	cadre_client_close(client);
}

static void the_leader_lists_its_followers_and_a_follower_its_leader(void **state)
{
	struct cluster *cluster = *state;
	struct cluster_node *follower = &cluster->followers[0];
	struct cadre_client *client;
	struct cadre_client_answer *answer;
	const Cadre__V1__StatusResult *status;
	uint64_t until = 0;
	bool seen = false;

	cluster_follow(cluster, follower);
	cluster_wait_applied(follower, cluster_write(cluster, 5));
	client = cluster_client(&cluster->leader);
	while (!seen) {
		status = rpc_done(client, rpc_op_status(&cluster->ops), &answer)
		                 ->node_status;
		assert_string_equal(status->role, "leader");
		seen = status->n_nodes == 1 && status->nodes[0]->connected &&
		       status->nodes[0]->applied_seq == status->applied_seq &&
		       status->nodes[0]->digest_state &&
		       strcmp(status->nodes[0]->digest_state, "verified") == 0;
		cadre_client_answer_free(answer);
		cluster_tick(&until);
	}
	cadre_client_close(client);
	client = cluster_client(follower);
	status = rpc_done(client, rpc_op_status(&cluster->ops), &answer)->node_status;
	assert_string_equal(status->role, "follower");
	assert_string_equal(status->leader_address, cluster->leader.rpc);
	assert_true(status->has_leader_contact_age_ms);
	assert_int_equal(status->lag_events, 0);
	assert_int_equal(status->n_alarms, 0);
	cadre_client_answer_free(answer);
	cadre_client_close(client);
}

static void a_command_to_a_follower_names_the_leader(void **state)
{
	struct cluster *cluster = *state;
	struct cluster_node *follower = &cluster->followers[0];
	struct cadre_client *client;

	cluster_follow(cluster, follower);
	cluster_wait_applied(follower, cluster_write(cluster, 1));
	client = cluster_client(follower);
	/* The client goes to the address it is given. */
	(void)rpc_do(&cluster->ops, client,
	             rpc_create_group(&cluster->ops, "by way", "m", 1, 1));
	cadre_client_close(client);
	cluster_assert_same(cluster, follower);
}

static void metrics_of_all_parts_are_one_text(void **state)
{
	struct cluster *cluster = *state;
	struct cluster_node *follower = &cluster->followers[0];
	struct cadre_buffer text = { 0 };

	cluster_follow(cluster, follower);
	cluster_wait_applied(follower, cluster_write(cluster, 1));
	assert_int_equal(cadre_node_metrics_text(follower->node, &text), CADRE_OK);
	assert_int_equal(cadre_node_metrics_text(cluster->leader.node, &text), CADRE_OK);
	assert_int_equal(cadre_buffer_append(&text, "", 1), CADRE_OK);
	assert_non_null(strstr((char *)text.data, "cadre_node_lag_events 0"));
	assert_non_null(strstr((char *)text.data, "cadre_node_followers 1"));
	assert_non_null(strstr((char *)text.data, "cadre_rpc_requests_total"));
	cadre_buffer_fini(&text);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_follower_converges_and_its_digest_is_the_leaders),
		CASE(two_followers_hold_the_same),
		CASE(a_follower_that_is_started_again_goes_on_where_it_was),
		CASE(a_leader_that_is_started_again_is_found_again),
		CASE(a_commit_is_on_its_way_at_once),
		CASE(a_follower_resolves_at_a_time_that_its_leader_settled),
		CASE(the_leader_lists_its_followers_and_a_follower_its_leader),
		CASE(a_command_to_a_follower_names_the_leader),
		CASE(metrics_of_all_parts_are_one_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
