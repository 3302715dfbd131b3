/*
 * The log on a disk that fails, fills up and loses power. A scripted workload is
 * swept over every I/O operation until the n-th no longer triggers; after each
 * failure the machine crashes and the log must open by itself with every batch
 * whose sync said so, and none that was never appended.
 */
#include "tests/unit/log/sim_fixture.h"

#include <errno.h>

#define BATCHES 60
#define OPERATIONS_MAX 5000

struct outcome {
	cadre_seq synced;   /* last seq that a sync acknowledged */
	cadre_seq appended; /* last seq handed to an append, at most */
	bool failed;        /* some call failed */
};

/* One step after the other until one fails hard. Background work may fail softly:
 * it loses nothing. */
static void run(struct sim_log *it, struct outcome *outcome, unsigned batches)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	bool more;

	if (!it->log &&
	    cadre_log_open(it->env, &it->options, &it->log, NULL, &err) != CADRE_OK) {
		it->log = NULL;
		outcome->failed = true;
		return;
	}
	for (unsigned i = 0; i < batches; i++) {
		/* Some frames reach over several blocks. */
		uint32_t count = i % 4 == 3 ? 50 : 1 + i % 7;
		cadre_seq last = cadre_log_head(it->log).last_seq;
		outcome->appended = last + count;
		if (sim_log_append(it, count) != CADRE_OK) {
			outcome->failed = true;
			return;
		}
		if (cadre_log_sync(it->log, &err) != CADRE_OK) {
			outcome->failed = true;
			return;
		}
		outcome->synced = cadre_log_head(it->log).durable_seq;
		if (i % 5 == 4 && cadre_log_seal_mark(it->log, 0, &err) != CADRE_OK)
			outcome->failed = true;
		if (i % 3 == 2 &&
		    cadre_log_maintain(it->log, 32768, &more, &err) != CADRE_OK)
			outcome->failed = true;
		if (i == batches / 2 && cadre_log_seal_all(it->log, &err) != CADRE_OK)
			outcome->failed = true;
	}
}

/* The log opens by itself and holds what it must and nothing else. */
static void check(struct sim_log *it, const struct outcome *outcome)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	cadre_seq last;

	sim_log_open(it, NULL);
	last = fixture_check(it->log, 1);
	assert_int_equal(last, cadre_log_head(it->log).last_seq);
	assert_in_range(last, outcome->synced, outcome->appended);
	sim_log_append_synced(it, 3);
	assert_int_equal(fixture_check(it->log, 1), last + 3);
	sim_log_close(it);
	assert_ok(cadre_log_verify(it->env, &it->options, NULL, NULL, NULL, &err));
}

static void sweep(bool sticky, int errno_value, bool crash)
{
	bool triggered = true;
	uint64_t n;

	for (n = 1; triggered; n++) {
		struct cadre_env_sim_failure failure = { .nth = n,
			                                 .sticky = sticky,
			                                 .errno_value = errno_value };
		struct cadre_env_sim_failure off = { 0 };
		struct outcome outcome = { 0 };
		struct sim_log it;
		assert_true(n < OPERATIONS_MAX);
		sim_log_init(&it, n);
		cadre_env_sim_fail(it.sim, &failure);
		run(&it, &outcome, BATCHES);
		triggered = cadre_env_sim_failed(it.sim);
		if (crash)
			cadre_env_sim_crash(it.sim, n);
		else
			cadre_env_sim_fail(it.sim, &off);
		sim_log_close(&it);
		check(&it, &outcome);
		sim_log_fini(&it);
	}
	assert_true(n > 200);
}

static void one_failed_operation_loses_nothing_over_a_restart(void **state)
{
	(void)state;
	sweep(false, EIO, false);
	sweep(false, ENOSPC, false);
}

static void one_failed_operation_and_a_power_loss_lose_nothing(void **state)
{
	(void)state;
	sweep(false, EIO, true);
	sweep(false, ENOSPC, true);
}

