#include "tests/support/domain_bench.h"

#include <stdio.h>

#include "tests/support/testing.h"

#define BODY(name) CADRE__V1__COMMAND__BODY_##name

void test_bench_init(struct test_bench *bench)
{
	memset(bench, 0, sizeof *bench);
	model_state_init(&bench->model);
	cadre_arena_init(&bench->arena, (size_t)256 << 20);
	bench->time_ms = 1795369200000; /* 2026-11-22T17:40:00Z */
	bench->principal = "tester";
}

void test_bench_fini(struct test_bench *bench)
{
	model_state_fini(&bench->model);
	cadre_arena_fini(&bench->arena);
}

static enum cadre_status check(struct test_bench *bench,
                               const Cadre__V1__Command *command)
{
	Cadre__V1__Command nothing = CADRE__V1__COMMAND__INIT;
	Cadre__V1__Command copy = *command;
	Cadre__V1__Command *commands[256];
	Cadre__V1__Batch batch = CADRE__V1__BATCH__INIT;

	if (bench->batch_ids_count == 0)
		return cadre_command_check(command, &bench->err);
	/* `$n` passes only as the command n + 1 of a batch. */
	nothing.body_case = BODY(RETIRE_NODE);
	nothing.retire_node = test_message(&bench->arena,
	                                   &cadre__v1__retire_node__descriptor);
	nothing.retire_node->node_id = test_text(&bench->arena, "%032d", 0);
	for (size_t i = 0; i < bench->batch_ids_count; i++)
		commands[i] = &nothing;
	commands[bench->batch_ids_count] = &copy;
	batch.commands = commands;
	batch.n_commands = bench->batch_ids_count + 1;
	return cadre_batch_check(&batch, &bench->err);
}

enum cadre_status test_run(struct test_bench *bench, const Cadre__V1__Command *command)
{
	Cadre__V1__Actor actor = CADRE__V1__ACTOR__INIT;
	uint8_t random[16] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 };
	struct cadre_decide decide = {
		.state = model_state_of(&bench->model),
		.arena = &bench->arena,
		.actor = &actor,
		.seq = bench->model.applied_seq + 1,
		.time_ms = bench->time_ms,
		.random = random,
		.batch_ids = bench->batch_ids,
		.batch_ids_count = bench->batch_ids_count,
	};
	enum cadre_status status = check(bench, command);

	actor.principal = test_text(&bench->arena, "%s", bench->principal);
	actor.proof = CADRE__V1__PROOF__PROOF_LOCAL;
	if (status == CADRE_OK)
		status = cadre_decide(&decide, command, &bench->decision, &bench->err);
	if (status == CADRE_OK && bench->decision.event) {
		cadre_seq seq = model_state_apply(&bench->model, bench->time_ms,
		                                  bench->decision.event);
		assert_int_equal(seq, bench->decision.seq);
	}
	return status;
}

const char *test_done(struct test_bench *bench, const Cadre__V1__Command *command)
{
	struct cadre_error err;
	enum cadre_status status = test_run(bench, command);

	err = bench->err;
	assert_ok(status);
	return test_text(&bench->arena, "%s", bench->decision.ocid);
}

void test_refused(struct test_bench *bench, const Cadre__V1__Command *command,
                  enum cadre_status status, const char *path)
{
	cadre_seq before = bench->model.applied_seq;
	enum cadre_status was = test_run(bench, command);
	size_t length = strlen(path);

	if (was != status)
		print_error("%s: %s\n", cadre_status_name(was), bench->err.message);
	assert_string_equal(cadre_status_name(was), cadre_status_name(status));
	assert_int_equal(bench->err.status, status);
	if (strncmp(bench->err.message, path, length) != 0 ||
	    bench->err.message[length] != ':')
		print_error("expected \"%s: ...\"\n", path);
	assert_memory_equal(bench->err.message, path, length);
	assert_int_equal(bench->err.message[length], ':');
	assert_true(strlen(bench->err.message) > length + 2);
	assert_int_equal(bench->model.applied_seq, before);
}

void test_no_op(struct test_bench *bench, const Cadre__V1__Command *command)
{
	test_done(bench, command);
	assert_null(bench->decision.event);
	assert_false(bench->decision.repeated);
	if (bench->decision.resource != 0) {
		const struct model_resource *resource =
		        model_find_id(&bench->model, bench->decision.resource);
		assert_int_equal(bench->decision.etag_seq, resource->row.changed_seq);
	}
}

