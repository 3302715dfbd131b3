/* F1: from a commit on the leader to a reader on a follower. F3: catch-up. */
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>

#include "bench/followed.h"
#include "bench/patch_sides.h"
#include "bench/rows.h"

/* ---- F1 ---- */

struct visibility {
	struct bench_patches patches;
	char follower[BENCH_PATH_BYTES];
};

struct one_patch {
	struct bench_patches *patches;
	struct cadre_arena arena;
	struct cadre_client *client;
	atomic_bool answered;
	atomic_bool failed;
};

static void answered(void *ctx, struct cadre_client_answer *answer)
{
	struct one_patch *one = ctx;

	if (cadre_client_answer_outcome(answer) == CADRE_CLIENT_DONE)
		bench_patchers_take(&one->patches->patchers, 0,
		                    cadre_client_answer_response(answer));
	else
		atomic_store(&one->failed, true);
	cadre_client_answer_free(answer);
	atomic_store(&one->answered, true);
}

static enum cadre_status start_patch(struct one_patch *one, struct cadre_error *err)
{
	const struct cadre_client_call_options options = { .ack_local = 1 };
	const Cadre__V1__Op **ops;
	size_t count;
	enum cadre_status status;

	cadre_arena_reset(&one->arena);
	atomic_store(&one->answered, false);
	status = bench_patchers_make(&one->patches->patchers, 0, &one->arena, &ops,
	                             &count);
	if (status == CADRE_OK &&
	    cadre_client_start(one->client, ops, count, &options, answered, one) != 0)
		status = CADRE_OUT_OF_MEMORY;
	return status == CADRE_OK
	               ? CADRE_OK
	               : cadre_error_set(err, status, "a patch could not be made");
}

/* From the moment that a reader on the leader sees the event until one on the follower
 * does: both are asked in turn, by this thread. */
static enum cadre_status time_patch(struct one_patch *one, struct bench_followed *nodes,
                                    struct bench_histogram *latency,
                                    struct cadre_error *err)
{
	uint64_t before = bench_followed_seq(nodes->leader_reader);
	uint64_t committed = 0;
	uint64_t seen_ns = 0;
	enum cadre_status status = start_patch(one, err);

	if (status != CADRE_OK)
		return status;
	while (!atomic_load(&one->failed)) {
		uint64_t leader = bench_followed_seq(nodes->leader_reader);
		if (committed == 0 && leader > before) {
			committed = leader;
			seen_ns = bench_now_ns();
		}
		if (committed > 0 &&
		    bench_followed_seq(nodes->follower_reader) >= committed)
			break;
		(void)sched_yield();
	}
	bench_histogram_add(latency, bench_now_ns() - seen_ns);
	while (!atomic_load(&one->answered))
		(void)sched_yield();
	return atomic_load(&one->failed)
	               ? cadre_error_set(err, CADRE_INTERNAL, "a patch failed")
	               : CADRE_OK;
}

static enum cadre_status time_patches(struct visibility *visibility,
                                      struct bench_followed *nodes,
                                      struct bench_measure *measure,
                                      struct cadre_error *err)
{
	static struct bench_histogram warming;
	const char *addresses[] = { nodes->leader.address };
	const struct cadre_client_options options = { .addresses = addresses,
		                                      .address_count = 1 };
	struct one_patch one = { .patches = &visibility->patches };
	uint64_t count = visibility->patches.count;
	enum cadre_status status = CADRE_OK;

	if (cadre_client_open(&options, &one.client, err->message, sizeof err->message) !=
	    0)
		return CADRE_UNAVAILABLE;
	cadre_arena_init(&one.arena, 16u << 20);
	for (uint64_t i = 0; i < count / 10 + 1 && status == CADRE_OK; i++)
		status = time_patch(&one, nodes, &warming, err);
	bench_machine_settle(visibility->patches.bench->dir,
	                     visibility->patches.bench->settle_ms);
	bench_measure_start(measure);
	for (uint64_t i = 0; i < count && status == CADRE_OK; i++)
		status = time_patch(&one, nodes, measure->latency, err);
	bench_measure_stop(measure, (double)count);
	/* This thread turns while it waits: its processor time says nothing. */
	measure->cpu_ns = 0;
	cadre_client_close(one.client);
	cadre_arena_fini(&one.arena);
	return status;
}

static enum cadre_status run_visibility(void *ctx, struct bench_measure *measure,
                                        struct cadre_error *err)
{
	struct visibility *visibility = ctx;
	struct bench_followed nodes;
	enum cadre_status status = bench_followed_start(
	        &nodes, visibility->patches.patchers.lab.dir, visibility->follower, err);

	if (status == CADRE_OK)
		status = bench_followed_catch_up(&nodes, err);
	if (status == CADRE_OK)
		status = time_patches(visibility, &nodes, measure, err);
	bench_followed_stop(&nodes);
	return status;
}

static enum cadre_status run_synced_echo(void *ctx, struct bench_measure *measure,
                                         struct cadre_error *err)
{
	struct visibility *visibility = ctx;

	return bench_patches_synced_echo(&visibility->patches, measure, err);
}

