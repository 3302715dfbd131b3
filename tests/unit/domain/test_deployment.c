/* The rules of deployments, models, nodes, principals and the feature level. */
#include <stdio.h>

#include "tests/support/testing.h"

#include "tests/support/domain_bench.h"

#define BODY(name) CADRE__V1__COMMAND__BODY_##name
#define NODE "0123456789abcdef0123456789abcdef"
#define OTHER "fedcba9876543210fedcba9876543210"

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

static const char *make(struct test_bench *t)
{
	return test_done(t, test_create_group(t, "m1 m2", NULL));
}

static const char *deploy(struct test_bench *t, const char *group)
{
	return test_done(t, test_create_deployment(t, group));
}

static void a_deployed_group_cannot_be_deleted_or_deactivated(void **state)
{
	struct test_bench *t = *state;
	const char *target = make(t);
	const char *next = make(t);
	const char *deployment = deploy(t, target);

	test_refused(t, test_ref(t, BODY(DELETE_GROUP), target), CADRE_CONFLICT,
	             "deleteGroup.id");
	assert_non_null(strstr(t->err.message, deployment));
	test_refused(t, test_ref(t, BODY(DEACTIVATE_GROUP), target), CADRE_CONFLICT,
	             "deactivateGroup.id");
	assert_non_null(strstr(t->err.message, deployment));
	/* Still serving, no longer the target. */
	test_done(t, test_cut_over(t, deployment, 1));
	test_done(t, test_update_deployment(t, deployment, next));
	test_refused(t, test_ref(t, BODY(DELETE_GROUP), target), CADRE_CONFLICT,
	             "deleteGroup.id");
	test_done(t, test_cut_over(t, deployment, 2));
	test_done(t, test_ref(t, BODY(DELETE_GROUP), target));
	test_done(t, test_ref(t, BODY(DELETE_DEPLOYMENT), deployment));
	test_done(t, test_ref(t, BODY(DELETE_GROUP), next));
}

static void a_deployment_takes_an_active_group_of_at_most_500_members(void **state)
{
	struct test_bench *t = *state;
	Cadre__V1__Command *create = test_create_group(t, "x", NULL);
	const char *group = make(t);
	const char *deployment = deploy(t, group);
	const char *large;

	create->create_group->members = test_members_many(&t->arena, "m", 0, 501);
	create->create_group->n_members = 501;
	large = test_done(t, create);
	test_refused(t, test_create_deployment(t, large), CADRE_LIMIT_EXCEEDED,
	             "createDeployment.modelGroupId");
	test_refused(t, test_update_deployment(t, deployment, large),
	             CADRE_LIMIT_EXCEEDED, "updateDeployment.modelGroupId");
	create->create_group->n_members = 500;
	deploy(t, test_done(t, create));
	group = make(t);
	test_done(t, test_ref(t, BODY(DEACTIVATE_GROUP), group));
	test_refused(t, test_create_deployment(t, group), CADRE_CONFLICT,
	             "createDeployment.modelGroupId");
	test_done(t, test_ref(t, BODY(DELETE_GROUP), group));
	test_refused(t, test_create_deployment(t, group), CADRE_CONFLICT,
	             "createDeployment.modelGroupId");
	test_refused(t, test_create_deployment(t, "none"), CADRE_RELATED_NOT_FOUND,
	             "createDeployment.modelGroupId");
}

static void another_group_is_the_next_generation(void **state)
{
	struct test_bench *t = *state;
	const char *first = make(t);
	const char *second = make(t);
	const char *deployment = deploy(t, first);
	Cadre__V1__Command *update = test_update_deployment(t, deployment, first);
	const Cadre__V1__DeploymentUpdated *event;

	update->update_deployment->has_update_type = true;
	update->update_deployment->update_type = CADRE__V1__UPDATE_TYPE__LIVE;
	test_no_op(t, update);
	update->update_deployment->model_group_id = test_text(&t->arena, "%s", second);
	test_done(t, update);
	event = test_event_of(t)->deployment_updated;
	assert_int_equal(event->generation, 2);
	assert_int_equal(event->changes->update_type, CADRE__V1__UPDATE_TYPE__LIVE);
	test_done(t, test_update_deployment(t, deployment, first));
	event = test_event_of(t)->deployment_updated;
	assert_int_equal(event->generation, 3);
	assert_int_equal(event->changes->update_type, CADRE__V1__UPDATE_TYPE__ZDT);
}