static void power_loss_at_any_operation_loses_nothing(void **state)
{
	(void)state;
	sweep(true, EIO, true);
}

/* The same crash point with many seeds, and a second crash during the recovery. */
static void torn_writes_of_many_seeds_lose_nothing(void **state)
{
	uint64_t base = test_seed(1);

	(void)state;
	for (uint64_t seed = base; seed < base + 400; seed++) {
		struct test_random random = { .state = seed * 77 + 1 };
		struct cadre_env_sim_failure failure = {
			.nth = 1 + test_random_below(&random, 350),
			.sticky = true,
			.errno_value = EIO,
		};
		struct outcome outcome = { 0 };
		struct sim_log it;
		struct cadre_error err = CADRE_ERROR_INIT;
		sim_log_init(&it, seed);
		cadre_env_sim_fail(it.sim, &failure);
		run(&it, &outcome, BATCHES);
		cadre_env_sim_crash(it.sim, seed);
		sim_log_close(&it);
		failure.nth = 1 + test_random_below(&random, 30);
		cadre_env_sim_fail(it.sim, &failure);
		if (cadre_log_open(it.env, &it.options, &it.log, NULL, &err) != CADRE_OK)
			it.log = NULL;
		cadre_env_sim_crash(it.sim, seed + 1);
		sim_log_close(&it);
		check(&it, &outcome);
		sim_log_fini(&it);
	}
}

static void after_a_failed_sync_nothing_is_acknowledged(void **state)
{
	struct cadre_env_sim_failure failure = { .nth = 1,
		                                 .kinds = CADRE_ENV_SIM_SYNC,
		                                 .errno_value = EIO };
	struct cadre_error err = CADRE_ERROR_INIT;
	struct sim_log it;

	(void)state;
	sim_log_init(&it, 1);
	sim_log_open(&it, NULL);
	sim_log_append_synced(&it, 2);
	assert_int_equal(sim_log_append(&it, 2), CADRE_OK);
	cadre_env_sim_fail(it.sim, &failure);
	assert_int_equal(cadre_log_sync(it.log, &err), CADRE_IO_ERROR);
	assert_int_equal(cadre_log_sync(it.log, &err), CADRE_IO_ERROR);
	assert_int_equal(sim_log_append(&it, 2), CADRE_IO_ERROR);
	assert_int_equal(cadre_log_seal_mark(it.log, 0, &err), CADRE_IO_ERROR);
	assert_int_equal(cadre_log_prepare(it.log, 100, &err), CADRE_IO_ERROR);
	assert_int_equal(cadre_log_head(it.log).durable_seq, 2);
	sim_log_fini(&it);
}

/* The process restarts over a page cache that shows more than the disk holds:
 * recovery makes it durable before open returns. */
static void what_open_shows_survives_a_power_loss_right_after(void **state)
{
	struct cadre_env_sim_failure failure = { .nth = 1,
		                                 .kinds = CADRE_ENV_SIM_SYNC,
		                                 .errno_value = EIO };
	struct cadre_error err = CADRE_ERROR_INIT;

	(void)state;
	for (uint64_t seed = 0; seed < 100; seed++) {
		struct cadre_log_report report;
		struct sim_log it;
		sim_log_init(&it, seed);
		sim_log_open(&it, NULL);
		sim_log_append_synced(&it, 2);
		assert_int_equal(sim_log_append(&it, 20), CADRE_OK);
		cadre_env_sim_fail(it.sim, &failure);
		assert_int_equal(cadre_log_sync(it.log, &err), CADRE_IO_ERROR);
		cadre_env_sim_kill(it.sim);
		sim_log_close(&it);
		sim_log_open(&it, &report);
		assert_int_equal(cadre_log_head(it.log).durable_seq, 22);
		assert_true(report.rewritten_bytes > 0);
		cadre_env_sim_crash(it.sim, seed);
		sim_log_close(&it);
		sim_log_open(&it, NULL);
		assert_int_equal(fixture_check(it.log, 1), 22);
		sim_log_fini(&it);
	}
}

