/*
 * Single flipped bits in a log: always reported as damage with file, offset and
 * seqs, never cut as a torn tail, never read as data.
 */
#include "tests/unit/log/sim_fixture.h"

#include "engine/log/frame.h"

#include <stdio.h>

/* Opens, expects damage in `file` near `offset`, and reads up to it. */
static void expect_damage(struct sim_log *it, const char *file, uint64_t offset,
                          cadre_seq last_seq)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_log_report report;
	struct sim_finding finding = { 0 };
	cadre_seq readable;

	if (cadre_log_open(it->env, &it->options, &it->log, &report, &err) !=
	    CADRE_CORRUPT)
		fail_msg("a flip at offset %llu of %s was not noticed",
		         (unsigned long long)offset, file);
	it->log = NULL;
	assert_string_equal(report.file, file);
	assert_true(report.offset <= offset);
	assert_in_range(report.last_bad, report.first_bad, last_seq + 1);
	assert_ok(cadre_log_open_read(it->env, &it->options, &it->log, &report, &err));
	readable = cadre_log_head(it->log).last_seq;
	assert_int_equal(readable + 1, report.first_bad);
	assert_int_equal(fixture_check(it->log, 1), readable);
	sim_log_close(it);
	assert_int_equal(cadre_log_verify(it->env, &it->options, sim_keep_finding,
	                                  &finding, NULL, &err),
	                 CADRE_CORRUPT);
	assert_string_equal(finding.file, file);
	assert_true(finding.offset <= offset);
	assert_true(finding.first_seq <= last_seq + 1);
}

/* Every byte of the last acknowledged frame, one random bit each: header, payload,
 * end mark, padding. */
static void a_flip_in_the_last_acknowledged_frame_is_damage(void **state)
{
	struct test_random random = { .state = test_seed(11) };
	const char *file = "0000000000000001.seg";
	uint64_t start = CADRE_LOG_BLOCK_BYTES;
	struct cadre_log_stat stat;
	struct sim_log it;

	(void)state;
	sim_log_init(&it, 1);
	sim_log_open(&it, NULL);
	sim_log_append_synced(&it, 2);
	start += cadre_log_stat(it.log).active_bytes;
	sim_log_append_synced(&it, 20);
	stat = cadre_log_stat(it.log);
	sim_log_close(&it);
	for (uint64_t at = start; at < CADRE_LOG_BLOCK_BYTES + stat.active_bytes; at++) {
		unsigned bit = (unsigned)test_random_below(&random, 8);
		assert_int_equal(cadre_env_sim_flip(it.sim,
		                                    SIM_LOG_DIR "/0000000000000001.seg",
		                                    at, bit),
		                 CADRE_OK);
		expect_damage(&it, file, at, 22);
		assert_int_equal(cadre_env_sim_flip(it.sim,
		                                    SIM_LOG_DIR "/0000000000000001.seg",
		                                    at, bit),
		                 CADRE_OK);
	}
	sim_log_open(&it, NULL);
	assert_int_equal(fixture_check(it.log, 1), 22);
	sim_log_fini(&it);
}

/* Segment header and its padding, and frames with others behind. */
static void a_flip_in_front_of_other_frames_is_damage(void **state)
{
	struct test_random random = { .state = test_seed(12) };
	const char *path = SIM_LOG_DIR "/0000000000000001.seg";
	struct cadre_log_stat stat;
	struct sim_log it;

	(void)state;
	sim_log_init(&it, 1);
	sim_log_open(&it, NULL);
	for (unsigned i = 0; i < 10; i++)
		sim_log_append_synced(&it, 5);
	stat = cadre_log_stat(it.log);
	sim_log_close(&it);
	for (uint64_t at = 0; at < CADRE_LOG_BLOCK_BYTES + stat.active_bytes;
	     at += 1 + test_random_below(&random, 40)) {
		unsigned bit = (unsigned)test_random_below(&random, 8);
		assert_int_equal(cadre_env_sim_flip(it.sim, path, at, bit), CADRE_OK);
		expect_damage(&it, "0000000000000001.seg", at, 50);
		assert_int_equal(cadre_env_sim_flip(it.sim, path, at, bit), CADRE_OK);
	}
	sim_log_fini(&it);
}

