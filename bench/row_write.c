/*
 * W3: commands through the store in process, against the same bytes and rows
 * written by nobody in particular.
 *
 * Three copies of one store go the same way: `recorder` shows what the engine
 * writes, segment by segment, before either side is measured on that segment;
 * `ours` runs the same commands; the bare side writes what was recorded into a
 * copy of the same map and into a file of zeros.
 */
#include <stdio.h>

#include "bench/bare.h"
#include "bench/drive.h"
#include "bench/record.h"
#include "bench/rows.h"
#include "engine/log/frame.h"

struct write_part {
	const char *name;
	const char *what;
	unsigned batch;
};

struct writes {
	struct bench *bench;
	struct bench_lab recorder;
	struct bench_lab ours;
	char bare_dir[BENCH_PATH_BYTES];
	unsigned batch;
	uint64_t commands; /* of one segment */
	unsigned recorded; /* segments */
	unsigned ours_done;
	unsigned bare_done;
	uint64_t busy_ns; /* of our side, all segments */
	uint64_t upkeep_ns;
	struct bench_counts written; /* by the recorder */
	char note[160];
};

static void segment_path(const struct writes *writes, unsigned segment,
                         char path[BENCH_PATH_BYTES])
{
	char name[32];

	snprintf(name, sizeof name, "segment-%u", segment);
	bench_path(path, writes->bench->dir, name);
}

static enum cadre_status open_warm(struct bench_lab *lab, struct cadre_error *err)
{
	enum cadre_status status = bench_lab_open(lab, err);

	if (status == CADRE_OK)
		status = bench_lab_rest(lab, err);
	if (status == CADRE_OK)
		status = bench_warm_kv(cadre_store_kv(lab->store), err);
	return status;
}

static void add_counts(struct bench_counts *sum, struct bench_counts before,
                       struct bench_counts after)
{
	sum->puts += after.puts - before.puts + after.dels - before.dels;
	sum->put_bytes += after.put_bytes - before.put_bytes;
	sum->append_bytes += after.append_bytes - before.append_bytes;
}

static enum cadre_status record_segment(struct writes *writes, struct cadre_error *err)
{
	struct bench_drive drive = { .commands = writes->commands,
		                     .batch = writes->batch };
	struct bench_counts before;
	char path[BENCH_PATH_BYTES];
	enum cadre_status status = open_warm(&writes->recorder, err);

	segment_path(writes, writes->recorded, path);
	if (status == CADRE_OK && !bench_record_start(path))
		status = cadre_error_set(err, CADRE_IO_ERROR, "\"%s\" cannot be made",
		                         path);
	if (status != CADRE_OK)
		return status;
	before = bench_counts_now();
	status = bench_drive(&writes->recorder, &drive, err);
	add_counts(&writes->written, before, bench_counts_now());
	if (!bench_record_stop() && status == CADRE_OK)
		status = cadre_error_set(err, CADRE_IO_ERROR, "\"%s\" cannot be written",
		                         path);
	bench_lab_close(&writes->recorder);
	writes->recorded++;
	if (status == CADRE_OK && writes->written.append_bytes == 0)
		status = cadre_error_set(err, CADRE_INTERNAL,
		                         "the record holds no log: record.c is not in "
		                         "front of the function that appends");
	return status;
}

static enum cadre_status run_ours(void *ctx, struct bench_measure *measure,
                                  struct cadre_error *err)
{
	struct writes *writes = ctx;
	struct bench_drive drive = { .commands = writes->commands,
		                     .batch = writes->batch,
		                     .latency = measure->latency };
	enum cadre_status status = CADRE_OK;

	if (writes->ours_done == writes->recorded) {
		status = record_segment(writes, err);
		bench_machine_settle(writes->bench->dir, writes->bench->settle_ms);
	}
	writes->ours_done++;
	if (status == CADRE_OK)
		status = open_warm(&writes->ours, err);
	if (status != CADRE_OK)
		return status;
	bench_machine_settle(writes->bench->dir, writes->bench->settle_ms);
	bench_measure_start(measure);
	status = bench_drive(&writes->ours, &drive, err);
	bench_measure_set(measure, (double)drive.done, drive.busy_ns, drive.busy_cpu_ns);
	writes->busy_ns += drive.busy_ns;
	writes->upkeep_ns += drive.upkeep_ns;
	bench_lab_close(&writes->ours);
	return status;
}

static uint64_t log_bytes(struct bench_record *record)
{
	struct bench_step step;
	uint64_t bytes = 0;

	while (bench_record_next(record, &step))
		if (step.operation == BENCH_LOG)
			bytes += cadre_frame_padded_bytes(step.value_bytes);
	record->at = 0;
	return bytes;
}

