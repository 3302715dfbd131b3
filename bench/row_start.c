/* R1: views from the log. R2: starts. R3: views from a snapshot. */
#include <stdio.h>

#include "bench/bare.h"
#include "bench/child.h"
#include "bench/drive.h"
#include "bench/record.h"
#include "bench/rows.h"
#include "engine/snapshot/snapshot.h"

/* Of a snapshot's load. */
#define LOAD_TXN_PUTS 10000u
#define LOAD_TXN_BYTES (16u << 20)
/* The snapshot schedule's. */
#define TAIL_EVENTS 500000u

struct rebuilds {
	struct bench *bench;
	struct bench_lab lab;
	char record[BENCH_PATH_BYTES];
	char snapshots[BENCH_PATH_BYTES];
	char target[BENCH_PATH_BYTES]; /* of the bare side, and of a loaded snapshot */
	cadre_seq snapshot_seq;
	uint64_t events;
	uint64_t rows;
};

/* The last `tail` commands come behind a snapshot; 0: there is none. */
static enum cadre_status make_store(struct rebuilds *rebuilds, struct bench *bench,
                                    uint64_t events, uint64_t tail,
                                    struct cadre_error *err)
{
	struct bench_workload_options options =
	        bench_workload_mms(bench->seed, (unsigned)(events / 20) + 1);
	struct bench_drive drive = { .commands = events - tail, .batch = 64 };
	char dir[BENCH_PATH_BYTES];
	enum cadre_status status;

	memset(rebuilds, 0, sizeof *rebuilds);
	rebuilds->bench = bench;
	rebuilds->events = events;
	bench_progress(bench, "%llu commands to make the store",
	               (unsigned long long)events);
	bench_path(dir, bench->dir, "start");
	bench_path(rebuilds->record, bench->dir, "record");
	bench_path(rebuilds->snapshots, bench->dir, "snapshots");
	bench_path(rebuilds->target, bench->dir, "target");
	status = bench_lab_create(&rebuilds->lab, dir, &options, err);
	if (status == CADRE_OK)
		status = bench_lab_open(&rebuilds->lab, err);
	if (status == CADRE_OK)
		status = bench_drive(&rebuilds->lab, &drive, err);
	if (status == CADRE_OK && tail > 0)
		status = cadre_store_snapshot(rebuilds->lab.store, NULL, err);
	drive.commands = tail;
	if (status == CADRE_OK && tail > 0)
		status = bench_drive(&rebuilds->lab, &drive, err);
	if (status == CADRE_OK)
		status = bench_lab_rest(&rebuilds->lab, err);
	bench_lab_close(&rebuilds->lab);
	return status;
}

static void rebuilds_destroy(struct rebuilds *rebuilds)
{
	bench_lab_destroy(&rebuilds->lab);
	remove(rebuilds->record);
	bench_remove_tree(rebuilds->snapshots);
	bench_remove_tree(rebuilds->target);
}

/* ---- R1 ---- */

static enum cadre_status open_rebuilding(struct rebuilds *rebuilds,
                                         struct cadre_error *err)
{
	struct cadre_store_options options = { .dir = rebuilds->lab.dir,
		                               .no_snapshots = true,
		                               .segment_bytes = bench_segment_bytes,
		                               .rebuild_views = true };

	return cadre_store_open(&rebuilds->lab.env.base, &options, &rebuilds->lab.store,
	                        err);
}

static enum cadre_status rebuild_ours(void *ctx, struct bench_measure *measure,
                                      struct cadre_error *err)
{
	struct rebuilds *rebuilds = ctx;
	enum cadre_status status;

	bench_measure_start(measure);
	status = open_rebuilding(rebuilds, err);
	bench_measure_stop(measure, (double)rebuilds->events);
	bench_lab_close(&rebuilds->lab);
	return status;
}

static enum cadre_status rebuild_bare(void *ctx, struct bench_measure *measure,
                                      struct cadre_error *err)
{
	struct rebuilds *rebuilds = ctx;
	struct bench_record record;
	struct bench_bare bare;
	struct bench_step step;
	enum cadre_status status;

