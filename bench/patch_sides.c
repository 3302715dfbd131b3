#include "bench/patch_sides.h"

#include <stdio.h>

#include "bench/child.h"
#include "bench/echo.h"
#include "bench/record.h"
#include "bench/rows.h"
#include "engine/log/frame.h"

#define SAMPLE 32u

/* ---- sizes ---- */

static size_t request_bytes(const Cadre__V1__Op *op)
{
	static char id[] = "0123abcd-10000";
	Cadre__V1__Op *ops[] = { (Cadre__V1__Op *)(uintptr_t)op };
	Cadre__V1__Request request;

	cadre__v1__request__init(&request);
	request.version = 1;
	request.request_id = id;
	request.remaining_ms = 30000;
	request.n_ops = 1;
	request.ops = ops;
	return cadre__v1__request__get_packed_size(&request);
}

struct sample {
	struct bench_patches *patches;
	size_t requests;
	size_t replies;
};

static enum cadre_status make_sample(void *ctx, unsigned slot, struct cadre_arena *arena,
                                     const Cadre__V1__Op ***ret_ops, size_t *ret_count)
{
	struct sample *sample = ctx;
	enum cadre_status status = bench_patchers_make(&sample->patches->patchers, slot,
	                                               arena, ret_ops, ret_count);

	if (status == CADRE_OK)
		sample->requests += request_bytes((*ret_ops)[0]);
	return status;
}

static void take_sample(void *ctx, unsigned slot, const Cadre__V1__Response *response)
{
	struct sample *sample = ctx;

	sample->replies += cadre__v1__response__get_packed_size(response);
	bench_patchers_take(&sample->patches->patchers, slot, response);
}

static enum cadre_status run_calls(struct bench_patches *patches,
                                   struct bench_rpc_options *options, uint64_t warm,
                                   uint64_t calls, struct bench_measure *measure,
                                   struct cadre_error *err)
{
	struct bench_rpc_load *load = NULL;
	struct bench_child node;
	enum cadre_status status = bench_child_start(
	        &node, "rpc", patches->patchers.lab.dir, NULL, NULL, err);

	if (status != CADRE_OK)
		return status;
	options->address = node.address;
	options->local = true;
	status = bench_rpc_load_open(options, &load, err);
	if (status == CADRE_OK && warm > 0)
		status = bench_rpc_load_run(load, warm, NULL, err);
	if (status == CADRE_OK && measure) {
		bench_machine_settle(patches->bench->dir, patches->bench->settle_ms);
		measure->server_pid = node.pid;
		bench_measure_start(measure);
	}
	if (status == CADRE_OK)
		status = bench_rpc_load_run(load, calls,
		                            measure ? measure->latency : NULL, err);
	if (measure)
		bench_measure_stop(measure, (double)calls);
	bench_rpc_load_close(load);
	bench_child_stop(&node);
	return status;
}

/* What one patch alone takes in the log. */
static enum cadre_status sample_frames(struct bench_patches *patches,
                                       struct cadre_error *err)
{
	struct bench_lab *lab = &patches->patchers.lab;
	struct bench_drive drive = { .commands = SAMPLE, .batch = 1 };
	struct bench_counts before;
	struct bench_counts after;
	enum cadre_status status = bench_lab_open(lab, err);

	before = bench_counts_now();
	lab->workload = patches->patchers.workloads[0];
	if (status == CADRE_OK)
		status = bench_drive(lab, &drive, err);
	lab->workload = NULL;
	bench_lab_close(lab);
	after = bench_counts_now();
	if (status == CADRE_OK && after.appends == before.appends)
		return cadre_error_set(
		        err, CADRE_INTERNAL,
		        "no append was seen: record.c is not in front of it");
	if (status == CADRE_OK)
		patches->frame_bytes = cadre_frame_padded_bytes(
		        (after.append_bytes - before.append_bytes) / SAMPLE);
	return status;
}

enum cadre_status bench_patches_create(struct bench_patches *patches, struct bench *bench,
                                       unsigned clients, uint64_t count,
                                       struct cadre_error *err)
{
	struct sample sample = { .patches = patches };
	struct bench_rpc_options options = { .slots = 1,
		                             .clients = 1,
		                             .make = make_sample,
		                             .take = take_sample,
		                             .ctx = &sample };
	unsigned histories = (unsigned)bench_by_size(bench, 1, 40, 400);
	enum cadre_status status;

	memset(patches, 0, sizeof *patches);
	patches->bench = bench;
	patches->clients = clients;
	patches->count = count;
	status = bench_patchers_create(&patches->patchers, bench, clients, histories,
	                               err);
	if (status == CADRE_OK)
		status = sample_frames(patches, err);
	if (status == CADRE_OK)
		status = run_calls(patches, &options, 0, SAMPLE, NULL, err);
	patches->request_bytes = sample.requests / SAMPLE;
	patches->reply_bytes = sample.replies / SAMPLE;
	return status;
}

void bench_patches_destroy(struct bench_patches *patches)
{
	bench_patchers_destroy(&patches->patchers);
}

/* ---- sides ---- */

enum cadre_status bench_patches_ours(void *ctx, struct bench_measure *measure,
                                     struct cadre_error *err)
{
	struct bench_patches *patches = ctx;
	struct bench_rpc_options options = { .slots = patches->clients,
		                             .clients = patches->clients,
		                             .make = bench_patchers_make,
		                             .take = bench_patchers_take,
		                             .ctx = &patches->patchers };

	return run_calls(patches, &options, patches->count / 10 + patches->clients,
	                 patches->count, measure, err);
}

struct synced_echo {
	struct bench_patches *patches;
	struct bench_measure *measure;
};

static void start(void *ctx)
{
	struct synced_echo *side = ctx;

	bench_machine_settle(side->patches->bench->dir, side->patches->bench->settle_ms);
	bench_measure_start(side->measure);
}

enum cadre_status bench_patches_synced_echo(void *ctx, struct bench_measure *measure,
                                            struct cadre_error *err)
{
	struct bench_patches *patches = ctx;
	struct synced_echo side = { patches, measure };
	struct bench_echo echo = { .outstanding = patches->clients,
		                   .request_bytes = patches->request_bytes,
		                   .messages = patches->count,
		                   .latency = measure->latency };
	struct bench_child child;
	char path[BENCH_PATH_BYTES];
	char reply[32];
	char frame[32];
	enum cadre_status status;

	bench_path(path, patches->bench->dir, "synced");
	snprintf(reply, sizeof reply, "%zu", patches->reply_bytes);
	snprintf(frame, sizeof frame, "%zu", patches->frame_bytes);
	status = bench_zero_file(
	        path, (echo.messages + echo.messages / 10 + 2) * patches->frame_bytes,
	        err);
	if (status == CADRE_OK)
		status = bench_child_start(&child, "echo", path, reply, frame, err);
	if (status != CADRE_OK)
		return status;
	echo.address = child.address;
	measure->server_pid = child.pid;
	status = bench_echo_run(&echo, start, &side, err);
	bench_measure_stop(measure, (double)echo.messages);
	bench_child_stop(&child);
	remove(path);
	return status;
}
