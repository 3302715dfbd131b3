/* The rules of member lists, clones and patches. */
#include "tests/support/testing.h"

#include "proto/codec/limits.h"
#include "tests/support/domain_bench.h"

#define P0 "patchGroup.patch[0].values[0]"
#define P1 "patchGroup.patch[1].values[0]"

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

static const char *make(struct test_bench *t, const char *members)
{
	return test_done(t, test_create_group(t, members, NULL));
}

/* "k1=m1 m2": the whole member list. */
static void assert_members(struct test_bench *t, const char *group, const char *text)
{
	struct model_resource *resource = test_resource(t, group);
	size_t count;
	Cadre__V1__Member **members = test_members(&t->arena, text, &count);

	assert_int_equal(resource->member_count, count);
	for (size_t i = 0; i < count; i++) {
		const struct model_member *member =
		        model_member_by_model(resource, members[i]->model_id);
		assert_non_null(member);
		assert_int_equal(!member->key, !members[i]->inference_key);
		if (member->key)
			assert_string_equal(member->key, members[i]->inference_key);
	}
}

static void refused(struct test_bench *t, const char *group, const char *steps,
                    enum cadre_status status, const char *path)
{
	test_refused(t, test_patch(t, group, steps), status, path);
}

static void a_patch_event_holds_the_net_difference_in_ocid_order(void **state)
{
	struct test_bench *t = *state;
	const char *group = make(t, "k1=m1 k2=m2 m3");
	const Cadre__V1__GroupDerived *event;

	test_done(t, test_patch(t, group, "+k9=m9 -m3 +k0=m0 -m9 -m2 +k22=m2"));
	event = test_event_of(t)->group_patched;
	assert_int_equal(event->n_removed, 2);
	assert_string_equal(event->removed[0]->model_id, "m2");
	assert_string_equal(event->removed[0]->inference_key, "k2");
	assert_string_equal(event->removed[1]->model_id, "m3");
	assert_null(event->removed[1]->inference_key);
	assert_int_equal(event->n_inserted, 2);
	assert_string_equal(event->inserted[0]->model_id, "m0");
	assert_string_equal(event->inserted[1]->model_id, "m2");
	assert_string_equal(event->inserted[1]->inference_key, "k22");
	assert_members(t, event->id, "k1=m1 k22=m2 k0=m0");
	assert_members(t, group, "k1=m1 k2=m2 m3");
}

static void both_lists_are_in_ocid_order(void **state)
{
	struct test_bench *t = *state;
	Cadre__V1__Command *patch = test_patch(t, make(t, "y"), "+x");
	const Cadre__V1__GroupDerived *event;

	patch->patch_group->patch[0]->values = test_members_many(&t->arena, "m", 0, 200);
	patch->patch_group->patch[0]->n_values = 200;
	test_done(t, patch);
	event = test_event_of(t)->group_patched;
	assert_int_equal(event->n_inserted, 200);
	for (size_t i = 1; i < 200; i++)
		assert_true(strcmp(event->inserted[i - 1]->model_id,
		                   event->inserted[i]->model_id) < 0);
}

static void a_key_is_free_once_its_member_is_gone(void **state)
{
	struct test_bench *t = *state;
	const char *group = make(t, "k1=m1");

	assert_members(t, test_done(t, test_patch(t, group, "+k9=m9 -m9 +k9=m8")),
	               "k1=m1 k9=m8");
	assert_members(t, test_done(t, test_patch(t, group, "-m1 +k1=m2 -m2 +k1=m3")),
	               "k1=m3");
}

static void steps_that_undo_each_other_leave_no_difference(void **state)
{
	struct test_bench *t = *state;
	const char *group = make(t, "k1=m1 m2");

	test_done(t, test_patch(t, group, "-m1 +k1=m1 +k5=m5 -k5=m5"));
	assert_int_equal(test_event_of(t)->group_patched->n_removed, 0);
	assert_int_equal(test_event_of(t)->group_patched->n_inserted, 0);
}

static void one_patch_swaps_two_keys(void **state)
{
	struct test_bench *t = *state;
	const char *group = make(t, "a=m1 b=m2");

	assert_members(t, test_done(t, test_patch(t, group, "-m1 -m2 +b=m1 +a=m2")),
	               "b=m1 a=m2");
}

