/* What all commands have in common: tokens, etags, ids, batches. */
#include "tests/support/testing.h"

#include "tests/support/domain_bench.h"

#define BODY(name) CADRE__V1__COMMAND__BODY_##name

static int setup(void **state)
{
	static struct test_bench bench;

	test_bench_init(&bench);
	*state = &bench;
	return 0;
}

static int teardown(void **state)
{
	test_bench_fini(*state);
	return 0;
}

static Cadre__V1__Command *with_token(struct test_bench *t, Cadre__V1__Command *command,
                                      const char *token)
{
	command->retry_token = test_text(&t->arena, "%s", token);
	return command;
}

static void a_token_takes_effect_once_with_one_answer(void **state)
{
	struct test_bench *t = *state;
	const char *history = test_done(t, test_create_history(t, "h", NULL));
	Cadre__V1__Command *create = with_token(t, test_create_group(t, "m1", history),
	                                        "t1");
	const char *group = test_done(t, create);
	struct cadre_decision first = t->decision;

	assert_string_equal(test_event_of(t)->retry_token->token, "t1");
	/* What happens to the group later does not change the answer. */
	test_done(t, test_move(t, BODY(MOVE_GROUP), group, "c2"));
	assert_string_equal(test_done(t, create), group);
	assert_null(t->decision.event);
	assert_true(t->decision.repeated);
	assert_int_equal(t->decision.seq, first.seq);
	assert_int_equal(t->decision.etag_seq, first.etag_seq);
	assert_int_equal(t->decision.resource, first.resource);
	assert_int_equal(t->decision.version_id, first.version_id);
}

static void a_token_with_another_command_is_invalidated(void **state)
{
	struct test_bench *t = *state;

	test_done(t, with_token(t, test_create_group(t, "m1", NULL), "t1"));
	test_refused(t, with_token(t, test_create_group(t, "m2", NULL), "t1"),
	             CADRE_INVALIDATED_RETRY_TOKEN, "retryToken");
	test_done(t, with_token(t, test_create_group(t, "m2", NULL), "t2"));
	t->principal = "other";
	test_done(t, with_token(t, test_create_group(t, "m2", NULL), "t1"));
}

static void a_token_is_remembered_for_24_hours_of_log_time(void **state)
{
	struct test_bench *t = *state;
	Cadre__V1__Command *create = with_token(t, test_create_group(t, "m1", NULL),
	                                        "t1");
	const char *group = test_done(t, create);

	t->time_ms += CADRE_TOKEN_AGE_MS - 1;
	assert_string_equal(test_done(t, create), group);
	t->time_ms += 1;
	assert_string_not_equal(test_done(t, create), group);
	assert_false(t->decision.repeated);
}

static void refusals_and_no_ops_are_not_remembered(void **state)
{
	struct test_bench *t = *state;
	Cadre__V1__Command *create = with_token(t, test_create_group(t, "m1", "none"),
	                                        "t1");
	const char *group;

	test_refused(t, create, CADRE_RELATED_NOT_FOUND,
	             "createGroup.modelGroupVersionHistoryId");
	group = test_done(t, with_token(t, test_create_group(t, "m1", NULL), "t1"));
	test_no_op(t, with_token(t, test_update_group(t, group, ""), "t2"));
	test_done(t, with_token(t, test_create_group(t, "m3", NULL), "t2"));
	assert_non_null(t->decision.event);
}

static void a_hash_leaves_out_token_and_if_match_only(void **state)
{
	struct test_bench *t = *state;
	Cadre__V1__Command *a = test_create_group(t, "m1", NULL);
	Cadre__V1__Command *b = with_token(t, test_create_group(t, "m1", NULL), "t");
	struct cadre_sha256 x, y, z;
	struct cadre_error err;

	b->if_match = test_text(&t->arena, "e");
	assert_ok(cadre_command_hash(a, &x, &err));
	assert_ok(cadre_command_hash(b, &y, &err));
	assert_ok(cadre_command_hash(test_create_group(t, "m2", NULL), &z, &err));
	assert_memory_equal(x.bytes, y.bytes, 32);
	assert_memory_not_equal(x.bytes, z.bytes, 32);
}

