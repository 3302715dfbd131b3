#include "replica/core/rollout.h"

#include "tests/support/testing.h"

#define A "a0000000000000000000000000000000"
#define B "b0000000000000000000000000000000"
#define C "c0000000000000000000000000000000"
#define D1 "ocid1.d1"
#define D2 "ocid1.d2"

static char id_a[] = A;
static char id_b[] = B;
static char id_c[] = C;
static char name_d1[] = D1;

/* Three nodes, all registered and heard, and two deployments on nothing. */
struct world {
	struct cadre_rollout_facts facts;
	struct cadre_rollout_node nodes[3];
	struct cadre_rollout_deployment deployments[2];
	Cadre__V1__RegisterNode introduced[3];
	Cadre__V1__RegisterNode registered[3];
	Cadre__V1__DeploymentReport reports[3];
	Cadre__V1__DeploymentReport *report_of[3];
	Cadre__V1__NameValue label;
	Cadre__V1__NameValue *labels[1];
	char *placed[3];
	struct cadre_rollout_action action;
};

static void world_init(struct world *world)
{
	static char *const ids[] = { id_a, id_b, id_c };

	memset(world, 0, sizeof *world);
	for (int i = 0; i < 3; i++) {
		cadre__v1__register_node__init(&world->introduced[i]);
		world->introduced[i].node_id = ids[i];
		world->registered[i] = world->introduced[i];
		cadre__v1__deployment_report__init(&world->reports[i]);
		world->reports[i].deployment_id = name_d1;
		world->report_of[i] = &world->reports[i];
		world->nodes[i].id = ids[i];
		world->nodes[i].introduced = &world->introduced[i];
		world->nodes[i].registered = &world->registered[i];
		world->nodes[i].heard = true;
		world->nodes[i].reports = &world->report_of[i];
	}
	cadre__v1__name_value__init(&world->label);
	world->labels[0] = &world->label;
	world->deployments[0].id = D1;
	world->deployments[1].id = D2;
	world->deployments[0].generation = world->deployments[1].generation = 1;
	world->deployments[0].live = world->deployments[1].live = true;
	world->facts.nodes = world->nodes;
	world->facts.node_count = 3;
	world->facts.deployments = world->deployments;
	world->facts.deployment_count = 1;
}

static enum cadre_rollout_verb next(struct world *world)
{
	cadre_rollout_next(&world->facts, &world->action);
	return world->action.verb;
}

/* Deployment 1 runs on A and B (and C, when three). */
static void place(struct world *world, size_t count)
{
	static char *const ids[] = { id_a, id_b, id_c };

	memcpy(world->placed, ids, sizeof ids);
	world->deployments[0].nodes = world->placed;
	world->deployments[0].node_count = count;
	world->deployments[0].instance_count = (uint32_t)count;
	for (size_t i = 0; i < count; i++)
		world->nodes[i].report_count = 1;
}

static void prepare(struct world *world, int node, uint64_t generation)
{
	world->reports[node].has_prepared_generation = true;
	world->reports[node].prepared_generation = generation;
}

static void serve(struct world *world, int node, uint64_t generation, uint64_t flipped_ms)
{
	world->reports[node].has_serving_generation = true;
	world->reports[node].serving_generation = generation;
	world->reports[node].has_flipped_ms = true;
	world->reports[node].flipped_ms = flipped_ms;
}

static void label(struct world *world, int node, char *value)
{
	static char name[] = "shape";

	world->label.name = name;
	world->label.value = value;
	world->introduced[node].labels = world->registered[node].labels = world->labels;
	world->introduced[node].n_labels = world->registered[node].n_labels = 1;
}

/* ---- register ---- */

static void a_new_node_is_registered_before_all_else(void **state)
{
	struct world world;

	(void)state;
	world_init(&world);
	world.nodes[1].registered = NULL;
	assert_int_equal(next(&world), CADRE_ROLLOUT_REGISTER);
	assert_string_equal(world.action.subject, B);
	assert_ptr_equal(world.action.node, &world.introduced[1]);
	world.nodes[1].put_off = true;
	assert_int_equal(next(&world), CADRE_ROLLOUT_PLACE);
}

static void beyond_the_limit_nobody_new_is_registered(void **state)
{
	static struct cadre_rollout_node nodes[CADRE_ROLLOUT_REGISTERED_MAX + 1];
	struct world world;

	(void)state;
	world_init(&world);
	for (size_t i = 0; i < CADRE_ROLLOUT_REGISTERED_MAX; i++)
		nodes[i] = world.nodes[0];
	nodes[CADRE_ROLLOUT_REGISTERED_MAX] = world.nodes[1];
	nodes[CADRE_ROLLOUT_REGISTERED_MAX].registered = NULL;
	world.facts.nodes = nodes;
	world.facts.node_count = CADRE_ROLLOUT_REGISTERED_MAX + 1;
	world.facts.deployment_count = 0;
	assert_int_equal(next(&world), CADRE_ROLLOUT_NOTHING);
	world.facts.nodes = nodes + 1;
	world.facts.node_count--;
	assert_int_equal(next(&world), CADRE_ROLLOUT_REGISTER);
}

