#include "tests/unit/snapshot/snapshot_fixture.h"

#define DIR "/snapshots"

/* None at all, or one that loads. */
static void assert_none_or_whole(struct cadre_env *env, bool expect_whole)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_snapshot_info info;
	enum cadre_status status = cadre_snapshot_newest(env, DIR, CADRE_SEQ_MAX, &info,
	                                                 &err);

	if (status == CADRE_OK)
		assert_int_equal(load_anew(env, DIR, info.head.applied_seq), CADRE_OK);
	else
		assert_int_equal(status, CADRE_NOT_FOUND);
	if (expect_whole)
		assert_int_equal(status, CADRE_OK);
	/* A damaged one would be passed over with a message that says so. */
	assert_null(strstr(err.message, "no sound snapshot"));
}

static struct cadre_kv *some_rows(void)
{
	struct test_random random = { 77 };
	struct cadre_kv *kv = memory_open();

	rows_commit(kv, 3, 2500, 120, &random);
	return kv;
}

static void no_failing_operation_leaves_half_a_snapshot(void **state)
{
	struct cadre_kv *kv = some_rows();
	struct cadre_error err = CADRE_ERROR_INIT;
	bool triggered = true;

	(void)state;
	for (uint64_t nth = 1; triggered; nth++) {
		for (int sticky = 0; sticky < 2; sticky++) {
			struct cadre_env_sim *sim = cadre_env_sim_create(nth);
			struct cadre_env *env = cadre_env_sim_env(sim);
			struct cadre_env_sim_failure off = { 0 };
			struct cadre_env_sim_failure failure = {
				.nth = nth,
				.errno_value = nth % 2 ? EIO : ENOSPC,
				.sticky = sticky,
			};
			struct cadre_snapshot_info info;
			enum cadre_status status;

			cadre_env_sim_fail(sim, &failure);
			status = cadre_snapshot_write(env, DIR, kv, NULL, NULL, &info,
			                              &err);
			triggered = cadre_env_sim_failed(sim);
			cadre_env_sim_fail(sim, &off);
			assert_none_or_whole(env, status == CADRE_OK);
			assert_ok(cadre_snapshot_write(env, DIR, kv, NULL, NULL, &info,
			                               &err));
			assert_none_or_whole(env, true);
			cadre_env_sim_destroy(sim);
		}
	}
	cadre_kv_close(kv);
}

static void a_crash_at_any_operation_leaves_none_or_a_whole_one(void **state)
{
	struct cadre_kv *kv = some_rows();
	struct cadre_error err = CADRE_ERROR_INIT;
	bool triggered = true;

	(void)state;
	for (uint64_t nth = 1; triggered; nth++) {
		struct cadre_env_sim *sim = cadre_env_sim_create(nth);
		struct cadre_env *env = cadre_env_sim_env(sim);
		struct cadre_env_sim_failure failure = { .nth = nth,
			                                 .errno_value = EIO,
			                                 .sticky = true };
		struct cadre_snapshot_info info;
		enum cadre_status status;

		assert_ok(env->ops->mkdir(env, DIR, &err));
		assert_ok(env->ops->sync_dir(env, "/", &err));
		cadre_env_sim_fail(sim, &failure);
		status = cadre_snapshot_write(env, DIR, kv, NULL, NULL, &info, &err);
		triggered = cadre_env_sim_failed(sim);
		cadre_env_sim_crash(sim, nth * 31);
		assert_none_or_whole(env, status == CADRE_OK);
		assert_ok(cadre_snapshot_prune(env, DIR, 2, &err));
		assert_none_or_whole(env, status == CADRE_OK);
		cadre_env_sim_destroy(sim);
	}
	cadre_kv_close(kv);
}

static void a_snapshot_once_written_survives_power_loss(void **state)
{
	struct cadre_kv *kv = some_rows();
	struct cadre_error err = CADRE_ERROR_INIT;

	(void)state;
	for (uint64_t seed = 1; seed <= 30; seed++) {
		struct cadre_env_sim *sim = cadre_env_sim_create(seed);
		struct cadre_env *env = cadre_env_sim_env(sim);
		struct cadre_snapshot_info info;

		assert_ok(env->ops->mkdir(env, DIR, &err));
		assert_ok(cadre_snapshot_write(env, DIR, kv, NULL, NULL, &info, &err));
		cadre_env_sim_crash(sim, seed);
		assert_none_or_whole(env, true);
		cadre_env_sim_destroy(sim);
	}
	cadre_kv_close(kv);
}

static void no_failing_operation_loads_rows_that_differ(void **state)
{
	struct cadre_kv *kv = some_rows();
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_env_sim *sim = cadre_env_sim_create(1);
	struct cadre_env *env = cadre_env_sim_env(sim);
	struct cadre_snapshot_info info;
	bool triggered = true;

	(void)state;
	assert_ok(cadre_snapshot_write(env, DIR, kv, NULL, NULL, &info, &err));
	for (uint64_t nth = 1; triggered; nth++) {
		struct cadre_env_sim_failure failure = { .nth = nth, .errno_value = EIO };
		struct cadre_kv *loaded = memory_open();
		enum cadre_status status;

		cadre_env_sim_fail(sim, &failure);
		status = cadre_snapshot_load(env, DIR, 3, loaded, NULL, NULL, &err);
		triggered = cadre_env_sim_failed(sim);
		assert_true(triggered == (status != CADRE_OK));
		if (status == CADRE_OK)
			assert_equal_maps(kv, loaded);
		cadre_kv_close(loaded);
	}
	cadre_kv_close(kv);
	cadre_env_sim_destroy(sim);
}

static void without_twice_the_space_nothing_is_written(void **state)
{
	struct cadre_kv *kv = some_rows();
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_env_sim *sim = cadre_env_sim_create(1);
	struct cadre_env *env = cadre_env_sim_env(sim);
	struct cadre_snapshot_info info;
	struct cadre_kv_stat stat;
	uint64_t before;

	(void)state;
	assert_ok(cadre_kv_stat(kv, &stat, &err));
	before = cadre_env_sim_used(sim);
	cadre_env_sim_set_capacity(sim, before + stat.used_bytes);
	assert_int_equal(cadre_snapshot_write(env, DIR, kv, NULL, NULL, &info, &err),
	                 CADRE_OUT_OF_SPACE);
	assert_int_equal(cadre_env_sim_used(sim), before);
	cadre_env_sim_set_capacity(sim, before + 3 * stat.used_bytes);
	assert_ok(cadre_snapshot_write(env, DIR, kv, NULL, NULL, &info, &err));
	cadre_kv_close(kv);
	cadre_env_sim_destroy(sim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_failing_operation_leaves_half_a_snapshot),
		cmocka_unit_test(a_crash_at_any_operation_leaves_none_or_a_whole_one),
		cmocka_unit_test(a_snapshot_once_written_survives_power_loss),
		cmocka_unit_test(no_failing_operation_loads_rows_that_differ),
		cmocka_unit_test(without_twice_the_space_nothing_is_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
