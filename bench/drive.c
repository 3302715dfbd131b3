#include "bench/drive.h"

#include <stdio.h>
#include <stdlib.h>

#include "bench/machine.h"
#include "engine/base/assert.h"

/* Of the commands of one batch: 1,024 groups of 500 members. */
#define COMMANDS_ARENA_BYTES (512u << 20)

/* ---- environment ---- */

static void seeded_random(struct cadre_env *env, void *data, size_t length)
{
	struct bench_env *seeded = (struct bench_env *)env;
	uint8_t *at = data;

	for (size_t i = 0; i < length; i++) {
		if (i % 8 == 0)
			seeded->state = bench_mix(seeded->state);
		at[i] = (uint8_t)(seeded->state >> (8 * (i % 8)));
	}
}

void bench_env_init(struct bench_env *env, uint64_t seed)
{
	static struct cadre_env_ops ops;

	ops = *cadre_env_real()->ops;
	ops.random = seeded_random;
	env->base.ops = &ops;
	env->state = seed;
}

/* ---- the lab ---- */

uint64_t bench_segment_bytes;

enum cadre_status bench_lab_create(struct bench_lab *lab, const char *dir,
                                   const struct bench_workload_options *options,
                                   struct cadre_error *err)
{
	struct cadre_init_options init = { .cluster_name = "bench",
		                           .segment_bytes = bench_segment_bytes };
	enum cadre_status status;

	memset(lab, 0, sizeof *lab);
	bench_env_init(&lab->env, options->seed);
	snprintf(lab->dir, sizeof lab->dir, "%s", dir);
	init.dir = lab->dir;
	status = cadre_store_init(&lab->env.base, &init, err);
	if (status == CADRE_OK &&
	    bench_workload_create(options, &lab->workload) != CADRE_OK)
		status = cadre_error_set(err, CADRE_OUT_OF_MEMORY,
		                         "workload: out of memory");
	return status;
}

enum cadre_status bench_lab_copy(struct bench_lab *lab, const char *dir,
                                 const struct bench_lab *from, struct cadre_error *err)
{
	CADRE_ASSERT(!from->store);
	memset(lab, 0, sizeof *lab);
	bench_env_init(&lab->env, from->env.state);
	snprintf(lab->dir, sizeof lab->dir, "%s", dir);
	if (bench_workload_clone(from->workload, &lab->workload) != CADRE_OK)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY,
		                       "workload: out of memory");
	return bench_copy_tree(from->dir, dir, err);
}

enum cadre_status bench_lab_open(struct bench_lab *lab, struct cadre_error *err)
{
	struct cadre_store_options options = { .dir = lab->dir,
		                               .no_snapshots = true,
		                               .segment_bytes = bench_segment_bytes };

	return cadre_store_open(&lab->env.base, &options, &lab->store, err);
}

void bench_lab_close(struct bench_lab *lab)
{
	cadre_store_close(lab->store);
	lab->store = NULL;
}

void bench_lab_destroy(struct bench_lab *lab)
{
	bench_lab_close(lab);
	bench_workload_destroy(lab->workload);
	lab->workload = NULL;
	if (lab->dir[0] != '\0')
		bench_remove_tree(lab->dir);
	lab->dir[0] = '\0';
}

enum cadre_status bench_views_dir(const struct bench_lab *lab,
                                  char path[BENCH_PATH_BYTES], struct cadre_error *err)
{
	char state[BENCH_PATH_BYTES];
	char name[64];
	unsigned long long generation = 0;
	FILE *file;

	bench_path(state, lab->dir, "views/STATE");
	file = fopen(state, "re");
	if (!file || fscanf(file, "format 0\ngeneration %llu", &generation) != 1) {
		if (file)
			fclose(file);
		return cadre_error_set(err, CADRE_NOT_FOUND, "\"%s\" cannot be read",
		                       state);
	}
	fclose(file);
	snprintf(name, sizeof name, "views/%llu", generation);
	bench_path(path, lab->dir, name);
	return CADRE_OK;
}

enum cadre_status bench_warm_kv(struct cadre_kv *kv, struct cadre_error *err)
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
		while (status == CADRE_OK)
			status = cadre_kv_next(cursor, &key, &value);
		cadre_kv_cursor_close(cursor);
	}
	cadre_kv_abort(txn);
	if (status != CADRE_END)
		return cadre_error_set(err, status, "reading the rows");
	return CADRE_OK;
}

/* ---- driving ---- */

struct slot {
	struct cadre_request request;
	Cadre__V1__Batch batch;
	Cadre__V1__Command *command[1];
	struct cadre_result result;
	struct bench_command made;
};

struct driving {
	struct bench_lab *lab;
	struct bench_drive *drive;
	struct cadre_arena arena;
	struct slot *slots;
	unsigned answered;
};

