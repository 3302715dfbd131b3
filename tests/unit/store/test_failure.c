#include "tests/unit/store/store_fixture.h"

static void
after_a_failed_sync_nothing_is_acknowledged_and_the_outcome_is_unknown(void **state)
{
	struct fixture fixture;
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_env_sim_failure failure = { .nth = 1,
		                                 .kinds = CADRE_ENV_SIM_SYNC,
		                                 .errno_value = EIO };
	struct sent *unknown;
	struct sent *later;

	(void)state;
	fixture_init(&fixture);
	fixture_open(&fixture);
	cadre_env_sim_fail(fixture.sim, &failure);
	unknown = fixture_send_one(&fixture, NULL,
	                           fixture_create_group(&fixture, "g", 0, 1));
	assert_int_not_equal(fixture_settle(&fixture, &err), CADRE_OK);
	assert_int_equal(unknown->request.status, CADRE_DEADLINE);
	assert_true(cadre_store_failed(fixture.store));
	later = fixture_send_one(&fixture, NULL,
	                         fixture_create_group(&fixture, "g", 0, 1));
	assert_int_equal(later->request.status, CADRE_UNAVAILABLE);
	assert_int_not_equal(fixture_settle(&fixture, &err), CADRE_OK);
	fixture_fini(&fixture);
}

static void a_full_disk_refuses_writes_keeps_reads_and_clears_by_itself(void **state)
{
	struct fixture fixture;
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_result first;
	struct cadre_result outcome;
	uint64_t refused = 0;
	cadre_seq last;

	(void)state;
	fixture_init(&fixture);
	fixture_open(&fixture);
	first = fixture_do(&fixture, "first", fixture_create_group(&fixture, "g", 0, 1));
	cadre_env_sim_set_capacity(fixture.sim, cadre_env_sim_used(fixture.sim));
	for (unsigned i = 0; i < 2000 && refused < 3; i++) {
		struct sent *sent = fixture_send_one(
		        &fixture, NULL, fixture_create_group(&fixture, "g", i, 20));
		assert_ok(fixture_settle(&fixture, &err));
		assert_int_equal(sent->completed, 1);
		if (sent->request.status != CADRE_OK) {
			assert_int_equal(sent->request.status, CADRE_OUT_OF_SPACE);
			refused++;
		}
	}
	assert_int_equal(refused, 3);
	assert_true(fixture_status(&fixture).out_of_space);
	assert_ok(cadre_store_outcome(fixture.store, "tester", "first", &outcome, &err));
	assert_string_equal(outcome.ocid, first.ocid);
	last = fixture_status(&fixture).log.last_seq;
	assert_ok(fixture_settle(&fixture, &err));
	assert_true(fixture_status(&fixture).out_of_space);
	cadre_env_sim_set_capacity(fixture.sim, 1u << 30);
	/* Also when nobody writes. */
	assert_ok(fixture_settle(&fixture, &err));
	assert_false(fixture_status(&fixture).out_of_space);
	assert_int_equal(
	        fixture_do(&fixture, NULL, fixture_create_group(&fixture, "g", 0, 20))
	                .seq,
	        last + 1);
	fixture_fini(&fixture);
}

/* Runs a script of 40 commands; what was acknowledged is noted. */
struct script {
	struct fixture fixture;
	unsigned acknowledged[40]; /* seq, 0: not */
	char history[CADRE_OCID_BYTES];
};

static void script_run(struct script *script)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct fixture *fixture = &script->fixture;
	char token[16];

	if (cadre_store_open(fixture->env, &fixture->options, &fixture->store, &err) !=
	    CADRE_OK)
		return;
	for (unsigned i = 0; i < 40; i++) {
		Cadre__V1__Command *command;
		struct sent *sent;
		snprintf(token, sizeof token, "t%u", i);
		if (i == 0)
			command = fixture_create_group(fixture, "g", 0, 3);
		else if (i == 1)
			command = fixture_create_history(fixture, "h", NULL);
		else
			command = fixture_create_group(fixture, "g", i, 8);
		sent = fixture_send_one(fixture, fixture_text(fixture, "%s", token),
		                        command);
		if (fixture_settle(fixture, &err) != CADRE_OK)
			break;
		cadre_env_sim_advance_ms(fixture->sim, i % 3 ? 1 : 20);
		if (sent->completed && sent->request.status == CADRE_OK)
			script->acknowledged[i] = (unsigned)sent->results[0].seq;
	}
	fixture_close(fixture);
}