static void an_insert_of_a_present_model_or_key_conflicts(void **state)
{
	struct test_bench *t = *state;
	const char *group = make(t, "k1=m1 m2");

	refused(t, group, "+k3=m1", CADRE_CONFLICT, P0 ".modelId");
	refused(t, group, "+k1=m3", CADRE_CONFLICT, P0 ".inferenceKey");
	refused(t, group, "+m3 +m3", CADRE_CONFLICT, P1 ".modelId");
	refused(t, group, "+k3=m3 +k3=m4", CADRE_CONFLICT, P1 ".inferenceKey");
}

static void a_remove_names_a_member_and_its_own_key(void **state)
{
	struct test_bench *t = *state;
	const char *group = make(t, "k1=m1 m2 k3=m3");

	refused(t, group, "-m9", CADRE_INVALID_PARAMETER, P0 ".modelId");
	refused(t, group, "-m1 -m1", CADRE_INVALID_PARAMETER, P1 ".modelId");
	refused(t, group, "-k3=m1", CADRE_INVALID_PARAMETER, P0 ".inferenceKey");
	refused(t, group, "-k3=m2", CADRE_INVALID_PARAMETER, P0 ".inferenceKey");
	assert_members(t, test_done(t, test_patch(t, group, "-k1=m1 -k3=m3")), "m2");
}

static void a_key_may_equal_only_its_own_members_ocid(void **state)
{
	struct test_bench *t = *state;
	const char *group = make(t, "m1=m1 m2 k3=m3");

	refused(t, group, "+m2=m4", CADRE_CONFLICT, P0 ".inferenceKey");
	refused(t, group, "+k3", CADRE_CONFLICT, P0 ".modelId");
	refused(t, group, "+m5=m4 +m5", CADRE_CONFLICT, P1 ".modelId");
	refused(t, group, "+m5 +m5=m4", CADRE_CONFLICT, P1 ".inferenceKey");
	assert_members(t, test_done(t, test_patch(t, group, "+m4=m4 -m2 +m2=m2 -m1")),
	               "m4=m4 m2=m2 k3=m3");
	/* A name is free as soon as its holder is gone. */
	assert_members(t, test_done(t, test_patch(t, group, "-m2 +m2=m4 -m3 +k3")),
	               "m1=m1 m2=m4 k3");
	test_refused(t, test_create_group(t, "m2=m1 m2", NULL), CADRE_INVALID_PARAMETER,
	             "createGroup.members[1].modelId");
	test_refused(t, test_create_group(t, "m1 m1=m2", NULL), CADRE_INVALID_PARAMETER,
	             "createGroup.members[1].inferenceKey");
	make(t, "m1=m1 m2=m2");
}

static void the_result_has_at_least_one_member(void **state)
{
	struct test_bench *t = *state;
	const char *group = make(t, "m1");

	refused(t, group, "-m1", CADRE_INVALID_PARAMETER, "patchGroup.patch");
	assert_members(t, test_done(t, test_patch(t, group, "-m1 +m2")), "m2");
}

static void the_result_has_at_most_1000_members(void **state)
{
	struct test_bench *t = *state;
	Cadre__V1__Command *create = test_create_group(t, "x", NULL);
	const char *group;

	create->create_group->members = test_members_many(&t->arena, "m", 0, 1000);
	create->create_group->n_members = 1000;
	group = test_done(t, create);
	refused(t, group, "+m9999", CADRE_LIMIT_EXCEEDED, "patchGroup.patch");
	test_done(t, test_patch(t, group, "+m9999 -m5"));
	assert_int_equal(test_resource(t, t->decision.ocid)->detail.group.member_count,
	                 1000);
	create->create_group->members = test_members_many(&t->arena, "m", 0, 1001);
	create->create_group->n_members = 1001;
	test_refused(t, create, CADRE_LIMIT_EXCEEDED, "createGroup.members");
}

