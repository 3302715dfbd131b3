/* The plan: what goes first, what waits for what, what goes away when. */
#include <stdlib.h>
#include <time.h>

#include "replica/agent/plan.h"
#include "tests/support/testing.h"

static struct plan_step step_at(struct plan_model **models, size_t count, uint64_t now_ms)
{
	const struct plan_facts facts = {
		.now_ms = now_ms,
		.worker_up = true,
		.may_fetch = true,
		.may_load = true,
	};
	struct plan_step step;

	plan_next(models, count, &facts, &step);
	return step;
}

static void make_ready(struct plan_model *model)
{
	model->state = PLAN_READY;
	model->asked = true;
}

static void test_what_is_served_goes_before_what_is_prepared(void **state)
{
	struct plan_model prepared = { .wanted = true };
	struct plan_model served = { .wanted = true, .serving = true };
	struct plan_model *models[] = { &prepared, &served };

	(void)state;
	assert_ptr_equal(step_at(models, 2, 0).fetch, &served);
	prepared.state = served.state = PLAN_LOADING;
	assert_ptr_equal(step_at(models, 2, 0).load, &served);
	/* The worker loads one at a time: the question goes on for what was begun. */
	prepared.asked = true;
	assert_ptr_equal(step_at(models, 2, 0).load, &prepared);
}

static void
test_a_base_is_loaded_before_its_adapters_and_unloaded_behind_them(void **state)
{
	struct plan_model base = { .state = PLAN_LOADING, .wanted = true };
	struct plan_model adapter = { .state = PLAN_LOADING,
		                      .wanted = true,
		                      .base = &base };
	struct plan_model *models[] = { &adapter, &base };

	(void)state;
	assert_ptr_equal(step_at(models, 2, 0).load, &base);
	make_ready(&base);
	assert_ptr_equal(step_at(models, 2, 0).load, &adapter);
	make_ready(&adapter);
	base.wanted = adapter.wanted = false;
	assert_ptr_equal(step_at(models, 2, 0).unload, &adapter);
	plan_move(&adapter, PLAN_UNLOAD_BEGUN);
	adapter.until_ms = 5;
	assert_null(step_at(models, 2, 0).unload);
	plan_move(&adapter, PLAN_UNLOADED);
	assert_ptr_equal(step_at(models, 2, 0).unload, &base);
}

static void test_an_adapter_waits_for_a_base_that_failed(void **state)
{
	struct plan_model base = { .state = PLAN_FAILED,
		                   .wanted = true,
		                   .until_ms = 100 };
	struct plan_model adapter = { .state = PLAN_LOADING,
		                      .wanted = true,
		                      .base = &base };
	struct plan_model *models[] = { &base, &adapter };
	struct plan_step step = step_at(models, 2, 0);

	(void)state;
	assert_null(step.load);
	assert_int_equal(step.wake_ms, 100);
	assert_ptr_equal(step_at(models, 2, 100).fetch, &base);
}

static void test_what_was_served_lingers_and_is_kept_while_requests_hold_it(void **state)
{
	struct plan_model old = { .linger_until_ms = 1000, .held = 1 };
	struct plan_model *models[] = { &old };
	struct plan_step step;

	(void)state;
	make_ready(&old);
	step = step_at(models, 1, 0);
	assert_null(step.unload);
	assert_int_equal(step.wake_ms, 1000);
	assert_null(step_at(models, 1, 1000).unload);
	old.held = 0;
	assert_null(step_at(models, 1, 999).unload);
	assert_ptr_equal(step_at(models, 1, 1000).unload, &old);
}

static void test_an_aborted_prepare_goes_at_once(void **state)
{
	struct plan_model fetching = { .state = PLAN_FETCHING, .busy = true };
	struct plan_model waiting = { .state = PLAN_LOADING };
	struct plan_model loading = { .state = PLAN_LOADING, .asked = true };
	struct plan_model ready = { .state = PLAN_READY, .asked = true };
	struct plan_model failed = { .state = PLAN_FAILED, .until_ms = 9 };
	struct plan_model *models[] = { &fetching, &waiting, &loading, &ready, &failed };
	struct plan_step step = step_at(models, 5, 0);

	(void)state;
	assert_ptr_equal(step.no_fetch, &fetching);
	assert_int_equal(waiting.state, PLAN_ABSENT);
	assert_int_equal(failed.state, PLAN_ABSENT);
	assert_ptr_equal(step.unload, &loading);
	plan_move(&loading, PLAN_UNLOAD_BEGUN);
	plan_move(&loading, PLAN_UNLOADED);
	assert_ptr_equal(step_at(models, 5, 0).unload, &ready);
}

