/* The rules of version histories, links and lifecycles of groups. */
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

static const char *make(struct test_bench *t, const char *history)
{
	return test_done(t, test_create_group(t, "m1 m2", history));
}

static const char *make_history(struct test_bench *t, const char *name)
{
	return test_done(t, test_create_history(t, name, NULL));
}

static void assert_latest(struct test_bench *t, const char *history, const char *group)
{
	const Cadre__V1__HistoryState *state = &test_resource(t, history)->detail.history;

	assert_int_equal(state->has_latest_group, group != NULL);
	if (group)
		assert_int_equal(state->latest_group, test_resource(t, group)->row.id);
}

static uint64_t version_of(struct test_bench *t, const char *group)
{
	return test_resource(t, group)->detail.group.version_id;
}

static void versions_count_densely_per_history_from_1(void **state)
{
	struct test_bench *t = *state;
	const char *h1 = make_history(t, "h1");
	const char *h2 = make_history(t, "h2");
	const char *first = make(t, h1);
	const char *third;

	assert_int_equal(t->decision.version_id, 1);
	assert_int_equal(version_of(t, make(t, h2)), 1);
	assert_int_equal(version_of(t, make(t, h1)), 2);
	assert_int_equal(version_of(t, make(t, NULL)), 1);
	third = test_done(t, test_patch(t, first, "-m1"));
	assert_int_equal(t->decision.version_id, 3);
	/* A deleted version's number is not used again. */
	test_done(t, test_update_history(t, h1, first));
	test_done(t, test_ref(t, BODY(DELETE_GROUP), third));
	assert_int_equal(version_of(t, make(t, h1)), 4);
}

static void linking_alone_moves_latest_only_into_an_empty_history(void **state)
{
	struct test_bench *t = *state;
	const char *history = make_history(t, "h");
	const char *first = make(t, history);

	assert_latest(t, history, first);
	make(t, history);
	assert_latest(t, history, first);
	test_done(t, test_update_group(t, make(t, NULL), history));
	assert_latest(t, history, first);
}

static void a_patch_becomes_latest_and_a_branch_does_not(void **state)
{
	struct test_bench *t = *state;
	const char *history = make_history(t, "h");
	const char *first = make(t, history);
	const char *second = test_done(t, test_patch(t, first, "-m1"));
	Cadre__V1__Command *branch = test_patch(t, first, "-m2");

	assert_latest(t, history, second);
	test_refused(t, branch, CADRE_CONFLICT, "patchGroup.sourceId");
	assert_non_null(strstr(t->err.message, second));
	branch->patch_group->has_branch = true;
	branch->patch_group->branch = true;
	assert_int_equal(version_of(t, test_done(t, branch)), 3);
	assert_latest(t, history, second);
}

static void a_patch_of_a_history_patches_its_latest(void **state)
{
	struct test_bench *t = *state;
	const char *history = make_history(t, "h");
	const char *first, *second;

	test_refused(t, test_patch(t, history, "-m1"), CADRE_CONFLICT,
	             "patchGroup.sourceId");
	test_refused(t, test_clone(t, history, "-m1"), CADRE_CONFLICT,
	             "cloneGroup.sourceId");
	first = make(t, history);
	second = test_done(t, test_patch(t, history, "-m1"));
	assert_string_equal(test_event_of(t)->group_patched->source_group_id, first);
	assert_latest(t, history, second);
}

static void a_patch_without_a_history_makes_a_group_without_one(void **state)
{
	struct test_bench *t = *state;
	const char *history = make_history(t, "h");
	Cadre__V1__Command *patch = test_patch(t, make(t, NULL), "-m1");

	test_done(t, patch);
	assert_null(test_event_of(t)->group_patched->link);
	test_overrides(t, patch)->model_group_version_history_id =
	        test_text(&t->arena, "%s", history);
	assert_latest(t, history, test_done(t, patch));
}

static void a_patch_or_clone_stays_in_its_sources_history(void **state)
{
	struct test_bench *t = *state;
	const char *h1 = make_history(t, "h1");
	const char *h2 = make_history(t, "h2");
	Cadre__V1__Command *patch = test_patch(t, make(t, h1), "-m1");
	Cadre__V1__Command *clone = test_clone(t, h1, "-m1");

	test_overrides(t, patch)->model_group_version_history_id = test_text(&t->arena,
	                                                                     "%s", h2);
	test_overrides(t, clone)->model_group_version_history_id = test_text(&t->arena,
	                                                                     "%s", h2);
	test_refused(t, patch, CADRE_INVALID_PARAMETER,
	             "patchGroup.overrides.modelGroupVersionHistoryId");
	test_refused(t, clone, CADRE_INVALID_PARAMETER,
	             "cloneGroup.overrides.modelGroupVersionHistoryId");
}

