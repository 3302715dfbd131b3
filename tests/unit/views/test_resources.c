/* Histories, deployments and the rest: pointers, states, counts, etags. */
#include "tests/unit/views/fixture.h"

static cadre_seq create(struct fixture *f, const char *id)
{
	return apply(f, test_event_group_created(&f->arena, id, "c1", "a=m1 b=m2"));
}

static cadre_seq linked(struct fixture *f, const char *id, const char *source,
                        const char *history, uint64_t version, bool latest)
{
	Cadre__V1__Event *event =
	        source ? test_event_group_patched(&f->arena, id, source, "", "")
	               : test_event_group_created(&f->arena, id, "c1", "a=m1 b=m2");

	test_event_link(&f->arena, event, history, version, latest);
	return apply(f, event);
}

/* What a history or deployment meant: group id, 0 for nothing. */
static uint64_t meant(struct fixture *f, const char *ocid, cadre_seq at)
{
	const Cadre__V1__Resource *resource = get(f, ocid);
	struct cadre_pointer pointer;
	enum cadre_status status = cadre_view_pointer(&f->view, resource->kind,
	                                              resource->id, at, &pointer, &err);

	if (status == CADRE_NOT_FOUND)
		return 0;
	assert_ok(status);
	return pointer.group;
}

static cadre_seq make_history(struct fixture *f)
{
	return apply(f, test_event_history_created(&f->arena, "h1", "c1", "line"));
}

static void versions_of_a_history_are_dense_and_the_newest_is_latest(void **state)
{
	struct fixture *f = *state;
	cadre_seq made = make_history(f);
	cadre_seq g1 = linked(f, "g1", NULL, "h1", 1, true);
	cadre_seq g2 = linked(f, "g2", "g1", "h1", 2, true);
	cadre_seq g3 = linked(f, "g3", "g2", "h1", 3, false);

	assert_int_equal(meant(f, "h1", made), 0);
	assert_int_equal(meant(f, "h1", g1), g1);
	assert_int_equal(meant(f, "h1", g2 - 1), g1);
	assert_int_equal(meant(f, "h1", g2), g2);
	assert_int_equal(meant(f, "h1", CADRE_SEQ_MAX), g2);
	assert_int_equal(get(f, "g3")->group->version_id, 3);
	assert_int_equal(get(f, "h1")->history->last_version_id, 3);
	assert_int_equal(get(f, "h1")->history->live_groups, 3);
	assert_int_equal(get(f, "h1")->changed_seq, g2);
	assert_int_not_equal(g3, g2);
}

static void a_rollback_moves_latest_and_the_past_keeps_it(void **state)
{
	struct fixture *f = *state;
	cadre_seq g1, g2, back;

	make_history(f);
	g1 = linked(f, "g1", NULL, "h1", 1, true);
	g2 = linked(f, "g2", "g1", "h1", 2, true);
	back = apply(f, test_event_history_latest(&f->arena, "h1", "g1", 0));
	assert_int_equal(meant(f, "h1", back), g1);
	assert_int_equal(meant(f, "h1", back - 1), g2);
	assert_int_equal(get(f, "h1")->changed_seq, back);
	assert_int_equal(get(f, "g1")->changed_seq, g1);
}

static void the_pointer_log_walks_back_to_the_first(void **state)
{
	struct fixture *f = *state;
	struct cadre_pointer pointer = { .since = CADRE_SEQ_MAX };
	cadre_seq seqs[3];
	uint64_t id = make_history(f);

	seqs[0] = linked(f, "g1", NULL, "h1", 1, true);
	seqs[1] = linked(f, "g2", "g1", "h1", 2, true);
	seqs[2] = apply(f, test_event_history_latest(&f->arena, "h1", "g1", 0));
	for (int i = 2; i >= 0; i--) {
		assert_ok(cadre_view_pointer_before(&f->view, KIND(HISTORY), id,
		                                    pointer.since, &pointer, &err));
		assert_int_equal(pointer.since, seqs[i]);
	}
	assert_int_equal(cadre_view_pointer_before(&f->view, KIND(HISTORY), id,
	                                           pointer.since, &pointer, &err),
	                 CADRE_END);
}

