/* Laws of the simulated machine: what a crash takes and what it leaves. */
#include "engine/env/sim.h"
#include "tests/support/testing.h"

#include <errno.h>

#define SEEDS 200

static struct cadre_file *open_new(struct cadre_env_sim *sim, const char *path)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_file *file;

	assert_ok(cadre_file_open(cadre_env_sim_env(sim), path,
	                          CADRE_OPEN_WRITE | CADRE_OPEN_CREATE, &file, &err));
	return file;
}

static struct cadre_env_sim *make_sim(uint64_t seed)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_env_sim *sim = cadre_env_sim_create(seed);

	assert_non_null(sim);
	assert_ok(cadre_env_sim_env(sim)->ops->mkdir(cadre_env_sim_env(sim), "/d", &err));
	return sim;
}

static bool exists(struct cadre_env_sim *sim, const char *path)
{
	struct cadre_place place;
	struct cadre_env *env = cadre_env_sim_env(sim);

	return env->ops->place(env, path, &place, NULL) == CADRE_OK;
}

/* Writes two sectors of 'a' synced, then of 'b' unsynced, crashes; returns which
 * of the two sectors are 'b' (bits). */
static unsigned crash_two_sectors(uint64_t seed, bool failed_sync)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_env_sim *sim = make_sim(seed);
	struct cadre_env *env = cadre_env_sim_env(sim);
	struct cadre_file *file = open_new(sim, "/d/f");
	struct cadre_env_sim_failure failure = { .nth = 1, .errno_value = EIO };
	char data[1024];
	unsigned result = 0;

	memset(data, 'a', sizeof data);
	assert_ok(env->ops->pwrite(file, 0, data, sizeof data, &err));
	assert_ok(env->ops->datasync(file, &err));
	assert_ok(env->ops->sync_dir(env, "/d", &err));
	memset(data, 'b', sizeof data);
	assert_ok(env->ops->pwrite(file, 0, data, sizeof data, &err));
	if (failed_sync) {
		cadre_env_sim_fail(sim, &failure);
		assert_int_equal(env->ops->datasync(file, &err), CADRE_IO_ERROR);
		assert_ok(env->ops->datasync(file, &err));
	}
	cadre_env_sim_crash(sim, seed);
	assert_int_equal(env->ops->datasync(file, &err), CADRE_IO_ERROR);
	cadre_file_close(file);
	file = open_new(sim, "/d/f");
	assert_ok(cadre_file_read_exact(file, 0, data, sizeof data, &err));
	for (unsigned i = 0; i < 2; i++) {
		for (unsigned j = 1; j < 512; j++)
			assert_int_equal(data[512 * i + j], data[512 * i]);
		if (data[512 * i] == 'b')
			result |= 1u << i;
		else
			assert_int_equal(data[512 * i], 'a');
	}
	cadre_file_close(file);
	cadre_env_sim_destroy(sim);
	return result;
}

static void each_unsynced_sector_is_kept_or_lost_by_itself(void **state)
{
	unsigned seen = 0;

	(void)state;
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		unsigned result = crash_two_sectors(seed, false);
		assert_int_equal(result, crash_two_sectors(seed, false));
		seen |= 1u << result;
	}
	assert_int_equal(seen, 15);
}

static void a_sync_after_a_failed_one_makes_nothing_durable(void **state)
{
	unsigned seen = 0;

	(void)state;
	for (uint64_t seed = 0; seed < SEEDS; seed++)
		seen |= 1u << crash_two_sectors(seed, true);
	assert_int_equal(seen, 15);
}

static void a_rename_is_undone_unless_the_directory_was_synced(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	unsigned kept = 0;

	(void)state;
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct cadre_env_sim *sim = make_sim(seed);
		struct cadre_env *env = cadre_env_sim_env(sim);
		bool synced = seed % 2;
		cadre_file_close(open_new(sim, "/d/old"));
		assert_ok(env->ops->sync_dir(env, "/d", &err));
		assert_ok(env->ops->rename(env, "/d/old", "/d/new", &err));
		if (synced)
			assert_ok(env->ops->sync_dir(env, "/d", &err));
		cadre_env_sim_crash(sim, seed);
		assert_true(exists(sim, "/d/old") != exists(sim, "/d/new"));
		if (synced)
			assert_true(exists(sim, "/d/new"));
		else
			kept += exists(sim, "/d/new");
		cadre_env_sim_destroy(sim);
	}
	assert_true(kept > 0 && kept < SEEDS / 2);
}