static void a_batch_hash_depends_on_every_command_and_their_order(void **state)
{
	struct test_bench *t = *state;
	Cadre__V1__Command *commands[2] = { test_create_group(t, "m1", NULL),
		                            test_create_group(t, "m2", NULL) };
	Cadre__V1__Command *swapped[2] = { commands[1], commands[0] };
	Cadre__V1__Batch batch = CADRE__V1__BATCH__INIT;
	struct cadre_sha256 x, y, z;
	struct cadre_error err;

	batch.commands = commands;
	batch.n_commands = 2;
	assert_ok(cadre_batch_hash(&batch, &x, &err));
	batch.retry_token = test_text(&t->arena, "t");
	assert_ok(cadre_batch_hash(&batch, &y, &err));
	assert_memory_equal(x.bytes, y.bytes, 32);
	batch.commands = swapped;
	assert_ok(cadre_batch_hash(&batch, &z, &err));
	assert_memory_not_equal(x.bytes, z.bytes, 32);
}

static void if_match_is_the_etag_of_what_is_changed(void **state)
{
	struct test_bench *t = *state;
	const char *group = test_done(t, test_create_group(t, "m1", NULL));
	Cadre__V1__Command *move = test_move(t, BODY(MOVE_GROUP), group, "c2");

	move->if_match = test_etag(t, group);
	test_done(t, move);
	move->move_group->compartment_id = test_text(&t->arena, "c3");
	test_refused(t, move, CADRE_ETAG_MISMATCH, "ifMatch");
	move->if_match = test_etag(t, group);
	test_done(t, move);
	/* A new resource has no etag to match. */
	move = test_create_group(t, "m1", NULL);
	move->if_match = test_text(&t->arena, "whatever");
	test_done(t, move);
}

static void if_match_of_a_patch_is_the_etag_of_its_source(void **state)
{
	struct test_bench *t = *state;
	const char *history = test_done(t, test_create_history(t, "h", NULL));
	Cadre__V1__Command *patch = test_patch(t, history, "+m2");
	Cadre__V1__Command *late = test_clone(t, history, "+m3");

	test_done(t, test_create_group(t, "m1", history));
	patch->if_match = test_etag(t, history);
	late->if_match = patch->if_match;
	test_done(t, patch);
	test_refused(t, late, CADRE_ETAG_MISMATCH, "ifMatch");
}

static void a_change_of_latest_changes_the_historys_etag_alone(void **state)
{
	struct test_bench *t = *state;
	const char *history = test_done(t, test_create_history(t, "h", NULL));
	const char *first = test_done(t, test_create_group(t, "m1", history));
	char *of_history = test_etag(t, history);
	char *of_first = test_etag(t, first);

	test_done(t, test_create_group(t, "m1", history));
	assert_string_equal(test_etag(t, history), of_history);
	test_done(t, test_patch(t, first, "+m2"));
	assert_string_not_equal(test_etag(t, history), of_history);
	assert_string_equal(test_etag(t, first), of_first);
}

static void an_etag_depends_on_cluster_resource_and_seq(void **state)
{
	const uint8_t cluster[16] = { 1 };
	const uint8_t other[16] = { 2 };
	char a[CADRE_ETAG_CHARS + 1], b[CADRE_ETAG_CHARS + 1];

	(void)state;
	cadre_etag(cluster, 1, 2, a);
	assert_int_equal(strlen(a), CADRE_ETAG_CHARS);
	cadre_etag(cluster, 1, 2, b);
	assert_string_equal(a, b);
	cadre_etag(other, 1, 2, b);
	assert_string_not_equal(a, b);
	cadre_etag(cluster, 2, 1, b);
	assert_string_not_equal(a, b);
	cadre_etag(cluster, 1, 3, b);
	assert_string_not_equal(a, b);
}