static void deleting_the_last_member_empties_latest(void **state)
{
	struct fixture *f = *state;
	cadre_seq g1, gone;

	make_history(f);
	g1 = linked(f, "g1", NULL, "h1", 1, true);
	gone = apply(f, test_event_ref(&f->arena, BODY(GROUP_DELETED), "g1"));
	assert_int_equal(meant(f, "h1", gone - 1), g1);
	assert_int_equal(meant(f, "h1", gone), 0);
	assert_int_equal(get(f, "h1")->history->has_latest_group, false);
	assert_int_equal(get(f, "h1")->history->live_groups, 0);
	assert_int_equal(get(f, "h1")->changed_seq, gone);
	assert_int_equal(get(f, "g1")->lifecycle_state, STATE(DELETED));
	assert_members(f, "g1", "a=m1 b=m2");
	apply(f, test_event_ref(&f->arena, BODY(HISTORY_DELETED), "h1"));
	assert_int_equal(get(f, "h1")->lifecycle_state, STATE(DELETED));
}

static void a_group_links_and_unlinks(void **state)
{
	struct fixture *f = *state;
	Cadre__V1__Event *event;
	cadre_seq seq;

	make_history(f);
	create(f, "g1");
	assert_int_equal(get(f, "g1")->group->version_id, 1);
	linked(f, "g0", NULL, "h1", 1, true);
	event = test_event_group_updated(&f->arena, "g1");
	test_event_link(&f->arena, event, "h1", 2, false);
	seq = apply(f, event);
	assert_int_equal(get(f, "g1")->group->version_id, 2);
	assert_int_equal(get(f, "g1")->changed_seq, seq);
	assert_int_not_equal(get(f, "h1")->changed_seq, seq);
	event = test_event_group_updated(&f->arena, "g1");
	event->group_updated->changes->model_group_version_history_id =
	        test_text(&f->arena, "%s", "");
	apply(f, event);
	assert_false(get(f, "g1")->group->has_history);
	assert_int_equal(get(f, "g1")->group->version_id, 1);
	assert_int_equal(get(f, "h1")->history->live_groups, 1);
	assert_int_equal(get(f, "h1")->history->last_version_id, 2);
	apply(f, test_event_history_latest(&f->arena, "h1", "g1", 3));
	assert_int_equal(get(f, "g1")->group->version_id, 3);
}

static void a_history_is_made_around_a_group(void **state)
{
	struct fixture *f = *state;
	Cadre__V1__Event *event;
	cadre_seq g1 = create(f, "g1");

	event = test_event_history_created(&f->arena, "h1", "c1", "line");
	event->history_created->latest_group_id = test_text(&f->arena, "g1");
	event->history_created->has_linked_version_id = true;
	event->history_created->linked_version_id = 1;
	apply(f, event);
	assert_int_equal(meant(f, "h1", CADRE_SEQ_MAX), g1);
	assert_int_equal(get(f, "g1")->group->history, get(f, "h1")->id);
}

static void a_derived_group_inherits_what_is_not_overridden(void **state)
{
	struct fixture *f = *state;
	Cadre__V1__Event *event = test_event_group_created(&f->arena, "g1", "c1",
	                                                   "a=m1 b=m2");
	Cadre__V1__FreeformTag *tag = test_message(&f->arena,
	                                           &cadre__v1__freeform_tag__descriptor);
	Cadre__V1__FreeformTags *tags =
	        test_message(&f->arena, &cadre__v1__freeform_tags__descriptor);
	Cadre__V1__Attributes *attributes;
	cadre_seq g1;

	tag->key = test_text(&f->arena, "team");
	tag->value = test_text(&f->arena, "red");
	tags->tags = &tag;
	tags->n_tags = 1;
	event->group_created->group->freeform_tags = tags;
	event->group_created->group->description = test_text(&f->arena, "first");
	g1 = apply(f, event);
	apply(f, test_event_group_patched(&f->arena, "g2", "g1", "", "c=m3"));
	assert_string_equal(get(f, "g2")->description, "first");
	assert_int_equal(get(f, "g2")->attributes, g1);
	assert_int_equal(get(f, "g2")->group->source_group, g1);
	assert_true(get(f, "g2")->group->patched);

	event = test_event_group_patched(&f->arena, "g3", "g2", "", "");
	event->group_patched->overrides =
	        test_message(&f->arena, &cadre__v1__group_overrides__descriptor);
	event->group_patched->overrides->freeform_tags =
	        test_message(&f->arena, &cadre__v1__freeform_tags__descriptor);
	apply(f, event);
	assert_false(get(f, "g3")->has_attributes);
	assert_ok(cadre_view_attributes(&f->view, get(f, "g2")->attributes, &attributes,
	                                &err));
	assert_string_equal(attributes->freeform_tags->tags[0]->value, "red");
}

