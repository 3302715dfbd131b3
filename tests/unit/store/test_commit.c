#include "tests/unit/store/store_fixture.h"

static void commands_waiting_together_share_one_batch_and_one_sync(void **state)
{
	struct fixture fixture;
	struct cadre_error err = CADRE_ERROR_INIT;
	struct sent *sent[16];
	struct cadre_log_cursor *cursor;
	struct cadre_batch batch;

	(void)state;
	fixture_init(&fixture);
	fixture_open(&fixture);
	for (unsigned i = 0; i < 16; i++)
		sent[i] = fixture_send_one(&fixture, NULL,
		                           fixture_create_group(&fixture, "g", i, 2));
	assert_ok(fixture_settle(&fixture, &err));
	for (unsigned i = 0; i < 16; i++) {
		assert_int_equal(sent[i]->completed, 1);
		assert_int_equal(sent[i]->request.status, CADRE_OK);
		assert_int_equal(sent[i]->results[0].seq, 2 + i);
	}
	assert_ok(
	        cadre_log_cursor_open(cadre_store_log(fixture.store), 2, &cursor, &err));
	assert_ok(cadre_log_cursor_next(cursor, &batch, &err));
	assert_int_equal(batch.header.count, 16);
	cadre_log_cursor_close(cursor);
	fixture_fini(&fixture);
}

static void nothing_is_answered_before_its_batch_is_synced(void **state)
{
	struct fixture fixture;
	struct cadre_error err = CADRE_ERROR_INIT;
	struct sent *sent;
	bool again;

	(void)state;
	fixture_init(&fixture);
	fixture_open(&fixture);
	sent = fixture_send_one(&fixture, NULL,
	                        fixture_create_group(&fixture, "g", 0, 1));
	assert_ok(cadre_store_step(fixture.store, &again, &err)); /* decide and append */
	assert_int_equal(sent->completed, 0);
	assert_int_equal(fixture_status(&fixture).log.durable_seq, 1);
	assert_ok(cadre_store_step(fixture.store, &again, &err)); /* sync */
	assert_int_equal(fixture_status(&fixture).log.durable_seq, 2);
	assert_int_equal(sent->completed, 0);
	assert_ok(cadre_store_step(fixture.store, &again, &err)); /* commit */
	assert_int_equal(sent->completed, 1);
	fixture_fini(&fixture);
}

static void durable_is_not_committed_without_a_word_from_the_quorum(void **state)
{
	struct fixture fixture;
	struct cadre_error err = CADRE_ERROR_INIT;
	struct sent *sent;

	(void)state;
	fixture_init(&fixture);
	fixture_open(&fixture);
	fixture_close(&fixture);
	fixture.options.no_auto_commit = true;
	fixture_open(&fixture);
	cadre_store_commit(fixture.store, 1);
	assert_ok(fixture_settle(&fixture, &err));
	sent = fixture_send_one(&fixture, NULL,
	                        fixture_create_group(&fixture, "g", 0, 1));
	assert_ok(fixture_settle(&fixture, &err));
	assert_int_equal(sent->completed, 0);
	assert_int_equal(fixture_status(&fixture).log.durable_seq, 2);
	assert_int_equal(fixture_status(&fixture).view.applied_seq, 1);
	cadre_store_commit(fixture.store, 2);
	assert_ok(fixture_settle(&fixture, &err));
	assert_int_equal(sent->completed, 1);
	assert_int_equal(fixture_status(&fixture).view.applied_seq, 2);
	fixture_fini(&fixture);
}