static void test_a_dead_workers_models_are_loaded_again(void **state)
{
	struct plan_model ready = { .wanted = true };
	struct plan_model leaving = { .state = PLAN_DRAINING, .asked = true };
	struct plan_model *models[] = { &ready, &leaving };

	(void)state;
	make_ready(&ready);
	plan_move(&ready, PLAN_LOST);
	plan_move(&leaving, PLAN_LOST);
	assert_int_equal(leaving.state, PLAN_ABSENT);
	assert_ptr_equal(step_at(models, 2, 0).load, &ready);
}

static void test_nothing_is_asked_of_a_worker_that_is_down(void **state)
{
	struct plan_model waiting = { .state = PLAN_LOADING, .wanted = true };
	struct plan_model *models[] = { &waiting };
	const struct plan_facts facts = { .may_load = true, .may_fetch = true };
	struct plan_step step;

	(void)state;
	plan_next(models, 1, &facts, &step);
	assert_null(step.load);
	assert_int_equal(step.wake_ms, UINT64_MAX);
}

static void test_back_off_doubles_up_to_its_limit(void **state)
{
	(void)state;
	assert_int_equal(plan_back_off_ms(1, 500, 60000), 500);
	assert_int_equal(plan_back_off_ms(2, 500, 60000), 1000);
	assert_int_equal(plan_back_off_ms(4, 500, 60000), 4000);
	assert_int_equal(plan_back_off_ms(20, 500, 60000), 60000);
	assert_int_equal(plan_back_off_ms(UINT32_MAX, 500, 60000), 60000);
	assert_int_equal(plan_crash_back_off_ms(1, 500, 60000), 500);
	assert_int_equal(plan_crash_back_off_ms(2, 500, 60000), 60000);
	assert_int_equal(plan_crash_back_off_ms(3, 500, 60000), 120000);
	assert_int_equal(plan_crash_back_off_ms(UINT32_MAX, 500, 60000), 64 * 60000);
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* Two generations of 500 of which none is shared: a step for each fetch and load. */
static void test_a_thousand_models_are_planned_in_a_moment(void **state)
{
	enum { COUNT = 1000 };
	struct plan_model *all = calloc(COUNT, sizeof *all);
	struct plan_model *models[COUNT];
	unsigned loaded = 0;
	double begun;

	(void)state;
	assert_non_null(all);
	for (size_t i = 0; i < COUNT; i++) {
		models[i] = &all[i];
		all[i].wanted = true;
		all[i].base = i > 0 ? &all[0] : NULL;
	}
	begun = seconds();
	while (loaded < COUNT) {
		struct plan_step step = step_at(models, COUNT, 0);
		if (step.fetch) {
			plan_move(step.fetch, PLAN_FETCH_BEGUN);
			plan_move(step.fetch, PLAN_FETCHED);
		}
		if (step.load) {
			step.load->asked = true;
			plan_move(step.load, PLAN_LOADED);
			loaded++;
		}
	}
	/* 10 ms on a quiet machine; this is far from quadratic in anything larger. */
	assert_true(seconds() - begun < 2.0);
	free(all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_served_goes_before_what_is_prepared),
		cmocka_unit_test(
		        test_a_base_is_loaded_before_its_adapters_and_unloaded_behind_them),
		cmocka_unit_test(test_an_adapter_waits_for_a_base_that_failed),
		cmocka_unit_test(
		        test_what_was_served_lingers_and_is_kept_while_requests_hold_it),
		cmocka_unit_test(test_an_aborted_prepare_goes_at_once),
		cmocka_unit_test(test_a_dead_workers_models_are_loaded_again),
		cmocka_unit_test(test_nothing_is_asked_of_a_worker_that_is_down),
		cmocka_unit_test(test_back_off_doubles_up_to_its_limit),
		cmocka_unit_test(test_a_thousand_models_are_planned_in_a_moment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
