/* A follower that is far behind: from the log, and from a snapshot. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "tests/unit/replication/cluster.h"

/* More than a follower without any takes from the log. */
#define FAR (CADRE_FOLLOWER_SNAPSHOT_EVENTS + 1000u)

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

/* One writer beside the test. */
struct load {
	struct cluster *cluster;
	pthread_t thread;
	atomic_bool stop;
};

static void *write_on(void *ctx)
{
	struct load *load = ctx;

	while (!atomic_load(&load->stop))
		cluster_write(load->cluster, 50);
	return NULL;
}

static void load_start(struct load *load, struct cluster *cluster)
{
	load->cluster = cluster;
	atomic_store(&load->stop, false);
	assert_int_equal(pthread_create(&load->thread, NULL, write_on, load), 0);
}

static void load_stop(struct load *load)
{
	atomic_store(&load->stop, true);
	pthread_join(load->thread, NULL);
}

static uint64_t bootstraps(const struct cluster_node *follower)
{
	return cadre_metric_value(follower->node->metrics, NODE_METRIC_BOOTSTRAPS);
}

static void a_follower_cut_off_for_100000_events_catches_up(void **state)
{
	struct cluster *cluster = *state;
	struct cluster_node *follower = &cluster->followers[0];
	struct cadre_env *env = cadre_env_real();
	uint64_t begin;

	cluster_follow(cluster, follower);
	cluster_wait_applied(follower, cluster_write(cluster, 1000));
	cluster_stop(follower);
	cluster_write(cluster, 100000);
	begin = env->ops->mono_ns(env);
	cluster_start(follower);
	cluster_assert_same(cluster, follower);
	print_message("100000 events caught up in %llu ms\n",
	              (unsigned long long)((env->ops->mono_ns(env) - begin) / 1000000));
	assert_int_equal(bootstraps(follower), 0);
}

static void a_new_follower_takes_a_snapshot_while_the_leader_writes(void **state)
{
	struct cluster *cluster = *state;
	struct cluster_node *follower = &cluster->followers[0];
	struct load load;

	cluster_write(cluster, FAR);
	load_start(&load, cluster);
	cluster_follow(cluster, follower);
	cluster_wait_applied(follower, FAR);
	load_stop(&load);
	cluster_assert_same(cluster, follower);
	assert_int_equal(bootstraps(follower), 1);
	/* What it holds is its own: it goes on from there. */
	cluster_stop(follower);
	cluster_write(cluster, 100);
	cluster_start(follower);
	cluster_assert_same(cluster, follower);
	assert_int_equal(bootstraps(follower), 0);
}

/* Puts the leader's directory on its own snapshot: its log begins behind that. */
static void shorten_log(struct cluster *cluster)
{
	struct cadre_store_options options = { .dir = cluster->leader.dir,
		                               .no_snapshots = true };
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_snapshot_info info;
	struct cadre_store *store;

	cluster_stop(&cluster->leader);
	assert_ok(cadre_store_open(cadre_env_real(), &options, &store, &err));
	assert_ok(cadre_store_snapshot(store, &info, &err));
	cadre_store_close(store);
	assert_ok(cadre_store_adopt_snapshot(cadre_env_real(), cluster->leader.dir,
	                                     info.head.applied_seq, &err));
	cluster_start(&cluster->leader);
}

static void a_follower_behind_the_leaders_log_is_replaced_and_serves_on(void **state)
{
	struct cluster *cluster = *state;
	struct cluster_node *follower = &cluster->followers[0];
	struct cadre_client *client;

	cluster_follow(cluster, follower);
	cluster_wait_applied(follower, cluster_write(cluster, 100));
	cluster_stop(follower);
	cluster_write(cluster, 2000);
	shorten_log(cluster);
	cluster_write(cluster, 10);
	cluster_start(follower);
	client = cluster_client(follower);
	cluster_assert_same(cluster, follower);
	assert_int_equal(bootstraps(follower), 1);
	/* Reads by the client that was there all the time. */
	struct cadre_client_answer *answer;
	(void)rpc_done(client, rpc_op_get(&cluster->ops, "g2050", true), &answer);
	cadre_client_answer_free(answer);
	(void)rpc_done(client, rpc_op_watch(&cluster->ops, 2105, 0), &answer);
	cadre_client_answer_free(answer);
	cadre_client_close(client);
}

static void a_new_follower_of_a_leader_with_a_short_log_takes_a_snapshot(void **state)
{
	struct cluster *cluster = *state;
	struct cluster_node *follower = &cluster->followers[1];

	cluster_write(cluster, 500);
	shorten_log(cluster);
	cluster_follow(cluster, follower);
	cluster_assert_same(cluster, follower);
	assert_int_equal(bootstraps(follower), 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_follower_cut_off_for_100000_events_catches_up),
		CASE(a_new_follower_takes_a_snapshot_while_the_leader_writes),
		CASE(a_follower_behind_the_leaders_log_is_replaced_and_serves_on),
		CASE(a_new_follower_of_a_leader_with_a_short_log_takes_a_snapshot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