static void a_node_with_another_name_address_or_label_is_registered_anew(void **state)
{
	struct world world;
	char text[] = "other";
	char id[] = A;

	(void)state;
	world_init(&world);
	world.facts.deployment_count = 0;
	assert_int_equal(next(&world), CADRE_ROLLOUT_NOTHING);
	/* Without a name it is called by its id. */
	world.registered[0].name = id;
	assert_int_equal(next(&world), CADRE_ROLLOUT_NOTHING);
	world.introduced[0].name = text;
	assert_int_equal(next(&world), CADRE_ROLLOUT_REGISTER);
	world.introduced[0].name = NULL;
	world.introduced[0].address = text;
	assert_int_equal(next(&world), CADRE_ROLLOUT_REGISTER);
	world.introduced[0].address = NULL;
	label(&world, 0, text);
	assert_int_equal(next(&world), CADRE_ROLLOUT_NOTHING);
	world.registered[0].n_labels = 0;
	assert_int_equal(next(&world), CADRE_ROLLOUT_REGISTER);
}

static void a_retired_node_that_says_hello_stays_retired(void **state)
{
	struct world world;

	(void)state;
	world_init(&world);
	world.facts.deployment_count = 0;
	world.nodes[0].registered = NULL;
	world.nodes[0].retired = true;
	assert_int_equal(next(&world), CADRE_ROLLOUT_NOTHING);
}

/* ---- place ---- */

static void a_deployment_is_placed_on_as_many_nodes_as_it_asks_for(void **state)
{
	struct world world;

	(void)state;
	world_init(&world);
	assert_int_equal(next(&world), CADRE_ROLLOUT_PLACE);
	assert_string_equal(world.action.subject, D1);
	assert_int_equal(world.action.node_count, 1);
	assert_string_equal(world.action.nodes[0], A);
	world.deployments[0].instance_count = 2;
	assert_int_equal(next(&world), CADRE_ROLLOUT_PLACE);
	assert_int_equal(world.action.node_count, 2);
	assert_string_equal(world.action.nodes[1], B);
	place(&world, 2);
	assert_int_equal(next(&world), CADRE_ROLLOUT_NOTHING);
}

static void nodes_with_the_fewest_placements_come_first(void **state)
{
	struct world world;

	(void)state;
	world_init(&world);
	place(&world, 2);
	world.facts.deployment_count = 2;
	assert_int_equal(next(&world), CADRE_ROLLOUT_PLACE);
	assert_string_equal(world.action.subject, D2);
	assert_string_equal(world.action.nodes[0], C);
	world.nodes[2].heard = false;
	assert_int_equal(next(&world), CADRE_ROLLOUT_PLACE);
	assert_string_equal(world.action.nodes[0], A);
}

static void what_is_missing_is_added_to_what_is_placed(void **state)
{
	struct world world;

	(void)state;
	world_init(&world);
	place(&world, 2);
	world.deployments[0].instance_count = 3;
	assert_int_equal(next(&world), CADRE_ROLLOUT_PLACE);
	assert_int_equal(world.action.node_count, 3);
	assert_string_equal(world.action.nodes[0], A);
	assert_string_equal(world.action.nodes[2], C);
	/* None is left to add: what is placed stays as it is. */
	world.nodes[2].heard = false;
	assert_int_equal(next(&world), CADRE_ROLLOUT_NOTHING);
}

static void a_silent_node_stays_placed_and_a_retired_one_is_replaced(void **state)
{
	struct world world;

	(void)state;
	world_init(&world);
	place(&world, 2);
	world.nodes[0].heard = false;
	assert_int_equal(next(&world), CADRE_ROLLOUT_NOTHING);
	world.nodes[0].registered = NULL;
	world.nodes[0].retired = true;
	assert_int_equal(next(&world), CADRE_ROLLOUT_PLACE);
	assert_int_equal(world.action.node_count, 2);
	assert_string_equal(world.action.nodes[0], B);
	assert_string_equal(world.action.nodes[1], C);
}