static Cadre__V1__Command *stacked(struct test_bench *t, const char *members,
                                   const char *base)
{
	Cadre__V1__Command *create = test_create_group(t, members, NULL);

	create->create_group->model_group_details->type = CADRE__V1__GROUP_TYPE__STACKED;
	create->create_group->model_group_details->base_model_id =
	        base ? test_text(&t->arena, "%s", base) : NULL;
	return create;
}

static void a_stacked_group_has_its_base_among_the_members(void **state)
{
	struct test_bench *t = *state;
	Cadre__V1__Command *plain = stacked(t, "m1 m2", "m1");
	const char *group = test_done(t, stacked(t, "base=m1 m2", "m1"));

	test_refused(t, stacked(t, "m1", NULL), CADRE_MISSING_PARAMETER,
	             "createGroup.modelGroupDetails.baseModelId");
	test_refused(t, stacked(t, "m1", "m2"), CADRE_INVALID_PARAMETER,
	             "createGroup.modelGroupDetails.baseModelId");
	plain->create_group->model_group_details->type =
	        CADRE__V1__GROUP_TYPE__HOMOGENEOUS;
	test_refused(t, plain, CADRE_INVALID_PARAMETER,
	             "createGroup.modelGroupDetails.baseModelId");
	refused(t, group, "-m2 -m1 +m3", CADRE_INVALID_PARAMETER, P1 ".modelId");
	assert_members(t, test_done(t, test_patch(t, group, "-m1 +new=m1")), "new=m1 m2");
}

static void overridden_details_name_a_base_of_the_result(void **state)
{
	struct test_bench *t = *state;
	const char *group = make(t, "m1 m2");
	Cadre__V1__Command *clone = test_clone(t, group, "-m1 +m3");
	Cadre__V1__GroupDetails *details =
	        test_message(&t->arena, &cadre__v1__group_details__descriptor);

	details->type = CADRE__V1__GROUP_TYPE__STACKED;
	details->base_model_id = test_text(&t->arena, "m1");
	test_overrides(t, clone)->model_group_details = details;
	test_refused(t, clone, CADRE_INVALID_PARAMETER,
	             "cloneGroup.overrides.modelGroupDetails.baseModelId");
	details->base_model_id = test_text(&t->arena, "m3");
	test_done(t, clone);
	assert_int_equal(test_resource(t, t->decision.ocid)->detail.group.type,
	                 CADRE__V1__GROUP_TYPE__STACKED);
}

static void a_clone_inherits_what_is_not_overridden(void **state)
{
	struct test_bench *t = *state;
	Cadre__V1__Command *create = test_create_group(t, "k1=m1 m2", NULL);
	Cadre__V1__Command *clone;
	const Cadre__V1__GroupDerived *event;
	const struct model_resource *made;

	create->create_group->display_name = test_text(&t->arena, "first");
	create->create_group->description = test_text(&t->arena, "about");
	create->create_group->freeform_tags = test_tags(t, "team", "a");
	clone = test_clone(t, test_done(t, create), "+m3");
	test_overrides(t, clone)->version_label = test_text(&t->arena, "v2");
	clone->clone_group->compartment_id = test_text(&t->arena, "c2");
	made = test_resource(t, test_done(t, clone));
	event = test_event_of(t)->group_cloned;
	assert_null(event->overrides->display_name);
	assert_string_equal(made->row.display_name, "first");
	assert_string_equal(made->row.description, "about");
	assert_string_equal(made->row.compartment_id, "c2");
	assert_string_equal(made->detail.group.version_label, "v2");
	assert_int_equal(made->attributes.freeform_tags->n_tags, 1);
	assert_members(t, made->row.ocid, "k1=m1 m2 m3");
	assert_int_equal(t->decision.version_id, 1);
}

static void the_source_exists_and_lives(void **state)
{
	struct test_bench *t = *state;
	const char *group = make(t, "m1");

	refused(t, "unknown", "+m2", CADRE_RELATED_NOT_FOUND, "patchGroup.sourceId");
	test_refused(t, test_clone(t, "unknown", ""), CADRE_RELATED_NOT_FOUND,
	             "cloneGroup.sourceId");
	test_done(t, test_ref(t, CADRE__V1__COMMAND__BODY_DELETE_GROUP, group));
	refused(t, group, "+m2", CADRE_CONFLICT, "patchGroup.sourceId");
}

