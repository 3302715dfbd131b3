/* The commands of the workload, each in its arena. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/workload_internal.h"

#define CHANGES_MAX 4u
/* Of a patch: the member's key moves to a new model, or a member comes or goes. */
#define REPLACE_PERCENT 70u
#define INSERT_PERCENT 15u

static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";

void workload_text(uint64_t seed, size_t count, char *text)
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
	workload_text(bench_mix(seed ^ (uint64_t)number << 20), 60,
	              text + sizeof prefix - 1);
}

/* The first seven digits are the number, scattered: no two keys are equal. */
size_t bench_key_text(uint64_t seed, uint32_t number, char text[BENCH_KEY_BYTES])
{
	uint64_t mixed = bench_mix(seed ^ UINT64_C(0x6B6579) << 40 ^ number);
	uint64_t scattered = ((uint64_t)number * UINT64_C(0x2545F4915)) & 0x7FFFFFFFFu;
	size_t length = 8 + mixed % 25;

	for (size_t i = 0; i < 7; i++)
		text[i] = digits[scattered >> (5 * i) & 31];
	workload_text(mixed, length - 7, text + 7);
	return length;
}

/* A fresh member list of the history. */
static bool draw_list(struct bench_workload *workload, struct bench_history *history)
{
	if (!history->models) {
		history->models = calloc(BENCH_MEMBERS_MAX, sizeof *history->models);
		history->keys = calloc(BENCH_MEMBERS_MAX, sizeof *history->keys);
		if (!history->models || !history->keys)
			return false;
	}
	history->member_count = workload_draw_members(workload);
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
#define INIT(name, type)                            \
	static void name(void *message)             \
	{                                           \
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
	count = history ? history->member_count : workload_draw_members(workload);
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
	Cadre__V1__CreateHistory *history = make(arena, sizeof *history,
	                                         init_create_history);

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
	Cadre__V1__CreateDeployment *deployment = make(arena, sizeof *deployment,
	                                               init_create_deployment);

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
	Cadre__V1__Member *member = make_member(patch->workload, patch->arena, model, key,
	                                        instruction == patch->inserts);

	if (member)
		instruction->values[instruction->n_values++] = member;
	return member != NULL;
}

/* Member `at` is done with: it stands at the end, behind what later changes draw. */
static bool change_member(struct patch *patch, unsigned at, unsigned *io_open)
{
	struct bench_history *history = patch->history;
	unsigned dice = workload_below(patch->workload, 100);
	bool all = patch->workload->options.changed_members == UINT_MAX;
	unsigned last = --*io_open;
	uint32_t model = history->models[at];
	uint32_t key = history->keys[at];

	history->models[at] = history->models[last];
	history->keys[at] = history->keys[last];
	if (!all && dice >= REPLACE_PERCENT + INSERT_PERCENT &&
	    history->member_count > 1 && !patch->workload->options.members) {
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
	return put_member(patch, patch->inserts, history->models[end],
	                  history->keys[end]);
}

static bool make_instruction(struct patch *patch, Cadre__V1__PatchOperation operation,
                             Cadre__V1__PatchInstruction **ret_instruction)
{
	Cadre__V1__PatchInstruction *instruction = make(patch->arena, sizeof *instruction,
	                                                init_instruction);

	if (!instruction)
		return false;
	instruction->operation = operation;
	instruction->values = cadre_arena_alloc(
	        patch->arena, BENCH_MEMBERS_MAX * sizeof *instruction->values);
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
		count = 1 + workload_below(workload, CHANGES_MAX);
	for (unsigned i = 0; i < count && (open > 0 || count < UINT_MAX); i++) {
		bool insert = !workload->options.members && count < UINT_MAX &&
		              workload_below(workload, 100) < INSERT_PERCENT &&
		              history->member_count < BENCH_MEMBERS_MAX;
		if (insert && !insert_member(patch))
			return false;
		/* What was inserted stands behind the open ones. */
		if (!insert && open > 0 &&
		    !change_member(patch, workload_below(workload, open), &open))
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
	    !make_instruction(&patch, CADRE__V1__PATCH_OPERATION__REMOVE,
	                      &patch.removes) ||
	    !make_instruction(&patch, CADRE__V1__PATCH_OPERATION__INSERT,
	                      &patch.inserts) ||
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

bool workload_make_body(struct bench_workload *workload, struct cadre_arena *arena,
                        struct bench_command *command)
{
	struct bench_history *history = &workload->histories[command->history];

	command->command = make(arena, sizeof *command->command, init_command);
	if (!command->command)
		return false;
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

char *workload_make_token(struct bench_workload *workload, struct cadre_arena *arena)
{
	const size_t size = 40;
	char *text = cadre_arena_alloc(arena, size);

	if (text)
		workload_text(bench_mix(workload->options.seed ^ workload->issued << 8),
		              36, text);
	return text;
}