const Cadre__V1__Event *test_event_of(const struct test_bench *bench)
{
	assert_non_null(bench->decision.event);
	return bench->decision.event;
}

char *test_etag(struct test_bench *bench, const char *name)
{
	static const uint8_t no_id[16];
	const struct model_resource *resource = test_resource(bench, name);
	char etag[CADRE_ETAG_CHARS + 1];

	cadre_etag(bench->model.configured ? bench->model.cluster.cluster_id.data : no_id,
	           resource->row.id, resource->row.changed_seq, etag);
	return test_text(&bench->arena, "%s", etag);
}

struct model_resource *test_resource(struct test_bench *bench, const char *name)
{
	struct model_resource *resource = model_find(&bench->model, name);

	assert_non_null(resource);
	return resource;
}

/* ---- commands ---- */

static char *text(struct test_bench *bench, const char *value)
{
	return value ? test_text(&bench->arena, "%s", value) : NULL;
}

Cadre__V1__Command *test_command(struct test_bench *bench,
                                 Cadre__V1__Command__BodyCase body)
{
	Cadre__V1__Command *command = test_message(&bench->arena,
	                                           &cadre__v1__command__descriptor);
	const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field(
	        &cadre__v1__command__descriptor, (unsigned)body);

	command->body_case = body;
	command->create_group = test_message(&bench->arena, field->descriptor);
	return command;
}

Cadre__V1__Command *test_create_group(struct test_bench *bench, const char *members,
                                      const char *history)
{
	Cadre__V1__Command *command = test_command(bench, BODY(CREATE_GROUP));
	Cadre__V1__CreateGroup *group = command->create_group;

	group->compartment_id = text(bench, "c1");
	group->project_id = text(bench, "p1");
	group->model_group_details = test_message(&bench->arena,
	                                          &cadre__v1__group_details__descriptor);
	group->model_group_details->type = CADRE__V1__GROUP_TYPE__HOMOGENEOUS;
	group->members = test_members(&bench->arena, members, &group->n_members);
	group->model_group_version_history_id = text(bench, history);
	return command;
}

static Cadre__V1__PatchInstruction **read_steps(struct test_bench *bench,
                                                const char *steps, size_t *ret_count)
{
	Cadre__V1__PatchInstruction **list =
	        cadre_arena_alloc(&bench->arena, (strlen(steps) + 1) * sizeof(*list));
	size_t count = 0;

	for (steps += strspn(steps, " "); *steps; steps += strspn(steps, " ")) {
		size_t length = strcspn(steps, " ");
		Cadre__V1__PatchInstruction *step = test_message(
		        &bench->arena, &cadre__v1__patch_instruction__descriptor);
		char *value = test_text(&bench->arena, "%.*s", (int)length - 1,
		                        steps + 1);
		step->operation = *steps == '+' ? CADRE__V1__PATCH_OPERATION__INSERT
		                                : CADRE__V1__PATCH_OPERATION__REMOVE;
		step->values = test_members(&bench->arena, value, &step->n_values);
		list[count++] = step;
		steps += length;
	}
	*ret_count = count;
	return list;
}

Cadre__V1__Command *test_clone(struct test_bench *bench, const char *source,
                               const char *steps)
{
	Cadre__V1__Command *command = test_command(bench, BODY(CLONE_GROUP));
	Cadre__V1__CloneGroup *clone = command->clone_group;

	clone->compartment_id = text(bench, "c1");
	clone->project_id = text(bench, "p1");
	clone->source_id = text(bench, source);
	clone->patch = read_steps(bench, steps, &clone->n_patch);
	return command;
}

Cadre__V1__Command *test_patch(struct test_bench *bench, const char *source,
                               const char *steps)
{
	Cadre__V1__Command *command = test_command(bench, BODY(PATCH_GROUP));

	command->patch_group->source_id = text(bench, source);
	command->patch_group->patch = read_steps(bench, steps,
	                                         &command->patch_group->n_patch);
	return command;
}

Cadre__V1__GroupOverrides *test_overrides(struct test_bench *bench,
                                          Cadre__V1__Command *command)
{
	bool clones = command->body_case == BODY(CLONE_GROUP);
	Cadre__V1__GroupOverrides **overrides = clones ? &command->clone_group->overrides
	                                               : &command->patch_group->overrides;

	if (!*overrides)
		*overrides = test_message(&bench->arena,
		                          &cadre__v1__group_overrides__descriptor);
	return *overrides;
}