static void a_clone_of_a_group_is_in_no_history_unless_named(void **state)
{
	struct test_bench *t = *state;
	const char *history = make_history(t, "h");
	const char *first = make(t, history);
	Cadre__V1__Command *clone = test_clone(t, first, "-m1");

	test_done(t, clone);
	assert_null(test_event_of(t)->group_cloned->link);
	assert_int_equal(t->decision.version_id, 1);
	test_overrides(t, clone)->model_group_version_history_id =
	        test_text(&t->arena, "%s", history);
	assert_int_equal(version_of(t, test_done(t, clone)), 2);
	assert_latest(t, history, first);
}

static void a_clone_of_a_history_becomes_its_latest(void **state)
{
	struct test_bench *t = *state;
	const char *history = make_history(t, "h");

	make(t, history);
	assert_latest(t, history, test_done(t, test_clone(t, history, "-m1")));
	assert_int_equal(t->decision.version_id, 2);
}

static void a_named_history_exists_and_lives(void **state)
{
	struct test_bench *t = *state;
	const char *history = make_history(t, "h");
	const char *group = make(t, NULL);

	test_done(t, test_ref(t, BODY(DELETE_HISTORY), history));
	test_refused(t, test_create_group(t, "m1", "none"), CADRE_RELATED_NOT_FOUND,
	             "createGroup.modelGroupVersionHistoryId");
	test_refused(t, test_create_group(t, "m1", group), CADRE_RELATED_NOT_FOUND,
	             "createGroup.modelGroupVersionHistoryId");
	test_refused(t, test_create_group(t, "m1", history), CADRE_CONFLICT,
	             "createGroup.modelGroupVersionHistoryId");
}

static void a_group_is_in_at_most_one_history(void **state)
{
	struct test_bench *t = *state;
	const char *h1 = make_history(t, "h1");
	const char *h2 = make_history(t, "h2");
	const char *group = make(t, h1);

	test_refused(t, test_update_group(t, group, h2), CADRE_CONFLICT,
	             "updateGroup.modelGroupVersionHistoryId");
	test_refused(t, test_update_history(t, h2, group), CADRE_CONFLICT,
	             "updateHistory.latestModelGroupId");
	test_refused(t, test_create_history(t, "h3", group), CADRE_CONFLICT,
	             "createHistory.latestModelGroupId");
	test_no_op(t, test_update_group(t, group, h1));
}

static void unlinking_the_latest_is_refused_while_others_live(void **state)
{
	struct test_bench *t = *state;
	const char *history = make_history(t, "h");
	const char *first = make(t, history);
	const char *second = make(t, history);

	test_refused(t, test_update_group(t, first, ""), CADRE_CONFLICT,
	             "updateGroup.modelGroupVersionHistoryId");
	test_done(t, test_update_group(t, second, ""));
	test_no_op(t, test_update_group(t, second, ""));
	test_done(t, test_update_group(t, first, ""));
	assert_latest(t, history, NULL);
	/* Its numbers go on. */
	test_done(t, test_update_group(t, second, history));
	assert_int_equal(version_of(t, second), 3);
	assert_latest(t, history, second);
}

static void latest_moves_to_any_live_member_or_links_a_free_group(void **state)
{
	struct test_bench *t = *state;
	const char *history = make_history(t, "h");
	const char *first = make(t, history);
	const char *second = test_done(t, test_patch(t, history, "-m1"));
	const char *free_group = make(t, NULL);

	test_no_op(t, test_update_history(t, history, second));
	test_done(t, test_update_history(t, history, first));
	assert_latest(t, history, first);
	assert_false(test_event_of(t)->history_updated->has_linked_version_id);
	test_done(t, test_update_history(t, history, free_group));
	assert_latest(t, history, free_group);
	assert_int_equal(version_of(t, free_group), 3);
	test_refused(t, test_update_history(t, history, "none"), CADRE_RELATED_NOT_FOUND,
	             "updateHistory.latestModelGroupId");
	test_done(t, test_ref(t, BODY(DEACTIVATE_GROUP), first));
	test_refused(t, test_update_history(t, history, first), CADRE_CONFLICT,
	             "updateHistory.latestModelGroupId");
	test_done(t, test_ref(t, BODY(DELETE_GROUP), second));
	test_refused(t, test_update_history(t, history, second), CADRE_CONFLICT,
	             "updateHistory.latestModelGroupId");
}