static void settings_change_without_a_generation(void **state)
{
	struct test_bench *t = *state;
	Cadre__V1__Command *update = test_update_deployment(t, deploy(t, make(t)), NULL);
	Cadre__V1__Infrastructure infrastructure = CADRE__V1__INFRASTRUCTURE__INIT;

	infrastructure.has_instance_count = true;
	infrastructure.instance_count = 2;
	update->update_deployment->infrastructure = &infrastructure;
	test_done(t, update);
	assert_false(test_event_of(t)->deployment_updated->has_generation);
	test_no_op(t, update);
	infrastructure.instance_count = 3;
	test_done(t, update);
}

static void a_cut_over_is_of_the_newest_generation_once(void **state)
{
	struct test_bench *t = *state;
	const char *deployment = deploy(t, make(t));
	uint64_t changed;

	test_refused(t, test_finish_cut_over(t, deployment, 1), CADRE_CONFLICT,
	             "finishCutOver.generation");
	test_refused(t, test_cut_over(t, deployment, 2), CADRE_CONFLICT,
	             "cutOver.generation");
	test_done(t, test_cut_over(t, deployment, 1));
	test_refused(t, test_cut_over(t, deployment, 1), CADRE_CONFLICT,
	             "cutOver.generation");
	changed = test_resource(t, deployment)->row.changed_seq;
	test_done(t, test_finish_cut_over(t, deployment, 1));
	assert_int_equal(t->decision.etag_seq, changed);
	test_done(t, test_update_deployment(t, deployment, make(t)));
	test_refused(t, test_cut_over(t, deployment, 1), CADRE_CONFLICT,
	             "cutOver.generation");
	test_done(t, test_ref(t, BODY(DEACTIVATE_DEPLOYMENT), deployment));
	test_refused(t, test_cut_over(t, deployment, 2), CADRE_CONFLICT,
	             "cutOver.deploymentId");
	test_refused(t, test_cut_over(t, "none", 2), CADRE_NOT_FOUND,
	             "cutOver.deploymentId");
}

static void register_node(struct test_bench *t, const char *id)
{
	Cadre__V1__Command *put = test_command(t, BODY(REGISTER_NODE));

	put->register_node->node_id = test_text(&t->arena, "%s", id);
	test_done(t, put);
}

static void a_finished_cut_over_of_a_placed_deployment_is_finished_once(void **state)
{
	struct test_bench *t = *state;
	const char *deployment = deploy(t, make(t));

	register_node(t, NODE);
	test_done(t, test_place(t, deployment, NODE));
	test_done(t, test_cut_over(t, deployment, 1));
	test_done(t, test_finish_cut_over(t, deployment, 1));
	test_no_op(t, test_finish_cut_over(t, deployment, 1));
	test_done(t, test_update_deployment(t, deployment, make(t)));
	test_done(t, test_cut_over(t, deployment, 2));
	test_done(t, test_finish_cut_over(t, deployment, 2));
	test_no_op(t, test_finish_cut_over(t, deployment, 2));
}

static void a_deployment_is_placed_on_registered_nodes_that_live(void **state)
{
	struct test_bench *t = *state;
	const char *deployment = deploy(t, make(t));
	Cadre__V1__Command *retire = test_command(t, BODY(RETIRE_NODE));

	retire->retire_node->node_id = test_text(&t->arena, OTHER);
	test_refused(t, test_place(t, deployment, NODE), CADRE_RELATED_NOT_FOUND,
	             "placeDeployment.nodes[0]");
	register_node(t, NODE);
	register_node(t, OTHER);
	test_done(t, retire);
	test_refused(t, test_place(t, deployment, NODE " " OTHER), CADRE_CONFLICT,
	             "placeDeployment.nodes[1]");
	test_done(t, test_place(t, deployment, NODE));
	test_refused(t, test_place(t, "none", NODE), CADRE_NOT_FOUND,
	             "placeDeployment.deploymentId");
	test_done(t, test_ref(t, BODY(DELETE_DEPLOYMENT), deployment));
	test_refused(t, test_place(t, deployment, ""), CADRE_CONFLICT,
	             "placeDeployment.deploymentId");
}