static void a_flip_in_a_seal_is_damage(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	const char *path = SIM_LOG_DIR "/0000000000000001.seg";
	uint64_t start = CADRE_LOG_BLOCK_BYTES;
	struct sim_log it;

	(void)state;
	sim_log_init(&it, 1);
	sim_log_open(&it, NULL);
	sim_log_append_synced(&it, 5);
	start += cadre_log_stat(it.log).active_bytes;
	assert_ok(cadre_log_seal_mark(it.log, 5, &err));
	sim_log_close(&it);
	for (uint64_t at = 0; at < cadre_frame_bytes(0); at++) {
		assert_int_equal(cadre_env_sim_flip(it.sim, path, start + at, at % 8),
		                 CADRE_OK);
		expect_damage(&it, "0000000000000001.seg", start + at, 5);
		assert_int_equal(cadre_env_sim_flip(it.sim, path, start + at, at % 8),
		                 CADRE_OK);
	}
	sim_log_fini(&it);
}

/* In front of a later segment nothing is a torn tail, not even zeros. */
static void a_flip_in_a_closed_segment_is_damage(void **state)
{
	struct test_random random = { .state = test_seed(13) };
	const char *path = SIM_LOG_DIR "/0000000000000001.seg";
	struct sim_log it;

	(void)state;
	sim_log_init(&it, 1);
	sim_log_open(&it, NULL);
	while (cadre_log_stat(it.log).segments < 2)
		sim_log_append_synced(&it, 5);
	sim_log_close(&it);
	for (uint64_t at = 0; at < 65536; at += 1 + test_random_below(&random, 200)) {
		assert_int_equal(cadre_env_sim_flip(it.sim, path, at, 3), CADRE_OK);
		expect_damage(&it, "0000000000000001.seg", at, 5000);
		assert_int_equal(cadre_env_sim_flip(it.sim, path, at, 3), CADRE_OK);
	}
	sim_log_fini(&it);
}

/* Header, seek table and footer are noticed by open; a block by reading it and by
 * verify, which names its seqs. */
static void a_flip_in_a_sealed_segment_is_damage(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	const char *path = SIM_LOG_DIR "/0000000000000001.seg";
	struct cadre_log_cursor *cursor;
	struct cadre_batch batch;
	uint64_t size;
	struct sim_log it;
	unsigned at_open = 0;
	unsigned at_read = 0;

	(void)state;
	sim_log_init(&it, 1);
	sim_log_open(&it, NULL);
	for (unsigned i = 0; i < 10; i++)
		sim_log_append_synced(&it, 5);
	assert_ok(cadre_log_seal_all(it.log, &err));
	sim_log_append_synced(&it, 5);
	size = cadre_log_stat(it.log).sealed_bytes;
	sim_log_close(&it);
	for (uint64_t at = 0; at < size; at++) {
		struct sim_finding finding = { 0 };
		enum cadre_status status;
		assert_int_equal(cadre_env_sim_flip(it.sim, path, at, at % 8), CADRE_OK);
		assert_int_equal(cadre_log_verify(it.env, &it.options, sim_keep_finding,
		                                  &finding, NULL, &err),
		                 CADRE_CORRUPT);
		assert_string_equal(finding.file, "0000000000000001.seg");
		assert_true(finding.offset <= at);
		assert_int_equal(finding.first_seq, 1);
		assert_int_equal(finding.last_seq, 50);
		status = cadre_log_open(it.env, &it.options, &it.log, NULL, &err);
		if (status == CADRE_CORRUPT) {
			it.log = NULL;
			at_open++;
		} else {
			assert_int_equal(status, CADRE_OK);
			assert_ok(cadre_log_cursor_open(it.log, 1, &cursor, &err));
			assert_int_equal(cadre_log_cursor_next(cursor, &batch, &err),
			                 CADRE_CORRUPT);
			cadre_log_cursor_close(cursor);
			sim_log_close(&it);
			at_read++;
		}
		assert_int_equal(cadre_env_sim_flip(it.sim, path, at, at % 8), CADRE_OK);
	}
	assert_int_equal(at_open, 128 + 32 + 160);
	assert_int_equal(at_open + at_read, size);
	sim_log_fini(&it);
}