static void a_node_with_a_shape_takes_deployments_of_that_shape_only(void **state)
{
	struct world world;
	char small[] = "small";

	(void)state;
	world_init(&world);
	label(&world, 0, small);
	assert_int_equal(next(&world), CADRE_ROLLOUT_PLACE);
	assert_string_equal(world.action.nodes[0], A); /* any will do */
	world.deployments[0].shape = "large";
	assert_int_equal(next(&world), CADRE_ROLLOUT_PLACE);
	assert_string_equal(world.action.nodes[0], B); /* has no label */
	world.deployments[0].shape = "small";
	assert_int_equal(next(&world), CADRE_ROLLOUT_PLACE);
	assert_string_equal(world.action.nodes[0], A);
	world.facts.node_count = 1;
	world.deployments[0].shape = "large";
	assert_int_equal(next(&world), CADRE_ROLLOUT_NOTHING);
}

static void unregistered_and_silent_nodes_get_nothing(void **state)
{
	struct world world;

	(void)state;
	world_init(&world);
	world.facts.node_count = 2;
	world.nodes[0].heard = false;
	world.nodes[1].registered = NULL;
	world.nodes[1].put_off = true;
	assert_int_equal(next(&world), CADRE_ROLLOUT_NOTHING);
}

static void a_deployment_never_gets_more_nodes_than_a_placement_holds(void **state)
{
	static struct cadre_rollout_node nodes[40];
	static char ids[40][33];
	struct world world;

	(void)state;
	world_init(&world);
	for (int i = 0; i < 40; i++) {
		memset(ids[i], '0', 32);
		ids[i][0] = (char)('a' + i / 10);
		ids[i][1] = (char)('0' + i % 10);
		nodes[i] = world.nodes[0];
		nodes[i].id = ids[i];
	}
	world.facts.nodes = nodes;
	world.facts.node_count = 40;
	world.deployments[0].instance_count = UINT32_MAX;
	assert_int_equal(next(&world), CADRE_ROLLOUT_PLACE);
	assert_int_equal(world.action.node_count, CADRE_ROLLOUT_NODES_MAX);
}

static void an_inactive_or_refused_deployment_is_left_alone(void **state)
{
	struct world world;

	(void)state;
	world_init(&world);
	world.deployments[0].put_off = true;
	assert_int_equal(next(&world), CADRE_ROLLOUT_NOTHING);
	world.deployments[0].put_off = false;
	world.deployments[0].live = false;
	assert_int_equal(next(&world), CADRE_ROLLOUT_NOTHING);
	place(&world, 2);
	prepare(&world, 0, 1);
	prepare(&world, 1, 1);
	assert_int_equal(next(&world), CADRE_ROLLOUT_NOTHING);
}

/* ---- cut over ---- */

static void all_prepared_participants_are_cut_over(void **state)
{
	struct world world;

	(void)state;
	world_init(&world);
	place(&world, 2);
	prepare(&world, 0, 1);
	assert_int_equal(next(&world), CADRE_ROLLOUT_NOTHING);
	prepare(&world, 1, 1);
	assert_int_equal(next(&world), CADRE_ROLLOUT_CUT_OVER);
	assert_string_equal(world.action.subject, D1);
	assert_int_equal(world.action.generation, 1);
	assert_int_equal(world.action.node_count, 2);
	assert_string_equal(world.action.nodes[1], B);
	world.deployments[0].serving_generation = 1;
	assert_int_equal(next(&world), CADRE_ROLLOUT_NOTHING);
}

static void a_silent_node_is_not_waited_for(void **state)
{
	struct world world;

	(void)state;
	world_init(&world);
	place(&world, 2);
	prepare(&world, 0, 1);
	world.nodes[1].heard = false;
	assert_int_equal(next(&world), CADRE_ROLLOUT_CUT_OVER);
	assert_int_equal(world.action.node_count, 1);
	assert_string_equal(world.action.nodes[0], A);
	/* Nobody is left to serve it. */
	world.nodes[0].heard = false;
	assert_int_equal(next(&world), CADRE_ROLLOUT_NOTHING);
}

static void a_failed_participant_holds_everybody_back(void **state)
{
	struct world world;

	(void)state;
	world_init(&world);
	place(&world, 2);
	world.deployments[0].serving_generation = 1;
	world.deployments[0].finished_generation = 1;
	world.deployments[0].generation = 2;
	prepare(&world, 0, 2);
	prepare(&world, 1, 2);
	world.reports[1].has_failed_generation = true;
	world.reports[1].failed_generation = 2;
	assert_int_equal(next(&world), CADRE_ROLLOUT_NOTHING);
	/* An older failure is past. */
	world.reports[1].failed_generation = 1;
	assert_int_equal(next(&world), CADRE_ROLLOUT_CUT_OVER);
}