static void
what_was_durable_but_not_committed_stays_unapplied_after_a_restart(void **state)
{
	struct fixture fixture;
	struct cadre_error err = CADRE_ERROR_INIT;

	(void)state;
	fixture_init(&fixture);
	fixture.options.no_auto_commit = true;
	fixture_open(&fixture);
	cadre_store_commit(fixture.store, 1);
	assert_ok(fixture_settle(&fixture, &err));
	(void)fixture_send_one(&fixture, NULL, fixture_create_group(&fixture, "g", 0, 1));
	assert_ok(fixture_settle(&fixture, &err));
	fixture_close(&fixture);
	fixture_open(&fixture);
	assert_int_equal(fixture_status(&fixture).log.last_seq, 2);
	assert_int_equal(fixture_status(&fixture).view.applied_seq, 1);
	cadre_store_commit(fixture.store, 2);
	assert_ok(fixture_settle(&fixture, &err));
	assert_int_equal(fixture_status(&fixture).view.applied_seq, 2);
	fixture_fini(&fixture);
}

static void a_refused_command_leaves_its_neighbours_alone(void **state)
{
	struct fixture fixture;
	struct cadre_error err = CADRE_ERROR_INIT;
	struct sent *before;
	struct sent *refused;
	struct sent *after;

	(void)state;
	fixture_init(&fixture);
	fixture_open(&fixture);
	before = fixture_send_one(&fixture, NULL,
	                          fixture_create_group(&fixture, "a", 0, 1));
	refused = fixture_send_one(&fixture, NULL,
	                           fixture_patch(&fixture, "ocid1.none.oc1..x", 1));
	after = fixture_send_one(&fixture, NULL,
	                         fixture_create_group(&fixture, "b", 0, 1));
	assert_ok(fixture_settle(&fixture, &err));
	assert_int_equal(before->request.status, CADRE_OK);
	assert_int_equal(refused->request.status, CADRE_RELATED_NOT_FOUND);
	assert_non_null(strstr(refused->request.err.message, "patchGroup.sourceId"));
	assert_int_equal(after->request.status, CADRE_OK);
	assert_int_equal(after->results[0].seq, before->results[0].seq + 1);
	fixture_fini(&fixture);
}

static void a_batch_takes_effect_whole_or_not_at_all(void **state)
{
	struct fixture fixture;
	struct cadre_error err = CADRE_ERROR_INIT;
	Cadre__V1__Command *good[2];
	Cadre__V1__Command *bad[3];
	struct sent *refused;
	struct sent *done;

	(void)state;
	fixture_init(&fixture);
	fixture_open(&fixture);
	bad[0] = fixture_create_group(&fixture, "g", 0, 1);
	bad[1] = fixture_create_history(&fixture, "h", "$0");
	bad[2] = fixture_patch(&fixture, "ocid1.none.oc1..x", 1);
	refused = fixture_send(&fixture, NULL, bad, 3);
	good[0] = fixture_create_group(&fixture, "g", 0, 1);
	good[1] = fixture_create_history(&fixture, "h", "$0");
	done = fixture_send(&fixture, NULL, good, 2);
	assert_ok(fixture_settle(&fixture, &err));
	assert_int_equal(refused->request.status, CADRE_RELATED_NOT_FOUND);
	assert_non_null(strstr(refused->request.err.message, "commands[2]"));
	test_assert_ok(done->request.status, &done->request.err, "batch", __FILE__,
	               __LINE__);
	assert_int_equal(done->results[0].seq, 2);
	assert_int_equal(done->results[1].seq, 3);
	assert_int_equal(fixture_status(&fixture).log.last_seq, 3);
	fixture_fini(&fixture);
}

static void a_repeated_token_gets_the_first_answer_and_writes_nothing(void **state)
{
	struct fixture fixture;
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_result first;
	struct sent *again;

	(void)state;
	fixture_init(&fixture);
	fixture_open(&fixture);
	first = fixture_do(&fixture, "token-1",
	                   fixture_create_group(&fixture, "g", 0, 3));
	fixture_close(&fixture);
	fixture_open(&fixture);
	again = fixture_send_one(&fixture, "token-1",
	                         fixture_create_group(&fixture, "g", 0, 3));
	assert_ok(fixture_settle(&fixture, &err));
	assert_int_equal(again->request.status, CADRE_OK);
	assert_true(again->request.repeated);
	assert_string_equal(again->results[0].ocid, first.ocid);
	assert_string_equal(again->results[0].etag, first.etag);
	assert_int_equal(again->results[0].seq, first.seq);
	assert_int_equal(fixture_status(&fixture).log.last_seq, first.seq);
	again = fixture_send_one(&fixture, "token-1",
	                         fixture_create_group(&fixture, "g", 0, 4));
	assert_ok(fixture_settle(&fixture, &err));
	assert_int_equal(again->request.status, CADRE_INVALIDATED_RETRY_TOKEN);
	fixture_fini(&fixture);
}