static void a_removed_file_may_come_back(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	unsigned back = 0;

	(void)state;
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct cadre_env_sim *sim = make_sim(seed);
		struct cadre_env *env = cadre_env_sim_env(sim);
		cadre_file_close(open_new(sim, "/d/f"));
		assert_ok(env->ops->sync_dir(env, "/d", &err));
		assert_ok(env->ops->remove(env, "/d/f", &err));
		assert_false(exists(sim, "/d/f"));
		cadre_env_sim_crash(sim, seed);
		back += exists(sim, "/d/f");
		cadre_env_sim_destroy(sim);
	}
	assert_true(back > 0 && back < SEEDS);
}

static void the_nth_operation_fails_once_or_from_then_on(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_env_sim *sim = make_sim(1);
	struct cadre_env *env = cadre_env_sim_env(sim);
	struct cadre_file *file = open_new(sim, "/d/f");
	struct cadre_env_sim_failure failure = { .nth = 2, .errno_value = ENOSPC };

	(void)state;
	for (unsigned sticky = 0; sticky < 2; sticky++) {
		failure.sticky = sticky;
		cadre_env_sim_fail(sim, &failure);
		assert_ok(env->ops->pwrite(file, 0, "x", 1, &err));
		assert_false(cadre_env_sim_failed(sim));
		assert_int_equal(env->ops->pwrite(file, 0, "x", 1, &err),
		                 CADRE_OUT_OF_SPACE);
		assert_true(cadre_env_sim_failed(sim));
		assert_int_equal(env->ops->pwrite(file, 0, "x", 1, &err),
		                 sticky ? CADRE_OUT_OF_SPACE : CADRE_OK);
	}
	cadre_file_close(file);
	cadre_env_sim_destroy(sim);
}

static void a_full_disk_takes_nothing_until_it_grows(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_env_sim *sim = make_sim(1);
	struct cadre_env *env = cadre_env_sim_env(sim);
	struct cadre_file *file = open_new(sim, "/d/f");
	char data[4096] = { 1 };
	uint64_t size;

	(void)state;
	cadre_env_sim_set_capacity(sim, 1000);
	assert_int_equal(env->ops->pwrite(file, 0, data, sizeof data, &err),
	                 CADRE_OUT_OF_SPACE);
	assert_ok(env->ops->size(file, &size, &err));
	assert_int_equal(size, 1000);
	assert_ok(env->ops->pwrite(file, 0, data, 1000, &err));
	cadre_env_sim_set_capacity(sim, 5000);
	assert_ok(env->ops->pwrite(file, 0, data, sizeof data, &err));
	cadre_file_close(file);
	cadre_env_sim_destroy(sim);
}

static void a_kill_loses_nothing_and_frees_locks(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_env_sim *sim = make_sim(1);
	struct cadre_env *env = cadre_env_sim_env(sim);
	struct cadre_file *file = open_new(sim, "/d/f");
	struct cadre_file *again;
	struct cadre_place before;
	struct cadre_place after;
	char byte;

	(void)state;
	assert_ok(env->ops->place(env, "/d", &before, &err));
	assert_ok(env->ops->lock(file, &err));
	again = open_new(sim, "/d/f");
	assert_int_equal(env->ops->lock(again, &err), CADRE_CONFLICT);
	cadre_file_close(again);
	assert_ok(env->ops->pwrite(file, 0, "x", 1, &err));
	cadre_env_sim_kill(sim);
	again = open_new(sim, "/d/f");
	assert_ok(env->ops->lock(again, &err));
	cadre_file_close(file);
	assert_ok(cadre_file_read_exact(again, 0, &byte, 1, &err));
	assert_int_equal(byte, 'x');
	assert_ok(env->ops->place(env, "/d", &after, &err));
	assert_string_equal(before.boot_id, after.boot_id);
	cadre_file_close(again);
	cadre_env_sim_crash(sim, 1);
	assert_ok(env->ops->place(env, "/d", &after, &err));
	assert_string_not_equal(before.boot_id, after.boot_id);
	cadre_env_sim_destroy(sim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_unsynced_sector_is_kept_or_lost_by_itself),
		cmocka_unit_test(a_sync_after_a_failed_one_makes_nothing_durable),
		cmocka_unit_test(a_rename_is_undone_unless_the_directory_was_synced),
		cmocka_unit_test(a_removed_file_may_come_back),
		cmocka_unit_test(the_nth_operation_fails_once_or_from_then_on),
		cmocka_unit_test(a_full_disk_takes_nothing_until_it_grows),
		cmocka_unit_test(a_kill_loses_nothing_and_frees_locks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