static void only_a_homogeneous_group_inherits_the_artifact(void **state)
{
	struct fixture *f = *state;
	Cadre__V1__GroupDetails *details;
	Cadre__V1__Event *event;

	create(f, "g1");
	apply(f, test_event_artifact_put(&f->arena, "g1"));
	apply(f, test_event_group_cloned(&f->arena, "g2", "g1", "", ""));
	event = test_event_group_cloned(&f->arena, "g3", "g1", "", "");
	details = test_message(&f->arena, &cadre__v1__group_details__descriptor);
	details->type = CADRE__V1__GROUP_TYPE__HETEROGENEOUS;
	event->group_cloned->overrides =
	        test_message(&f->arena, &cadre__v1__group_overrides__descriptor);
	event->group_cloned->overrides->model_group_details = details;
	apply(f, event);
	assert_non_null(get(f, "g2")->group->artifact);
	assert_null(get(f, "g3")->group->artifact);
}

static void a_deployment_serves_what_it_was_cut_over_to(void **state)
{
	struct fixture *f = *state;
	cadre_seq g1 = create(f, "g1");
	cadre_seq g2 = create(f, "g2");
	cadre_seq cut1, cut2;

	apply(f, test_event_deployment_created(&f->arena, "d1", "c1", "g1"));
	assert_int_equal(get(f, "d1")->lifecycle_state, STATE(CREATING));
	assert_int_equal(meant(f, "d1", CADRE_SEQ_MAX), 0);
	cut1 = apply(f, test_event_cut_over(&f->arena, "d1", 1, "g1"));
	assert_int_equal(get(f, "d1")->lifecycle_state, STATE(ACTIVE));
	assert_int_equal(get(f, "d1")->changed_seq, cut1);
	apply(f, test_event_deployment_updated(&f->arena, "d1", "g2", 2));
	assert_int_equal(get(f, "d1")->lifecycle_state, STATE(UPDATING));
	assert_int_equal(meant(f, "d1", CADRE_SEQ_MAX), g1);
	cut2 = apply(f, test_event_cut_over(&f->arena, "d1", 2, "g2"));
	assert_int_equal(get(f, "d1")->lifecycle_state, STATE(ACTIVE));
	assert_int_equal(meant(f, "d1", CADRE_SEQ_MAX), g2);
	assert_int_equal(meant(f, "d1", cut2 - 1), g1);
	apply(f, test_event_cut_over_finished(&f->arena, "d1", 2));
	assert_int_equal(get(f, "d1")->changed_seq, cut2);
}

static void a_placed_deployment_names_its_nodes(void **state)
{
	struct fixture *f = *state;
	const Cadre__V1__DeploymentState *deployment;
	cadre_seq placed;

	create(f, "g1");
	apply(f, test_event_deployment_created(&f->arena, "d1", "c1", "g1"));
	placed = apply(f, test_event_deployment_placed(&f->arena, "d1", "n1 n2"));
	assert_int_equal(get(f, "d1")->changed_seq, placed);
	deployment = get(f, "d1")->deployment;
	assert_int_equal(deployment->n_nodes, 2);
	assert_string_equal(deployment->nodes[0], "n1");
	assert_string_equal(deployment->nodes[1], "n2");
	apply(f, test_event_deployment_placed(&f->arena, "d1", ""));
	assert_int_equal(get(f, "d1")->deployment->n_nodes, 0);
	assert_int_equal(get(f, "d1")->lifecycle_state, STATE(CREATING));
}

static void a_placed_deployment_notes_the_newest_finished_generation(void **state)
{
	struct fixture *f = *state;
	cadre_seq placed;

	create(f, "g1");
	apply(f, test_event_deployment_created(&f->arena, "d1", "c1", "g1"));
	apply(f, test_event_cut_over(&f->arena, "d1", 1, "g1"));
	apply(f, test_event_cut_over_finished(&f->arena, "d1", 1));
	assert_false(get(f, "d1")->deployment->has_finished_generation);
	placed = apply(f, test_event_deployment_placed(&f->arena, "d1", "n1"));
	assert_int_equal(get(f, "d1")->deployment->finished_generation, 0);
	apply(f, test_event_cut_over_finished(&f->arena, "d1", 1));
	assert_int_equal(get(f, "d1")->deployment->finished_generation, 1);
	apply(f, test_event_cut_over_finished(&f->arena, "d1", 0));
	assert_int_equal(get(f, "d1")->deployment->finished_generation, 1);
	assert_int_equal(get(f, "d1")->changed_seq, placed);
}