static void a_history_is_created_around_a_free_group(void **state)
{
	struct test_bench *t = *state;
	const char *group = make(t, NULL);
	const char *history = test_done(t, test_create_history(t, "h", group));

	assert_latest(t, history, group);
	assert_int_equal(version_of(t, group), 1);
	assert_null(test_event_of(t)->history_created->history->latest_model_group_id);
	assert_int_equal(version_of(t, make(t, history)), 2);
	test_refused(t, test_create_history(t, "i", "none"), CADRE_RELATED_NOT_FOUND,
	             "createHistory.latestModelGroupId");
}

static void a_historys_name_is_unique_among_the_live_of_a_compartment(void **state)
{
	struct test_bench *t = *state;
	const char *history = make_history(t, "h");
	Cadre__V1__Command *elsewhere = test_create_history(t, "h", NULL);
	const char *other;

	test_refused(t, test_create_history(t, "h", NULL), CADRE_CONFLICT,
	             "createHistory.displayName");
	elsewhere->create_history->compartment_id = test_text(&t->arena, "c2");
	other = test_done(t, elsewhere);
	test_refused(t, test_move(t, BODY(MOVE_HISTORY), other, "c1"), CADRE_CONFLICT,
	             "moveHistory.compartmentId");
	test_no_op(t, test_move(t, BODY(MOVE_HISTORY), other, "c2"));
	test_done(t, test_ref(t, BODY(DELETE_HISTORY), history));
	test_done(t, test_move(t, BODY(MOVE_HISTORY), other, "c1"));
}

static void made_up_history_names_are_unique(void **state)
{
	struct test_bench *t = *state;
	const char *first = test_done(t, test_create_history(t, NULL, NULL));
	const char *second = test_done(t, test_create_history(t, NULL, NULL));
	const char *name = test_resource(t, first)->row.display_name;

	assert_memory_equal(name, "model-group-version-history-2026", 32);
	assert_string_not_equal(name, test_resource(t, second)->row.display_name);
}

static void a_historys_name_may_be_sent_again_but_not_changed(void **state)
{
	struct test_bench *t = *state;
	Cadre__V1__Command *update = test_update_history(t, make_history(t, "h"), NULL);

	update->update_history->display_name = test_text(&t->arena, "h");
	test_no_op(t, update);
	update->update_history->display_name = test_text(&t->arena, "i");
	test_refused(t, update, CADRE_INVALID_PARAMETER, "updateHistory.displayName");
}

static void the_latest_ends_only_as_the_last_live_member(void **state)
{
	struct test_bench *t = *state;
	const char *history = make_history(t, "h");
	const char *first = make(t, history);
	const char *second = make(t, history);

	test_refused(t, test_ref(t, BODY(DELETE_GROUP), first), CADRE_CONFLICT,
	             "deleteGroup.id");
	test_refused(t, test_ref(t, BODY(DEACTIVATE_GROUP), first), CADRE_CONFLICT,
	             "deactivateGroup.id");
	test_refused(t, test_ref(t, BODY(DELETE_HISTORY), history), CADRE_CONFLICT,
	             "deleteHistory.id");
	test_done(t, test_ref(t, BODY(DELETE_GROUP), second));
	test_done(t, test_ref(t, BODY(DEACTIVATE_GROUP), first));
	assert_latest(t, history, NULL);
	/* Inactive is alive. */
	test_refused(t, test_ref(t, BODY(DELETE_HISTORY), history), CADRE_CONFLICT,
	             "deleteHistory.id");
	test_done(t, test_ref(t, BODY(DELETE_GROUP), first));
	test_done(t, test_ref(t, BODY(DELETE_HISTORY), history));
}

static void groups_are_active_when_made_and_switch_one_way_at_a_time(void **state)
{
	struct test_bench *t = *state;
	const char *group = make(t, NULL);

	assert_int_equal(test_resource(t, group)->row.lifecycle_state,
	                 CADRE__V1__LIFECYCLE_STATE__ACTIVE);
	test_refused(t, test_ref(t, BODY(ACTIVATE_GROUP), group), CADRE_CONFLICT,
	             "activateGroup.id");
	test_done(t, test_ref(t, BODY(DEACTIVATE_GROUP), group));
	test_refused(t, test_ref(t, BODY(DEACTIVATE_GROUP), group), CADRE_CONFLICT,
	             "deactivateGroup.id");
	test_done(t, test_ref(t, BODY(ACTIVATE_GROUP), group));
	test_done(t, test_ref(t, BODY(DELETE_GROUP), group));
	test_refused(t, test_ref(t, BODY(DELETE_GROUP), group), CADRE_CONFLICT,
	             "deleteGroup.id");
	test_refused(t, test_ref(t, BODY(ACTIVATE_GROUP), "none"), CADRE_NOT_FOUND,
	             "activateGroup.id");
}

