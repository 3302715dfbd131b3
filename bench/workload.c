#include "bench/workload.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/assert.h"

#define MEMBERS_MAX 500u
#define MEMBERS_MEDIAN 50.0
#define CHANGES_MAX 4u
#define ZIPF_EXPONENT 0.99
/* Of a patch: the member's key moves to a new model, or a member comes or goes. */
#define REPLACE_PERCENT 70u
#define INSERT_PERCENT 15u

static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";

struct bench_workload {
	struct bench_workload_options options;
	struct bench_history *histories;
	double *cumulative; /* of the Zipf weights, up to 1 */
	uint64_t random;
	uint64_t issued;
	uint64_t learned;
	uint32_t next_number; /* of models and keys */
	char compartment[BENCH_MODEL_BYTES];
	char project[BENCH_MODEL_BYTES];
};

static uint64_t next_random(struct bench_workload *workload)
{
	return bench_mix(workload->random++);
}

static unsigned below(struct bench_workload *workload, unsigned bound)
{
	return (unsigned)(next_random(workload) % bound);
}

/* In [0, 1). */
static double fraction(struct bench_workload *workload)
{
	return (double)(next_random(workload) >> 11) * 0x1.0p-53;
}

static void random_text(uint64_t seed, size_t count, char *text)
{
	uint64_t bits = 0;

	for (size_t i = 0; i < count; i++) {
		if (i % 12 == 0)
			bits = bench_mix(seed + i);
		text[i] = digits[bits & 31];
		bits >>= 5;
	}
	text[count] = '\0';
}

void bench_model_text(uint64_t seed, uint32_t number, char text[BENCH_MODEL_BYTES])
{
	static const char prefix[] = "ocid1.datasciencemodel.oc1.iad.";

	memcpy(text, prefix, sizeof prefix - 1);
	random_text(bench_mix(seed ^ (uint64_t)number << 20), 60, text + sizeof prefix - 1);
}

/* The first seven digits are the number, scattered: no two keys are equal. */
size_t bench_key_text(uint64_t seed, uint32_t number, char text[BENCH_KEY_BYTES])
{
	uint64_t mixed = bench_mix(seed ^ UINT64_C(0x6B6579) << 40 ^ number);
	uint64_t scattered = ((uint64_t)number * UINT64_C(0x2545F4915)) & 0x7FFFFFFFFu;
	size_t length = 8 + mixed % 25;

	for (size_t i = 0; i < 7; i++)
		text[i] = digits[scattered >> (5 * i) & 31];
	random_text(mixed, length - 7, text + 7);
	return length;
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
	CADRE_ASSERT(options->histories > 0 && options->members <= MEMBERS_MAX);
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
	random_text(options->seed ^ 1, 60, workload->compartment + 23);
	snprintf(workload->project, sizeof workload->project,
	         "ocid1.datascienceproject.oc1.iad.");
	random_text(options->seed ^ 2, 60, workload->project + 33);
	*ret_workload = workload;
	return CADRE_OK;
}