	if (!bench_record_open(&record, rebuilds->record))
		return cadre_error_set(err, CADRE_IO_ERROR, "\"%s\" cannot be read",
		                       rebuilds->record);
	bench_remove_tree(rebuilds->target);
	bench_measure_start(measure);
	status = bench_bare_open(&bare, rebuilds->target, false, err);
	while (status == CADRE_OK && bench_record_next(&record, &step))
		status = bench_bare_do(&bare, &step, err);
	bench_measure_stop(measure, (double)rebuilds->events);
	bench_bare_close(&bare);
	bench_record_close(&record);
	return status;
}

enum cadre_status bench_row_r1(struct bench *bench, struct cadre_error *err)
{
	struct rebuilds rebuilds;
	const struct bench_comparison comparison = {
		.name = "R1",
		.what = "views from the log",
		.unit = "event",
		.ours_name = "cadre_store_open, views discarded, no snapshot",
		.limit_name = "mdb_put of the same rows in the same transactions",
		.target = 0.50,
		.ours = rebuild_ours,
		.limit = rebuild_bare,
		.ctx = &rebuilds,
	};
	enum cadre_status status = make_store(
	        &rebuilds, bench, bench_by_size(bench, 4000, 200000, 1000000), 0, err);

	if (status == CADRE_OK && !bench_record_start(rebuilds.record))
		status = cadre_error_set(err, CADRE_IO_ERROR, "\"%s\" cannot be made",
		                         rebuilds.record);
	if (status == CADRE_OK) {
		status = open_rebuilding(&rebuilds, err);
		if (!bench_record_stop() && status == CADRE_OK)
			status = cadre_error_set(err, CADRE_IO_ERROR,
			                         "\"%s\" cannot be written",
			                         rebuilds.record);
		bench_lab_close(&rebuilds.lab);
	}
	if (status == CADRE_OK)
		status = bench_compare(bench, &comparison, err);
	rebuilds_destroy(&rebuilds);
	return status;
}

/* ---- R2 ---- */

enum before_start { AFTER_STOP, AFTER_KILL, AFTER_POWER_LOSS };

static const struct start_row {
	const char *name;
	const char *what;
	const char *note;
	enum before_start before;
	double target; /* s */
} start_rows[] = {
	{ "R2a", "start after a clean stop", "warm", AFTER_STOP, 1 },
	{ "R2b", "start after kill -9", "warm", AFTER_KILL, 1 },
	{ "R2c", "start after a power loss", "views from snapshot and log",
	  AFTER_POWER_LOSS, 60 },
};

/* What another boot leaves: views that are not to be believed. */
static enum cadre_status distrust_views(const char *dir, struct cadre_error *err)
{
	char path[BENCH_PATH_BYTES];

	bench_path(path, dir, "views/STATE");
	if (remove(path) != 0)
		return cadre_error_set(err, CADRE_IO_ERROR, "\"%s\" cannot be removed",
		                       path);
	return CADRE_OK;
}

/* Makes the directory as the last process left it. */
static enum cadre_status end_writer(const char *dir, enum before_start before,
                                    struct cadre_error *err)
{
	struct bench_child child;
	enum cadre_status status = bench_child_start(&child, "write", dir, "2000", NULL,
	                                             err);

	if (status != CADRE_OK)
		return status;
	if (before == AFTER_STOP)
		bench_child_stop(&child);
	else
		bench_child_kill(&child);
	return before == AFTER_POWER_LOSS ? distrust_views(dir, err) : CADRE_OK;
}

/* Seconds from the start of the process to its first answer. */
static enum cadre_status time_starts(struct bench *bench, const char *dir,
                                     const char *target, const char *key,
                                     enum before_start before, double *seconds,
                                     struct cadre_error *err)
{
	struct bench_child child;
	enum cadre_status status = CADRE_OK;

