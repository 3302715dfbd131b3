/* A store on a simulated machine, stepped by the test, and short ways to make
 * commands. */
#ifndef TESTS_UNIT_STORE_STORE_FIXTURE_H
#define TESTS_UNIT_STORE_STORE_FIXTURE_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/checksum.h"
#include "engine/env/sim.h"
#include "engine/store/store.h"
#include "tests/support/testing.h"

#define FIXTURE_SEGMENT_BYTES (64u << 10)

struct fixture {
	struct cadre_env_sim *sim;
	struct cadre_env *env;
	struct cadre_store_options options;
	struct cadre_store *store;
	struct cadre_arena arena; /* of commands */
	Cadre__V1__Actor actor;
	char principal[16];
};

static inline void fixture_init(struct fixture *fixture)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_init_options init = { .dir = "/data",
		                           .cluster_name = "test",
		                           .segment_bytes = FIXTURE_SEGMENT_BYTES };

	memset(fixture, 0, sizeof *fixture);
	fixture->sim = cadre_env_sim_create(7);
	assert_non_null(fixture->sim);
	fixture->env = cadre_env_sim_env(fixture->sim);
	cadre_arena_init(&fixture->arena, 64u << 20);
	cadre__v1__actor__init(&fixture->actor);
	snprintf(fixture->principal, sizeof fixture->principal, "tester");
	fixture->actor.principal = fixture->principal;
	fixture->actor.proof = CADRE__V1__PROOF__PROOF_LOCAL;
	fixture->options.dir = "/data";
	fixture->options.memory_views = true;
	fixture->options.no_snapshots = true;
	fixture->options.segment_bytes = FIXTURE_SEGMENT_BYTES;
	assert_ok(cadre_store_init(fixture->env, &init, &err));
}

static inline void fixture_open(struct fixture *fixture)
{
	struct cadre_error err = CADRE_ERROR_INIT;

	assert_ok(
	        cadre_store_open(fixture->env, &fixture->options, &fixture->store, &err));
}

static inline void fixture_close(struct fixture *fixture)
{
	cadre_store_close(fixture->store);
	fixture->store = NULL;
}

static inline void fixture_fini(struct fixture *fixture)
{
	fixture_close(fixture);
	cadre_arena_fini(&fixture->arena);
	cadre_env_sim_destroy(fixture->sim);
}

static inline void *fixture_alloc(struct fixture *fixture, size_t size)
{
	void *memory = cadre_arena_alloc(&fixture->arena, size);

	assert_non_null(memory);
	memset(memory, 0, size);
	return memory;
}

static inline char *fixture_text(struct fixture *fixture, const char *format, ...)
        CADRE_PRINTF(2, 3);
static inline char *fixture_text(struct fixture *fixture, const char *format, ...)
{
	char text[512];
	va_list args;
	char *copy;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	copy = cadre_arena_strdup(&fixture->arena, cadre_slice_text(text));
	assert_non_null(copy);
	return copy;
}

/* A group "name" of `count` members key-<first>… in a compartment "c". */
static inline Cadre__V1__Command *fixture_create_group(struct fixture *fixture,
                                                       const char *name, unsigned first,
                                                       unsigned count)
{
	Cadre__V1__Command *command = fixture_alloc(fixture, sizeof *command);
	Cadre__V1__CreateGroup *group = fixture_alloc(fixture, sizeof *group);
	Cadre__V1__GroupDetails *details = fixture_alloc(fixture, sizeof *details);

	cadre__v1__command__init(command);
	cadre__v1__create_group__init(group);
	cadre__v1__group_details__init(details);
	details->type = CADRE__V1__GROUP_TYPE__HOMOGENEOUS;
	group->compartment_id = fixture_text(fixture, "c");
	group->project_id = fixture_text(fixture, "p");
	group->display_name = fixture_text(fixture, "%s", name);
	group->model_group_details = details;
	group->n_members = count;
	group->members = fixture_alloc(fixture, count * sizeof *group->members);
	for (unsigned i = 0; i < count; i++) {
		Cadre__V1__Member *member = fixture_alloc(fixture, sizeof *member);
		cadre__v1__member__init(member);
		member->model_id = fixture_text(
		        fixture, "ocid1.datasciencemodel.oc1.iad.m%u", first + i);
		member->inference_key = fixture_text(fixture, "key-%u", first + i);
		group->members[i] = member;
	}
	command->body_case = CADRE__V1__COMMAND__BODY_CREATE_GROUP;
	command->create_group = group;
	return command;
}