static void a_full_disk_refuses_appends_and_clears_by_itself(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct sim_log it;
	enum cadre_status status = CADRE_OK;
	bool more;
	cadre_seq last;

	(void)state;
	sim_log_init(&it, 1);
	sim_log_open(&it, NULL);
	cadre_env_sim_set_capacity(it.sim, cadre_env_sim_used(it.sim) + 20000);
	for (unsigned i = 0; i < 100 && status == CADRE_OK; i++) {
		status = sim_log_append(&it, 3);
		if (status == CADRE_OK)
			assert_ok(cadre_log_sync(it.log, &err));
	}
	assert_int_equal(status, CADRE_OUT_OF_SPACE);
	assert_int_equal(cadre_log_prepare(it.log, 1000, &err), CADRE_OUT_OF_SPACE);
	assert_int_equal(cadre_log_maintain(it.log, 1 << 20, &more, &err),
	                 CADRE_OUT_OF_SPACE);
	/* The half-written file is gone, reads go on, a restart works. */
	assert_int_equal(cadre_env_sim_used(it.sim), 64 << 10);
	last = cadre_log_head(it.log).last_seq;
	assert_int_equal(fixture_check(it.log, 1), last);
	sim_log_close(&it);
	sim_log_open(&it, NULL);
	assert_int_equal(fixture_check(it.log, 1), last);
	assert_int_equal(sim_log_append(&it, 20), CADRE_OUT_OF_SPACE);
	cadre_env_sim_set_capacity(it.sim, 1 << 30);
	assert_ok(cadre_log_prepare(it.log, 20000, &err));
	sim_log_append_synced(&it, 20);
	assert_int_equal(fixture_check(it.log, 1), last + 20);
	sim_log_fini(&it);
}

static void a_torn_tail_on_a_full_disk_does_not_stop_the_start(void **state)
{
	unsigned torn = 0;

	(void)state;
	for (uint64_t seed = 0; seed < 60; seed++) {
		struct cadre_log_report report;
		struct sim_log it;
		sim_log_init(&it, seed);
		sim_log_open(&it, NULL);
		sim_log_append_synced(&it, 5);
		assert_int_equal(sim_log_append(&it, 40), CADRE_OK);
		cadre_env_sim_crash(it.sim, seed);
		sim_log_close(&it);
		cadre_env_sim_set_capacity(it.sim, cadre_env_sim_used(it.sim));
		sim_log_open(&it, &report);
		torn += report.torn_bytes > 0;
		assert_int_equal(fixture_check(it.log, 1),
		                 cadre_log_head(it.log).last_seq);
		assert_true(cadre_log_head(it.log).last_seq >= 5);
		sim_log_fini(&it);
	}
	assert_true(torn > 10);
}

static enum cadre_status count_name(void *ctx, const char *name)
{
	(void)name;
	++*(unsigned *)ctx;
	return CADRE_OK;
}

static void torn_bytes_are_kept_in_lost_and_found(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	unsigned torn = 0;

	(void)state;
	for (uint64_t seed = 0; seed < 40; seed++) {
		struct cadre_log_report report;
		struct sim_log it;
		unsigned names = 0;
		sim_log_init(&it, seed);
		sim_log_open(&it, NULL);
		assert_int_equal(sim_log_append(&it, 40), CADRE_OK);
		cadre_env_sim_crash(it.sim, seed);
		sim_log_close(&it);
		sim_log_open(&it, &report);
		if (report.torn_bytes > 0) {
			assert_ok(it.env->ops->list(it.env, SIM_LOST_DIR, count_name,
			                            &names, &err));
			assert_int_equal(names, 1);
			torn++;
		}
		sim_log_fini(&it);
	}
	assert_true(torn > 10);
}