	for (unsigned i = 0; i < bench->pairs && status == CADRE_OK; i++) {
		uint64_t begin;

		status = end_writer(dir, before, err);
		if (status != CADRE_OK)
			break;
		bench_machine_settle(bench->dir, bench->settle_ms);
		begin = bench_now_ns();
		status = bench_child_start(&child, "serve", dir, target, key, err);
		seconds[i] = (double)(bench_now_ns() - begin) / 1e9;
		if (status == CADRE_OK)
			bench_child_stop(&child);
	}
	return status;
}

static enum cadre_status time_start_row(struct bench *bench, struct rebuilds *rebuilds,
                                        const struct start_row *row,
                                        struct cadre_error *err)
{
	const struct bench_history *history =
	        bench_workload_history(rebuilds->lab.workload, 0);
	double seconds[BENCH_PAIRS_MAX];
	char key[BENCH_KEY_BYTES];
	char note[96];
	struct bench_figure figure = { .name = row->name,
		                       .what = row->what,
		                       .unit = "s",
		                       .note = note,
		                       .target = row->target,
		                       .values = seconds,
		                       .count = bench->pairs };
	enum cadre_status status;

	snprintf(note, sizeof note, "%llu events, %s, the process's start included",
	         (unsigned long long)rebuilds->events, row->note);
	bench_key_text(bench->seed, history->keys[0], key);
	bench_progress(bench, "%s", row->name);
	status = time_starts(bench, rebuilds->lab.dir, history->ocid, key, row->before,
	                     seconds, err);
	if (status == CADRE_OK)
		bench_report_figure(bench, &figure);
	return status;
}

enum cadre_status bench_row_r2(struct bench *bench, struct cadre_error *err)
{
	uint64_t events = bench_by_size(bench, 4000, 1000000, 10000000);
	struct rebuilds rebuilds;
	/* As far as a daemon gets between two snapshots. */
	enum cadre_status status =
	        make_store(&rebuilds, bench, events,
	                   events / 2 < TAIL_EVENTS ? events / 2 : TAIL_EVENTS, err);

	for (size_t i = 0; i < sizeof start_rows / sizeof *start_rows; i++) {
		if (status == CADRE_OK && bench_wanted(bench, start_rows[i].name))
			status = time_start_row(bench, &rebuilds, &start_rows[i], err);
	}
	rebuilds_destroy(&rebuilds);
	return status;
}

/* ---- R3 ---- */

static enum cadre_status load_ours(void *ctx, struct bench_measure *measure,
                                   struct cadre_error *err)
{
	struct rebuilds *rebuilds = ctx;
	struct cadre_env *env = &rebuilds->lab.env.base;
	struct cadre_kv *kv = NULL;
	enum cadre_status status;

	bench_remove_tree(rebuilds->target);
	status = env->ops->mkdir(env, rebuilds->target, err);
	bench_measure_start(measure);
	if (status == CADRE_OK)
		status = cadre_kv_open_lmdb(rebuilds->target, NULL, &kv, err);
	if (status == CADRE_OK)
		status = cadre_snapshot_load(env, rebuilds->snapshots,
		                             rebuilds->snapshot_seq, kv, NULL, NULL, err);
	bench_measure_stop(measure, (double)rebuilds->rows);
	cadre_kv_close(kv);
	return status;
}

static enum cadre_status load_bare(void *ctx, struct bench_measure *measure,
                                   struct cadre_error *err)
{
	const struct bench_step commit = { .operation = BENCH_COMMIT };
	struct rebuilds *rebuilds = ctx;
	struct bench_record record;
	struct bench_bare bare;
	struct bench_step step;
	unsigned puts = 0;
	size_t bytes = 0;
	enum cadre_status status;