static inline Cadre__V1__Command *
fixture_create_history(struct fixture *fixture, const char *name, const char *latest)
{
	Cadre__V1__Command *command = fixture_alloc(fixture, sizeof *command);
	Cadre__V1__CreateHistory *history = fixture_alloc(fixture, sizeof *history);

	cadre__v1__command__init(command);
	cadre__v1__create_history__init(history);
	history->compartment_id = fixture_text(fixture, "c");
	history->project_id = fixture_text(fixture, "p");
	history->display_name = fixture_text(fixture, "%s", name);
	if (latest)
		history->latest_model_group_id = fixture_text(fixture, "%s", latest);
	command->body_case = CADRE__V1__COMMAND__BODY_CREATE_HISTORY;
	command->create_history = history;
	return command;
}

/* Inserts member `number` into the latest group of `source`. */
static inline Cadre__V1__Command *fixture_patch(struct fixture *fixture,
                                                const char *source, unsigned number)
{
	Cadre__V1__Command *command = fixture_alloc(fixture, sizeof *command);
	Cadre__V1__PatchGroup *patch = fixture_alloc(fixture, sizeof *patch);
	Cadre__V1__PatchInstruction *insert = fixture_alloc(fixture, sizeof *insert);
	Cadre__V1__Member *member = fixture_alloc(fixture, sizeof *member);

	cadre__v1__command__init(command);
	cadre__v1__patch_group__init(patch);
	cadre__v1__patch_instruction__init(insert);
	cadre__v1__member__init(member);
	member->model_id = fixture_text(fixture, "ocid1.datasciencemodel.oc1.iad.m%u",
	                                number);
	member->inference_key = fixture_text(fixture, "key-%u", number);
	insert->operation = CADRE__V1__PATCH_OPERATION__INSERT;
	insert->n_values = 1;
	insert->values = fixture_alloc(fixture, sizeof *insert->values);
	insert->values[0] = member;
	patch->source_id = fixture_text(fixture, "%s", source);
	patch->n_patch = 1;
	patch->patch = fixture_alloc(fixture, sizeof *patch->patch);
	patch->patch[0] = insert;
	command->body_case = CADRE__V1__COMMAND__BODY_PATCH_GROUP;
	command->patch_group = patch;
	return command;
}

/* A request under test with its results and what completed it. */
struct sent {
	struct cadre_request request;
	struct cadre_result results[8];
	unsigned completed;
};

static inline void sent_complete(struct cadre_request *request)
{
	struct sent *sent = request->ctx;

	sent->completed++;
}

static inline struct sent *fixture_send(struct fixture *fixture, const char *batch_token,
                                        Cadre__V1__Command *const *commands, size_t count)
{
	struct sent *sent = fixture_alloc(fixture, sizeof *sent);
	Cadre__V1__Batch *batch = fixture_alloc(fixture, sizeof *batch);
	struct cadre_error err = CADRE_ERROR_INIT;

	cadre__v1__batch__init(batch);
	batch->n_commands = count;
	batch->commands = fixture_alloc(fixture, count * sizeof *batch->commands);
	memcpy(batch->commands, commands, count * sizeof *commands);
	batch->retry_token = (char *)(uintptr_t)batch_token;
	if (count == 1 && !batch_token)
		assert_ok(cadre_command_check(batch->commands[0], &err));
	else
		assert_ok(cadre_batch_check(batch, &err));
	sent->request.batch = batch;
	sent->request.actor = &fixture->actor;
	sent->request.results = sent->results;
	sent->request.complete = sent_complete;
	sent->request.ctx = sent;
	cadre_store_submit(fixture->store, &sent->request);
	return sent;
}

static inline struct sent *fixture_send_one(struct fixture *fixture, const char *token,
                                            Cadre__V1__Command *command)
{
	command->retry_token = (char *)(uintptr_t)token;
	return fixture_send(fixture, NULL, &command, 1);
}

/* Steps until nothing more can be done at once. */
static inline enum cadre_status fixture_settle(struct fixture *fixture,
                                               struct cadre_error *err)
{
	bool again = true;
	enum cadre_status status = CADRE_OK;

	for (unsigned i = 0; i < 100000 && again && status == CADRE_OK; i++)
		status = cadre_store_step(fixture->store, &again, err);
	return status;
}

/* Sends one command and expects it done. */
static inline struct cadre_result fixture_do(struct fixture *fixture, const char *token,
                                             Cadre__V1__Command *command)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct sent *sent = fixture_send_one(fixture, token, command);

	assert_ok(fixture_settle(fixture, &err));
	assert_int_equal(sent->completed, 1);
	test_assert_ok(sent->request.status, &sent->request.err, "command", __FILE__,
	               __LINE__);
	assert_true(sent->request.durable);
	assert_true(sent->request.visible);
	return sent->results[0];
}

static inline struct cadre_store_status fixture_status(struct fixture *fixture)
{
	struct cadre_store_status status;

	cadre_store_status(fixture->store, &status);
	return status;
}

#endif