static void a_newer_update_aborts_the_older_one(void **state)
{
	struct world world;

	(void)state;
	world_init(&world);
	place(&world, 2);
	prepare(&world, 0, 1);
	prepare(&world, 1, 1);
	world.deployments[0].generation = 2;
	assert_int_equal(next(&world), CADRE_ROLLOUT_NOTHING);
	prepare(&world, 0, 2);
	assert_int_equal(next(&world), CADRE_ROLLOUT_NOTHING);
	prepare(&world, 1, 2);
	assert_int_equal(next(&world), CADRE_ROLLOUT_CUT_OVER);
	assert_int_equal(world.action.generation, 2);
}

static void a_report_on_another_deployment_says_nothing_about_this_one(void **state)
{
	struct world world;
	char other[] = D2;

	(void)state;
	world_init(&world);
	place(&world, 1);
	prepare(&world, 0, 1);
	world.reports[0].deployment_id = other;
	assert_int_equal(next(&world), CADRE_ROLLOUT_NOTHING);
}

/* ---- finish ---- */

static void a_cut_over_ends_when_every_participant_serves_it(void **state)
{
	struct world world;

	(void)state;
	world_init(&world);
	place(&world, 3);
	world.deployments[0].serving_generation = 1;
	serve(&world, 0, 1, 3000);
	serve(&world, 1, 1, 1000);
	assert_int_equal(next(&world), CADRE_ROLLOUT_NOTHING);
	serve(&world, 2, 1, 2000);
	assert_int_equal(next(&world), CADRE_ROLLOUT_FINISH);
	assert_int_equal(world.action.generation, 1);
	assert_int_equal(world.action.node_count, 3);
	assert_true(world.action.has_flips);
	assert_int_equal(world.action.first_flip_ms, 1000);
	assert_int_equal(world.action.last_flip_ms, 3000);
	world.deployments[0].finished_generation = 1;
	assert_int_equal(next(&world), CADRE_ROLLOUT_NOTHING);
}

static void the_end_of_a_cut_over_does_not_wait_for_silent_nodes(void **state)
{
	struct world world;

	(void)state;
	world_init(&world);
	place(&world, 2);
	world.deployments[0].serving_generation = 1;
	serve(&world, 0, 1, 3000);
	world.nodes[1].heard = false;
	assert_int_equal(next(&world), CADRE_ROLLOUT_FINISH);
	assert_int_equal(world.action.node_count, 1);
	assert_int_equal(world.action.last_flip_ms, 3000);
}

static void an_end_is_recorded_before_the_next_cut_over(void **state)
{
	struct world world;

	(void)state;
	world_init(&world);
	place(&world, 1);
	world.deployments[0].serving_generation = 1;
	world.deployments[0].generation = 2;
	serve(&world, 0, 1, 3000);
	prepare(&world, 0, 2);
	assert_int_equal(next(&world), CADRE_ROLLOUT_FINISH);
	world.deployments[0].finished_generation = 1;
	assert_int_equal(next(&world), CADRE_ROLLOUT_CUT_OVER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_node_is_registered_before_all_else),
		cmocka_unit_test(beyond_the_limit_nobody_new_is_registered),
		cmocka_unit_test(
		        a_node_with_another_name_address_or_label_is_registered_anew),
		cmocka_unit_test(a_retired_node_that_says_hello_stays_retired),
		cmocka_unit_test(a_deployment_is_placed_on_as_many_nodes_as_it_asks_for),
		cmocka_unit_test(nodes_with_the_fewest_placements_come_first),
		cmocka_unit_test(what_is_missing_is_added_to_what_is_placed),
		cmocka_unit_test(
		        a_silent_node_stays_placed_and_a_retired_one_is_replaced),
		cmocka_unit_test(
		        a_node_with_a_shape_takes_deployments_of_that_shape_only),
		cmocka_unit_test(unregistered_and_silent_nodes_get_nothing),
		cmocka_unit_test(
		        a_deployment_never_gets_more_nodes_than_a_placement_holds),
		cmocka_unit_test(an_inactive_or_refused_deployment_is_left_alone),
		cmocka_unit_test(all_prepared_participants_are_cut_over),
		cmocka_unit_test(a_silent_node_is_not_waited_for),
		cmocka_unit_test(a_failed_participant_holds_everybody_back),
		cmocka_unit_test(a_newer_update_aborts_the_older_one),
		cmocka_unit_test(
		        a_report_on_another_deployment_says_nothing_about_this_one),
		cmocka_unit_test(a_cut_over_ends_when_every_participant_serves_it),
		cmocka_unit_test(the_end_of_a_cut_over_does_not_wait_for_silent_nodes),
		cmocka_unit_test(an_end_is_recorded_before_the_next_cut_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
