#include <unistd.h>

#include "tests/unit/snapshot/snapshot_fixture.h"

static void what_is_loaded_equals_what_was_written(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_env_sim *sim = cadre_env_sim_create(1);
	struct cadre_env *env = cadre_env_sim_env(sim);
	struct test_random random = { test_seed(11) };
	struct cadre_snapshot_info info;

	(void)state;
	for (cadre_seq seq = 1; seq <= 6; seq++) {
		struct cadre_kv *kv = memory_open();
		struct cadre_kv *loaded = memory_open();

		rows_commit(kv, seq, (unsigned)(seq * seq * seq * 20), 200, &random);
		assert_ok(cadre_snapshot_write(env, "/snapshots", kv, NULL, NULL, &info,
		                               &err));
		assert_int_equal(info.head.applied_seq, seq);
		assert_ok(
		        cadre_snapshot_verify(env, "/snapshots", seq, NULL, NULL, &err));
		assert_ok(cadre_snapshot_load(env, "/snapshots", seq, loaded, NULL, NULL,
		                              &err));
		assert_equal_maps(kv, loaded);
		cadre_kv_close(kv);
		cadre_kv_close(loaded);
	}
	cadre_env_sim_destroy(sim);
}

static void rows_as_large_as_an_event_make_the_trip(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_env_sim *sim = cadre_env_sim_create(2);
	struct cadre_env *env = cadre_env_sim_env(sim);
	struct test_random random = { 5 };
	struct cadre_kv *kv = memory_open();
	struct cadre_kv *loaded = memory_open();
	struct cadre_snapshot_info info;

	(void)state;
	rows_commit(kv, 9, 20, 512 << 10, &random);
	assert_ok(cadre_snapshot_write(env, "/snapshots", kv, NULL, NULL, &info, &err));
	assert_ok(cadre_snapshot_load(env, "/snapshots", 9, loaded, NULL, NULL, &err));
	assert_equal_maps(kv, loaded);
	cadre_kv_close(kv);
	cadre_kv_close(loaded);
	cadre_env_sim_destroy(sim);
}

static void lmdb_and_memory_write_the_same_bytes_and_load_each_others(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_env *env = cadre_env_real();
	struct test_random random = { 3 }, again = { 3 };
	struct cadre_kv *memory = memory_open(), *lmdb = NULL, *loaded = NULL;
	struct cadre_snapshot_info info, twin;
	char dir[256], views[300], target[300], a[300], b[300];

	(void)state;
	test_make_dir(dir, sizeof dir);
	snprintf(views, sizeof views, "%s/views", dir);
	snprintf(target, sizeof target, "%s/target", dir);
	snprintf(a, sizeof a, "%s/a", dir);
	snprintf(b, sizeof b, "%s/b", dir);
	assert_ok(env->ops->mkdir(env, views, &err));
	assert_ok(env->ops->mkdir(env, target, &err));
	assert_ok(cadre_kv_open_lmdb(views, NULL, &lmdb, &err));
	assert_ok(cadre_kv_open_lmdb(target, NULL, &loaded, &err));
	rows_commit(memory, 4, 12000, 60, &random);
	rows_commit(lmdb, 4, 12000, 60, &again);
	assert_ok(cadre_snapshot_write(env, a, memory, NULL, NULL, &info, &err));
	assert_ok(cadre_snapshot_write(env, b, lmdb, NULL, NULL, &twin, &err));
	assert_int_equal(info.bytes, twin.bytes);
	assert_true(cadre_hash128_equal(info.head.digest, twin.head.digest));
	assert_ok(cadre_snapshot_load(env, a, 4, loaded, NULL, NULL, &err));
	assert_equal_maps(memory, loaded);
	cadre_kv_close(memory);
	cadre_kv_close(lmdb);
	cadre_kv_close(loaded);
	test_remove_dir(dir);
}

static enum cadre_status no_more(void *ctx, uint64_t done, uint64_t total)
{
	uint64_t *last = ctx;

