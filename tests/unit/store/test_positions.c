/* What is written, committed and seen are different positions: laws about their
 * order. */
#include "engine/store/internal.h"
#include "tests/unit/store/store_fixture.h"

static void nothing_is_decided_in_front_of_what_is_not_committed(void **state)
{
	struct fixture fixture;
	struct cadre_error err = CADRE_ERROR_INIT;
	struct sent *sent;

	(void)state;
	fixture_init(&fixture);
	fixture.options.no_auto_commit = true;
	fixture_open(&fixture);
	cadre_store_commit(fixture.store, 1);
	(void)fixture_send_one(&fixture, NULL, fixture_create_group(&fixture, "g", 0, 1));
	assert_ok(fixture_settle(&fixture, &err));
	fixture_close(&fixture);

	fixture_open(&fixture);
	cadre_store_commit(fixture.store, 1);
	assert_int_equal(fixture_status(&fixture).log.last_seq, 2);
	sent = fixture_send_one(&fixture, NULL,
	                        fixture_create_group(&fixture, "g", 1, 1));
	assert_ok(fixture_settle(&fixture, &err));
	assert_int_equal(sent->completed, 0);
	assert_int_equal(fixture_status(&fixture).log.last_seq, 2);
	assert_int_equal(fixture_status(&fixture).state, CADRE_CONTROL_SERVING);
	assert_true(cadre_store_idle_ns(fixture.store) > 0);
	cadre_store_commit(fixture.store, 2);
	assert_ok(fixture_settle(&fixture, &err));
	assert_int_equal(fixture_status(&fixture).log.last_seq, 3);
	/* It waits for the quorum: no reason to look again at once. */
	(void)fixture_send_one(&fixture, NULL, fixture_create_group(&fixture, "g", 2, 1));
	assert_true(cadre_store_idle_ns(fixture.store) > 0);
	cadre_store_commit(fixture.store, 3);
	assert_ok(fixture_settle(&fixture, &err));
	assert_int_equal(sent->request.status, CADRE_OK);
	fixture_fini(&fixture);
}

static void a_commit_ahead_of_the_log_ends_at_the_log(void **state)
{
	struct fixture fixture;
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_log_cursor *cursor;
	struct cadre_batch batch;
	struct fixture leader;

	(void)state;
	fixture_init(&leader);
	fixture_open(&leader);
	fixture_do(&leader, NULL, fixture_create_group(&leader, "g", 0, 1));
	fixture_init(&fixture);
	fixture_fini(&fixture);
	fixture_init(&fixture); /* the same random bytes as the leader's: one cluster */
	fixture.options.follower = true;
	fixture_open(&fixture);
	cadre_store_commit(fixture.store, 1000);
	assert_ok(fixture_settle(&fixture, &err));
	assert_int_equal(fixture_status(&fixture).committed_seq, 1);
	assert_ok(cadre_log_cursor_open(cadre_store_log(leader.store), 2, &cursor, &err));
	assert_ok(cadre_log_cursor_next(cursor, &batch, &err));
	assert_ok(cadre_store_append(fixture.store, batch.bytes, 1000, &err));
	cadre_log_cursor_close(cursor);
	assert_ok(fixture_settle(&fixture, &err));
	assert_int_equal(fixture_status(&fixture).view.applied_seq, 2);
	fixture_fini(&fixture);
	fixture_fini(&leader);
}

static void while_views_are_behind_no_time_is_settled_and_no_outcome_told(void **state)
{
	struct fixture fixture;
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_result outcome;
	cadre_time_ms settled;

	(void)state;
	fixture_init(&fixture);
	fixture_open(&fixture);
	settled = cadre_store_watermark(fixture.store);
	cadre_env_sim_advance_ms(fixture.sim, 5000);
	fixture.store->behind = true;
	assert_int_equal(cadre_store_watermark(fixture.store), settled);
	assert_int_equal(
	        cadre_store_outcome(fixture.store, "tester", "x", &outcome, &err),
	        CADRE_UNAVAILABLE);
	fixture.store->behind = false;
	assert_int_equal(cadre_store_watermark(fixture.store), settled + 5000);
	assert_int_equal(
	        cadre_store_outcome(fixture.store, "tester", "x", &outcome, &err),
	        CADRE_NOT_FOUND);
	fixture_fini(&fixture);
}