enum cadre_status bench_row_f1(struct bench *bench, struct cadre_error *err)
{
	struct visibility visibility;
	const struct bench_comparison comparison = {
		.name = "F1",
		.what = "leader's commit visible on a follower, p50",
		.unit = "patch",
		.ours_name = "applied on the leader -> applied on the follower",
		.limit_name = "nng round trip and fdatasync of as many bytes",
		.target = 2,
		.at_most = true,
		.medians = true,
		.ours = run_visibility,
		.limit = run_synced_echo,
		.ctx = &visibility,
		.note = "the rates are of whole patches; the ratio is of the medians",
	};
	enum cadre_status status =
	        bench_patches_create(&visibility.patches, bench, 1,
	                             bench_by_size(bench, 50, 3000, 10000), err);

	bench_path(visibility.follower, bench->dir, "follower");
	if (status == CADRE_OK)
		status = bench_compare(bench, &comparison, err);
	bench_remove_tree(visibility.follower);
	bench_patches_destroy(&visibility.patches);
	return status;
}

/* ---- F3 ---- */

struct catch_up {
	struct bench *bench;
	struct bench_lab lab;
	char behind[BENCH_PATH_BYTES];   /* a follower without the events */
	char follower[BENCH_PATH_BYTES]; /* a copy of it, which catches up */
	uint64_t events;
};

static enum cadre_status drive(struct catch_up *catch_up, uint64_t commands,
                               struct cadre_error *err)
{
	struct bench_drive drive = { .commands = commands, .batch = 64 };
	enum cadre_status status = bench_lab_open(&catch_up->lab, err);

	if (status == CADRE_OK)
		status = bench_drive(&catch_up->lab, &drive, err);
	if (status == CADRE_OK)
		status = bench_lab_rest(&catch_up->lab, err);
	bench_lab_close(&catch_up->lab);
	return status;
}

/* A leader with a few events, a follower that has them, then the events. */
static enum cadre_status prepare(struct catch_up *catch_up, struct cadre_error *err)
{
	struct bench *bench = catch_up->bench;
	struct bench_workload_options options =
	        bench_workload_mms(bench->seed, (unsigned)(catch_up->events / 20) + 1);
	struct bench_followed nodes = { .leader_reader = NULL };
	char dir[BENCH_PATH_BYTES];
	enum cadre_status status;

	bench_progress(bench, "F3: %llu events", (unsigned long long)catch_up->events);
	bench_path(dir, bench->dir, "leader");
	bench_path(catch_up->behind, bench->dir, "behind");
	bench_path(catch_up->follower, bench->dir, "follower");
	status = bench_lab_create(&catch_up->lab, dir, &options, err);
	if (status == CADRE_OK)
		status = drive(catch_up, 10, err);
	if (status == CADRE_OK)
		status = bench_followed_start(&nodes, dir, catch_up->behind, err);
	if (status == CADRE_OK)
		status = bench_followed_catch_up(&nodes, err);
	bench_followed_stop(&nodes);
	return status == CADRE_OK ? drive(catch_up, catch_up->events, err) : status;
}

static enum cadre_status run_catch_up(void *ctx, struct bench_measure *measure,
                                      struct cadre_error *err)
{
	struct catch_up *catch_up = ctx;
	struct bench_followed nodes = { .leader_reader = NULL };
	enum cadre_status status;

	bench_remove_tree(catch_up->follower);
	status = bench_copy_tree(catch_up->behind, catch_up->follower, err);
	bench_machine_settle(catch_up->bench->dir, catch_up->bench->settle_ms);
	bench_measure_start(measure);
	if (status == CADRE_OK)
		status = bench_followed_start(&nodes, catch_up->lab.dir,
		                              catch_up->follower, err);
	if (status == CADRE_OK)
		status = bench_followed_catch_up(&nodes, err);
	bench_measure_stop(measure, (double)catch_up->events);
	measure->cpu_ns = 0; /* as with F1 */
	bench_followed_stop(&nodes);
	return status;
}

static enum cadre_status run_rebuild(void *ctx, struct bench_measure *measure,
                                     struct cadre_error *err)
{
	struct catch_up *catch_up = ctx;
	struct cadre_store_options options = { .dir = catch_up->lab.dir,
		                               .no_snapshots = true,
		                               .segment_bytes = bench_segment_bytes,
		                               .rebuild_views = true };
	enum cadre_status status;

	bench_measure_start(measure);
	status = cadre_store_open(&catch_up->lab.env.base, &options, &catch_up->lab.store,
	                          err);
	bench_measure_stop(measure, (double)catch_up->events);
	bench_lab_close(&catch_up->lab);
	return status;
}

enum cadre_status bench_row_f3(struct bench *bench, struct cadre_error *err)
{
	struct catch_up catch_up = { .bench = bench };
	const struct bench_comparison comparison = {
		.name = "F3",
		.what = "catch-up of a follower",
		.unit = "event",
		.ours_name = "start of leader and follower until the follower has all",
		.limit_name = "views of the leader's log, as R1",
		.target = 0.80,
		.ours = run_catch_up,
		.limit = run_rebuild,
		.ctx = &catch_up,
		.note = "a follower also writes and syncs the log",
	};
	enum cadre_status status;

	catch_up.events = bench_by_size(bench, 2000, 100000, 1000000);
	status = prepare(&catch_up, err);
	if (status == CADRE_OK)
		status = bench_compare(bench, &comparison, err);
	bench_lab_destroy(&catch_up.lab);
	bench_remove_tree(catch_up.behind);
	bench_remove_tree(catch_up.follower);
	return status;
}