static void a_group_counts_the_live_deployments_that_name_it(void **state)
{
	struct fixture *f = *state;
	struct cadre_state window = cadre_view_state(&f->view);
	Cadre__V1__Resource *user;
	cadre_seq g1 = create(f, "g1");

	create(f, "g2");
	apply(f, test_event_deployment_created(&f->arena, "d1", "c1", "g1"));
	apply(f, test_event_cut_over(&f->arena, "d1", 1, "g1"));
	apply(f, test_event_deployment_updated(&f->arena, "d1", "g2", 2));
	assert_int_equal(get(f, "g1")->group->deployments, 1);
	assert_int_equal(get(f, "g2")->group->deployments, 1);
	assert_int_equal(get(f, "g1")->changed_seq, g1);
	assert_ok(window.ops->group_user(window.ctx, g1, &user, &err));
	assert_string_equal(user->ocid, "d1");
	apply(f, test_event_cut_over(&f->arena, "d1", 2, "g2"));
	assert_int_equal(get(f, "g1")->group->deployments, 0);
	assert_int_equal(window.ops->group_user(window.ctx, g1, &user, &err),
	                 CADRE_NOT_FOUND);
	apply(f, test_event_ref(&f->arena, BODY(DEPLOYMENT_DELETED), "d1"));
	assert_int_equal(get(f, "g2")->group->deployments, 0);
	assert_int_equal(meant(f, "d1", CADRE_SEQ_MAX), 0);
}

static void a_deployment_rests_and_comes_back(void **state)
{
	struct fixture *f = *state;

	create(f, "g1");
	apply(f, test_event_deployment_created(&f->arena, "d1", "c1", "g1"));
	apply(f, test_event_cut_over(&f->arena, "d1", 1, "g1"));
	apply(f, test_event_ref(&f->arena, BODY(DEPLOYMENT_DEACTIVATED), "d1"));
	assert_int_equal(get(f, "d1")->lifecycle_state, STATE(INACTIVE));
	apply(f, test_event_ref(&f->arena, BODY(DEPLOYMENT_ACTIVATED), "d1"));
	assert_int_equal(get(f, "d1")->lifecycle_state, STATE(ACTIVE));
}

static enum cadre_status join_event(void *ctx, cadre_seq seq, uint16_t type)
{
	struct joined *joined = ctx;
	size_t length = strlen(joined->text);

	snprintf(joined->text + length, sizeof joined->text - length, "%llu:%u ",
	         (unsigned long long)seq, type);
	return CADRE_OK;
}

static void a_deployment_lists_its_events(void **state)
{
	struct fixture *f = *state;
	struct joined joined = { "" };

	create(f, "g1");
	apply(f, test_event_deployment_created(&f->arena, "d1", "c1", "g1"));
	create(f, "g2");
	apply(f, test_event_cut_over(&f->arena, "d1", 1, "g1"));
	assert_ok(cadre_view_deployment_events(&f->view, get(f, "d1")->id, 0, join_event,
	                                       &joined, &err));
	assert_string_equal(joined.text, "2:40 4:45 ");
	joined.text[0] = '\0';
	assert_ok(cadre_view_deployment_events(&f->view, get(f, "d1")->id, 2, join_event,
	                                       &joined, &err));
	assert_string_equal(joined.text, "4:45 ");
}

static void nodes_principals_and_models_come_back_under_their_id(void **state)
{
	struct fixture *f = *state;
	uint64_t id;

	apply(f, test_event_node_registered(&f->arena, "n1"));
	apply(f, test_event_principal_put(&f->arena, "n1"));
	apply(f, test_event_model_registered(&f->arena, "n1", "c1"));
	id = get(f, "node:n1")->id;
	apply(f, test_event_node_retired(&f->arena, "n1"));
	apply(f, test_event_principal_removed(&f->arena, "n1"));
	apply(f, test_event_ref(&f->arena, BODY(MODEL_RETIRED), "n1"));
	assert_int_equal(get(f, "node:n1")->lifecycle_state, STATE(DELETED));
	assert_int_equal(get(f, "principal:n1")->lifecycle_state, STATE(DELETED));
	assert_int_equal(get(f, "n1")->lifecycle_state, STATE(DELETED));
	apply(f, test_event_node_registered(&f->arena, "n1"));
	apply(f, test_event_principal_put(&f->arena, "n1"));
	apply(f, test_event_model_registered(&f->arena, "n1", "c2"));
	assert_int_equal(get(f, "node:n1")->lifecycle_state, STATE(ACTIVE));
	assert_int_equal(get(f, "node:n1")->id, id);
	assert_int_equal(get(f, "principal:n1")->lifecycle_state, STATE(ACTIVE));
	assert_string_equal(get(f, "n1")->compartment_id, "c2");
}