/* A batch ends with its commit. */
static enum cadre_status replay(struct bench_bare *bare, struct bench_record *record,
                                struct bench_histogram *latency, uint64_t *ret_busy_ns,
                                uint64_t *ret_cpu_ns, struct cadre_error *err)
{
	struct bench_step step;
	uint64_t begin = 0;
	uint64_t cpu = 0;
	enum cadre_status status = CADRE_OK;

	*ret_busy_ns = *ret_cpu_ns = 0;
	while (status == CADRE_OK && bench_record_next(record, &step)) {
		if (begin == 0) {
			cpu = bench_cpu_ns();
			begin = bench_now_ns();
		}
		status = bench_bare_do(bare, &step, err);
		if (step.operation == BENCH_COMMIT) {
			uint64_t ns = bench_now_ns() - begin;
			bench_histogram_add(latency, ns);
			*ret_busy_ns += ns;
			*ret_cpu_ns += bench_cpu_ns() - cpu;
			begin = 0;
		}
	}
	return status;
}

static enum cadre_status run_bare(void *ctx, struct bench_measure *measure,
                                  struct cadre_error *err)
{
	struct writes *writes = ctx;
	struct bench_record record = { NULL, 0, 0 };
	struct bench_bare bare = { .log = -1 };
	char path[BENCH_PATH_BYTES];
	char log[BENCH_PATH_BYTES];
	uint64_t busy_ns = 0;
	uint64_t cpu_ns = 0;
	enum cadre_status status = CADRE_OK;

	if (writes->bare_done == writes->recorded)
		status = record_segment(writes, err);
	segment_path(writes, writes->bare_done++, path);
	bench_path(log, writes->bench->dir, "bare.log");
	if (status == CADRE_OK && !bench_record_open(&record, path))
		status = cadre_error_set(err, CADRE_IO_ERROR, "\"%s\" cannot be read",
		                         path);
	if (status == CADRE_OK)
		status = bench_zero_file(log, log_bytes(&record), err);
	if (status == CADRE_OK)
		status = bench_bare_open(&bare, writes->bare_dir, false, err);
	if (status == CADRE_OK)
		status = bench_bare_open_log(&bare, log, err);
	if (status == CADRE_OK)
		status = bench_bare_warm(&bare, err);
	if (status == CADRE_OK) {
		bench_machine_settle(writes->bench->dir, writes->bench->settle_ms);
		bench_measure_start(measure);
		status = replay(&bare, &record, measure->latency, &busy_ns, &cpu_ns, err);
		bench_measure_set(measure, (double)writes->commands, busy_ns, cpu_ns);
	}
	bench_bare_close(&bare);
	bench_record_close(&record);
	remove(log);
	return status;
}

/* A store that `events` commands of the workload made. */
static enum cadre_status make_base(struct bench *bench, struct bench_lab *lab,
                                   const char *name,
                                   const struct bench_workload_options *options,
                                   uint64_t events, struct cadre_error *err)
{
	struct bench_drive drive = { .commands = events, .batch = 512 };
	char dir[BENCH_PATH_BYTES];
	enum cadre_status status;

	bench_progress(bench, "%s: %llu commands to make the store", name,
	               (unsigned long long)events);
	bench_path(dir, bench->dir, name);
	status = bench_lab_create(lab, dir, options, err);
	if (status == CADRE_OK)
		status = bench_lab_open(lab, err);
	if (status == CADRE_OK)
		status = bench_drive(lab, &drive, err);
	if (status == CADRE_OK)
		status = bench_lab_rest(lab, err);
	bench_lab_close(lab);
	return status;
}

static enum cadre_status prepare(struct writes *writes, const struct bench_lab *base,
                                 struct cadre_error *err)
{
	char views[BENCH_PATH_BYTES];
	char dir[BENCH_PATH_BYTES];
	enum cadre_status status;

	bench_path(dir, writes->bench->dir, "recorder");
	status = bench_lab_copy(&writes->recorder, dir, base, err);
	bench_path(dir, writes->bench->dir, "ours");
	if (status == CADRE_OK)
		status = bench_lab_copy(&writes->ours, dir, base, err);
	if (status == CADRE_OK)
		status = bench_views_dir(base, views, err);
	bench_path(writes->bare_dir, writes->bench->dir, "bare");
	if (status == CADRE_OK)
		status = bench_copy_tree(views, writes->bare_dir, err);
	return status;
}