static void ocids_sort_in_the_order_they_were_made(void **state)
{
	const uint8_t low[16] = { 0 };
	const uint8_t high[16] = { 255, 255, 255 };
	char a[CADRE_OCID_BYTES], b[CADRE_OCID_BYTES];

	(void)state;
	cadre_make_ocid(CADRE__V1__KIND__KIND_GROUP, 1000, 9, high, a);
	cadre_make_ocid(CADRE__V1__KIND__KIND_GROUP, 1000, 10, low, b);
	assert_memory_equal(a, "ocid1.datasciencemodelgroup.oc1.cadre.", 38);
	assert_true(strcmp(a, b) < 0);
	cadre_make_ocid(CADRE__V1__KIND__KIND_GROUP, 1001, 2, low, a);
	assert_true(strcmp(b, a) < 0);
	cadre_make_ocid(CADRE__V1__KIND__KIND_HISTORY, 1, 1, low, a);
	assert_memory_equal(a, "ocid1.dscmodelgroupversionhistory.oc1.cadre.", 44);
	cadre_make_ocid(CADRE__V1__KIND__KIND_DEPLOYMENT, 1, 1, low, a);
	assert_memory_equal(a, "ocid1.datasciencemodeldeployment.oc1.cadre.", 43);
}

static void made_up_names_come_from_the_batchs_time(void **state)
{
	struct test_bench *t = *state;
	const char *group = test_done(t, test_create_group(t, "m1", NULL));
	const char *deployment = test_done(t, test_create_deployment(t, group));

	assert_string_equal(test_resource(t, group)->row.display_name,
	                    "model-group-20261122174000");
	assert_string_equal(test_resource(t, deployment)->row.display_name,
	                    "model-deployment-20261122174000");
}

static void dollar_ids_stand_for_what_the_batch_made(void **state)
{
	struct test_bench *t = *state;
	const char *ids[3];
	const Cadre__V1__GroupCreated *event;

	ids[0] = test_done(t, test_register_model(t, "m1"));
	ids[1] = test_done(t, test_create_history(t, "h", NULL));
	ids[2] = "";
	t->batch_ids = ids;
	t->batch_ids_count = 3;
	test_done(t, test_create_group(t, "k=$0 m2", "$1"));
	event = test_event_of(t)->group_created;
	assert_string_equal(event->group->members[0]->model_id, "m1");
	assert_string_equal(event->link->history_id, ids[1]);
	test_done(t, test_patch(t, "$1", "-$0 +$0"));
	test_refused(t, test_create_group(t, "m9 $2", NULL), CADRE_INVALID_PARAMETER,
	             "createGroup.members[1].modelId");
	/* Two names of one model. */
	test_refused(t, test_create_group(t, "m1 $0", NULL), CADRE_INVALID_PARAMETER,
	             "createGroup.members[1].modelId");
}

static void dollar_ids_name_earlier_commands_of_a_batch_only(void **state)
{
	struct test_bench *t = *state;
	Cadre__V1__Command *commands[2] = { test_register_model(t, NULL),
		                            test_create_group(t, "m1 $0", NULL) };
	Cadre__V1__Batch batch = CADRE__V1__BATCH__INIT;
	struct cadre_error err;

	batch.commands = commands;
	batch.n_commands = 2;
	assert_ok(cadre_batch_check(&batch, &err));
	commands[1] = test_create_group(t, "m1 $1", NULL);
	assert_int_equal(cadre_batch_check(&batch, &err), CADRE_INVALID_PARAMETER);
	assert_memory_equal(err.message,
	                    "commands[1].createGroup.members[1].modelId: ", 43);
	test_refused(t, test_create_group(t, "$0", NULL), CADRE_INVALID_PARAMETER,
	             "createGroup.members[0].modelId");
	test_refused(t, test_create_group(t, "$x", NULL), CADRE_INVALID_PARAMETER,
	             "createGroup.members[0].modelId");
	test_refused(t, test_register_model(t, "$0"), CADRE_INVALID_PARAMETER,
	             "registerModel.id");
	test_refused(t, test_register_model(t, "node:x"), CADRE_INVALID_PARAMETER,
	             "registerModel.id");
}

