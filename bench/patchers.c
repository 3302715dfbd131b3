#include "bench/patchers.h"

#include <stdio.h>

#include "engine/base/assert.h"

#define BUILD_BATCH 256u

struct bench_workload_options bench_patch_options(uint64_t seed, unsigned histories)
{
	struct bench_workload_options options = bench_workload_mms(seed, histories);

	options.clone_percent = options.create_percent = 0;
	options.retry_tokens = true;
	return options;
}

static enum cadre_status set_up(struct bench_patchers *patchers,
                                const struct bench *bench, unsigned histories_each,
                                struct cadre_error *err)
{
	struct bench_lab *lab = &patchers->lab;
	enum cadre_status status = bench_lab_open(lab, err);

	for (unsigned i = 0; i < patchers->count && status == CADRE_OK; i++) {
		struct bench_workload_options options =
		        bench_patch_options(bench->seed + i, histories_each);
		struct bench_drive drive = { .batch = BUILD_BATCH };
		drive.commands = bench_workload_setup_commands(&options);
		if (i > 0 &&
		    bench_workload_create(&options, &patchers->workloads[i]) != CADRE_OK)
			return cadre_error_set(err, CADRE_OUT_OF_MEMORY,
			                       "workload: out of memory");
		lab->workload = patchers->workloads[i];
		status = bench_drive(lab, &drive, err);
	}
	if (status == CADRE_OK)
		status = bench_lab_rest(lab, err);
	return status;
}

enum cadre_status bench_patchers_create(struct bench_patchers *patchers,
                                        const struct bench *bench, unsigned count,
                                        unsigned histories_each, struct cadre_error *err)
{
	struct bench_workload_options options = bench_patch_options(bench->seed,
	                                                            histories_each);
	char dir[BENCH_PATH_BYTES];
	enum cadre_status status;

	CADRE_ASSERT(count > 0 && count <= BENCH_PATCHERS_MAX);
	memset(patchers, 0, sizeof *patchers);
	patchers->count = count;
	bench_progress(bench, "patches: making the store");
	bench_path(dir, bench->dir, "patchers");
	status = bench_lab_create(&patchers->lab, dir, &options, err);
	patchers->workloads[0] = patchers->lab.workload;
	if (status == CADRE_OK)
		status = set_up(patchers, bench, histories_each, err);
	patchers->lab.workload = NULL;
	bench_lab_close(&patchers->lab);
	return status;
}

void bench_patchers_destroy(struct bench_patchers *patchers)
{
	for (unsigned i = 0; i < patchers->count; i++)
		bench_workload_destroy(patchers->workloads[i]);
	bench_lab_destroy(&patchers->lab);
	memset(patchers, 0, sizeof *patchers);
}

/* One call: an operation that is a batch of one command. */
struct patch_call {
	const Cadre__V1__Op *ops[1];
	Cadre__V1__Op op;
	Cadre__V1__Batch batch;
	Cadre__V1__Command *command;
};

enum cadre_status bench_patchers_make(void *ctx, unsigned slot, struct cadre_arena *arena,
                                      const Cadre__V1__Op ***ret_ops, size_t *ret_count)
{
	struct bench_patchers *patchers = ctx;
	struct bench_command *made = &patchers->commands[slot];
	struct patch_call *call = cadre_arena_alloc(arena, sizeof *call);
	enum cadre_status status;

	if (!call)
		return CADRE_OUT_OF_MEMORY;
	status = bench_workload_next(patchers->workloads[slot], arena, made);
	if (status != CADRE_OK)
		return status;
	cadre__v1__op__init(&call->op);
	cadre__v1__batch__init(&call->batch);
	call->command = made->command;
	call->batch.n_commands = 1;
	call->batch.commands = &call->command;
	call->batch.retry_token = made->token;
	call->op.body_case = CADRE__V1__OP__BODY_BATCH;
	call->op.batch = &call->batch;
	call->ops[0] = &call->op;
	*ret_ops = call->ops;
	*ret_count = 1;
	return CADRE_OK;
}

void bench_patchers_take(void *ctx, unsigned slot, const Cadre__V1__Response *response)
{
	struct bench_patchers *patchers = ctx;
	const Cadre__V1__BatchResult *batch = response->results[0]->batch;
	struct cadre_result result = { .seq = 0 };

	CADRE_ASSERT(batch && batch->n_results == 1 && batch->results[0]->id);
	(void)snprintf(result.ocid, sizeof result.ocid, "%s", batch->results[0]->id);
	bench_workload_learn(patchers->workloads[slot], &patchers->commands[slot],
	                     &result);
}