static void a_placement_names_at_most_ten_nodes_each_once(void **state)
{
	struct test_bench *t = *state;
	const char *deployment = deploy(t, make(t));
	char many[400] = "";

	test_refused(t, test_place(t, deployment, NODE " " OTHER " " NODE),
	             CADRE_INVALID_PARAMETER, "placeDeployment.nodes[2]");
	test_refused(t, test_place(t, deployment, "0123"), CADRE_INVALID_PARAMETER,
	             "placeDeployment.nodes[0]");
	test_refused(t, test_place(t, deployment, "0123456789ABCDEF0123456789abcdef"),
	             CADRE_INVALID_PARAMETER, "placeDeployment.nodes[0]");
	for (unsigned i = 0; i < 11; i++)
		snprintf(many + strlen(many), sizeof many - strlen(many), "%032x ", i);
	test_refused(t, test_place(t, deployment, many), CADRE_LIMIT_EXCEEDED,
	             "placeDeployment.nodes");
}

static void a_placement_is_a_set_in_the_order_of_the_ids(void **state)
{
	struct test_bench *t = *state;
	const char *deployment = deploy(t, make(t));
	const Cadre__V1__PlaceDeployment *event;

	register_node(t, NODE);
	register_node(t, OTHER);
	test_no_op(t, test_place(t, deployment, ""));
	test_done(t, test_place(t, deployment, OTHER " " NODE));
	event = test_event_of(t)->deployment_placed;
	assert_string_equal(event->deployment_id, deployment);
	assert_int_equal(event->n_nodes, 2);
	assert_string_equal(event->nodes[0], NODE);
	assert_string_equal(event->nodes[1], OTHER);
	test_no_op(t, test_place(t, deployment, NODE " " OTHER));
	test_no_op(t, test_place(t, deployment, OTHER " " NODE));
	test_done(t, test_place(t, deployment, OTHER));
	test_done(t, test_ref(t, BODY(DEACTIVATE_DEPLOYMENT), deployment));
	test_done(t, test_place(t, deployment, ""));
	assert_int_equal(test_event_of(t)->deployment_placed->n_nodes, 0);
}

static void deployments_switch_one_way_at_a_time(void **state)
{
	struct test_bench *t = *state;
	const char *deployment = deploy(t, make(t));

	test_refused(t, test_ref(t, BODY(ACTIVATE_DEPLOYMENT), deployment),
	             CADRE_CONFLICT, "activateDeployment.id");
	test_done(t, test_ref(t, BODY(DEACTIVATE_DEPLOYMENT), deployment));
	test_refused(t, test_ref(t, BODY(DEACTIVATE_DEPLOYMENT), deployment),
	             CADRE_CONFLICT, "deactivateDeployment.id");
	test_done(t, test_ref(t, BODY(ACTIVATE_DEPLOYMENT), deployment));
	test_done(t, test_ref(t, BODY(DELETE_DEPLOYMENT), deployment));
	test_refused(t, test_ref(t, BODY(DELETE_DEPLOYMENT), deployment), CADRE_CONFLICT,
	             "deleteDeployment.id");
}

static void a_models_id_is_unused_or_a_retired_models(void **state)
{
	struct test_bench *t = *state;
	const char *made = test_done(t, test_register_model(t, NULL));
	const char *group = make(t);
	uint64_t id;

	assert_memory_equal(made, "ocid1.datasciencemodel.oc1.cadre.", 33);
	assert_string_equal(test_done(t, test_register_model(t, "m1")), "m1");
	id = t->decision.resource;
	test_refused(t, test_register_model(t, "m1"), CADRE_CONFLICT, "registerModel.id");
	test_refused(t, test_register_model(t, group), CADRE_CONFLICT,
	             "registerModel.id");
	test_done(t, test_ref(t, BODY(RETIRE_MODEL), "m1"));
	test_refused(t, test_ref(t, BODY(RETIRE_MODEL), "m1"), CADRE_CONFLICT,
	             "retireModel.id");
	test_done(t, test_register_model(t, "m1"));
	assert_int_equal(t->decision.resource, id);
	test_refused(t, test_ref(t, BODY(RETIRE_MODEL), group), CADRE_NOT_FOUND,
	             "retireModel.id");
}