	if (!bench_record_open(&record, rebuilds->record))
		return cadre_error_set(err, CADRE_IO_ERROR, "\"%s\" cannot be read",
		                       rebuilds->record);
	bench_remove_tree(rebuilds->target);
	bench_measure_start(measure);
	status = bench_bare_open(&bare, rebuilds->target, false, err);
	bare.append = MDB_APPEND;
	while (status == CADRE_OK && bench_record_next(&record, &step)) {
		status = bench_bare_do(&bare, &step, err);
		bytes += step.key_bytes + step.value_bytes;
		if (status == CADRE_OK &&
		    (++puts >= LOAD_TXN_PUTS || bytes >= LOAD_TXN_BYTES)) {
			status = bench_bare_do(&bare, &commit, err);
			puts = 0;
			bytes = 0;
		}
	}
	if (status == CADRE_OK && puts > 0)
		status = bench_bare_do(&bare, &commit, err);
	bench_measure_stop(measure, (double)rebuilds->rows);
	bench_bare_close(&bare);
	bench_record_close(&record);
	return status;
}

/* Every row of the store, in key order, as puts. */
static enum cadre_status record_rows(struct rebuilds *rebuilds, struct cadre_kv *kv,
                                     struct cadre_error *err)
{
	struct cadre_kv_txn *txn;
	struct cadre_kv_cursor *cursor;
	struct cadre_slice key;
	struct cadre_slice value;
	enum cadre_status status = cadre_kv_begin(kv, CADRE_KV_READ, &txn, err);

	if (status != CADRE_OK)
		return status;
	status = cadre_kv_cursor_open(txn, &cursor, err);
	if (status == CADRE_OK) {
		status = cadre_kv_seek(cursor, cadre_slice(NULL, 0), &key, &value);
		while (status == CADRE_OK) {
			bench_record_put(key, value);
			rebuilds->rows++;
			status = cadre_kv_next(cursor, &key, &value);
		}
		cadre_kv_cursor_close(cursor);
	}
	cadre_kv_abort(txn);
	return status == CADRE_END ? CADRE_OK : status;
}

static enum cadre_status take_snapshot(struct rebuilds *rebuilds, struct cadre_error *err)
{
	struct cadre_env *env = &rebuilds->lab.env.base;
	struct cadre_snapshot_info info;
	enum cadre_status status = bench_lab_open(&rebuilds->lab, err);

	if (status == CADRE_OK)
		status = env->ops->mkdir(env, rebuilds->snapshots, err);
	if (status == CADRE_OK)
		status = cadre_snapshot_write(env, rebuilds->snapshots,
		                              cadre_store_kv(rebuilds->lab.store), NULL,
		                              NULL, &info, err);
	if (status == CADRE_OK && !bench_record_start(rebuilds->record))
		status = cadre_error_set(err, CADRE_IO_ERROR, "\"%s\" cannot be made",
		                         rebuilds->record);
	if (status == CADRE_OK) {
		rebuilds->snapshot_seq = info.head.applied_seq;
		status = record_rows(rebuilds, cadre_store_kv(rebuilds->lab.store), err);
		if (!bench_record_stop() && status == CADRE_OK)
			status = cadre_error_set(err, CADRE_IO_ERROR,
			                         "\"%s\" cannot be written",
			                         rebuilds->record);
	}
	bench_lab_close(&rebuilds->lab);
	return status;
}

enum cadre_status bench_row_r3(struct bench *bench, struct cadre_error *err)
{
	struct rebuilds rebuilds;
	const struct bench_comparison comparison = {
		.name = "R3",
		.what = "loading a snapshot",
		.unit = "row",
		.ours_name = "cadre_snapshot_load, checked",
		.limit_name = "mdb_put(MDB_APPEND), transactions of the same size",
		.target = 0.60,
		.ours = load_ours,
		.limit = load_bare,
		.ctx = &rebuilds,
	};
	enum cadre_status status = make_store(
	        &rebuilds, bench, bench_by_size(bench, 4000, 200000, 1000000), 0, err);

	if (status == CADRE_OK)
		status = take_snapshot(&rebuilds, err);
	if (status == CADRE_OK)
		status = bench_compare(bench, &comparison, err);
	rebuilds_destroy(&rebuilds);
	return status;
}