/* Everything acknowledged is there, with its answer, and a replay agrees. */
static void script_check(struct script *script)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct fixture *fixture = &script->fixture;
	struct cadre_env_sim_failure none = { 0 };

	cadre_env_sim_fail(fixture->sim, &none);
	fixture_open(fixture);
	for (unsigned i = 0; i < 40; i++) {
		struct cadre_result outcome;
		char token[16];
		snprintf(token, sizeof token, "t%u", i);
		if (!script->acknowledged[i])
			continue;
		assert_ok(cadre_store_outcome(fixture->store, "tester", token, &outcome,
		                              &err));
		assert_int_equal(outcome.seq, script->acknowledged[i]);
	}
	/* It goes on working. */
	(void)fixture_do(fixture, NULL, fixture_create_group(fixture, "after", 0, 2));
	fixture_fini(fixture);
}

static void power_loss_at_any_moment_loses_nothing_acknowledged(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= 60; seed++) {
		struct script script = { 0 };
		struct cadre_env_sim_failure cut = { .nth = 5 * seed,
			                             .errno_value = EIO,
			                             .sticky = true };
		fixture_init(&script.fixture);
		cadre_env_sim_fail(script.fixture.sim, &cut);
		script_run(&script);
		cadre_env_sim_crash(script.fixture.sim, seed);
		script_check(&script);
	}
}

/* For every n: the n-th operation of a kind fails, once or for good. */
static void sweep(unsigned kinds, int errno_value, bool sticky)
{
	bool happened = true;

	for (unsigned nth = 1; happened; nth++) {
		struct script script = { 0 };
		struct cadre_env_sim_failure failure = { .nth = nth,
			                                 .kinds = kinds,
			                                 .errno_value = errno_value,
			                                 .sticky = sticky };
		fixture_init(&script.fixture);
		cadre_env_sim_fail(script.fixture.sim, &failure);
		script_run(&script);
		happened = cadre_env_sim_failed(script.fixture.sim);
		cadre_env_sim_kill(script.fixture.sim);
		script_check(&script);
	}
}

static void each_failing_write_or_sync_loses_nothing_acknowledged(void **state)
{
	(void)state;
	sweep(CADRE_ENV_SIM_WRITE, EIO, false);
	sweep(CADRE_ENV_SIM_WRITE, EIO, true);
	sweep(CADRE_ENV_SIM_SYNC, EIO, false);
	sweep(CADRE_ENV_SIM_SYNC, EIO, true);
}

static void each_full_disk_loses_nothing_acknowledged(void **state)
{
	(void)state;
	sweep(CADRE_ENV_SIM_WRITE, ENOSPC, false);
	sweep(CADRE_ENV_SIM_WRITE, ENOSPC, true);
}

static void each_failing_read_or_name_loses_nothing_acknowledged(void **state)
{
	(void)state;
	sweep(CADRE_ENV_SIM_OPEN | CADRE_ENV_SIM_READ, EIO, false);
	sweep(CADRE_ENV_SIM_NAME, EIO, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		        after_a_failed_sync_nothing_is_acknowledged_and_the_outcome_is_unknown),
		cmocka_unit_test(
		        a_full_disk_refuses_writes_keeps_reads_and_clears_by_itself),
		cmocka_unit_test(power_loss_at_any_moment_loses_nothing_acknowledged),
		cmocka_unit_test(each_failing_write_or_sync_loses_nothing_acknowledged),
		cmocka_unit_test(each_full_disk_loses_nothing_acknowledged),
		cmocka_unit_test(each_failing_read_or_name_loses_nothing_acknowledged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
