#include "bench/workload.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/workload_internal.h"
#include "engine/base/assert.h"

#define MEMBERS_MEDIAN 50.0
#define ZIPF_EXPONENT 0.99

/* In [0, 1). */
static double fraction(struct bench_workload *workload)
{
	return (double)(workload_random(workload) >> 11) * 0x1.0p-53;
}

struct bench_workload_options bench_workload_mms(uint64_t seed, unsigned histories)
{
	struct bench_workload_options options = { .seed = seed,
		                                  .histories = histories,
		                                  .clone_percent = 10,
		                                  .create_percent = 10 };
	return options;
}

static bool make_zipf(struct bench_workload *workload)
{
	unsigned count = workload->options.histories;
	double sum = 0;

	workload->cumulative = calloc(count, sizeof *workload->cumulative);
	if (!workload->cumulative)
		return false;
	for (unsigned i = 0; i < count; i++) {
		sum += pow(i + 1, -ZIPF_EXPONENT);
		workload->cumulative[i] = sum;
	}
	for (unsigned i = 0; i < count; i++)
		workload->cumulative[i] /= sum;
	return true;
}

static unsigned draw_history(struct bench_workload *workload)
{
	double at = fraction(workload);
	unsigned low = 0;
	unsigned high = workload->options.histories - 1;

	if (workload->options.in_turn)
		return (unsigned)(workload->issued % workload->options.histories);
	while (low < high) {
		unsigned middle = low + (high - low) / 2;
		if (workload->cumulative[middle] <= at)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

enum cadre_status bench_workload_create(const struct bench_workload_options *options,
                                        struct bench_workload **ret_workload)
{
	struct bench_workload *workload = calloc(1, sizeof *workload);

	*ret_workload = NULL;
	CADRE_ASSERT(options->histories > 0 && options->members <= BENCH_MEMBERS_MAX);
	if (!workload)
		return CADRE_OUT_OF_MEMORY;
	workload->options = *options;
	workload->random = bench_mix(options->seed);
	workload->histories = calloc(options->histories, sizeof *workload->histories);
	if (!workload->histories || !make_zipf(workload)) {
		bench_workload_destroy(workload);
		return CADRE_OUT_OF_MEMORY;
	}
	snprintf(workload->compartment, sizeof workload->compartment,
	         "ocid1.compartment.oc1..");
	workload_text(options->seed ^ 1, 60, workload->compartment + 23);
	snprintf(workload->project, sizeof workload->project,
	         "ocid1.datascienceproject.oc1.iad.");
	workload_text(options->seed ^ 2, 60, workload->project + 33);
	*ret_workload = workload;
	return CADRE_OK;
}

void bench_workload_destroy(struct bench_workload *workload)
{
	if (!workload)
		return;
	for (unsigned i = 0; workload->histories && i < workload->options.histories;
	     i++) {
		free(workload->histories[i].models);
		free(workload->histories[i].keys);
	}
	free(workload->histories);
	free(workload->cumulative);
	free(workload);
}

static bool copy_members(struct bench_history *to, const struct bench_history *from)
{
	*to = *from;
	to->models = to->keys = NULL;
	if (!from->models)
		return true;
	to->models = calloc(BENCH_MEMBERS_MAX, sizeof *to->models);
	to->keys = calloc(BENCH_MEMBERS_MAX, sizeof *to->keys);
	if (!to->models || !to->keys)
		return false;
	memcpy(to->models, from->models, from->member_count * sizeof *to->models);
	memcpy(to->keys, from->keys, from->member_count * sizeof *to->keys);
	return true;
}

enum cadre_status bench_workload_clone(const struct bench_workload *from,
                                       struct bench_workload **ret_workload)
{
	struct bench_workload *workload;
	struct bench_history *histories;
	double *cumulative;
	enum cadre_status status = bench_workload_create(&from->options, &workload);

	*ret_workload = NULL;
	if (status != CADRE_OK)
		return status;
	histories = workload->histories;
	cumulative = workload->cumulative;
	*workload = *from;
	workload->histories = histories;
	workload->cumulative = cumulative;
	for (unsigned i = 0; i < from->options.histories; i++) {
		if (!copy_members(&histories[i], &from->histories[i])) {
			bench_workload_destroy(workload);
			return CADRE_OUT_OF_MEMORY;
		}
	}
	*ret_workload = workload;
	return CADRE_OK;
}

unsigned workload_draw_members(struct bench_workload *workload)
{
	double normal;
	double count;

	if (workload->options.members)
		return workload->options.members;
	normal = sqrt(-2 * log(1 - fraction(workload))) *
	         cos(2 * 3.14159265358979323846 * fraction(workload));
	count = MEMBERS_MEDIAN * exp(normal);
	return count < 1                   ? 1
	       : count > BENCH_MEMBERS_MAX ? BENCH_MEMBERS_MAX
	                                   : (unsigned)count;
}

/* ---- the stream ---- */

uint64_t bench_workload_setup_commands(const struct bench_workload_options *options)
{
	return (uint64_t)options->histories * (options->deployments ? 4 : 2);
}

bool bench_workload_mixing(const struct bench_workload *workload)
{
	return workload->issued >= bench_workload_setup_commands(&workload->options);
}

static enum bench_kind draw_kind(struct bench_workload *workload)
{
	unsigned dice = workload_below(workload, 100);

	if (dice < workload->options.clone_percent)
		return BENCH_CLONE;
	if (dice < workload->options.clone_percent + workload->options.create_percent)
		return BENCH_CREATE_OTHER;
	return BENCH_PATCH;
}

enum cadre_status bench_workload_next(struct bench_workload *workload,
                                      struct cadre_arena *arena,
                                      struct bench_command *ret_command)
{
	static const enum bench_kind setup[] = { BENCH_CREATE_HISTORY, BENCH_CREATE_GROUP,
		                                 BENCH_CREATE_DEPLOYMENT,
		                                 BENCH_CUT_OVER };
	unsigned histories = workload->options.histories;
	uint64_t stage = workload->issued / histories;

	/* Each stage needs what the one before it made. */
	if ((!bench_workload_mixing(workload) || stage * histories == workload->issued) &&
	    workload->learned < stage * histories)
		return CADRE_UNAVAILABLE;
	if (bench_workload_mixing(workload)) {
		if (workload->learned < bench_workload_setup_commands(&workload->options))
			return CADRE_UNAVAILABLE;
		ret_command->history = draw_history(workload);
		ret_command->kind = draw_kind(workload);
	} else {
		ret_command->history = (unsigned)(workload->issued % histories);
		ret_command->kind = setup[stage];
	}
	if (!workload_make_body(workload, arena, ret_command))
		return CADRE_OUT_OF_MEMORY;
	ret_command->token = NULL;
	if (workload->options.retry_tokens) {
		ret_command->token = workload_make_token(workload, arena);
		if (!ret_command->token)
			return CADRE_OUT_OF_MEMORY;
	}
	workload->issued++;
	return CADRE_OK;
}

void bench_workload_learn(struct bench_workload *workload,
                          const struct bench_command *command,
                          const struct cadre_result *result)
{
	struct bench_history *history = &workload->histories[command->history];

	workload->learned++;
	if (command->kind == BENCH_CREATE_HISTORY)
		memcpy(history->ocid, result->ocid, sizeof history->ocid);
	if (command->kind == BENCH_CREATE_DEPLOYMENT)
		memcpy(history->deployment, result->ocid, sizeof history->deployment);
	if (command->kind != BENCH_CREATE_GROUP && command->kind != BENCH_PATCH)
		return;
	memcpy(history->group, result->ocid, sizeof history->group);
	if (history->first_group[0] == '\0')
		memcpy(history->first_group, result->ocid, sizeof history->first_group);
}

unsigned bench_workload_histories(const struct bench_workload *workload)
{
	return workload->options.histories;
}

const struct bench_history *bench_workload_history(const struct bench_workload *workload,
                                                   unsigned index)
{
	return &workload->histories[index];
}
