/* Laws of a log on the real disk: append, sync, reopen, roll, read. */
#include "tests/unit/log/log_fixture.h"

#include <stdio.h>

struct place {
	char base[256];
	char dir[300];
	char lost[300];
	struct cadre_log_options options;
};

static void place_init(struct place *place)
{
	test_make_dir(place->base, sizeof place->base);
	snprintf(place->dir, sizeof place->dir, "%s/log", place->base);
	snprintf(place->lost, sizeof place->lost, "%s/lost+found", place->base);
	place->options = (struct cadre_log_options){ .dir = place->dir,
		                                     .lost_found_dir = place->lost,
		                                     .segment_bytes = 64 << 10 };
}

static void append_synced(struct cadre_log *log, uint32_t count)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_buffer bytes = { 0 };
	struct cadre_log_head head = cadre_log_head(log);

	fixture_batch(&bytes, &head, count);
	assert_ok(cadre_log_append(log, cadre_buffer_slice(&bytes), 0, &err));
	assert_ok(cadre_log_sync(log, &err));
	cadre_buffer_fini(&bytes);
}

static void synced_batches_are_there_after_reopening(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct place place;
	struct cadre_log *log;
	struct cadre_log_head head;
	struct cadre_log_head again;

	(void)state;
	place_init(&place);
	assert_ok(cadre_log_open(cadre_env_real(), &place.options, &log, NULL, &err));
	for (uint32_t i = 0; i < 100; i++)
		append_synced(log, 1 + i % 5);
	head = cadre_log_head(log);
	assert_int_equal(head.durable_seq, 300);
	assert_int_equal(fixture_check(log, 1), 300);
	assert_int_equal(fixture_check(log, 299), 300);
	cadre_log_close(log);
	assert_ok(cadre_log_open(cadre_env_real(), &place.options, &log, NULL, &err));
	again = cadre_log_head(log);
	assert_int_equal(again.last_seq, 300);
	assert_memory_equal(&again.chain, &head.chain, sizeof head.chain);
	assert_true(cadre_log_stat(log).segments > 3);
	assert_int_equal(fixture_check(log, 1), 300);
	cadre_log_close(log);
	test_remove_dir(place.base);
}

static void a_batch_built_here_is_as_one_from_elsewhere(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_buffer bytes = { 0 };
	struct cadre_log_head head, built;
	struct cadre_batch batch;
	struct place place;
	struct cadre_log *log;

	(void)state;
	place_init(&place);
	assert_ok(cadre_log_open(cadre_env_real(), &place.options, &log, NULL, &err));
	append_synced(log, 3);
	head = cadre_log_head(log);
	fixture_batch(&bytes, &head, 4);
	assert_ok(cadre_batch_scan(cadre_buffer_slice(&bytes), &batch, &err));
	assert_ok(cadre_log_append_built(log, &batch.header, batch.bytes, 3, &err));
	assert_ok(cadre_log_sync(log, &err));
	built = cadre_log_head(log);
	assert_int_equal(built.last_seq, 7);
	assert_int_equal(built.commit_seq, 3);
	assert_memory_equal(&built.chain, &batch.header.chain, sizeof built.chain);
	append_synced(log, 2);
	cadre_log_close(log);
	assert_ok(cadre_log_open(cadre_env_real(), &place.options, &log, NULL, &err));
	assert_int_equal(fixture_check(log, 1), 9);
	cadre_log_close(log);
	cadre_buffer_fini(&bytes);
	test_remove_dir(place.base);
}

static void a_reader_beside_the_writer_sees_new_batches_after_refresh(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct place place;
	struct cadre_log *log;
	struct cadre_log *reader;

	(void)state;
	place_init(&place);
	assert_ok(cadre_log_open(cadre_env_real(), &place.options, &log, NULL, &err));
	assert_ok(cadre_log_open_read(cadre_env_real(), &place.options, &reader, NULL,
	                              &err));
	assert_int_equal(cadre_log_head(reader).last_seq, 0);
	for (cadre_seq last = 5; last <= 1000; last += 5) {
		append_synced(log, 5);
		assert_ok(cadre_log_refresh(reader, &err));
		assert_int_equal(cadre_log_head(reader).last_seq, last);
	}
	assert_int_equal(fixture_check(reader, 1), 1000);
	cadre_log_close(reader);
	cadre_log_close(log);
	test_remove_dir(place.base);
}