Cadre__V1__Command *test_update_group(struct test_bench *bench, const char *id,
                                      const char *history)
{
	Cadre__V1__Command *command = test_command(bench, BODY(UPDATE_GROUP));

	command->update_group->id = text(bench, id);
	command->update_group->model_group_version_history_id = text(bench, history);
	return command;
}

Cadre__V1__Command *test_create_history(struct test_bench *bench, const char *name,
                                        const char *latest)
{
	Cadre__V1__Command *command = test_command(bench, BODY(CREATE_HISTORY));
	Cadre__V1__CreateHistory *history = command->create_history;

	history->compartment_id = text(bench, "c1");
	history->project_id = text(bench, "p1");
	history->display_name = text(bench, name);
	history->latest_model_group_id = text(bench, latest);
	return command;
}

Cadre__V1__Command *test_update_history(struct test_bench *bench, const char *id,
                                        const char *latest)
{
	Cadre__V1__Command *command = test_command(bench, BODY(UPDATE_HISTORY));

	command->update_history->id = text(bench, id);
	command->update_history->latest_model_group_id = text(bench, latest);
	return command;
}

Cadre__V1__Command *test_create_deployment(struct test_bench *bench, const char *group)
{
	Cadre__V1__Command *command = test_command(bench, BODY(CREATE_DEPLOYMENT));
	Cadre__V1__CreateDeployment *deployment = command->create_deployment;

	deployment->compartment_id = text(bench, "c1");
	deployment->project_id = text(bench, "p1");
	deployment->model_group_id = text(bench, group);
	return command;
}

Cadre__V1__Command *test_update_deployment(struct test_bench *bench, const char *id,
                                           const char *group)
{
	Cadre__V1__Command *command = test_command(bench, BODY(UPDATE_DEPLOYMENT));

	command->update_deployment->id = text(bench, id);
	command->update_deployment->model_group_id = text(bench, group);
	return command;
}

Cadre__V1__Command *test_cut_over(struct test_bench *bench, const char *id,
                                  uint64_t generation)
{
	Cadre__V1__Command *command = test_command(bench, BODY(CUT_OVER));

	command->cut_over->deployment_id = text(bench, id);
	command->cut_over->generation = generation;
	return command;
}

Cadre__V1__Command *test_finish_cut_over(struct test_bench *bench, const char *id,
                                         uint64_t generation)
{
	Cadre__V1__Command *command = test_command(bench, BODY(FINISH_CUT_OVER));

	command->finish_cut_over->deployment_id = text(bench, id);
	command->finish_cut_over->generation = generation;
	return command;
}

Cadre__V1__Command *test_place(struct test_bench *bench, const char *id,
                               const char *nodes)
{
	Cadre__V1__Command *command = test_command(bench, BODY(PLACE_DEPLOYMENT));

	command->place_deployment->deployment_id = text(bench, id);
	command->place_deployment->nodes =
	        test_words(&bench->arena, nodes, &command->place_deployment->n_nodes);
	return command;
}

Cadre__V1__Command *test_register_model(struct test_bench *bench, const char *id)
{
	Cadre__V1__Command *command = test_command(bench, BODY(REGISTER_MODEL));

	command->register_model->compartment_id = text(bench, "c1");
	command->register_model->project_id = text(bench, "p1");
	command->register_model->id = text(bench, id);
	return command;
}

Cadre__V1__Command *test_ref(struct test_bench *bench, Cadre__V1__Command__BodyCase body,
                             const char *id)
{
	Cadre__V1__Command *command = test_command(bench, body);

	command->delete_group->id = text(bench, id);
	return command;
}

Cadre__V1__Command *test_move(struct test_bench *bench, Cadre__V1__Command__BodyCase body,
                              const char *id, const char *compartment)
{
	Cadre__V1__Command *command = test_command(bench, body);

	command->move_group->id = text(bench, id);
	command->move_group->compartment_id = text(bench, compartment);
	return command;
}

Cadre__V1__FreeformTags *test_tags(struct test_bench *bench, const char *key,
                                   const char *value)
{
	Cadre__V1__FreeformTags *tags =
	        test_message(&bench->arena, &cadre__v1__freeform_tags__descriptor);
	Cadre__V1__FreeformTag *tag = test_message(&bench->arena,
	                                           &cadre__v1__freeform_tag__descriptor);

	tag->key = text(bench, key);
	tag->value = text(bench, value);
	tags->tags = cadre_arena_alloc(&bench->arena, sizeof(*tags->tags));
	tags->tags[0] = tag;
	tags->n_tags = 1;
	return tags;
}
