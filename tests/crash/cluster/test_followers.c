/* Followers that are far behind, as programs: from the log, and from a snapshot, while
 * clients write. One cluster for all cases: a long log takes its time. */
#include <stdio.h>
#include <unistd.h>

#include "tests/crash/cluster/load.h"
#include "tests/crash/cluster/wait.h"

/* More than an empty follower takes from the log. */
#define FAR_EVENTS 101000u
#define EVENTS_PER_BATCH 250u

struct far {
	struct cluster cluster;
	struct load *load;
};

/* ---- writing much ---- */

static void write_batch(struct cluster *cluster, unsigned from)
{
	Cadre__V1__Command *commands[EVENTS_PER_BATCH];
	struct cadre_client_answer *answer;
	struct rpc_ops ops;

	rpc_ops_init(&ops);
	for (unsigned i = 0; i < EVENTS_PER_BATCH; i++)
		commands[i] = rpc_create_history(&ops, rpc_text(&ops, "far-%u", from + i),
		                                 NULL);
	(void)rpc_done(cluster->to_leader, rpc_op_batch(&ops, commands, EVENTS_PER_BATCH),
	               &answer);
	cadre_client_answer_free(answer);
	rpc_ops_fini(&ops);
}

/* Whether a life of the follower took a snapshot. */
static bool took_snapshot(const struct cluster *cluster)
{
	char line[2000];
	FILE *file = fopen(cluster->follower.log, "rb");
	bool found = false;

	assert_non_null(file);
	while (!found && fgets(line, sizeof line, file))
		found = strstr(line, "follower.bootstrap ") != NULL;
	(void)fclose(file);
	return found;
}

static int setup(void **state)
{
	static struct far far;
	struct cluster *cluster = &far.cluster;

	cluster_make(cluster, false);
	cluster_start_leader(cluster);
	cluster_start_follower(cluster);
	cluster_wait_same(cluster);
	proxy_set(cluster->proxies[LINK_REPLICATION], PROXY_REFUSE);
	for (unsigned i = 0; i < FAR_EVENTS; i += EVENTS_PER_BATCH)
		write_batch(cluster, i);
	far.load = load_start(cluster);
	*state = &far;
	return 0;
}

static int teardown(void **state)
{
	struct far *far = *state;

	load_stop(far->load);
	daemon_stop(&far->cluster.follower);
	daemon_stop(&far->cluster.leader);
	cluster_verify(&far->cluster);
	cluster_remove(&far->cluster);
	return 0;
}

/* ---- the cases, in this order ---- */

static void a_follower_cut_off_for_100000_events_catches_up_under_load(void **state)
{
	struct far *far = *state;
	struct cluster *cluster = &far->cluster;
	struct cluster_state follower;
	uint64_t began;

	cluster_ask(cluster->to_follower, &follower);
	assert_true(follower.answered && follower.applied_seq < 100);
	load_run(far->load);
	proxy_set(cluster->proxies[LINK_REPLICATION], PROXY_PASS);
	began = wait_now_ms();
	load_wait(far->load, 10 * LOAD_CLIENTS);
	load_pause(far->load);
	cluster_wait_same(cluster);
	print_message("caught up after %llu ms\n",
	              (unsigned long long)(wait_now_ms() - began));
	assert_false(took_snapshot(cluster));
}

/* What is there of it at any moment lets it begin again. */
static void kill_in_the_middle(struct far *far)
{
	struct cluster *cluster = &far->cluster;
	uint64_t since = 0;

	daemon_launch(&cluster->follower);
	while (!took_snapshot(cluster))
		wait_for(&since, WAIT_S, "a snapshot to be taken");
	daemon_kill(&cluster->follower);
	load_wait(far->load, 10);
}

static void
a_new_follower_takes_a_snapshot_while_clients_write_also_when_it_is_killed(void **state)
{
	struct far *far = *state;
	struct cluster *cluster = &far->cluster;

	daemon_stop(&cluster->follower);
	test_remove_dir(cluster->follower.data);
	load_run(far->load);
	load_wait(far->load, LOAD_CLIENTS);
	kill_in_the_middle(far);
	cluster_start_follower(cluster);
	load_wait(far->load, 10 * LOAD_CLIENTS);
	load_pause(far->load);
	cluster_wait_same(cluster);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		        a_follower_cut_off_for_100000_events_catches_up_under_load),
		cmocka_unit_test(
		        a_new_follower_takes_a_snapshot_while_clients_write_also_when_it_is_killed),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
