/* Which node is asked, and when another one may be. */
#include <string.h>

#include "replica/agent/predict_choose.h"
#include "tests/support/testing.h"

static char key_k[] = "k";
static char key_other[] = "other";

/* Fixed room for the nodes of one test. */
struct world {
	Cadre__V1__Endpoint nodes[4];
	Cadre__V1__Endpoint *list[4];
	char *keys[4][2];
	Cadre__V1__EndpointsResult result;
	bool tried[4];
};

static void make(struct world *world, const uint32_t *in_flight, size_t count)
{
	memset(world, 0, sizeof *world);
	cadre__v1__endpoints_result__init(&world->result);
	for (size_t i = 0; i < count; i++) {
		cadre__v1__endpoint__init(&world->nodes[i]);
		world->keys[i][0] = key_other;
		world->keys[i][1] = key_k;
		world->nodes[i].ready_keys = world->keys[i];
		world->nodes[i].n_ready_keys = 2;
		world->nodes[i].has_in_flight = true;
		world->nodes[i].in_flight = in_flight[i];
		world->list[i] = &world->nodes[i];
	}
	world->result.endpoints = world->list;
	world->result.n_endpoints = count;
}

static size_t choose(struct world *world, uint64_t spread)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	size_t index = SIZE_MAX;

	assert_ok(cadre_predict_choose(&world->result, "k", world->tried, spread, &index,
	                               &err));
	return index;
}

static void test_the_node_with_the_least_under_way_is_asked_first(void **state)
{
	struct world world;

	(void)state;
	make(&world, (const uint32_t[]){ 5, 2, 9, 3 }, 4);
	assert_int_equal(choose(&world, 0), 1);
	world.tried[1] = true;
	assert_int_equal(choose(&world, 0), 3);
	world.tried[3] = true;
	assert_int_equal(choose(&world, 7), 0);
}

static void test_equals_are_taken_in_turn(void **state)
{
	struct world world;

	(void)state;
	make(&world, (const uint32_t[]){ 1, 0, 0, 0 }, 4);
	assert_int_equal(choose(&world, 0), 1);
	assert_int_equal(choose(&world, 1), 2);
	assert_int_equal(choose(&world, 2), 3);
	assert_int_equal(choose(&world, 3), 1);
	world.tried[2] = true;
	assert_int_equal(choose(&world, 1), 3);
}

static void test_a_node_that_has_not_the_key_is_not_asked(void **state)
{
	struct world world;

	(void)state;
	make(&world, (const uint32_t[]){ 0, 8 }, 2);
	world.nodes[0].n_ready_keys = 1;
	assert_int_equal(choose(&world, 0), 1);
}

static void test_a_silent_node_is_asked_only_when_no_other_is_left(void **state)
{
	struct world world;

	(void)state;
	make(&world, (const uint32_t[]){ 0, 800 }, 2);
	world.nodes[0].has_age_ms = true;
	world.nodes[0].age_ms = CADRE_PREDICT_SILENT_MS + 1;
	assert_int_equal(choose(&world, 0), 1);
	world.tried[1] = true;
	assert_int_equal(choose(&world, 0), 0);
}

static void test_when_none_is_left_the_message_counts_them(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct world world;
	size_t index;

	(void)state;
	make(&world, (const uint32_t[]){ 0, 0, 0 }, 3);
	world.nodes[2].n_ready_keys = 0;
	world.tried[0] = true;
	world.tried[1] = true;
	assert_int_equal(
	        cadre_predict_choose(&world.result, "k", world.tried, 0, &index, &err),
	        CADRE_UNAVAILABLE);
	assert_string_equal(err.message,
	                    "\"k\": ready on 2 of 3 nodes, and none could take it");
	make(&world, NULL, 0);
	assert_int_equal(
	        cadre_predict_choose(&world.result, "k", world.tried, 0, &index, &err),
	        CADRE_UNAVAILABLE);
	assert_string_equal(err.message, "\"k\": ready on 0 of 0 nodes");
}

static void test_another_node_is_asked_only_when_nothing_began(void **state)
{
	(void)state;
	for (unsigned i = 0; i < CADRE_STATUS_COUNT; i++)
		assert_false(cadre_predict_may_ask_elsewhere((enum cadre_status)i, true));
	assert_true(cadre_predict_may_ask_elsewhere(CADRE_UNAVAILABLE, false));
	assert_true(cadre_predict_may_ask_elsewhere(CADRE_TOO_MANY_REQUESTS, false));
	assert_true(cadre_predict_may_ask_elsewhere(CADRE_NOT_FOUND, false));
	assert_false(cadre_predict_may_ask_elsewhere(CADRE_TOO_LARGE, false));
	assert_false(cadre_predict_may_ask_elsewhere(CADRE_INVALID_PARAMETER, false));
	assert_false(cadre_predict_may_ask_elsewhere(CADRE_DEADLINE, false));
	assert_false(cadre_predict_may_ask_elsewhere(CADRE_OK, false));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_node_with_the_least_under_way_is_asked_first),
		cmocka_unit_test(test_equals_are_taken_in_turn),
		cmocka_unit_test(test_a_node_that_has_not_the_key_is_not_asked),
		cmocka_unit_test(test_a_silent_node_is_asked_only_when_no_other_is_left),
		cmocka_unit_test(test_when_none_is_left_the_message_counts_them),
		cmocka_unit_test(test_another_node_is_asked_only_when_nothing_began),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