/* A leader and its follower: the same random bytes make one cluster. */
static void make_pair(struct fixture *leader, struct fixture *follower)
{
	fixture_init(leader);
	fixture_open(leader);
	fixture_init(follower);
	follower->options.follower = true;
	fixture_open(follower);
	cadre_store_commit(follower->store, 1);
}

static void send_all(struct fixture *leader, struct fixture *follower)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_log_cursor *cursor;
	struct cadre_batch batch;
	cadre_seq from = fixture_status(follower).log.last_seq + 1;

	assert_ok(cadre_log_cursor_open(cadre_store_log(leader->store), from, &cursor,
	                                &err));
	while (cadre_log_cursor_next(cursor, &batch, &err) == CADRE_OK)
		assert_ok(cadre_store_append(follower->store, batch.bytes, CADRE_SEQ_MAX,
		                             &err));
	cadre_log_cursor_close(cursor);
}

static void a_followers_watermark_is_the_leaders_once_that_is_applied(void **state)
{
	struct fixture leader, follower;
	struct cadre_error err = CADRE_ERROR_INIT;
	cadre_time_ms last;

	(void)state;
	make_pair(&leader, &follower);
	assert_ok(fixture_settle(&follower, &err));
	cadre_env_sim_advance_ms(leader.sim, 5000);
	fixture_do(&leader, NULL, fixture_create_group(&leader, "g", 0, 1));
	last = fixture_status(&leader).view.time_ms;
	send_all(&leader, &follower);
	cadre_store_watermark_at(follower.store, 2, last + 700);
	assert_true(cadre_store_watermark(follower.store) < last - 1);
	assert_ok(fixture_settle(&follower, &err));
	assert_int_equal(cadre_store_watermark(follower.store), last + 700);
	/* What the leader said before is settled already. */
	cadre_store_watermark_at(follower.store, 2, last + 600);
	assert_int_equal(cadre_store_watermark(follower.store), last + 700);
	cadre_store_watermark_at(follower.store, 3, last + 900);
	assert_int_equal(cadre_store_watermark(follower.store), last + 700);
	cadre_store_watermark_at(follower.store, 2, last + 1000);
	assert_int_equal(cadre_store_watermark(follower.store), last + 1000);
	fixture_fini(&follower);
	fixture_fini(&leader);
}

static void the_name_of_a_data_directory_survives_power_loss(void **state)
{
	struct cadre_init_options init = { .dir = "/disk/data", .cluster_name = "test" };
	struct cadre_error err = CADRE_ERROR_INIT;

	(void)state;
	for (unsigned seed = 1; seed <= 16; seed++) {
		struct cadre_env_sim *sim = cadre_env_sim_create(seed);
		struct cadre_env *env = cadre_env_sim_env(sim);
		struct cadre_file *file;
		assert_ok(env->ops->mkdir(env, "/disk", &err));
		assert_ok(cadre_store_init(env, &init, &err));
		cadre_env_sim_crash(sim, seed);
		assert_ok(cadre_file_open(env, "/disk/data/node.meta", CADRE_OPEN_READ,
		                          &file, &err));
		cadre_file_close(file);
		cadre_env_sim_destroy(sim);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_decided_in_front_of_what_is_not_committed),
		cmocka_unit_test(a_commit_ahead_of_the_log_ends_at_the_log),
		cmocka_unit_test(
		        while_views_are_behind_no_time_is_settled_and_no_outcome_told),
		cmocka_unit_test(
		        a_followers_watermark_is_the_leaders_once_that_is_applied),
		cmocka_unit_test(the_name_of_a_data_directory_survives_power_loss),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