static void the_cluster_row_and_the_epoch_follow_the_log(void **state)
{
	struct fixture *f = *state;
	Cadre__V1__ClusterRow *row;

	assert_int_equal(cadre_view_cluster(&f->view, &row, &err), CADRE_NOT_FOUND);
	apply(f, test_event_cluster_configured(&f->arena));
	apply(f, test_event_feature_level_raised(&f->arena, 1));
	apply(f, test_event_epoch_started(&f->arena, 7));
	assert_ok(cadre_view_cluster(&f->view, &row, &err));
	assert_string_equal(row->name, "test");
	assert_int_equal(f->view.head.epoch, 7);
}

static void the_seq_at_a_time_is_the_last_batch_up_to_it(void **state)
{
	struct fixture *f = *state;
	struct cadre_batch_header header = { .first_seq = 1,
		                             .count = 1,
		                             .time_ms = 1000 };
	cadre_seq seq;

	f->time_ms = 1000;
	create(f, "g1");
	assert_ok(cadre_view_end_batch(&f->view, &header, &err));
	create(f, "g2");
	header.first_seq = 2;
	assert_ok(cadre_view_end_batch(&f->view, &header, &err));
	create(f, "g3");
	header = (struct cadre_batch_header){ .first_seq = 3,
		                              .count = 1,
		                              .time_ms = 2000 };
	assert_ok(cadre_view_end_batch(&f->view, &header, &err));
	assert_ok(cadre_view_seq_at(&f->view, 999, &seq, &err));
	assert_int_equal(seq, 0);
	assert_ok(cadre_view_seq_at(&f->view, 1000, &seq, &err));
	assert_int_equal(seq, 2);
	assert_ok(cadre_view_seq_at(&f->view, 1999, &seq, &err));
	assert_int_equal(seq, 2);
	assert_ok(cadre_view_seq_at(&f->view, UINT64_MAX, &seq, &err));
	assert_int_equal(seq, 3);
}

static void an_overlong_id_is_found_like_any_other(void **state)
{
	struct fixture *f = *state;
	char id[1001];

	memset(id, 'x', sizeof id);
	id[1000] = '\0';
	apply(f, test_event_principal_put(&f->arena, id));
	assert_string_equal(get(f, test_text(&f->arena, "principal:%s", id))->ocid, id);
	id[999] = 'y';
	{
		Cadre__V1__Resource *resource;

		assert_int_equal(
		        cadre_view_by_ocid(&f->view,
		                           test_text(&f->arena, "principal:%s", id),
		                           &resource, &err),
		        CADRE_NOT_FOUND);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		VIEW_TEST(versions_of_a_history_are_dense_and_the_newest_is_latest),
		VIEW_TEST(a_rollback_moves_latest_and_the_past_keeps_it),
		VIEW_TEST(the_pointer_log_walks_back_to_the_first),
		VIEW_TEST(deleting_the_last_member_empties_latest),
		VIEW_TEST(a_group_links_and_unlinks),
		VIEW_TEST(a_history_is_made_around_a_group),
		VIEW_TEST(a_derived_group_inherits_what_is_not_overridden),
		VIEW_TEST(only_a_homogeneous_group_inherits_the_artifact),
		VIEW_TEST(a_deployment_serves_what_it_was_cut_over_to),
		VIEW_TEST(a_placed_deployment_names_its_nodes),
		VIEW_TEST(a_placed_deployment_notes_the_newest_finished_generation),
		VIEW_TEST(a_group_counts_the_live_deployments_that_name_it),
		VIEW_TEST(a_deployment_rests_and_comes_back),
		VIEW_TEST(a_deployment_lists_its_events),
		VIEW_TEST(nodes_principals_and_models_come_back_under_their_id),
		VIEW_TEST(the_cluster_row_and_the_epoch_follow_the_log),
		VIEW_TEST(the_seq_at_a_time_is_the_last_batch_up_to_it),
		VIEW_TEST(an_overlong_id_is_found_like_any_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
