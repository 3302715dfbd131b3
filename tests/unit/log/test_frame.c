/* Laws of the frame and of the segment header. */
#include "tests/unit/log/log_fixture.h"

#include "engine/log/frame.h"
#include "engine/log/segment.h"

#include <stdlib.h>

static struct cadre_frame frame_of(cadre_seq first_seq)
{
	struct cadre_frame frame = { .durable_seq = first_seq - 1,
		                     .commit_seq = first_seq - 1,
		                     .first_seq = first_seq,
		                     .last_seq = first_seq + 2 };

	return frame;
}

/* Payloads that are as empty as a batch may be, of every length around sectors. */
static void no_sector_inside_a_frame_is_zero(void **state)
{
	struct cadre_frame_place place = { 77, 8192 };

	(void)state;
	for (size_t length = 1; length < 3000; length++) {
		struct cadre_frame frame = frame_of(5);
		struct cadre_slice payload;
		uint8_t *data = calloc(1, length);
		uint8_t *out = malloc(cadre_frame_padded_bytes(length));
		assert_non_null(data);
		assert_non_null(out);
		for (size_t i = 0; i < length; i += CADRE_ZERO_RUN_BYTES)
			data[i] = 1;
		cadre_frame_encode(&frame, place, cadre_slice(data, length), out);
		assert_false(cadre_log_has_zero_sector(out, cadre_frame_bytes(length)));
		assert_int_equal(
		        cadre_frame_scan(
		                cadre_slice(out, cadre_frame_padded_bytes(length)), place,
		                &frame, &payload, NULL),
		        CADRE_OK);
		assert_int_equal(payload.length, length);
		assert_memory_equal(payload.data, data, length);
		free(data);
		free(out);
	}
}

static void a_frame_is_valid_at_its_own_place_only(void **state)
{
	struct cadre_frame_place place = { 77, 8192 };
	struct cadre_frame_place moved = { 77, 12288 };
	struct cadre_frame_place other = { 78, 8192 };
	struct cadre_frame frame = frame_of(5);
	struct cadre_slice payload;
	uint8_t out[4096];
	struct cadre_slice bytes = cadre_slice(out, sizeof out);

	(void)state;
	cadre_frame_encode(&frame, place, cadre_slice("payload", 7), out);
	assert_int_equal(cadre_frame_scan(bytes, place, &frame, &payload, NULL),
	                 CADRE_OK);
	assert_int_equal(cadre_frame_scan(bytes, moved, &frame, &payload, NULL),
	                 CADRE_CORRUPT);
	assert_int_equal(cadre_frame_scan(bytes, other, &frame, &payload, NULL),
	                 CADRE_CORRUPT);
	assert_int_equal(
	        cadre_frame_scan(cadre_slice(out, 4095), place, &frame, &payload, NULL),
	        CADRE_CORRUPT);
}

static void every_flipped_bit_of_a_block_is_noticed(void **state)
{
	struct cadre_frame_place place = { 77, 8192 };
	struct cadre_frame frame = frame_of(5);
	struct cadre_slice payload;
	uint8_t out[4096];

	(void)state;
	cadre_frame_encode(&frame, place, cadre_slice("payload", 7), out);
	for (size_t i = 0; i < 8 * sizeof out; i++) {
		out[i / 8] = (uint8_t)(out[i / 8] ^ 1u << (i % 8));
		assert_int_equal(cadre_frame_scan(cadre_slice(out, sizeof out), place,
		                                  &frame, &payload, NULL),
		                 CADRE_CORRUPT);
		out[i / 8] = (uint8_t)(out[i / 8] ^ 1u << (i % 8));
	}
}

static void every_flipped_bit_of_a_segment_header_is_noticed(void **state)
{
	struct cadre_segment_header header = { .first_seq = 5,
		                               .salt = 6,
		                               .file_bytes = 65536 };
	uint8_t out[CADRE_SEGMENT_HEADER_BYTES];

	(void)state;
	cadre_segment_header_encode(&header, out);
	assert_int_equal(
	        cadre_segment_header_scan(cadre_slice(out, sizeof out), &header, NULL),
	        CADRE_OK);
	for (size_t i = 0; i < 8 * sizeof out; i++) {
		out[i / 8] = (uint8_t)(out[i / 8] ^ 1u << (i % 8));
		assert_int_equal(cadre_segment_header_scan(cadre_slice(out, sizeof out),
		                                           &header, NULL),
		                 CADRE_CORRUPT);
		out[i / 8] = (uint8_t)(out[i / 8] ^ 1u << (i % 8));
	}
}

static void segment_names_are_sixteen_lower_case_digits(void **state)
{
	char name[CADRE_SEGMENT_NAME_BYTES];
	cadre_seq seq;

	(void)state;
	cadre_segment_name(0xabc, name);
	assert_string_equal(name, "0000000000000abc.seg");
	assert_true(cadre_segment_name_parse(name, &seq));
	assert_int_equal(seq, 0xabc);
	assert_false(cadre_segment_name_parse("0000000000000ABC.seg", &seq));
	assert_false(cadre_segment_name_parse("0000000000000000.seg", &seq));
	assert_false(cadre_segment_name_parse("000000000000abc.seg", &seq));
	assert_false(cadre_segment_name_parse("next.seg", &seq));
	assert_false(cadre_segment_name_parse("0000000000000abc.seg.tmp", &seq));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_sector_inside_a_frame_is_zero),
		cmocka_unit_test(a_frame_is_valid_at_its_own_place_only),
		cmocka_unit_test(every_flipped_bit_of_a_block_is_noticed),
		cmocka_unit_test(every_flipped_bit_of_a_segment_header_is_noticed),
		cmocka_unit_test(segment_names_are_sixteen_lower_case_digits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