static Cadre__V1__Command *describe_group(struct fixture *fixture, const char *id)
{
	Cadre__V1__Command *command = fixture_alloc(fixture, sizeof *command);

	cadre__v1__command__init(command);
	command->body_case = CADRE__V1__COMMAND__BODY_UPDATE_GROUP;
	command->update_group = fixture_alloc(fixture, sizeof *command->update_group);
	cadre__v1__update_group__init(command->update_group);
	command->update_group->id = fixture_text(fixture, "%s", id);
	command->update_group->description = fixture_text(fixture, "described");
	return command;
}

static void a_repeated_batch_gets_every_command_its_first_answer(void **state)
{
	struct fixture fixture;
	struct cadre_error err = CADRE_ERROR_INIT;
	struct sent *sent[2];

	(void)state;
	fixture_init(&fixture);
	fixture_open(&fixture);
	for (unsigned i = 0; i < 2; i++) {
		Cadre__V1__Command *commands[4];
		commands[0] = fixture_create_group(&fixture, "g", 0, 1);
		commands[1] = fixture_create_history(&fixture, "h", "$0");
		commands[2] = describe_group(&fixture, "$0");
		commands[3] = describe_group(&fixture, "$0"); /* changes nothing */
		sent[i] = fixture_send(&fixture, "batch-1", commands, 4);
		assert_ok(fixture_settle(&fixture, &err));
		test_assert_ok(sent[i]->request.status, &sent[i]->request.err, "batch",
		               __FILE__, __LINE__);
		/* What happens in between is not part of the first answer. */
		(void)fixture_do(
		        &fixture, NULL,
		        fixture_patch(&fixture, sent[0]->results[1].ocid, 7 + i));
	}
	assert_false(sent[0]->request.repeated);
	assert_true(sent[1]->request.repeated);
	for (unsigned i = 0; i < 4; i++) {
		struct cadre_result *first = &sent[0]->results[i];
		struct cadre_result *second = &sent[1]->results[i];
		assert_string_equal(first->ocid, second->ocid);
		assert_string_equal(first->etag, second->etag);
		assert_int_equal(first->seq, second->seq);
		assert_int_equal(first->version_id, second->version_id);
		assert_int_equal(first->changed, second->changed);
	}
	assert_false(sent[1]->results[3].changed);
	fixture_fini(&fixture);
}

static void outcome_tells_what_a_token_did(void **state)
{
	struct fixture fixture;
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_result first;
	struct cadre_result outcome;

	(void)state;
	fixture_init(&fixture);
	fixture_open(&fixture);
	first = fixture_do(&fixture, "token-1",
	                   fixture_create_group(&fixture, "g", 0, 3));
	assert_ok(
	        cadre_store_outcome(fixture.store, "tester", "token-1", &outcome, &err));
	assert_string_equal(outcome.ocid, first.ocid);
	assert_int_equal(outcome.seq, first.seq);
	assert_int_equal(
	        cadre_store_outcome(fixture.store, "tester", "other", &outcome, &err),
	        CADRE_NOT_FOUND);
	assert_int_equal(
	        cadre_store_outcome(fixture.store, "somebody", "token-1", &outcome, &err),
	        CADRE_NOT_FOUND);
	fixture_fini(&fixture);
}