static void an_inactive_group_joins_a_history_without_becoming_latest(void **state)
{
	struct test_bench *t = *state;
	const char *history = make_history(t, "h");
	const char *group = make(t, NULL);

	test_done(t, test_ref(t, BODY(DEACTIVATE_GROUP), group));
	test_done(t, test_update_group(t, group, history));
	assert_latest(t, history, NULL);
}

static void an_update_keeps_only_what_differs(void **state)
{
	struct test_bench *t = *state;
	const char *group = make(t, NULL);
	Cadre__V1__Command *update = test_update_group(t, group, NULL);
	const Cadre__V1__UpdateGroup *changes;

	test_no_op(t, update);
	update->update_group->description = test_text(&t->arena, "d");
	update->update_group->freeform_tags = test_tags(t, "k", "v");
	test_done(t, update);
	test_no_op(t, update);
	update->update_group->version_label = test_text(&t->arena, "l");
	test_done(t, update);
	changes = test_event_of(t)->group_updated->changes;
	assert_null(changes->description);
	assert_null(changes->freeform_tags);
	assert_string_equal(changes->version_label, "l");
	update->update_group->freeform_tags->n_tags = 0;
	test_done(t, update);
	test_no_op(t, update);
}

static void artifacts_belong_to_homogeneous_groups(void **state)
{
	struct test_bench *t = *state;
	Cadre__V1__Command *create = test_create_group(t, "m1", NULL);
	Cadre__V1__Command *put = test_command(t, BODY(PUT_ARTIFACT));
	Cadre__V1__Artifact artifact = CADRE__V1__ARTIFACT__INIT;
	uint8_t hash[33] = { 7 };

	artifact.sha256.data = hash;
	artifact.sha256.len = 32;
	artifact.bytes = 5;
	put->put_artifact->artifact = &artifact;
	put->put_artifact->id = test_text(&t->arena, "%s", test_done(t, create));
	test_done(t, put);
	test_no_op(t, put);
	artifact.sha256.len = 33;
	test_refused(t, put, CADRE_INVALID_PARAMETER, "putArtifact.artifact.sha256");
	artifact.sha256.len = 32;
	create->create_group->model_group_details->type =
	        CADRE__V1__GROUP_TYPE__HETEROGENEOUS;
	put->put_artifact->id = test_text(&t->arena, "%s", test_done(t, create));
	test_refused(t, put, CADRE_CONFLICT, "putArtifact.id");
}

static void a_move_to_the_same_compartment_is_a_no_op(void **state)
{
	struct test_bench *t = *state;
	const char *group = make(t, NULL);

	test_no_op(t, test_move(t, BODY(MOVE_GROUP), group, "c1"));
	test_done(t, test_move(t, BODY(MOVE_GROUP), group, "c2"));
	test_refused(t, test_move(t, BODY(MOVE_GROUP), "none", "c2"), CADRE_NOT_FOUND,
	             "moveGroup.id");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(versions_count_densely_per_history_from_1),
		CASE(linking_alone_moves_latest_only_into_an_empty_history),
		CASE(a_patch_becomes_latest_and_a_branch_does_not),
		CASE(a_patch_of_a_history_patches_its_latest),
		CASE(a_patch_without_a_history_makes_a_group_without_one),
		CASE(a_patch_or_clone_stays_in_its_sources_history),
		CASE(a_clone_of_a_group_is_in_no_history_unless_named),
		CASE(a_clone_of_a_history_becomes_its_latest),
		CASE(a_named_history_exists_and_lives),
		CASE(a_group_is_in_at_most_one_history),
		CASE(unlinking_the_latest_is_refused_while_others_live),
		CASE(latest_moves_to_any_live_member_or_links_a_free_group),
		CASE(a_history_is_created_around_a_free_group),
		CASE(a_historys_name_is_unique_among_the_live_of_a_compartment),
		CASE(made_up_history_names_are_unique),
		CASE(a_historys_name_may_be_sent_again_but_not_changed),
		CASE(the_latest_ends_only_as_the_last_live_member),
		CASE(groups_are_active_when_made_and_switch_one_way_at_a_time),
		CASE(an_inactive_group_joins_a_history_without_becoming_latest),
		CASE(an_update_keeps_only_what_differs),
		CASE(artifacts_belong_to_homogeneous_groups),
		CASE(a_move_to_the_same_compartment_is_a_no_op),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