static void clean_up(struct writes *writes)
{
	char path[BENCH_PATH_BYTES];

	bench_lab_destroy(&writes->recorder);
	bench_lab_destroy(&writes->ours);
	bench_remove_tree(writes->bare_dir);
	for (unsigned i = 0; i < writes->recorded; i++) {
		segment_path(writes, i, path);
		remove(path);
	}
}

static void print_extras(const struct writes *writes)
{
	double commands = (double)writes->commands * writes->recorded;

	printf("       a command writes %.1f rows of %.0f bytes in all, and %.0f bytes of log\n",
	       (double)writes->written.puts / commands,
	       (double)writes->written.put_bytes / commands,
	       (double)writes->written.append_bytes / commands);
	printf("       upkeep between our batches took %.1f %% of their time on top\n",
	       100.0 * (double)writes->upkeep_ns / (double)(writes->busy_ns + 1));
}

static enum cadre_status write_row(struct bench *bench, const struct bench_lab *base,
                                   const char *name, const char *what, unsigned batch,
                                   struct cadre_error *err)
{
	struct writes writes = { .bench = bench, .batch = batch };
	struct bench_comparison comparison = {
		.name = name,
		.what = what,
		.unit = "command",
		.ours_name = "submit and step until answered, LOCAL",
		.limit_name =
		        "pwrite and fdatasync of the batch, mdb_put of its rows, commit",
		.target = 0.70,
		.ours = run_ours,
		.limit = run_bare,
		.ctx = &writes,
		.note = writes.note,
	};
	enum cadre_status status;

	writes.commands = batch == 1    ? bench_by_size(bench, 100, 3000, 10000)
	                  : batch < 256 ? bench_by_size(bench, 1280, 19200, 64000)
	                                : bench_by_size(bench, 2048, 40960, 102400);
	snprintf(writes.note, sizeof writes.note, "latencies are of a batch of %u",
	         batch);
	status = prepare(&writes, base, err);
	if (status == CADRE_OK)
		status = bench_compare(bench, &comparison, err);
	if (status == CADRE_OK)
		print_extras(&writes);
	clean_up(&writes);
	return status;
}

enum cadre_status bench_write_at_size(struct bench *bench, const char *name,
                                      const char *what, uint64_t events, unsigned batch,
                                      struct cadre_error *err)
{
	struct bench_workload_options options =
	        bench_workload_mms(bench->seed, (unsigned)(events / 20) + 1);
	struct bench_lab base;
	enum cadre_status status = make_base(bench, &base, "base", &options, events, err);

	if (status == CADRE_OK)
		status = write_row(bench, &base, name, what, batch, err);
	bench_lab_destroy(&base);
	return status;
}

/* One kind of commands, and its parts. */
static enum cadre_status write_family(struct bench *bench,
                                      const struct bench_workload_options *options,
                                      uint64_t events, const struct write_part *parts,
                                      size_t count, struct cadre_error *err)
{
	struct bench_lab base;
	bool wanted = false;
	enum cadre_status status;

	for (size_t i = 0; i < count; i++)
		wanted |= bench_wanted(bench, parts[i].name);
	if (!wanted)
		return CADRE_OK;
	status = make_base(bench, &base, "base", options, events, err);
	for (size_t i = 0; i < count && status == CADRE_OK; i++)
		if (bench_wanted(bench, parts[i].name))
			status = write_row(bench, &base, parts[i].name, parts[i].what,
			                   parts[i].batch, err);
	bench_lab_destroy(&base);
	return status;
}

enum cadre_status bench_row_w3(struct bench *bench, struct cadre_error *err)
{
	static const struct write_part mixed[] = {
		{ "W3a", "mms, batches of 1", 1 },
		{ "W3b", "mms, batches of 64", 64 },
		{ "W3c", "mms, batches of 1,024", 1024 },
	};
	static const struct write_part patches = { "W3d", "patches only, batches of 64",
		                                   64 };
	static const struct write_part tokens = { "W3e",
		                                  "patches with tokens, batches of 64",
		                                  64 };
	uint64_t events = bench_by_size(bench, 4000, 100000, 1000000);
	struct bench_workload_options options =
	        bench_workload_mms(bench->seed, (unsigned)(events / 20));
	enum cadre_status status = write_family(bench, &options, events, mixed, 3, err);

	options.clone_percent = options.create_percent = 0;
	if (status == CADRE_OK)
		status = write_family(bench, &options, events, &patches, 1, err);
	options.retry_tokens = true;
	if (status == CADRE_OK)
		status = write_family(bench, &options, events, &tokens, 1, err);
	return status;
}