static void patches_are_bounded(void **state)
{
	struct test_bench *t = *state;
	const char *group = make(t, "m1");
	Cadre__V1__Command *patch = test_patch(t, group, "+m2");
	Cadre__V1__PatchInstruction *steps[101];

	for (size_t i = 0; i < 101; i++)
		steps[i] = patch->patch_group->patch[0];
	patch->patch_group->patch = steps;
	patch->patch_group->n_patch = 101;
	test_refused(t, patch, CADRE_LIMIT_EXCEEDED, "patchGroup.patch");
	patch = test_patch(t, group, "+m2");
	patch->patch_group->patch[0]->n_values = 0;
	test_refused(t, patch, CADRE_MISSING_PARAMETER, "patchGroup.patch[0].values");
	patch->patch_group->patch[0]->values = test_members_many(&t->arena, "x", 0, 1001);
	patch->patch_group->patch[0]->n_values = 1001;
	test_refused(t, patch, CADRE_LIMIT_EXCEEDED, "patchGroup.patch[0].values");
}

/* 100 x 1,000 values: work follows the patch, and one event bounds it. */
static void the_largest_patch_is_decided(void **state)
{
	struct test_bench *t = *state;
	const char *group = make(t, "m1");
	Cadre__V1__Command *patch = test_patch(t, group, "+m2");
	Cadre__V1__PatchInstruction *steps[100];

	for (size_t i = 0; i < 100; i++) {
		steps[i] = test_message(&t->arena,
		                        &cadre__v1__patch_instruction__descriptor);
		steps[i]->operation = i % 2 ? CADRE__V1__PATCH_OPERATION__REMOVE
		                            : CADRE__V1__PATCH_OPERATION__INSERT;
		steps[i]->values = test_members_many(&t->arena, "m", i / 2 * 1000 + 10,
		                                     1000);
		steps[i]->n_values = 1000;
	}
	patch->patch_group->patch = steps;
	patch->patch_group->n_patch = 100;
	test_done(t, patch);
	assert_int_equal(test_event_of(t)->group_patched->n_removed, 0);
	assert_int_equal(test_event_of(t)->group_patched->n_inserted, 0);
}

static void strict_members_are_registered_models(void **state)
{
	struct test_bench *t = *state;
	Cadre__V1__Event *configured = test_event_cluster_configured(&t->arena);
	const char *group;

	configured->cluster_configured->has_strict_members = true;
	configured->cluster_configured->strict_members = true;
	model_state_apply(&t->model, t->time_ms, configured);
	test_done(t, test_register_model(t, "m1"));
	test_done(t, test_register_model(t, "m2"));
	group = make(t, "m1");
	test_refused(t, test_create_group(t, "m1 m7", NULL), CADRE_RELATED_NOT_FOUND,
	             "createGroup.members[1].modelId");
	refused(t, group, "+m7", CADRE_RELATED_NOT_FOUND, P0 ".modelId");
	assert_members(t, test_done(t, test_patch(t, group, "+m2")), "m1 m2");
	test_done(t, test_ref(t, CADRE__V1__COMMAND__BODY_RETIRE_MODEL, "m2"));
	refused(t, group, "+m2", CADRE_CONFLICT, P0 ".modelId");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(a_patch_event_holds_the_net_difference_in_ocid_order),
		CASE(both_lists_are_in_ocid_order),
		CASE(a_key_is_free_once_its_member_is_gone),
		CASE(steps_that_undo_each_other_leave_no_difference),
		CASE(one_patch_swaps_two_keys),
		CASE(an_insert_of_a_present_model_or_key_conflicts),
		CASE(a_remove_names_a_member_and_its_own_key),
		CASE(a_key_may_equal_only_its_own_members_ocid),
		CASE(the_result_has_at_least_one_member),
		CASE(the_result_has_at_most_1000_members),
		CASE(a_stacked_group_has_its_base_among_the_members),
		CASE(overridden_details_name_a_base_of_the_result),
		CASE(a_clone_inherits_what_is_not_overridden),
		CASE(the_source_exists_and_lives),
		CASE(patches_are_bounded),
		CASE(the_largest_patch_is_decided),
		CASE(strict_members_are_registered_models),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
