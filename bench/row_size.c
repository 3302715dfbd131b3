/* W4: what a patch costs in a large and in a small group. W5: what an event takes in
 * the sealed log. M1: what an idle store takes in memory. */
#include <stdio.h>

#include "bench/child.h"
#include "bench/drive.h"
#include "bench/record.h"
#include "bench/rows.h"

#define LARGE 500u
#define SMALL 5u

/* ---- W4 ---- */

enum cost { COST_TIME, COST_LOG, COST_VIEWS };

struct patches {
	struct bench *bench;
	struct bench_lab large;
	struct bench_lab small;
	enum cost cost;
	unsigned batch;
	uint64_t commands;
};

static enum cadre_status make_lab(struct patches *patches, struct bench_lab *lab,
                                  const char *name, unsigned members,
                                  struct cadre_error *err)
{
	struct bench_workload_options options = bench_workload_mms(patches->bench->seed,
	                                                           1000);
	struct bench_drive drive = { .batch = 256 };
	char dir[BENCH_PATH_BYTES];
	enum cadre_status status;

	if (patches->bench->size == BENCH_QUICK)
		options.histories = 100;
	options.members = members;
	options.changed_members = 1;
	options.clone_percent = options.create_percent = 0;
	drive.commands = bench_workload_setup_commands(&options) + options.histories;
	bench_path(dir, patches->bench->dir, name);
	status = bench_lab_create(lab, dir, &options, err);
	if (status == CADRE_OK)
		status = bench_lab_open(lab, err);
	if (status == CADRE_OK)
		status = bench_drive(lab, &drive, err);
	bench_lab_close(lab);
	return status;
}

/* Bytes stand in for nanoseconds where bytes are compared: a "rate" then is patches
 * a gigabyte, and the ratio is of bytes. */
static enum cadre_status run_patches(struct patches *patches, struct bench_lab *lab,
                                     struct bench_measure *measure,
                                     struct cadre_error *err)
{
	struct bench_drive drive = { .commands = patches->commands,
		                     .batch = patches->batch,
		                     .latency = patches->cost == COST_TIME
		                                        ? measure->latency
		                                        : NULL };
	struct bench_counts before;
	struct bench_counts after;
	enum cadre_status status = bench_lab_open(lab, err);

	if (status == CADRE_OK)
		status = bench_lab_rest(lab, err);
	if (status == CADRE_OK)
		status = bench_warm_kv(cadre_store_kv(lab->store), err);
	if (status != CADRE_OK)
		return status;
	bench_machine_settle(patches->bench->dir, patches->bench->settle_ms);
	before = bench_counts_now();
	bench_measure_start(measure);
	status = bench_drive(lab, &drive, err);
	after = bench_counts_now();
	bench_measure_set(measure, (double)drive.done,
	                  patches->cost == COST_TIME ? drive.busy_ns
	                  : patches->cost == COST_LOG
	                          ? after.append_bytes - before.append_bytes
	                          : after.put_bytes - before.put_bytes,
	                  patches->cost == COST_TIME ? drive.busy_cpu_ns : 0);
	bench_lab_close(lab);
	return status;
}

static enum cadre_status run_large(void *ctx, struct bench_measure *measure,
                                   struct cadre_error *err)
{
	struct patches *patches = ctx;

	return run_patches(patches, &patches->large, measure, err);
}

static enum cadre_status run_small(void *ctx, struct bench_measure *measure,
                                   struct cadre_error *err)
{
	struct patches *patches = ctx;

	return run_patches(patches, &patches->small, measure, err);
}

static enum cadre_status compare_patches(struct patches *patches, const char *name,
                                         const char *what, enum cost cost, unsigned batch,
                                         struct cadre_error *err)
{
	const struct bench_comparison comparison = {
		.name = name,
		.what = what,
		.unit = "patch",
		.ours_name = "patch of 1 member of 500",
		.limit_name = "patch of 1 member of 5",
		.target = 1.5,
		.at_most = true,
		.sizes = cost != COST_TIME,
		.ours = run_large,
		.limit = run_small,
		.ctx = patches,
		.note = cost == COST_TIME
		                ? NULL
		                : "\"ours\" and \"limit\" are patches a gigabyte",
	};

	patches->cost = cost;
	patches->batch = batch;
	patches->commands = batch == 1 ? bench_by_size(patches->bench, 100, 2000, 10000)
	                               : bench_by_size(patches->bench, 640, 12800, 64000);
	return bench_compare(patches->bench, &comparison, err);
}

enum cadre_status bench_row_w4(struct bench *bench, struct cadre_error *err)
{
	struct patches patches = { .bench = bench };
	enum cadre_status status = make_lab(&patches, &patches.large, "large", LARGE,
	                                    err);

	if (status == CADRE_OK)
		status = make_lab(&patches, &patches.small, "small", SMALL, err);
	if (status == CADRE_OK)
		status = compare_patches(&patches, "W4a", "time, batches of 1", COST_TIME,
		                         1, err);
	if (status == CADRE_OK)
		status = compare_patches(&patches, "W4b", "time, batches of 64",
		                         COST_TIME, 64, err);
	if (status == CADRE_OK)
		status = compare_patches(&patches, "W4c", "log bytes", COST_LOG, 64, err);
	if (status == CADRE_OK)
		status = compare_patches(&patches, "W4d", "view bytes", COST_VIEWS, 64,
		                         err);
	bench_lab_destroy(&patches.large);
	bench_lab_destroy(&patches.small);
	return status;
}