static void seqs_known_to_be_durable_are_never_cut(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	unsigned torn = 0;

	(void)state;
	for (uint64_t seed = 0; seed < 40; seed++) {
		struct cadre_log_report report;
		struct sim_log it;
		cadre_seq last;
		sim_log_init(&it, seed);
		sim_log_open(&it, NULL);
		sim_log_append_synced(&it, 5);
		assert_int_equal(sim_log_append(&it, 40), CADRE_OK);
		cadre_env_sim_crash(it.sim, seed);
		sim_log_close(&it);
		assert_ok(cadre_log_open_read(it.env, &it.options, &it.log, NULL, &err));
		last = cadre_log_head(it.log).last_seq;
		sim_log_close(&it);
		if (last == 5) {
			it.options.durable_floor = 45;
			assert_int_equal(cadre_log_open(it.env, &it.options, &it.log,
			                                &report, &err),
			                 CADRE_CORRUPT);
			it.log = NULL;
			assert_int_equal(report.first_bad, 6);
			assert_int_equal(report.last_bad, 45);
			torn++;
		}
		it.options.durable_floor = last;
		sim_log_open(&it, NULL);
		assert_int_equal(cadre_log_head(it.log).last_seq, last);
		sim_log_fini(&it);
	}
	assert_true(torn > 10);
}

static void a_missing_segment_is_damage(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_log_report report;
	struct sim_log it;
	char path[128];
	char name[64];
	cadre_seq first;
	cadre_seq end;

	(void)state;
	sim_log_init(&it, 1);
	sim_log_open(&it, NULL);
	while (cadre_log_stat(it.log).segments < 2)
		sim_log_append_synced(&it, 5);
	first = cadre_log_head(it.log).last_seq - 4;
	while (cadre_log_stat(it.log).segments < 3)
		sim_log_append_synced(&it, 5);
	end = cadre_log_head(it.log).last_seq - 5;
	sim_log_close(&it);
	snprintf(name, sizeof name, "%016llx.seg", (unsigned long long)first);
	snprintf(path, sizeof path, "%s/%s", SIM_LOG_DIR, name);
	assert_ok(it.env->ops->remove(it.env, path, &err));
	assert_int_equal(cadre_log_open(it.env, &it.options, &it.log, &report, &err),
	                 CADRE_CORRUPT);
	it.log = NULL;
	assert_int_equal(report.first_bad, first);
	assert_int_equal(report.last_bad, end);
	assert_int_equal(cadre_log_verify(it.env, &it.options, NULL, NULL, NULL, &err),
	                 CADRE_CORRUPT);
	sim_log_fini(&it);
}

static void zero_sector(struct sim_log *it, uint64_t offset)
{
	static const uint8_t zeros[CADRE_LOG_SECTOR_BYTES];
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_file *file;

	assert_ok(cadre_file_open(it->env, SIM_LOG_DIR "/0000000000000001.seg",
	                          CADRE_OPEN_WRITE, &file, &err));
	assert_ok(it->env->ops->pwrite(file, offset, zeros, sizeof zeros, &err));
	cadre_file_close(file);
}

/* A frame was begun behind it, so a sector lost inside a frame is no torn write,
 * even when nothing of the later frame can be read. */
static void a_lost_sector_with_anything_behind_its_frame_is_damage(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_log_report report;
	struct sim_log it;
	uint64_t second;

	(void)state;
	sim_log_init(&it, 1);
	sim_log_open(&it, NULL);
	sim_log_append_synced(&it, 20);
	second = CADRE_LOG_BLOCK_BYTES + cadre_log_stat(it.log).active_bytes;
	sim_log_append_synced(&it, 20);
	sim_log_close(&it);
	zero_sector(&it, second);
	zero_sector(&it, CADRE_LOG_BLOCK_BYTES + CADRE_LOG_SECTOR_BYTES);
	assert_int_equal(cadre_log_open(it.env, &it.options, &it.log, &report, &err),
	                 CADRE_CORRUPT);
	it.log = NULL;
	assert_int_equal(report.first_bad, 1);
	assert_int_equal(report.last_bad, 20);
	sim_log_fini(&it);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_flip_in_the_last_acknowledged_frame_is_damage),
		cmocka_unit_test(a_flip_in_front_of_other_frames_is_damage),
		cmocka_unit_test(a_flip_in_a_seal_is_damage),
		cmocka_unit_test(a_flip_in_a_closed_segment_is_damage),
		cmocka_unit_test(a_flip_in_a_sealed_segment_is_damage),
		cmocka_unit_test(seqs_known_to_be_durable_are_never_cut),
		cmocka_unit_test(a_lost_sector_with_anything_behind_its_frame_is_damage),
		cmocka_unit_test(a_missing_segment_is_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
