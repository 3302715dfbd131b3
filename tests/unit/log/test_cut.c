/* Laws of the explicit changes of where a log ends or starts. */
#include "tests/unit/log/sim_fixture.h"

/* Batches of 3 records; sealed up to somewhere, open behind. */
static void fill(struct sim_log *it, unsigned batches, bool seal)
{
	struct cadre_error err = CADRE_ERROR_INIT;

	sim_log_open(it, NULL);
	for (unsigned i = 0; i < batches; i++)
		sim_log_append_synced(it, 3);
	if (seal)
		assert_ok(cadre_log_seal_all(it->log, &err));
	sim_log_close(it);
}

static void a_cut_keeps_everything_up_to_its_seq(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;

	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		struct sim_log it;
		cadre_seq last = 3 * ((i * 7) % 60);
		sim_log_init(&it, i);
		fill(&it, 60, i % 2);
		assert_ok(cadre_log_cut(it.env, &it.options, last, &err));
		assert_ok(cadre_log_verify(it.env, &it.options, NULL, NULL, NULL, &err));
		sim_log_open(&it, NULL);
		assert_int_equal(cadre_log_head(it.log).last_seq, last);
		assert_int_equal(fixture_check(it.log, 1), last);
		sim_log_append_synced(&it, 5);
		assert_int_equal(fixture_check(it.log, 1), last + 5);
		sim_log_fini(&it);
	}
}

static void a_cut_inside_a_batch_is_refused(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct sim_log it;

	(void)state;
	sim_log_init(&it, 1);
	fill(&it, 10, false);
	assert_int_equal(cadre_log_cut(it.env, &it.options, 8, &err),
	                 CADRE_INVALID_PARAMETER);
	assert_int_equal(cadre_log_cut(it.env, &it.options, 33, &err),
	                 CADRE_INVALID_PARAMETER);
	sim_log_open(&it, NULL);
	assert_int_equal(fixture_check(it.log, 1), 30);
	sim_log_fini(&it);
}

static void a_cut_in_front_of_damage_makes_the_log_open_again(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_log_report report;
	struct sim_log it;
	cadre_seq last;

	(void)state;
	sim_log_init(&it, 1);
	fill(&it, 60, false);
	assert_int_equal(
	        cadre_env_sim_flip(it.sim, SIM_LOG_DIR "/0000000000000001.seg", 30000, 3),
	        CADRE_OK);
	assert_int_equal(cadre_log_open(it.env, &it.options, &it.log, &report, &err),
	                 CADRE_CORRUPT);
	it.log = NULL;
	last = report.first_bad - 1;
	assert_true(last > 0 && last < 60);
	assert_ok(cadre_log_cut(it.env, &it.options, last, &err));
	sim_log_open(&it, NULL);
	assert_int_equal(fixture_check(it.log, 1), last);
	sim_log_fini(&it);
}

/* Whatever fails during a cut, doing it again ends it, and nothing in front of it
 * is lost. */
static void an_interrupted_cut_can_be_done_again(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	bool more = true;

	(void)state;
	for (uint64_t n = 1; more; n++) {
		struct cadre_env_sim_failure failure = { .nth = n,
			                                 .errno_value = 5,
			                                 .sticky = true };
		struct sim_log it;
		sim_log_init(&it, n);
		fill(&it, 60, n % 2);
		cadre_env_sim_fail(it.sim, &failure);
		if (cadre_log_cut(it.env, &it.options, 90, &err) == CADRE_OK)
			more = cadre_env_sim_failed(it.sim);
		cadre_env_sim_crash(it.sim, n);
		assert_ok(cadre_log_cut(it.env, &it.options, 90, &err));
		sim_log_open(&it, NULL);
		assert_int_equal(fixture_check(it.log, 1), 90);
		sim_log_fini(&it);
	}
}

static void a_log_may_start_behind_a_snapshot(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_log_cursor *cursor;
	struct cadre_sha256 chain = { { 1, 2, 3 } };
	struct cadre_log_head head;
	struct sim_log it;

	(void)state;
	sim_log_init(&it, 1);
	assert_ok(cadre_log_create_at(it.env, &it.options, 1000, 4, 5, &chain, &err));
	assert_int_equal(
	        cadre_log_create_at(it.env, &it.options, 1000, 4, 5, &chain, &err),
	        CADRE_CONFLICT);
	sim_log_open(&it, NULL);
	head = cadre_log_head(it.log);
	assert_int_equal(head.last_seq, 999);
	assert_int_equal(head.epoch, 4);
	assert_memory_equal(&head.chain, &chain, sizeof chain);
	sim_log_append_synced(&it, 3);
	sim_log_close(&it);
	sim_log_open(&it, NULL);
	assert_int_equal(fixture_check(it.log, 1000), 1002);
	assert_int_equal(cadre_log_stat(it.log).first_seq, 1000);
	assert_int_equal(cadre_log_cursor_open(it.log, 999, &cursor, &err),
	                 CADRE_NOT_FOUND);
	sim_log_fini(&it);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cut_keeps_everything_up_to_its_seq),
		cmocka_unit_test(a_cut_inside_a_batch_is_refused),
		cmocka_unit_test(a_cut_in_front_of_damage_makes_the_log_open_again),
		cmocka_unit_test(an_interrupted_cut_can_be_done_again),
		cmocka_unit_test(a_log_may_start_behind_a_snapshot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