	assert_true(done >= *last && total >= done);
	*last = done;
	return done > 1000 ? CADRE_DEADLINE : CADRE_OK;
}

static void progress_can_stop_both_ways_and_leaves_nothing(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_env_sim *sim = cadre_env_sim_create(2);
	struct cadre_env *env = cadre_env_sim_env(sim);
	struct test_random random = { 8 };
	struct cadre_kv *kv = memory_open(), *loaded = memory_open();
	struct cadre_snapshot_info info;
	struct cadre_kv_stat stat;
	uint64_t last = 0;

	(void)state;
	rows_commit(kv, 5, 8000, 100, &random);
	assert_int_equal(cadre_snapshot_write(env, "/s", kv, no_more, &last, &info, &err),
	                 CADRE_DEADLINE);
	assert_int_equal(cadre_snapshot_newest(env, "/s", CADRE_SEQ_MAX, &info, &err),
	                 CADRE_NOT_FOUND);
	assert_ok(cadre_snapshot_write(env, "/s", kv, NULL, NULL, &info, &err));
	last = 0;
	assert_int_equal(cadre_snapshot_load(env, "/s", 5, loaded, no_more, &last, &err),
	                 CADRE_DEADLINE);
	assert_ok(cadre_kv_stat(loaded, &stat, &err));
	assert_int_equal(stat.entries, 0);
	cadre_kv_close(kv);
	cadre_kv_close(loaded);
	cadre_env_sim_destroy(sim);
}

static void a_map_with_rows_is_not_loaded_into(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_env_sim *sim = cadre_env_sim_create(2);
	struct cadre_env *env = cadre_env_sim_env(sim);
	struct test_random random = { 8 };
	struct cadre_kv *kv = memory_open();
	struct cadre_snapshot_info info;

	(void)state;
	rows_commit(kv, 5, 10, 100, &random);
	assert_ok(cadre_snapshot_write(env, "/s", kv, NULL, NULL, &info, &err));
	assert_int_equal(cadre_snapshot_load(env, "/s", 5, kv, NULL, NULL, &err),
	                 CADRE_INCORRECT_STATE);
	cadre_kv_close(kv);
	cadre_env_sim_destroy(sim);
}

static void snapshots_come_after_much_log_or_many_events_but_not_often(void **state)
{
	struct cadre_snapshot_schedule schedule = { .last_seq = 100,
		                                    .last_log_bytes = 1 << 20,
		                                    .last_mono_ns = 1 };
	const uint64_t minutes = UINT64_C(60000000000);

	(void)state;
	assert_false(cadre_snapshot_due(&schedule, 100, UINT64_MAX, 99 * minutes, true));
	assert_true(cadre_snapshot_due(&schedule, 101, 0, 1, true));
	assert_false(cadre_snapshot_due(&schedule, 500099, 2 << 20, 99 * minutes, false));
	assert_true(cadre_snapshot_due(&schedule, 500100, 2 << 20, 99 * minutes, false));
	assert_true(cadre_snapshot_due(&schedule, 101, 257 << 20, 99 * minutes, false));
	assert_false(cadre_snapshot_due(&schedule, 101, 256 << 20, 99 * minutes, false));
	assert_false(cadre_snapshot_due(&schedule, 101, 1 << 10, 99 * minutes, false));
	assert_false(cadre_snapshot_due(&schedule, 900000, 2 << 20, 9 * minutes, false));
	schedule.last_mono_ns = 0;
	assert_true(cadre_snapshot_due(&schedule, 900000, 2 << 20, 9 * minutes, false));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_loaded_equals_what_was_written),
		cmocka_unit_test(rows_as_large_as_an_event_make_the_trip),
		cmocka_unit_test(
		        lmdb_and_memory_write_the_same_bytes_and_load_each_others),
		cmocka_unit_test(progress_can_stop_both_ways_and_leaves_nothing),
		cmocka_unit_test(a_map_with_rows_is_not_loaded_into),
		cmocka_unit_test(
		        snapshots_come_after_much_log_or_many_events_but_not_often),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