static void a_command_past_its_deadline_is_never_decided(void **state)
{
	struct fixture fixture;
	struct cadre_error err = CADRE_ERROR_INIT;
	struct sent *sent;

	(void)state;
	fixture_init(&fixture);
	fixture_open(&fixture);
	sent = fixture_send_one(&fixture, NULL,
	                        fixture_create_group(&fixture, "g", 0, 1));
	sent->request.deadline_ns = fixture.env->ops->mono_ns(fixture.env) + 1000000;
	cadre_env_sim_advance_ms(fixture.sim, 2);
	assert_ok(fixture_settle(&fixture, &err));
	assert_int_equal(sent->request.status, CADRE_UNAVAILABLE);
	assert_int_equal(fixture_status(&fixture).log.last_seq, 1);
	fixture_fini(&fixture);
}

static void every_1024_events_the_log_tells_the_state_digest(void **state)
{
	struct fixture fixture;
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_store_status status;
	struct cadre_log_cursor *cursor;
	struct cadre_batch batch;
	unsigned digests = 0;

	(void)state;
	fixture_init(&fixture);
	fixture_open(&fixture);
	for (unsigned i = 0; i < 3000; i++) {
		(void)fixture_send_one(&fixture, NULL,
		                       fixture_create_group(&fixture, "g", i, 1));
		if (i % 100 == 99)
			assert_ok(fixture_settle(&fixture, &err));
	}
	status = fixture_status(&fixture);
	assert_ok(
	        cadre_log_cursor_open(cadre_store_log(fixture.store), 1, &cursor, &err));
	while (cadre_log_cursor_next(cursor, &batch, &err) == CADRE_OK) {
		struct cadre_record record = { 0 };
		size_t offset = 0;
		while (cadre_batch_next_record(&batch, &offset, &record) == CADRE_OK)
			digests += record.type == CADRE__V1__EVENT__BODY_DIGEST_RECORDED;
	}
	cadre_log_cursor_close(cursor);
	assert_in_range(digests, 2, 3);
	/* A replay compares each of them. */
	fixture_close(&fixture);
	fixture_open(&fixture);
	assert_true(cadre_hash128_equal(fixture_status(&fixture).view.digest,
	                                status.view.digest));
	fixture_fini(&fixture);
}

static void time_never_goes_back_and_a_jump_stops_the_leader(void **state)
{
	struct fixture fixture;
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_view_head before;
	struct sent *sent;

	(void)state;
	fixture_init(&fixture);
	fixture_open(&fixture);
	(void)fixture_do(&fixture, NULL, fixture_create_group(&fixture, "g", 0, 1));
	before = fixture_status(&fixture).view;
	cadre_env_sim_set_wall_ms(fixture.sim, before.time_ms - 30000);
	(void)fixture_do(&fixture, NULL, fixture_create_group(&fixture, "g", 0, 1));
	assert_true(fixture_status(&fixture).view.time_ms >= before.time_ms);
	cadre_env_sim_set_wall_ms(fixture.sim, before.time_ms + 90000);
	sent = fixture_send_one(&fixture, NULL,
	                        fixture_create_group(&fixture, "g", 0, 1));
	assert_ok(fixture_settle(&fixture, &err));
	assert_int_equal(sent->request.status, CADRE_UNAVAILABLE);
	assert_non_null(strstr(sent->request.err.message, "clock"));
	fixture_fini(&fixture);
}

static void nothing_is_stamped_at_or_before_the_watermark_once_told(void **state)
{
	struct fixture fixture;
	struct cadre_error err = CADRE_ERROR_INIT;
	cadre_time_ms told;
	struct sent *sent;
	bool again;

	(void)state;
	fixture_init(&fixture);
	fixture_open(&fixture);
	told = cadre_store_watermark(fixture.store);
	cadre_env_sim_set_wall_ms(fixture.sim, told - 20000);
	(void)fixture_do(&fixture, NULL, fixture_create_group(&fixture, "g", 0, 1));
	assert_true(fixture_status(&fixture).view.time_ms > told);
	/* A batch under way is stamped already: the watermark stays behind it. */
	cadre_env_sim_advance_ms(fixture.sim, 30000);
	sent = fixture_send_one(&fixture, NULL,
	                        fixture_create_group(&fixture, "g", 0, 1));
	assert_ok(cadre_store_step(fixture.store, &again, &err));
	cadre_env_sim_advance_ms(fixture.sim, 5000);
	told = cadre_store_watermark(fixture.store);
	assert_ok(fixture_settle(&fixture, &err));
	assert_int_equal(sent->request.status, CADRE_OK);
	assert_true(fixture_status(&fixture).view.time_ms > told);
	fixture_fini(&fixture);
}

