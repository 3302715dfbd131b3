/* Batches with known content, and logs on the simulated or the real disk. */
#ifndef TESTS_UNIT_LOG_LOG_FIXTURE_H
#define TESTS_UNIT_LOG_LOG_FIXTURE_H

#include "engine/base/bytes.h"
#include "engine/log/log.h"
#include "tests/support/testing.h"

/* The payload of seq `seq`: a pure function of it, 20 to 300 bytes. */
static inline size_t fixture_payload(cadre_seq seq, uint8_t *out)
{
	struct test_random random = { .state = seq * 0x9E3779B97F4A7C15u + 1 };
	size_t length = 20 + (size_t)test_random_below(&random, 281);

	for (size_t i = 0; i < length; i++)
		out[i] = (uint8_t)('a' + test_random_below(&random, 26));
	return length;
}

/* Appends a batch of `count` such records behind `head`; moves `head`. */
static inline void fixture_batch(struct cadre_buffer *out, struct cadre_log_head *head,
                                 uint32_t count)
{
	struct cadre_batch_builder builder;
	uint8_t payload[512];

	assert_int_equal(cadre_batch_begin(&builder, out, head->last_seq + 1, 7,
	                                   1000 + head->last_seq),
	                 CADRE_OK);
	for (uint32_t i = 0; i < count; i++) {
		size_t length = fixture_payload(head->last_seq + 1 + i, payload);
		assert_int_equal(
		        cadre_batch_add(&builder, 3, cadre_slice(payload, length)),
		        CADRE_OK);
	}
	cadre_batch_finish(&builder, &head->chain);
	head->chain = builder.header.chain;
	head->last_seq += count;
	head->epoch = 7;
	head->time_ms = builder.header.time_ms;
}

/* Reads everything from `from` on and compares it with fixture_payload(). Returns
 * the last seq. */
static inline cadre_seq fixture_check(struct cadre_log *log, cadre_seq from)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_log_cursor *cursor;
	struct cadre_batch batch;
	cadre_seq last = from - 1;
	enum cadre_status status;

	assert_ok(cadre_log_cursor_open(log, from, &cursor, &err));
	while ((status = cadre_log_cursor_next(cursor, &batch, &err)) == CADRE_OK) {
		struct cadre_record record = { 0 };
		size_t offset = 0;
		while (cadre_batch_next_record(&batch, &offset, &record) == CADRE_OK) {
			uint8_t payload[512];
			size_t length = fixture_payload(record.seq, payload);
			assert_int_equal(record.type, 3);
			assert_int_equal(record.payload.length, length);
			assert_memory_equal(record.payload.data, payload, length);
		}
		last = cadre_batch_last_seq(&batch.header);
	}
	if (status != CADRE_END)
		test_assert_ok(status, &err, "cursor", __FILE__, __LINE__);
	cadre_log_cursor_close(cursor);
	return last;
}

#endif