static void a_batch_has_commands_a_limit_and_one_token(void **state)
{
	struct test_bench *t = *state;
	Cadre__V1__Command *one = test_create_group(t, "m1", NULL);
	Cadre__V1__Command *commands[257];
	Cadre__V1__Batch batch = CADRE__V1__BATCH__INIT;
	struct cadre_error err;

	for (size_t i = 0; i < 257; i++)
		commands[i] = one;
	batch.commands = commands;
	assert_int_equal(cadre_batch_check(&batch, &err), CADRE_MISSING_PARAMETER);
	batch.n_commands = 257;
	assert_int_equal(cadre_batch_check(&batch, &err), CADRE_LIMIT_EXCEEDED);
	batch.n_commands = 256;
	assert_ok(cadre_batch_check(&batch, &err));
	commands[3] = with_token(t, test_create_group(t, "m1", NULL), "t");
	assert_int_equal(cadre_batch_check(&batch, &err), CADRE_INVALID_PARAMETER);
	assert_memory_equal(err.message, "commands[3].retryToken: ", 24);
}

/* Everything is refused or decided, whatever the arena's cap: never half. */
static void a_full_arena_is_a_refusal(void **state)
{
	struct test_bench *t = *state;
	const char *group = test_done(t, test_create_group(t, "k1=m1 m2", NULL));
	const Cadre__V1__Command *patch = test_patch(t, group, "-m1 +k3=m3 +k4=m4");
	Cadre__V1__Actor actor = CADRE__V1__ACTOR__INIT;
	uint8_t random[16] = { 0 };
	enum cadre_status status = CADRE_TOO_LARGE;

	actor.principal = test_text(&t->arena, "tester");
	for (size_t cap = 0; status != CADRE_OK; cap += 8) {
		struct cadre_arena arena;
		struct cadre_decision decision;
		const struct cadre_decide decide = {
			.state = model_state_of(&t->model),
			.arena = &arena,
			.actor = &actor,
			.seq = 2,
			.time_ms = t->time_ms,
			.random = random,
		};
		cadre_arena_init(&arena, cap);
		status = cadre_decide(&decide, patch, &decision, &t->err);
		assert_true(status == CADRE_OK || status == CADRE_TOO_LARGE);
		cadre_arena_fini(&arena);
		assert_true(cap < 65536);
	}
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(a_token_takes_effect_once_with_one_answer),
		CASE(a_token_with_another_command_is_invalidated),
		CASE(a_token_is_remembered_for_24_hours_of_log_time),
		CASE(refusals_and_no_ops_are_not_remembered),
		CASE(a_hash_leaves_out_token_and_if_match_only),
		CASE(a_batch_hash_depends_on_every_command_and_their_order),
		CASE(if_match_is_the_etag_of_what_is_changed),
		CASE(if_match_of_a_patch_is_the_etag_of_its_source),
		CASE(a_change_of_latest_changes_the_historys_etag_alone),
		CASE(an_etag_depends_on_cluster_resource_and_seq),
		CASE(ocids_sort_in_the_order_they_were_made),
		CASE(made_up_names_come_from_the_batchs_time),
		CASE(dollar_ids_stand_for_what_the_batch_made),
		CASE(dollar_ids_name_earlier_commands_of_a_batch_only),
		CASE(a_batch_has_commands_a_limit_and_one_token),
		CASE(a_full_arena_is_a_refusal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