static void sealed_segments_give_the_same_batches(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct place place;
	struct cadre_log *log;
	struct cadre_log_cursor *cursor;
	struct cadre_batch batch;
	struct cadre_log_head head;
	struct cadre_log_stat stat;

	(void)state;
	place_init(&place);
	assert_ok(cadre_log_open(cadre_env_real(), &place.options, &log, NULL, &err));
	for (uint32_t i = 0; i < 50; i++)
		append_synced(log, 1 + i % 5);
	/* A cursor inside a segment while that is sealed. */
	assert_ok(cadre_log_cursor_open(log, 10, &cursor, &err));
	assert_ok(cadre_log_cursor_next(cursor, &batch, &err));
	assert_true(batch.header.first_seq <= 10);
	assert_ok(cadre_log_seal_all(log, &err));
	while (cadre_log_cursor_next(cursor, &batch, &err) == CADRE_OK)
		;
	assert_int_equal(cadre_batch_last_seq(&batch.header), 150);
	cadre_log_cursor_close(cursor);
	stat = cadre_log_stat(log);
	assert_int_equal(stat.sealed_segments, stat.segments);
	assert_true(stat.sealed_bytes < stat.sealed_batch_bytes);
	assert_int_equal(fixture_check(log, 1), 150);
	append_synced(log, 5);
	head = cadre_log_head(log);
	cadre_log_close(log);
	assert_ok(cadre_log_open(cadre_env_real(), &place.options, &log, NULL, &err));
	for (cadre_seq from = 1; from <= 155; from += 7)
		assert_int_equal(fixture_check(log, from), 155);
	assert_int_equal(cadre_log_head(log).last_seq, head.last_seq);
	append_synced(log, 5);
	cadre_log_close(log);
	test_remove_dir(place.base);
}

static void maintain_seals_closed_segments_in_slices(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct place place;
	struct cadre_log *log;
	struct cadre_log *reader;
	struct cadre_log_stat stat;
	bool more = true;
	unsigned slices = 0;

	(void)state;
	place_init(&place);
	assert_ok(cadre_log_open(cadre_env_real(), &place.options, &log, NULL, &err));
	assert_ok(cadre_log_open_read(cadre_env_real(), &place.options, &reader, NULL,
	                              &err));
	for (uint32_t i = 0; i < 50; i++)
		append_synced(log, 5);
	assert_ok(cadre_log_refresh(reader, &err));
	for (; more; slices++)
		assert_ok(cadre_log_maintain(log, 16384, &more, &err));
	stat = cadre_log_stat(log);
	assert_int_equal(stat.sealed_segments + 1, stat.segments);
	assert_true(slices > stat.segments);
	assert_int_equal(fixture_check(log, 1), 250);
	assert_int_equal(fixture_check(reader, 1), 250);
	cadre_log_close(reader);
	cadre_log_close(log);
	test_remove_dir(place.base);
}

static void a_reader_sees_a_first_frame_larger_than_a_segment(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct place place;
	struct cadre_log *log;
	struct cadre_log *reader;

	(void)state;
	place_init(&place);
	assert_ok(cadre_log_open(cadre_env_real(), &place.options, &log, NULL, &err));
	assert_ok(cadre_log_open_read(cadre_env_real(), &place.options, &reader, NULL,
	                              &err));
	append_synced(log, 1000);
	assert_int_equal(cadre_log_stat(log).segments, 1);
	assert_ok(cadre_log_refresh(reader, &err));
	assert_int_equal(fixture_check(reader, 1), 1000);
	cadre_log_close(reader);
	cadre_log_close(log);
	assert_ok(cadre_log_open(cadre_env_real(), &place.options, &log, NULL, &err));
	assert_int_equal(fixture_check(log, 1), 1000);
	cadre_log_close(log);
	test_remove_dir(place.base);
}

static void a_reader_catches_up_over_segments_sealed_meanwhile(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct place place;
	struct cadre_log *log;
	struct cadre_log *reader;

	(void)state;
	for (unsigned first = 0; first < 3; first++) {
		place_init(&place);
		assert_ok(cadre_log_open(cadre_env_real(), &place.options, &log, NULL,
		                         &err));
		if (first > 0)
			append_synced(log, 1);
		assert_ok(cadre_log_open_read(cadre_env_real(), &place.options, &reader,
		                              NULL, &err));
		append_synced(log, first == 2 ? 1000 : 5);
		for (unsigned i = 0; i < 60; i++)
			append_synced(log, 5);
		assert_ok(cadre_log_seal_all(log, &err));
		append_synced(log, 5);
		assert_ok(cadre_log_refresh(reader, &err));
		assert_int_equal(cadre_log_head(reader).last_seq,
		                 cadre_log_head(log).last_seq);
		assert_int_equal(fixture_check(reader, 1), cadre_log_head(log).last_seq);
		cadre_log_close(reader);
		cadre_log_close(log);
		test_remove_dir(place.base);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(synced_batches_are_there_after_reopening),
		cmocka_unit_test(sealed_segments_give_the_same_batches),
		cmocka_unit_test(a_reader_sees_a_first_frame_larger_than_a_segment),
		cmocka_unit_test(a_reader_catches_up_over_segments_sealed_meanwhile),
		cmocka_unit_test(maintain_seals_closed_segments_in_slices),
		cmocka_unit_test(a_batch_built_here_is_as_one_from_elsewhere),
		cmocka_unit_test(
		        a_reader_beside_the_writer_sees_new_batches_after_refresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
