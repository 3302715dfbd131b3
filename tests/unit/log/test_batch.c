/* Laws of the batch codec. */
#include "tests/unit/log/log_fixture.h"

static void make(struct cadre_buffer *out, struct cadre_log_head *head)
{
	memset(out, 0, sizeof *out);
	memset(head, 0, sizeof *head);
	fixture_batch(out, head, 4);
	fixture_batch(out, head, 1);
}

static void what_was_added_is_scanned(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_log_head head;
	struct cadre_buffer bytes;
	struct cadre_slice rest;
	struct cadre_batch batch;
	struct cadre_sha256 chain = { { 0 } };

	(void)state;
	make(&bytes, &head);
	rest = cadre_buffer_slice(&bytes);
	for (int i = 0; i < 2; i++) {
		struct cadre_record record = { 0 };
		size_t offset = 0;
		cadre_seq seq = i == 0 ? 1 : 5;
		assert_ok(cadre_batch_scan(rest, &batch, &err));
		assert_int_equal(batch.header.first_seq, seq);
		assert_ok(cadre_batch_check_chain(&batch, &chain, &err));
		chain = batch.header.chain;
		while (cadre_batch_next_record(&batch, &offset, &record) == CADRE_OK)
			assert_int_equal(record.seq, seq++);
		assert_int_equal(seq, i == 0 ? 5 : 6);
		rest.data += batch.bytes.length;
		rest.length -= batch.bytes.length;
	}
	assert_int_equal(cadre_batch_scan(rest, &batch, &err), CADRE_END);
	cadre_buffer_fini(&bytes);
}

static void every_flipped_bit_is_noticed(void **state)
{
	struct cadre_log_head head;
	struct cadre_buffer bytes;
	struct cadre_batch batch;
	struct cadre_sha256 zero = { { 0 } };

	(void)state;
	make(&bytes, &head);
	assert_int_equal(cadre_batch_scan(cadre_buffer_slice(&bytes), &batch, NULL),
	                 CADRE_OK);
	for (size_t i = 0; i < 8 * batch.bytes.length; i++) {
		bytes.data[i / 8] = (uint8_t)(bytes.data[i / 8] ^ 1u << (i % 8));
		assert_int_equal(
		        cadre_batch_scan(cadre_buffer_slice(&bytes), &batch, NULL),
		        CADRE_CORRUPT);
		bytes.data[i / 8] = (uint8_t)(bytes.data[i / 8] ^ 1u << (i % 8));
	}
	assert_int_equal(cadre_batch_scan(cadre_buffer_slice(&bytes), &batch, NULL),
	                 CADRE_OK);
	zero.bytes[31] = 1;
	assert_int_equal(cadre_batch_check_chain(&batch, &zero, NULL), CADRE_DIVERGED);
	cadre_buffer_fini(&bytes);
}

static void every_shorter_piece_is_refused(void **state)
{
	struct cadre_log_head head = { 0 };
	struct cadre_buffer bytes = { 0 };
	struct cadre_batch batch;

	(void)state;
	fixture_batch(&bytes, &head, 4);
	for (size_t length = 1; length < bytes.length; length++)
		assert_int_equal(
		        cadre_batch_scan(cadre_slice(bytes.data, length), &batch, NULL),
		        CADRE_CORRUPT);
	cadre_buffer_fini(&bytes);
}

static void limits_are_told_apart(void **state)
{
	static uint8_t large[CADRE_RECORD_PAYLOAD_BYTES_MAX + 1];
	struct cadre_batch_builder builder;
	struct cadre_buffer bytes = { 0 };
	struct cadre_slice payload = cadre_slice(large, CADRE_RECORD_PAYLOAD_BYTES_MAX);

	(void)state;
	memset(large, 'x', sizeof large);
	assert_int_equal(cadre_batch_begin(&builder, &bytes, 1, 1, 1), CADRE_OK);
	assert_int_equal(cadre_batch_add(&builder, 1, cadre_slice(large, sizeof large)),
	                 CADRE_TOO_LARGE);
	for (int i = 0; i < 7; i++)
		assert_int_equal(cadre_batch_add(&builder, 1, payload), CADRE_OK);
	assert_int_equal(cadre_batch_add(&builder, 1, payload), CADRE_LIMIT_EXCEEDED);
	cadre_batch_rewind(&builder, 0, 0);
	for (unsigned i = 0; i < CADRE_BATCH_RECORDS_MAX; i++)
		assert_int_equal(cadre_batch_add(&builder, 1, cadre_slice("x", 1)),
		                 CADRE_OK);
	assert_int_equal(cadre_batch_add(&builder, 1, cadre_slice("x", 1)),
	                 CADRE_LIMIT_EXCEEDED);
	cadre_buffer_fini(&bytes);
}

static void long_runs_of_zeros_are_refused_wherever_they_lie(void **state)
{
	uint8_t data[2048];
	struct cadre_batch_builder builder;
	struct cadre_buffer bytes = { 0 };

	(void)state;
	assert_int_equal(cadre_batch_begin(&builder, &bytes, 1, 1, 1), CADRE_OK);
	for (size_t at = 0; at + CADRE_ZERO_RUN_BYTES <= sizeof data; at++) {
		memset(data, 1, sizeof data);
		memset(data + at, 0, CADRE_ZERO_RUN_BYTES);
		assert_int_equal(
		        cadre_batch_add(&builder, 1, cadre_slice(data, sizeof data)),
		        CADRE_INVALID_PARAMETER);
		data[at + at % CADRE_ZERO_RUN_BYTES] = 1;
		assert_int_equal(
		        cadre_batch_add(&builder, 1, cadre_slice(data, sizeof data)),
		        CADRE_OK);
		cadre_batch_rewind(&builder, 0, 0);
	}
	cadre_buffer_fini(&bytes);
}

static void a_rewound_batch_is_as_if_never_longer(void **state)
{
	struct cadre_batch_builder builder;
	struct cadre_buffer one = { 0 };
	struct cadre_buffer two = { 0 };
	struct cadre_sha256 chain = { { 9 } };
	uint32_t body_bytes;

	(void)state;
	assert_int_equal(cadre_batch_begin(&builder, &one, 7, 1, 1), CADRE_OK);
	assert_int_equal(cadre_batch_add(&builder, 1, cadre_slice("first", 5)), CADRE_OK);
	cadre_batch_finish(&builder, &chain);
	assert_int_equal(cadre_batch_begin(&builder, &two, 7, 1, 1), CADRE_OK);
	assert_int_equal(cadre_batch_add(&builder, 1, cadre_slice("first", 5)), CADRE_OK);
	body_bytes = builder.header.body_bytes;
	assert_int_equal(cadre_batch_add(&builder, 2, cadre_slice("second", 6)),
	                 CADRE_OK);
	cadre_batch_rewind(&builder, 1, body_bytes);
	cadre_batch_finish(&builder, &chain);
	assert_true(
	        cadre_slice_equal(cadre_buffer_slice(&one), cadre_buffer_slice(&two)));
	cadre_buffer_fini(&one);
	cadre_buffer_fini(&two);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_added_is_scanned),
		cmocka_unit_test(every_flipped_bit_is_noticed),
		cmocka_unit_test(every_shorter_piece_is_refused),
		cmocka_unit_test(limits_are_told_apart),
		cmocka_unit_test(long_runs_of_zeros_are_refused_wherever_they_lie),
		cmocka_unit_test(a_rewound_batch_is_as_if_never_longer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
