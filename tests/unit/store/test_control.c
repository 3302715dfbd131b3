#include "engine/env/sim.h"
#include "engine/store/control.h"
#include "engine/views/rows.h"
#include "tests/support/testing.h"

#define DIR "/views"

static struct cadre_env_sim *sim;
static struct cadre_env *env;
static struct cadre_error err;

static int setup(void **state)
{
	(void)state;
	sim = cadre_env_sim_create(1);
	env = cadre_env_sim_env(sim);
	assert_ok(env->ops->mkdir(env, DIR, &err));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	cadre_env_sim_destroy(sim);
	return 0;
}

static void a_takeover_keeps_the_page_and_makes_the_epoch_even(void **state)
{
	struct cadre_control owner, reader;

	(void)state;
	assert_ok(cadre_control_create(env, DIR, &owner, &err));
	assert_ok(cadre_control_open(env, DIR, &reader, &err));
	assert_int_equal(atomic_load(&reader.page->state), CADRE_CONTROL_REBUILDING);
	assert_int_equal(atomic_load(&reader.page->pointer_epoch) & 1, 0);
	atomic_store(&owner.page->generation, 7);
	atomic_store(&owner.page->pointer_epoch, 41);
	atomic_store(&owner.page->watermark_ms, 1000);
	atomic_store(&owner.page->state, CADRE_CONTROL_SERVING);
	cadre_control_close(&owner);
	assert_ok(cadre_control_create(env, DIR, &owner, &err));
	assert_int_equal(atomic_load(&reader.page->state), CADRE_CONTROL_REBUILDING);
	assert_int_equal(atomic_load(&reader.page->generation), 7);
	assert_int_equal(atomic_load(&reader.page->pointer_epoch), 42);
	assert_int_equal(atomic_load(&reader.page->watermark_ms), 1000);
	cadre_control_close(&reader);
	cadre_control_close(&owner);
}

static void a_missing_cut_or_damaged_page_is_unavailable_and_made_anew(void **state)
{
	struct cadre_control owner, reader;
	struct cadre_file *file;
	uint64_t epoch;

	(void)state;
	assert_int_equal(cadre_control_open(env, DIR, &reader, &err), CADRE_UNAVAILABLE);
	assert_ok(cadre_control_create(env, DIR, &owner, &err));
	epoch = atomic_load(&owner.page->pointer_epoch);
	atomic_store(&owner.page->generation, 7);
	owner.page->magic ^= 1;
	assert_int_equal(cadre_control_open(env, DIR, &reader, &err), CADRE_UNAVAILABLE);
	cadre_control_close(&owner);
	assert_ok(cadre_control_create(env, DIR, &owner, &err));
	assert_int_equal(atomic_load(&owner.page->generation), 0);
	assert_true(atomic_load(&owner.page->pointer_epoch) != epoch);
	assert_ok(cadre_control_open(env, DIR, &reader, &err));
	cadre_control_close(&reader);
	cadre_control_close(&owner);

	assert_ok(cadre_file_open(env, DIR "/control", CADRE_OPEN_WRITE, &file, &err));
	assert_ok(env->ops->truncate(file, 100, &err));
	cadre_file_close(file);
	assert_int_equal(cadre_control_open(env, DIR, &reader, &err), CADRE_UNAVAILABLE);
	assert_ok(cadre_control_create(env, DIR, &owner, &err));
	assert_ok(cadre_control_open(env, DIR, &reader, &err));
	cadre_control_close(&reader);
	cadre_control_close(&owner);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		        a_takeover_keeps_the_page_and_makes_the_epoch_even, setup,
		        teardown),
		cmocka_unit_test_setup_teardown(
		        a_missing_cut_or_damaged_page_is_unavailable_and_made_anew, setup,
		        teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