static void what_does_not_fit_one_batch_goes_into_the_next(void **state)
{
	enum { GROUPS = 220, MEMBERS = 500 }; /* about 5 MiB */
	struct fixture fixture;
	struct cadre_error err = CADRE_ERROR_INIT;
	struct sent *sent[GROUPS];
	struct cadre_log_cursor *cursor;
	struct cadre_batch batch;
	unsigned first;

	(void)state;
	fixture_init(&fixture);
	fixture_open(&fixture);
	for (unsigned i = 0; i < GROUPS; i++)
		sent[i] = fixture_send_one(
		        &fixture, NULL, fixture_create_group(&fixture, "g", 0, MEMBERS));
	assert_ok(fixture_settle(&fixture, &err));
	for (unsigned i = 0; i < GROUPS; i++) {
		assert_int_equal(sent[i]->completed, 1);
		assert_int_equal(sent[i]->request.status, CADRE_OK);
	}
	assert_ok(
	        cadre_log_cursor_open(cadre_store_log(fixture.store), 2, &cursor, &err));
	assert_ok(cadre_log_cursor_next(cursor, &batch, &err));
	first = batch.header.count;
	assert_true(batch.header.body_bytes <= CADRE_BATCH_BODY_BYTES_TARGET);
	assert_ok(cadre_log_cursor_next(cursor, &batch, &err));
	assert_int_equal(first + batch.header.count, GROUPS);
	cadre_log_cursor_close(cursor);
	fixture_fini(&fixture);
}

static void a_store_that_is_never_idle_still_seals_its_segments(void **state)
{
	struct fixture fixture;
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_log_stat stat;
	bool again;

	(void)state;
	fixture_init(&fixture);
	fixture_open(&fixture);
	for (unsigned i = 0; i < 3000; i++) {
		/* Two a round: something waits after each commit. */
		(void)fixture_send_one(&fixture, NULL,
		                       fixture_create_group(&fixture, "g", i, 2));
		(void)fixture_send_one(&fixture, NULL,
		                       fixture_create_group(&fixture, "g", i, 2));
		assert_ok(cadre_store_step(fixture.store, &again, &err));
	}
	stat = fixture_status(&fixture).log_stat;
	assert_true(stat.segments > 10);
	assert_true(stat.sealed_segments + 4 >= stat.segments);
	fixture_fini(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands_waiting_together_share_one_batch_and_one_sync),
		cmocka_unit_test(nothing_is_answered_before_its_batch_is_synced),
		cmocka_unit_test(durable_is_not_committed_without_a_word_from_the_quorum),
		cmocka_unit_test(
		        what_was_durable_but_not_committed_stays_unapplied_after_a_restart),
		cmocka_unit_test(a_refused_command_leaves_its_neighbours_alone),
		cmocka_unit_test(a_batch_takes_effect_whole_or_not_at_all),
		cmocka_unit_test(
		        a_repeated_token_gets_the_first_answer_and_writes_nothing),
		cmocka_unit_test(a_repeated_batch_gets_every_command_its_first_answer),
		cmocka_unit_test(outcome_tells_what_a_token_did),
		cmocka_unit_test(a_command_past_its_deadline_is_never_decided),
		cmocka_unit_test(every_1024_events_the_log_tells_the_state_digest),
		cmocka_unit_test(time_never_goes_back_and_a_jump_stops_the_leader),
		cmocka_unit_test(a_store_that_is_never_idle_still_seals_its_segments),
		cmocka_unit_test(nothing_is_stamped_at_or_before_the_watermark_once_told),
		cmocka_unit_test(what_does_not_fit_one_batch_goes_into_the_next),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