/* What is refused for space is not half done: the same handle goes on. */
static void a_full_disk_at_any_operation_refuses_and_clears_by_itself(void **state)
{
	bool triggered = true;

	(void)state;
	for (uint64_t n = 1; triggered; n++) {
		struct cadre_env_sim_failure failure = { .nth = n,
			                                 .kinds = CADRE_ENV_SIM_NAME |
			                                          CADRE_ENV_SIM_SYNC,
			                                 .errno_value = ENOSPC };
		struct cadre_error err = CADRE_ERROR_INIT;
		struct sim_log it;
		cadre_seq last = 0;
		sim_log_init(&it, n);
		sim_log_open(&it, NULL);
		cadre_env_sim_fail(it.sim, &failure);
		for (unsigned i = 0; i < 40; i++) {
			/* 20 KiB: three frames fill a segment. */
			while (cadre_log_prepare(it.log, 20000, &err) != CADRE_OK)
				assert_int_equal(err.status, CADRE_OUT_OF_SPACE);
			assert_int_equal(sim_log_append(&it, 60), CADRE_OK);
			if (cadre_log_sync(it.log, &err) != CADRE_OK)
				break; /* a frame's own sync: latched */
			last = cadre_log_head(it.log).last_seq;
		}
		triggered = cadre_env_sim_failed(it.sim);
		if (last < 40 * 60)
			assert_int_equal(cadre_log_prepare(it.log, 1, &err),
			                 CADRE_IO_ERROR);
		cadre_env_sim_crash(it.sim, n);
		sim_log_close(&it);
		sim_log_open(&it, NULL);
		assert_true(fixture_check(it.log, 1) >= last);
		sim_log_fini(&it);
	}
}

static bool die_go_on_and_lose_power(uint64_t n, uint64_t seed)
{
	struct cadre_env_sim_failure failure = { .nth = n,
		                                 .errno_value = EIO,
		                                 .sticky = true };
	struct outcome outcome = { 0 };
	struct sim_log it;
	bool triggered;
	cadre_seq last;

	sim_log_init(&it, n);
	cadre_env_sim_fail(it.sim, &failure);
	run(&it, &outcome, 12);
	triggered = cadre_env_sim_failed(it.sim);
	cadre_env_sim_kill(it.sim);
	sim_log_close(&it);
	sim_log_open(&it, NULL);
	sim_log_append_synced(&it, 2);
	last = cadre_log_head(it.log).last_seq;
	cadre_env_sim_crash(it.sim, seed);
	sim_log_close(&it);
	sim_log_open(&it, NULL);
	assert_int_equal(cadre_log_head(it.log).last_seq, last);
	sim_log_fini(&it);
	return triggered;
}

/* The process dies at any operation, another goes on, then the power is lost. */
static void what_follows_a_death_at_any_operation_survives_power_loss(void **state)
{
	bool triggered = true;

	(void)state;
	for (uint64_t n = 1; triggered; n++)
		for (uint64_t seed = 1; seed <= 8; seed++)
			triggered = die_go_on_and_lose_power(n, seed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		        a_full_disk_at_any_operation_refuses_and_clears_by_itself),
		cmocka_unit_test(
		        what_follows_a_death_at_any_operation_survives_power_loss),
		cmocka_unit_test(one_failed_operation_loses_nothing_over_a_restart),
		cmocka_unit_test(one_failed_operation_and_a_power_loss_lose_nothing),
		cmocka_unit_test(power_loss_at_any_operation_loses_nothing),
		cmocka_unit_test(torn_writes_of_many_seeds_lose_nothing),
		cmocka_unit_test(after_a_failed_sync_nothing_is_acknowledged),
		cmocka_unit_test(what_open_shows_survives_a_power_loss_right_after),
		cmocka_unit_test(a_full_disk_refuses_appends_and_clears_by_itself),
		cmocka_unit_test(a_torn_tail_on_a_full_disk_does_not_stop_the_start),
		cmocka_unit_test(torn_bytes_are_kept_in_lost_and_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