void bench_workload_destroy(struct bench_workload *workload)
{
	if (!workload)
		return;
	for (unsigned i = 0; workload->histories && i < workload->options.histories; i++) {
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
	to->models = calloc(MEMBERS_MAX, sizeof *to->models);
	to->keys = calloc(MEMBERS_MAX, sizeof *to->keys);
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

static unsigned draw_members(struct bench_workload *workload)
{
	double normal;
	double count;

	if (workload->options.members)
		return workload->options.members;
	normal = sqrt(-2 * log(1 - fraction(workload))) *
	         cos(2 * 3.14159265358979323846 * fraction(workload));
	count = MEMBERS_MEDIAN * exp(normal);
	return count < 1 ? 1 : count > MEMBERS_MAX ? MEMBERS_MAX : (unsigned)count;
}

/* A fresh member list of the history. */
static bool draw_list(struct bench_workload *workload, struct bench_history *history)
{
	if (!history->models) {
		history->models = calloc(MEMBERS_MAX, sizeof *history->models);
		history->keys = calloc(MEMBERS_MAX, sizeof *history->keys);
		if (!history->models || !history->keys)
			return false;
	}
	history->member_count = draw_members(workload);
	for (unsigned i = 0; i < history->member_count; i++)
		history->models[i] = history->keys[i] = workload->next_number++;
	return true;
}

/* ---- messages, all in the command's arena ---- */

static void *make(struct cadre_arena *arena, size_t size, void (*init)(void *))
{
	void *message = cadre_arena_alloc(arena, size);

	if (message)
		init(message);
	return message;
}

/* A static function that initializes a message of the type. */
#define INIT(name, type)                          \
	static void name(void *message)           \
	{                                         \
		cadre__v1__##type##__init(message); \
	}
INIT(init_command, command)
INIT(init_member, member)
INIT(init_create_group, create_group)
INIT(init_details, group_details)
INIT(init_create_history, create_history)
INIT(init_create_deployment, create_deployment)
INIT(init_cut_over, cut_over)
INIT(init_patch_group, patch_group)
INIT(init_clone_group, clone_group)
INIT(init_instruction, patch_instruction)
#undef INIT

static Cadre__V1__Member *make_member(struct bench_workload *workload,
                                      struct cadre_arena *arena, uint32_t model,
                                      uint32_t key, bool with_key)
{
	Cadre__V1__Member *member = make(arena, sizeof *member, init_member);
	char *text = cadre_arena_alloc(arena, BENCH_MODEL_BYTES + BENCH_KEY_BYTES);

	if (!member || !text)
		return NULL;
	bench_model_text(workload->options.seed, model, text);
	member->model_id = text;
	if (with_key) {
		member->inference_key = text + BENCH_MODEL_BYTES;
		bench_key_text(workload->options.seed, key, member->inference_key);
	}
	return member;
}

static char *make_name(struct bench_workload *workload, struct cadre_arena *arena,
                       const char *what)
{
	const size_t size = 64;
	char *text = cadre_arena_alloc(arena, size);

	if (text)
		snprintf(text, size, "%s number %010llu", what,
		         (unsigned long long)workload->issued);
	return text;
}

static char *copy_text(struct cadre_arena *arena, const char *text)
{
	return cadre_arena_strdup(arena, cadre_slice_text(text));
}

/* `history` may be NULL. */
static bool make_group(struct bench_workload *workload, struct cadre_arena *arena,
                       struct bench_history *history, Cadre__V1__Command *command)
{
	Cadre__V1__CreateGroup *group = make(arena, sizeof *group, init_create_group);
	Cadre__V1__GroupDetails *details = make(arena, sizeof *details, init_details);

	unsigned count;

	if (!group || !details || (history && !draw_list(workload, history)))
		return false;
	count = history ? history->member_count : draw_members(workload);
	command->body_case = CADRE__V1__COMMAND__BODY_CREATE_GROUP;
	command->create_group = group;
	details->type = CADRE__V1__GROUP_TYPE__HETEROGENEOUS;
	group->compartment_id = workload->compartment;
	group->project_id = workload->project;
	group->display_name = make_name(workload, arena, "model group");
	group->model_group_details = details;
	group->n_members = count;
	group->members = cadre_arena_alloc(arena, count * sizeof *group->members);
	if (!group->members)
		return false;
	for (unsigned i = 0; i < count; i++) {
		/* A new list's numbers are both the same. */
		uint32_t number = history ? history->models[i] : workload->next_number++;
		group->members[i] = make_member(workload, arena, number, number, true);
		if (!group->members[i])
			return false;
	}
	if (!history)
		return true;
	group->model_group_version_history_id = copy_text(arena, history->ocid);
	if (!group->model_group_version_history_id)
		return false;
	return true;
}

static bool make_history(struct bench_workload *workload, struct cadre_arena *arena,
                         Cadre__V1__Command *command)
{
	Cadre__V1__CreateHistory *history = make(arena, sizeof *history, init_create_history);

	if (!history)
		return false;
	command->body_case = CADRE__V1__COMMAND__BODY_CREATE_HISTORY;
	command->create_history = history;
	history->compartment_id = workload->compartment;
	history->project_id = workload->project;
	history->display_name = make_name(workload, arena, "version history");
	return true;
}

static bool make_deployment(struct bench_workload *workload, struct cadre_arena *arena,
                            const struct bench_history *history,
                            Cadre__V1__Command *command)
{
	Cadre__V1__CreateDeployment *deployment =
	        make(arena, sizeof *deployment, init_create_deployment);

	if (!deployment)
		return false;
	command->body_case = CADRE__V1__COMMAND__BODY_CREATE_DEPLOYMENT;
	command->create_deployment = deployment;
	deployment->compartment_id = workload->compartment;
	deployment->project_id = workload->project;
	deployment->display_name = make_name(workload, arena, "deployment");
	deployment->model_group_id = copy_text(arena, history->group);
	return deployment->model_group_id != NULL;
}

static bool make_cut_over(struct cadre_arena *arena, const struct bench_history *history,
                          Cadre__V1__Command *command)
{
	Cadre__V1__CutOver *cut_over = make(arena, sizeof *cut_over, init_cut_over);

	if (!cut_over)
		return false;
	command->body_case = CADRE__V1__COMMAND__BODY_CUT_OVER;
	command->cut_over = cut_over;
	cut_over->deployment_id = copy_text(arena, history->deployment);
	cut_over->generation = 1;
	return cut_over->deployment_id != NULL;
}

static bool make_clone(struct bench_workload *workload, struct cadre_arena *arena,
                       const struct bench_history *history, Cadre__V1__Command *command)
{
	Cadre__V1__CloneGroup *clone = make(arena, sizeof *clone, init_clone_group);

	if (!clone)
		return false;
	command->body_case = CADRE__V1__COMMAND__BODY_CLONE_GROUP;
	command->clone_group = clone;
	clone->compartment_id = workload->compartment;
	clone->project_id = workload->project;
	clone->source_id = copy_text(arena, history->group);
	return clone->source_id != NULL;
}

/* ---- patches ---- */

struct patch {
	struct bench_workload *workload;
	struct cadre_arena *arena;
	struct bench_history *history;
	Cadre__V1__PatchInstruction *removes;
	Cadre__V1__PatchInstruction *inserts;
};

static bool put_member(struct patch *patch, Cadre__V1__PatchInstruction *instruction,
                       uint32_t model, uint32_t key)
{
	Cadre__V1__Member *member =
	        make_member(patch->workload, patch->arena, model, key,
	                    instruction == patch->inserts);

	if (member)
		instruction->values[instruction->n_values++] = member;
	return member != NULL;
}

/* Member `at` is done with: it stands at the end, behind what later changes draw. */
static bool change_member(struct patch *patch, unsigned at, unsigned *io_open)
{
	struct bench_history *history = patch->history;
	unsigned dice = below(patch->workload, 100);
	bool all = patch->workload->options.changed_members == UINT_MAX;
	unsigned last = --*io_open;
	uint32_t model = history->models[at];
	uint32_t key = history->keys[at];

	history->models[at] = history->models[last];
	history->keys[at] = history->keys[last];
	if (!all && dice >= REPLACE_PERCENT + INSERT_PERCENT && history->member_count > 1 &&
	    !patch->workload->options.members) {
		unsigned end = --history->member_count;
		history->models[last] = history->models[end];
		history->keys[last] = history->keys[end];
		return put_member(patch, patch->removes, model, key);
	}
	history->models[last] = patch->workload->next_number++;
	history->keys[last] = key;
	return put_member(patch, patch->removes, model, key) &&
	       put_member(patch, patch->inserts, history->models[last], key);
}

static bool insert_member(struct patch *patch)
{
	struct bench_history *history = patch->history;
	unsigned end = history->member_count++;

	history->models[end] = history->keys[end] = patch->workload->next_number++;
	return put_member(patch, patch->inserts, history->models[end], history->keys[end]);
}

static bool make_instruction(struct patch *patch, Cadre__V1__PatchOperation operation,
                             Cadre__V1__PatchInstruction **ret_instruction)
{
	Cadre__V1__PatchInstruction *instruction =
	        make(patch->arena, sizeof *instruction, init_instruction);

	if (!instruction)
		return false;
	instruction->operation = operation;
	instruction->values =
	        cadre_arena_alloc(patch->arena, MEMBERS_MAX * sizeof *instruction->values);
	*ret_instruction = instruction;
	return instruction->values != NULL;
}

static bool draw_changes(struct patch *patch)
{
	struct bench_workload *workload = patch->workload;
	struct bench_history *history = patch->history;
	unsigned open = history->member_count;
	unsigned count = workload->options.changed_members;

	if (count == 0)
		count = 1 + below(workload, CHANGES_MAX);
	for (unsigned i = 0; i < count && (open > 0 || count < UINT_MAX); i++) {
		bool insert = !workload->options.members && count < UINT_MAX &&
		              below(workload, 100) < INSERT_PERCENT &&
		              history->member_count < MEMBERS_MAX;
		if (insert && !insert_member(patch))
			return false;
		/* What was inserted stands behind the open ones. */
		if (!insert && open > 0 && !change_member(patch, below(workload, open), &open))
			return false;
	}
	return true;
}

static bool make_patch(struct bench_workload *workload, struct cadre_arena *arena,
                       struct bench_history *history, Cadre__V1__Command *command)
{
	struct patch patch = { .workload = workload, .arena = arena, .history = history };
	Cadre__V1__PatchGroup *body = make(arena, sizeof *body, init_patch_group);

	if (!body ||
	    !make_instruction(&patch, CADRE__V1__PATCH_OPERATION__REMOVE, &patch.removes) ||
	    !make_instruction(&patch, CADRE__V1__PATCH_OPERATION__INSERT, &patch.inserts) ||
	    !draw_changes(&patch))
		return false;
	command->body_case = CADRE__V1__COMMAND__BODY_PATCH_GROUP;
	command->patch_group = body;
	body->source_id = copy_text(arena, history->ocid);
	body->patch = cadre_arena_alloc(arena, 2 * sizeof *body->patch);
	if (!body->source_id || !body->patch)
		return false;
	if (patch.removes->n_values > 0)
		body->patch[body->n_patch++] = patch.removes;
	if (patch.inserts->n_values > 0)
		body->patch[body->n_patch++] = patch.inserts;
	return true;
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
	unsigned dice = below(workload, 100);

	if (dice < workload->options.clone_percent)
		return BENCH_CLONE;
	if (dice < workload->options.clone_percent + workload->options.create_percent)
		return BENCH_CREATE_OTHER;
	return BENCH_PATCH;
}

static bool make_body(struct bench_workload *workload, struct cadre_arena *arena,
                      struct bench_command *command)
{
	struct bench_history *history = &workload->histories[command->history];

	switch (command->kind) {
	case BENCH_CREATE_HISTORY:
		return make_history(workload, arena, command->command);
	case BENCH_CREATE_GROUP:
		return make_group(workload, arena, history, command->command);
	case BENCH_CREATE_OTHER:
		return make_group(workload, arena, NULL, command->command);
	case BENCH_CREATE_DEPLOYMENT:
		return make_deployment(workload, arena, history, command->command);
	case BENCH_CUT_OVER:
		return make_cut_over(arena, history, command->command);
	case BENCH_PATCH:
		return make_patch(workload, arena, history, command->command);
	case BENCH_CLONE:
	default:
		return make_clone(workload, arena, history, command->command);
	}
}

static char *make_token(struct bench_workload *workload, struct cadre_arena *arena)
{
	const size_t size = 40;
	char *text = cadre_arena_alloc(arena, size);

	if (text)
		random_text(bench_mix(workload->options.seed ^ workload->issued << 8), 36, text);
	return text;
}

enum cadre_status bench_workload_next(struct bench_workload *workload,
                                      struct cadre_arena *arena,
                                      struct bench_command *ret_command)
{
	static const enum bench_kind setup[] = { BENCH_CREATE_HISTORY, BENCH_CREATE_GROUP,
		                                 BENCH_CREATE_DEPLOYMENT, BENCH_CUT_OVER };
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
	ret_command->command = make(arena, sizeof *ret_command->command, init_command);
	if (!ret_command->command || !make_body(workload, arena, ret_command))
		return CADRE_OUT_OF_MEMORY;
	ret_command->token = NULL;
	if (workload->options.retry_tokens) {
		ret_command->token = make_token(workload, arena);
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
