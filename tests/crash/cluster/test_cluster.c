/*
 * Rounds of faults on a leader and a follower under load, drawn from a seed: each kind
 * once before any comes again. After each round nothing acknowledged is missing or
 * doubled, the follower is the leader's copy, and no alarm is left.
 *
 * CADRE_CRASH_ROUNDS: how many; CADRE_TEST_SEED repeats a run; CADRE_CRASH_FAULT: only
 * the faults whose names hold this text.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tests/crash/cluster/faults.h"
#include "tests/crash/cluster/wait.h"
#include "tests/support/disk.h"

#define ROUNDS_DEFAULT 10u
/* From so many rounds on one of them lasts a minute. */
#define ROUNDS_LONG 50u

static bool with_disks;

static int setup(void **state)
{
	static struct scene scene;

	memset(&scene, 0, sizeof scene);
	cluster_make(&scene.cluster, with_disks);
	watched_init(&scene.predicting, "predictions");
	watched_init(&scene.reading, "the local reader");
	*state = &scene;
	return 0;
}

static int teardown(void **state)
{
	struct scene *scene = *state;

	load_stop(scene->load);
	predictor_stop(scene->predictor);
	reader_stop(scene->reader);
	rollout_destroy(scene->rollout);
	watched_fini(&scene->predicting);
	watched_fini(&scene->reading);
	cluster_remove(&scene->cluster);
	return 0;
}

/* The OCID of client 0's history, which its first command made. */
static void find_history(struct scene *scene, char ocid[256])
{
	struct cadre_client_answer *answer;
	char name[LOAD_TEXT_BYTES];
	struct rpc_ops ops;

	rpc_ops_init(&ops);
	load_history(0, name);
	(void)snprintf(
	        ocid, 256, "%s",
	        rpc_done(scene->cluster.to_leader, rpc_op_get(&ops, name, false), &answer)
	                ->resource->resource->ocid);
	cadre_client_answer_free(answer);
	rpc_ops_fini(&ops);
}

static void begin(struct scene *scene)
{
	char history[256];

	cluster_start_leader(&scene->cluster);
	cluster_start_follower(&scene->cluster);
	scene->load = load_start(&scene->cluster);
	load_run(scene->load);
	load_wait(scene->load, 10 * LOAD_CLIENTS);
	load_pause(scene->load);
	scene->rollout = rollout_make(&scene->cluster);
	cluster_wait_same(&scene->cluster);
	check_leader(&scene->check, &scene->cluster, scene->load);
	find_history(scene, history);
	scene->reader = reader_start(scene->cluster.follower.data, history,
	                             &scene->reading);
	scene->predictor = predictor_start(&scene->cluster, scene->rollout,
	                                   &scene->predicting);
	watched_wait(&scene->predicting, 1);
}

static void check_round(struct scene *scene)
{
	load_pause(scene->load);
	rollout_end(scene->rollout);
	predictor_wait_newest(scene->predictor);
	check_leader(&scene->check, &scene->cluster, scene->load);
	cluster_wait_same(&scene->cluster);
	daemon_assert_alive(&scene->cluster.leader);
	daemon_assert_alive(&scene->cluster.follower);
	watched_check(&scene->predicting);
	watched_check(&scene->reading);
}

static void run_round(struct scene *scene, const struct fault *fault)
{
	bool rolls_out = test_random_below(&scene->random, 3) == 0;

	load_run(scene->load);
	load_wait(scene->load, 1 + (unsigned)test_random_below(&scene->random, 60));
	if (rolls_out)
		rollout_begin(scene->rollout);
	fault->run(scene);
	load_wait(scene->load, 10);
	check_round(scene);
}

static bool is_wanted(const struct fault *fault)
{
	const char *only = getenv("CADRE_CRASH_FAULT");

	return (with_disks || !fault->needs_disks) &&
	       (!only || strstr(fault->name, only));
}

/* Every kind of fault that is wanted once, in an order of chance. */
static unsigned shuffle(struct scene *scene, const struct fault *deck[])
{
	unsigned count = 0;

	for (unsigned i = 0; i < fault_count; i++)
		if (is_wanted(&faults[i]))
			deck[count++] = &faults[i];
	assert_true(count > 0);
	for (unsigned i = count - 1; i > 0; i--) {
		unsigned j = (unsigned)test_random_below(&scene->random, i + 1);
		const struct fault *swapped = deck[i];
		deck[i] = deck[j];
		deck[j] = swapped;
	}
	return count;
}

static void run_rounds(struct scene *scene, unsigned rounds)
{
	static const struct fault minute = { "the leader stands still for a minute",
		                             fault_long_freeze, false };
	const struct fault *deck[FAULTS_MAX];
	unsigned left = 0;

	for (unsigned round = 0; round < rounds; round++) {
		const struct fault *fault;
		uint64_t began = wait_now_ms();
		if (left == 0)
			left = shuffle(scene, deck);
		fault = deck[--left];
		if (rounds >= ROUNDS_LONG && round == rounds / 2)
			fault = &minute;
		print_message("round %u: %s, generation %llu\n", round, fault->name,
		              (unsigned long long)rollout_generation(scene->rollout));
		run_round(scene, fault);
		print_message("round %u: %llu ms\n", round,
		              (unsigned long long)(wait_now_ms() - began));
	}
}

static void report(struct scene *scene)
{
	uint64_t settled;
	uint64_t unknown = load_unknown(scene->load, &settled);

	print_message(
	        "%llu commands acknowledged, none lost, none doubled; %llu answers "
	        "left it open, Outcome knew of %llu; %u predictions, %u refused; "
	        "%u looks of the reader, %u refused\n",
	        (unsigned long long)load_total(scene->load), (unsigned long long)unknown,
	        (unsigned long long)settled, atomic_load(&scene->predicting.well),
	        atomic_load(&scene->predicting.refused),
	        atomic_load(&scene->reading.well), atomic_load(&scene->reading.refused));
}

static void
nothing_acknowledged_is_lost_or_doubled_and_the_follower_converges(void **state)
{
	struct scene *scene = *state;
	const char *rounds = getenv("CADRE_CRASH_ROUNDS");

	scene->random.state = test_seed((uint64_t)time(NULL) * 2654435761u + 1);
	begin(scene);
	run_rounds(scene, rounds ? (unsigned)strtoul(rounds, NULL, 10) : ROUNDS_DEFAULT);
	report(scene);
	reader_stop(scene->reader);
	predictor_stop(scene->predictor);
	scene->reader = NULL;
	scene->predictor = NULL;
	daemon_stop(&scene->cluster.follower);
	daemon_stop(&scene->cluster.leader);
	cluster_verify(&scene->cluster);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		        nothing_acknowledged_is_lost_or_doubled_and_the_follower_converges,
		        setup, teardown),
	};

	with_disks = disk_permitted();
	if (!with_disks)
		print_message("full disks are left out: mounting is not permitted\n");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