static void nodes_register_again_and_only_changes_count(void **state)
{
	struct test_bench *t = *state;
	Cadre__V1__Command *put = test_command(t, BODY(REGISTER_NODE));
	Cadre__V1__Command *retire = test_command(t, BODY(RETIRE_NODE));

	put->register_node->node_id = test_text(&t->arena, NODE);
	retire->retire_node->node_id = test_text(&t->arena, NODE);
	test_refused(t, retire, CADRE_NOT_FOUND, "retireNode.nodeId");
	assert_string_equal(test_done(t, put), NODE);
	test_no_op(t, put);
	put->register_node->address = test_text(&t->arena, "tcp://10.0.0.1:7");
	test_done(t, put);
	test_done(t, retire);
	test_refused(t, retire, CADRE_CONFLICT, "retireNode.nodeId");
	test_done(t, put);
	put->register_node->node_id = test_text(&t->arena, "0123");
	test_refused(t, put, CADRE_INVALID_PARAMETER, "registerNode.nodeId");
}

static void principals_are_put_and_removed(void **state)
{
	struct test_bench *t = *state;
	Cadre__V1__Command *put = test_command(t, BODY(PUT_PRINCIPAL));
	Cadre__V1__Command *gone = test_command(t, BODY(REMOVE_PRINCIPAL));

	put->put_principal->name = test_text(&t->arena, "ann");
	gone->remove_principal->name = test_text(&t->arena, "ann");
	test_refused(t, gone, CADRE_NOT_FOUND, "removePrincipal.name");
	assert_string_equal(test_done(t, put), "ann");
	test_no_op(t, put);
	put->put_principal->has_may_act_for_others = true;
	put->put_principal->may_act_for_others = true;
	test_done(t, put);
	test_no_op(t, put);
	test_done(t, gone);
	test_done(t, put);
}

static void the_feature_level_only_rises_to_what_the_build_knows(void **state)
{
	struct test_bench *t = *state;
	Cadre__V1__Command *raise = test_command(t, BODY(RAISE_FEATURE_LEVEL));
	Cadre__V1__Event *configured = test_event_cluster_configured(&t->arena);

	configured->cluster_configured->feature_level = 0;
	model_state_apply(&t->model, t->time_ms, configured);
	raise->raise_feature_level->level = CADRE_FEATURE_LEVEL + 1;
	test_refused(t, raise, CADRE_INVALID_PARAMETER, "raiseFeatureLevel.level");
	raise->raise_feature_level->level = 0;
	test_refused(t, raise, CADRE_INVALID_PARAMETER, "raiseFeatureLevel.level");
	raise->raise_feature_level->level = CADRE_FEATURE_LEVEL;
	test_done(t, raise);
	test_no_op(t, raise);
	t->model.cluster.feature_level = CADRE_FEATURE_LEVEL + 1;
	test_refused(t, raise, CADRE_CONFLICT, "raiseFeatureLevel.level");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(a_deployed_group_cannot_be_deleted_or_deactivated),
		CASE(a_deployment_takes_an_active_group_of_at_most_500_members),
		CASE(another_group_is_the_next_generation),
		CASE(settings_change_without_a_generation),
		CASE(a_cut_over_is_of_the_newest_generation_once),
		CASE(a_finished_cut_over_of_a_placed_deployment_is_finished_once),
		CASE(a_deployment_is_placed_on_registered_nodes_that_live),
		CASE(a_placement_names_at_most_ten_nodes_each_once),
		CASE(a_placement_is_a_set_in_the_order_of_the_ids),
		CASE(deployments_switch_one_way_at_a_time),
		CASE(a_models_id_is_unused_or_a_retired_models),
		CASE(nodes_register_again_and_only_changes_count),
		CASE(principals_are_put_and_removed),
		CASE(the_feature_level_only_rises_to_what_the_build_knows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