/* ---- W5 ---- */

static enum cadre_status payload_bytes(struct cadre_log *log, uint64_t *ret_bytes,
                                       struct cadre_error *err)
{
	struct cadre_log_cursor *cursor;
	struct cadre_batch batch;
	enum cadre_status status = cadre_log_cursor_open(log, 1, &cursor, err);

	*ret_bytes = 0;
	while (status == CADRE_OK) {
		status = cadre_log_cursor_next(cursor, &batch, err);
		if (status == CADRE_OK)
			*ret_bytes += batch.body.length -
			              (uint64_t)batch.header.count *
			                      CADRE_RECORD_HEADER_BYTES;
	}
	cadre_log_cursor_close(cursor);
	return status == CADRE_END ? CADRE_OK : status;
}

static enum cadre_status sealed_share(struct bench *bench, bool patches_only, bool tokens,
                                      double *ret_share, struct cadre_error *err)
{
	uint64_t events = bench_by_size(bench, 4000, 100000, 1000000);
	struct bench_workload_options options =
	        bench_workload_mms(bench->seed, (unsigned)(events / 20));
	struct bench_drive drive = { .commands = events, .batch = 64 };
	struct bench_lab lab;
	char dir[BENCH_PATH_BYTES];
	uint64_t plain = 0;
	enum cadre_status status;

	options.retry_tokens = tokens;
	if (patches_only)
		options.clone_percent = options.create_percent = 0;
	bench_progress(bench, "W5: %llu commands", (unsigned long long)events);
	bench_path(dir, bench->dir, "sealed");
	status = bench_lab_create(&lab, dir, &options, err);
	if (status == CADRE_OK)
		status = bench_lab_open(&lab, err);
	if (status == CADRE_OK)
		status = bench_drive(&lab, &drive, err);
	if (status == CADRE_OK)
		status = payload_bytes(cadre_store_log(lab.store), &plain, err);
	if (status == CADRE_OK)
		status = cadre_log_seal_all(cadre_store_log(lab.store), err);
	if (status == CADRE_OK)
		*ret_share =
		        (double)cadre_log_stat(cadre_store_log(lab.store)).sealed_bytes /
		        (double)plain;
	bench_lab_destroy(&lab);
	return status;
}

enum cadre_status bench_row_w5(struct bench *bench, struct cadre_error *err)
{
	static const struct {
		const char *name;
		const char *what;
		bool patches_only;
		bool tokens;
	} kinds[] = { { "W5a", "mms", false, false },
		      { "W5b", "mms, a retry token in each command", false, true },
		      { "W5c", "patches only", true, false } };
	enum cadre_status status = CADRE_OK;

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds && status == CADRE_OK; i++) {
		if (!bench_wanted(bench, kinds[i].name))
			continue;
		double share;
		struct bench_figure figure = { .name = kinds[i].name,
			                       .what = kinds[i].what,
			                       .unit = "of protobuf",
			                       .target = 0.45,
			                       .values = &share,
			                       .count = 1 };
		status = sealed_share(bench, kinds[i].patches_only, kinds[i].tokens,
		                      &share, err);
		if (status == CADRE_OK)
			bench_report_figure(bench, &figure);
	}
	return status;
}

/* ---- M1 ---- */

enum cadre_status bench_row_m1(struct bench *bench, struct cadre_error *err)
{
	uint64_t groups = bench_by_size(bench, 2000, 100000, 1000000);
	struct bench_workload_options options = bench_workload_mms(bench->seed, 0);
	struct bench_drive drive = { .batch = 512 };
	struct bench_lab lab;
	struct bench_child child;
	char dir[BENCH_PATH_BYTES];
	char note[64];
	double mib = 0;
	struct bench_figure figure = { .name = "M1",
		                       .what = "private memory, idle",
		                       .unit = "MiB",
		                       .note = note,
		                       .target = 64,
		                       .values = &mib,
		                       .count = 1 };
	enum cadre_status status;

	/* A tenth of the groups begin a history, the others are its versions. */
	options.histories = (unsigned)(groups / 10);
	drive.commands = options.histories + groups;
	snprintf(note, sizeof note, "%llu groups", (unsigned long long)groups);
	bench_progress(bench, "M1: %s", note);
	bench_path(dir, bench->dir, "idle");
	status = bench_lab_create(&lab, dir, &options, err);
	if (status == CADRE_OK)
		status = bench_lab_open(&lab, err);
	if (status == CADRE_OK)
		status = bench_drive(&lab, &drive, err);
	bench_lab_close(&lab);
	if (status == CADRE_OK)
		status = bench_child_start(&child, "serve", dir, NULL, NULL, err);
	if (status == CADRE_OK) {
		mib = (double)bench_private_bytes(child.pid) / (1u << 20);
		bench_child_stop(&child);
		bench_report_figure(bench, &figure);
	}
	bench_lab_destroy(&lab);
	return status;
}
