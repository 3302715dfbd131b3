#include "tests/unit/snapshot/snapshot_fixture.h"

#define DIR "/snapshots"

struct fixture {
	struct cadre_env_sim *sim;
	struct cadre_env *env;
	struct cadre_kv *kv;
};

static int setup(void **state)
{
	static struct fixture fixture;
	struct cadre_error err = CADRE_ERROR_INIT;
	struct test_random random = { 4 };

	fixture.sim = cadre_env_sim_create(1);
	fixture.env = cadre_env_sim_env(fixture.sim);
	fixture.kv = memory_open();
	for (cadre_seq seq = 10; seq <= 40; seq += 10) {
		struct cadre_snapshot_info info;

		rows_commit(fixture.kv, seq, 20, 20, &random);
		assert_ok(cadre_snapshot_write(fixture.env, DIR, fixture.kv, NULL, NULL,
		                               &info, &err));
	}
	*state = &fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	cadre_kv_close(fixture->kv);
	cadre_env_sim_destroy(fixture->sim);
	return 0;
}

static cadre_seq newest(struct fixture *fixture, cadre_seq seq_max)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_snapshot_info info;
	enum cadre_status status = cadre_snapshot_newest(fixture->env, DIR, seq_max,
	                                                 &info, &err);

	if (status == CADRE_NOT_FOUND)
		return 0;
	assert_ok(status);
	return info.head.applied_seq;
}

static enum cadre_status note(void *ctx, const struct cadre_snapshot_info *info)
{
	cadre_seq *sum = ctx;

	/* Oldest first: digits in order. */
	*sum = *sum * 100 + info->head.applied_seq;
	return CADRE_OK;
}

static cadre_seq listed(struct fixture *fixture)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	cadre_seq sum = 0;

	assert_ok(cadre_snapshot_list(fixture->env, DIR, note, &sum, &err));
	return sum;
}

static void the_newest_is_the_last_at_or_below_the_bound(void **state)
{
	assert_int_equal(newest(*state, CADRE_SEQ_MAX), 40);
	assert_int_equal(newest(*state, 40), 40);
	assert_int_equal(newest(*state, 39), 30);
	assert_int_equal(newest(*state, 9), 0);
	assert_int_equal(listed(*state), 10203040);
}

static void damaged_ones_are_passed_over(void **state)
{
	struct fixture *fixture = *state;
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_snapshot_info info;

	assert_ok(
	        cadre_env_sim_flip(fixture->sim, DIR "/0000000000000028/manifest", 9, 1));
	file_truncate(fixture->env, DIR "/000000000000001e/rows", 10);
	assert_int_equal(newest(fixture, CADRE_SEQ_MAX), 20);
	assert_int_equal(listed(fixture), 1020);
	assert_int_equal(cadre_snapshot_newest(fixture->env, DIR, 9, &info, &err),
	                 CADRE_NOT_FOUND);
	assert_ok(fixture->env->ops->remove(fixture->env, DIR "/0000000000000014/rows",
	                                    &err));
	assert_ok(
	        cadre_env_sim_flip(fixture->sim, DIR "/000000000000000a/manifest", 9, 1));
	assert_int_equal(cadre_snapshot_newest(fixture->env, DIR, 99, &info, &err),
	                 CADRE_NOT_FOUND);
	assert_non_null(strstr(err.message, "0000000000000028/manifest"));
}

static void a_damaged_one_is_written_again(void **state)
{
	struct fixture *fixture = *state;
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_snapshot_info info;

	assert_ok(
	        cadre_env_sim_flip(fixture->sim, DIR "/0000000000000028/manifest", 9, 1));
	assert_int_equal(newest(fixture, CADRE_SEQ_MAX), 30);
	assert_ok(cadre_snapshot_write(fixture->env, DIR, fixture->kv, NULL, NULL, &info,
	                               &err));
	assert_int_equal(newest(fixture, CADRE_SEQ_MAX), 40);
}

static void one_that_is_there_is_not_written_again(void **state)
{
	struct fixture *fixture = *state;
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_snapshot_info info;
	uint64_t used = cadre_env_sim_used(fixture->sim);

	memset(&info, 0, sizeof info);
	assert_ok(cadre_snapshot_write(fixture->env, DIR, fixture->kv, NULL, NULL, &info,
	                               &err));
	assert_int_equal(info.head.applied_seq, 40);
	assert_true(info.rows > 0 && info.bytes > 0);
	assert_int_equal(cadre_env_sim_used(fixture->sim), used);
}

static void prune_keeps_the_newest_sound_ones(void **state)
{
	struct fixture *fixture = *state;
	struct cadre_error err = CADRE_ERROR_INIT;

	assert_ok(
	        cadre_env_sim_flip(fixture->sim, DIR "/0000000000000028/manifest", 9, 1));
	assert_ok(fixture->env->ops->mkdir(fixture->env, DIR "/0000000000000050.tmp",
	                                   &err));
	assert_ok(fixture->env->ops->mkdir(fixture->env, DIR "/other", &err));
	assert_ok(cadre_snapshot_prune(fixture->env, DIR, 2, &err));
	assert_int_equal(listed(fixture), 2030);
	assert_int_equal(fixture->env->ops->remove(fixture->env,
	                                           DIR "/0000000000000050.tmp", &err),
	                 CADRE_NOT_FOUND);
	assert_ok(fixture->env->ops->remove(fixture->env, DIR "/other", &err));
	assert_ok(cadre_snapshot_prune(fixture->env, DIR, 0, &err));
	assert_int_equal(listed(fixture), 0);
}

static void a_directory_that_is_not_there_has_no_snapshots(void **state)
{
	struct fixture *fixture = *state;
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_snapshot_info info;

	assert_int_equal(cadre_snapshot_newest(fixture->env, "/none", 9, &info, &err),
	                 CADRE_NOT_FOUND);
	assert_ok(cadre_snapshot_prune(fixture->env, "/none", 2, &err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		        the_newest_is_the_last_at_or_below_the_bound, setup, teardown),
		cmocka_unit_test_setup_teardown(damaged_ones_are_passed_over, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(a_damaged_one_is_written_again, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(one_that_is_there_is_not_written_again,
		                                setup, teardown),
		cmocka_unit_test_setup_teardown(prune_keeps_the_newest_sound_ones, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(
		        a_directory_that_is_not_there_has_no_snapshots, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