static Cadre__V1__Actor *actor(void)
{
	static Cadre__V1__Actor one;

	cadre__v1__actor__init(&one);
	one.principal = (char *)(uintptr_t) "ocid1.user.oc1..bench";
	one.proof = CADRE__V1__PROOF__PROOF_LOCAL;
	return &one;
}

static void on_complete(struct cadre_request *request)
{
	struct driving *driving = request->ctx;

	driving->answered++;
}

static enum cadre_status fill_slot(struct driving *driving, struct slot *slot,
                                   struct cadre_error *err)
{
	enum cadre_status status = bench_workload_next(driving->lab->workload,
	                                               &driving->arena, &slot->made);

	if (status != CADRE_OK)
		return status;
	cadre__v1__batch__init(&slot->batch);
	slot->command[0] = slot->made.command;
	slot->batch.retry_token = slot->made.token;
	slot->batch.n_commands = 1;
	slot->batch.commands = slot->command;
	memset(&slot->request, 0, sizeof slot->request);
	slot->request.batch = &slot->batch;
	slot->request.actor = actor();
	slot->request.results = &slot->result;
	slot->request.complete = on_complete;
	slot->request.ctx = driving;
	return cadre_batch_check(&slot->batch, err);
}

static enum cadre_status learn_all(struct driving *driving, unsigned count,
                                   struct cadre_error *err)
{
	for (unsigned i = 0; i < count; i++) {
		struct slot *slot = &driving->slots[i];
		if (slot->request.status != CADRE_OK)
			return cadre_error_set(err, slot->request.status, "command: %s",
			                       slot->request.err.message);
		bench_workload_learn(driving->lab->workload, &slot->made, &slot->result);
		if (driving->drive->answer)
			driving->drive->answer(driving->drive->ctx, &slot->made,
			                       &slot->result);
	}
	return CADRE_OK;
}

static enum cadre_status run_batch(struct driving *driving, unsigned count,
                                   struct cadre_error *err)
{
	struct cadre_store *store = driving->lab->store;
	struct bench_drive *drive = driving->drive;
	uint64_t cpu = bench_cpu_ns();
	uint64_t begin = bench_now_ns();
	uint64_t end;
	bool again = true;
	enum cadre_status status = CADRE_OK;

	driving->answered = 0;
	for (unsigned i = 0; i < count; i++)
		cadre_store_submit(store, &driving->slots[i].request);
	while (status == CADRE_OK && driving->answered < count)
		status = cadre_store_step(store, &again, err);
	end = bench_now_ns();
	drive->busy_ns += end - begin;
	drive->busy_cpu_ns += bench_cpu_ns() - cpu;
	if (drive->latency)
		bench_histogram_add(drive->latency, end - begin);
	if (status == CADRE_OK)
		status = cadre_store_step(store, &again, err);
	drive->upkeep_ns += bench_now_ns() - end;
	drive->batches++;
	drive->done += count;
	if (status == CADRE_OK)
		status = learn_all(driving, count, err);
	return status;
}

static enum cadre_status drive_all(struct driving *driving, struct cadre_error *err)
{
	struct bench_drive *drive = driving->drive;
	enum cadre_status status = CADRE_OK;

	while (status == CADRE_OK && drive->done < drive->commands) {
		uint64_t left = drive->commands - drive->done;
		unsigned count = 0;
		cadre_arena_reset(&driving->arena);
		while (status == CADRE_OK && count < drive->batch && count < left) {
			status = fill_slot(driving, &driving->slots[count], err);
			count += status == CADRE_OK;
		}
		if (status == CADRE_UNAVAILABLE && count > 0)
			status = CADRE_OK;
		if (status == CADRE_OK)
			status = run_batch(driving, count, err);
	}
	return status;
}

enum cadre_status bench_drive(struct bench_lab *lab, struct bench_drive *drive,
                              struct cadre_error *err)
{
	struct driving driving = { .lab = lab, .drive = drive };
	enum cadre_status status;

	CADRE_ASSERT(drive->batch > 0 && drive->batch <= BENCH_BATCH_MAX);
	drive->done = drive->batches = drive->upkeep_ns = 0;
	drive->busy_ns = drive->busy_cpu_ns = 0;
	driving.slots = calloc(drive->batch, sizeof *driving.slots);
	if (!driving.slots)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY,
		                       "commands: out of memory");
	cadre_arena_init(&driving.arena, COMMANDS_ARENA_BYTES);
	status = drive_all(&driving, err);
	cadre_arena_fini(&driving.arena);
	free(driving.slots);
	return status;
}

enum cadre_status bench_lab_rest(struct bench_lab *lab, struct cadre_error *err)
{
	bool again = true;
	enum cadre_status status = CADRE_OK;

	while (again && status == CADRE_OK)
		status = cadre_store_step(lab->store, &again, err);
	return status;
}
