#include "tests/support/testing.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/bytes.h"
#include "proto/codec/limits.h"
#include "proto/codec/wire.h"
#include "sample.pb-c.h"

/* Bytes from hex digits with spaces; `display_name` "a" goes first. */
static size_t from_hex(const char *hex, uint8_t *bytes, size_t capacity)
{
	static const uint8_t name[] = { 0x0A, 0x01, 'a' };
	size_t length = sizeof name;

	memcpy(bytes, name, sizeof name);
	for (; *hex; hex++) {
		char pair[3];
		if (isspace((unsigned char)*hex))
			continue;
		pair[0] = *hex++;
		pair[1] = *hex;
		pair[2] = '\0';
		assert_true(length < capacity);
		bytes[length++] = (uint8_t)strtoul(pair, NULL, 16);
	}
	return length;
}

static enum cadre_status scan(const void *data, size_t length, struct cadre_error *err)
{
	/* An exact copy on the heap, so that a sanitizer sees a read past the end. */
	uint8_t *copy = malloc(length ? length : 1);
	enum cadre_status status;

	assert_non_null(copy);
	if (length > 0)
		memcpy(copy, data, length);
	status = cadre_wire_scan(&sample__sample__descriptor, cadre_slice(copy, length),
	                         NULL, err);
	free(copy);
	return status;
}

static void accepted(const char *hex)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	uint8_t bytes[512];
	size_t length = from_hex(hex, bytes, sizeof bytes);

	assert_ok(scan(bytes, length, &err));
}

static void refused(const char *hex, const char *message)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	uint8_t bytes[512];
	size_t length = from_hex(hex, bytes, sizeof bytes);

	assert_int_equal(scan(bytes, length, &err), CADRE_INVALID_PARAMETER);
	assert_string_equal(err.message, message);
	assert_int_equal(scan(bytes, length, NULL), CADRE_INVALID_PARAMETER);
}

#define ACCEPTS(law, hex)             \
	static void law(void **state) \
	{                             \
		(void)state;          \
		accepted(hex);        \
	}
#define REFUSES(law, hex, message)     \
	static void law(void **state)  \
	{                              \
		(void)state;           \
		refused(hex, message); \
	}

ACCEPTS(every_kind_of_field_passes,
        "12 03 000102  18 01  20 07  28 FFFFFFFFFFFFFFFFFF01  30 FFFFFFFF0F"
        "38 03  40 FFFFFFFFFFFFFFFFFF01  4D 01020304  51 0102030405060708"
        "5A 03 01AC02  60 01 60 02  6A 03 0A0162  72 03 0A0163 72 03 0A0164"
        "7A 01 65 7A 00  AA01 03 0A0166  A206 05 12 03 0A0167")
ACCEPTS(fields_may_come_in_any_order, "51 0102030405060708 30 05 18 00")
ACCEPTS(repeated_numbers_pass_packed_and_loose_alike,
        "5A 02 0102 58 03  62 02 0405 60 06")
ACCEPTS(a_negative_enum_value_that_exists_passes, "20 FFFFFFFFFFFFFFFFFF01")

REFUSES(an_unknown_field_is_refused, "B006 05",
        "Sample: unknown field 102 of wire type 0")
REFUSES(an_unknown_field_inside_a_member_names_the_member,
        "72 03 0A0162  72 05 0A0163 1800",
        "memberList[1]: unknown field 3 of wire type 0")
REFUSES(a_wire_type_other_than_the_fields_is_refused, "1A 01 00",
        "flag: wire type 2, expected 0")
REFUSES(a_group_is_refused, "13 14", "raw: wire type 3, expected 2")
REFUSES(an_unknown_wire_type_is_refused, "16", "raw: wire type 6, expected 2")
REFUSES(field_number_zero_is_refused, "00 00", "Sample: tag: no field number 0")
REFUSES(a_tag_over_32_bits_is_refused, "8080808010 00",
        "Sample: tag: no field number 536870912")
REFUSES(a_tag_longer_than_needed_is_refused, "9800 01",
        "Sample: tag: number longer than needed")
REFUSES(a_tag_cut_short_is_refused, "98", "Sample: tag: number cut short")
REFUSES(a_varint_cut_short_is_refused, "40 80", "u64: number cut short")
REFUSES(a_varint_over_64_bits_is_refused, "40 FFFFFFFFFFFFFFFFFF02",
        "u64: number over 64 bits")
REFUSES(a_varint_over_10_bytes_is_refused, "40 8080808080808080808001",
        "u64: number over 64 bits")
REFUSES(a_varint_longer_than_needed_is_refused, "40 818000",
        "u64: number longer than needed")
REFUSES(a_length_past_the_end_is_refused, "12 04 000102", "raw: 4 bytes, 3 left")
REFUSES(a_huge_length_is_refused, "12 FFFFFFFFFFFFFFFFFF01 00",
        "raw: 18446744073709551615 bytes, 1 left")
REFUSES(a_nested_length_past_its_parent_is_refused, "6A 03 0A0562  12 03 000102",
        "onlyLeaf.leafName: 5 bytes, 1 left")
REFUSES(a_fixed_number_cut_short_is_refused, "51 01020304", "f64: 8 bytes, 4 left")
REFUSES(a_packed_number_cut_short_is_refused, "5A 02 0180  30 05",
        "packedNumbers[0]: number cut short")
REFUSES(a_packed_number_over_32_bits_is_refused, "5A 05 8080808010",
        "packedNumbers[0]: 4294967296 does not fit 32 bits")
REFUSES(a_singular_field_given_twice_is_refused, "30 05 30 06", "u32: given twice")
REFUSES(a_singular_message_given_twice_is_refused, "6A 03 0A0162 6A 03 0A0162",
        "onlyLeaf: given twice")
REFUSES(two_members_of_a_oneof_are_refused, "A201 01 62 AA01 03 0A0162",
        "rightLeaf: given beside \"left_text\"")
REFUSES(a_missing_required_field_inside_is_refused, "72 03 0A0162  72 02 1001",
        "memberList[1].leafName: is missing")
REFUSES(a_string_with_nul_is_refused, "7A 0B 6162636465666768690062",
        "labels[0]: has a NUL character")
REFUSES(a_string_with_nul_among_its_first_8_is_refused, "7A 0A 61620064656667686970",
        "labels[0]: has a NUL character")
REFUSES(a_string_with_invalid_utf8_is_refused, "7A 01 62 7A 0A 6162636465666768C0AF",
        "labels[1]: is not valid UTF-8")
REFUSES(a_surrogate_in_a_string_is_refused, "7A 03 EDA080",
        "labels[0]: is not valid UTF-8")
REFUSES(an_unknown_enum_value_is_refused, "20 03", "color: unknown value 3")
REFUSES(an_enum_value_below_all_is_refused, "20 FEFFFFFFFFFFFFFFFF01",
        "color: unknown value -2")
REFUSES(an_enum_value_over_32_bits_is_refused, "20 8180808010",
        "color: unknown value 4294967297")
REFUSES(a_bool_other_than_0_and_1_is_refused, "18 02", "flag: 2 is neither 0 nor 1")
REFUSES(an_int32_over_32_bits_is_refused, "28 8080808008",
        "i32: 2147483648 does not fit 32 bits")
REFUSES(a_uint32_over_32_bits_is_refused, "30 8080808010",
        "u32: 4294967296 does not fit 32 bits")
REFUSES(a_sint32_over_32_bits_is_refused, "38 8080808010",
        "s32: 4294967296 does not fit 32 bits")

static void no_bytes_lack_the_required_field(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;

	(void)state;
	assert_int_equal(scan(NULL, 0, &err), CADRE_INVALID_PARAMETER);
	assert_string_equal(err.message, "displayName: is missing");
	assert_ok(cadre_wire_scan(&sample__nest__descriptor, cadre_slice(NULL, 0), NULL,
	                          &err));
}

/* `levels` messages inside each other, the outermost included. */
static size_t nested(unsigned levels, uint8_t *bytes)
{
	size_t length = 0;

	for (unsigned i = levels; i-- > 1;) {
		bytes[length++] = 0x0A;
		bytes[length++] = (uint8_t)((i - 1) * 2);
	}
	return length;
}

static void nesting_up_to_the_limit_passes_and_beyond_is_refused(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	uint8_t bytes[64];
	size_t length = nested(CADRE_WIRE_DEPTH_MAX, bytes);

	(void)state;
	assert_ok(cadre_wire_scan(&sample__nest__descriptor, cadre_slice(bytes, length),
	                          NULL, &err));
	length = nested(CADRE_WIRE_DEPTH_MAX + 1, bytes);
	assert_int_equal(cadre_wire_scan(&sample__nest__descriptor,
	                                 cadre_slice(bytes, length), NULL, &err),
	                 CADRE_INVALID_PARAMETER);
	assert_string_equal(
	        err.message,
	        "inner.inner.inner.inner.inner.inner: nested 7 deep, at most 6");
}

/* A Sample of `count` empty labels: 2 bytes a field. */
static size_t labels(size_t count, uint8_t *bytes)
{
	size_t length = from_hex("", bytes, 16);

	for (size_t i = 0; i < count; i++) {
		bytes[length++] = 0x7A;
		bytes[length++] = 0x00;
	}
	return length;
}

static void fields_up_to_the_limit_pass_and_beyond_are_refused(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	uint8_t bytes[256];
	size_t most = 0;

	(void)state;
	while (most + 2 <= CADRE_WIRE_FIELDS_BASE + (3 + 2 * (most + 1)) / 8)
		most++;
	assert_ok(scan(bytes, labels(most, bytes), &err));
	assert_int_equal(scan(bytes, labels(most + 1, bytes), &err),
	                 CADRE_INVALID_PARAMETER);
	assert_non_null(strstr(err.message, "Sample: too many fields for "));
}

static void a_message_over_the_byte_limit_is_too_large(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_wire_limits limits = cadre_wire_limits_default;
	uint8_t bytes[16];
	size_t length = from_hex("30 05", bytes, sizeof bytes);

	(void)state;
	limits.bytes_max = length;
	assert_ok(cadre_wire_scan(&sample__sample__descriptor, cadre_slice(bytes, length),
	                          &limits, &err));
	limits.bytes_max = length - 1;
	assert_int_equal(cadre_wire_scan(&sample__sample__descriptor,
	                                 cadre_slice(bytes, length), &limits, &err),
	                 CADRE_TOO_LARGE);
	assert_string_equal(err.message, "Sample: 5 bytes, at most 4");
}

static void every_prefix_of_a_message_is_read_within_its_bounds(void **state)
{
	uint8_t bytes[512];
	size_t length =
	        from_hex("12 03 000102 4D 01020304 51 0102030405060708 5A 03 01AC02"
	                 "72 03 0A0163 A206 05 12 03 0A0167",
	                 bytes, sizeof bytes);

	(void)state;
	for (size_t i = 0; i < length; i++) {
		struct cadre_error err = CADRE_ERROR_INIT;
		if (scan(bytes, i, &err) != CADRE_OK)
			assert_non_null(strchr(err.message, ':'));
	}
}

/* Whatever passes the scan, protobuf-c takes too, and what it packs passes again. */
static void what_passes_survives_unpack_and_pack(void **state)
{
	struct test_random random = { test_seed(41) };
	struct cadre_error err = CADRE_ERROR_INIT;
	uint8_t base[512];
	size_t length =
	        from_hex("12 03 000102 18 01 20 07 28 05 38 03 40 8101 5A 03 01AC02"
	                 "60 01 6A 03 0A0162 72 03 0A0163 7A 01 65 AA01 03 0A0166",
	                 base, sizeof base);
	unsigned passed = 0;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		uint8_t bytes[512];
		Sample__Sample *message;
		memcpy(bytes, base, length);
		for (uint64_t i = test_random_below(&random, 3); i-- > 0;)
			bytes[test_random_below(&random, length)] =
			        (uint8_t)test_random_next(&random);
		if (scan(bytes, length, NULL) != CADRE_OK)
			continue;
		message = sample__sample__unpack(NULL, length, bytes);
		assert_non_null(message);
		assert_int_equal(message->base.n_unknown_fields, 0);
		assert_in_range(sample__sample__get_packed_size(message), 1,
		                sizeof bytes);
		assert_ok(scan(bytes, sample__sample__pack(message, bytes), &err));
		sample__sample__free_unpacked(message, NULL);
		passed++;
	}
	assert_true(passed > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_of_field_passes),
		cmocka_unit_test(fields_may_come_in_any_order),
		cmocka_unit_test(repeated_numbers_pass_packed_and_loose_alike),
		cmocka_unit_test(a_negative_enum_value_that_exists_passes),
		cmocka_unit_test(an_unknown_field_is_refused),
		cmocka_unit_test(an_unknown_field_inside_a_member_names_the_member),
		cmocka_unit_test(a_wire_type_other_than_the_fields_is_refused),
		cmocka_unit_test(a_group_is_refused),
		cmocka_unit_test(an_unknown_wire_type_is_refused),
		cmocka_unit_test(field_number_zero_is_refused),
		cmocka_unit_test(a_tag_over_32_bits_is_refused),
		cmocka_unit_test(a_tag_longer_than_needed_is_refused),
		cmocka_unit_test(a_tag_cut_short_is_refused),
		cmocka_unit_test(a_varint_cut_short_is_refused),
		cmocka_unit_test(a_varint_over_64_bits_is_refused),
		cmocka_unit_test(a_varint_over_10_bytes_is_refused),
		cmocka_unit_test(a_varint_longer_than_needed_is_refused),
		cmocka_unit_test(a_length_past_the_end_is_refused),
		cmocka_unit_test(a_huge_length_is_refused),
		cmocka_unit_test(a_nested_length_past_its_parent_is_refused),
		cmocka_unit_test(a_fixed_number_cut_short_is_refused),
		cmocka_unit_test(a_packed_number_cut_short_is_refused),
		cmocka_unit_test(a_packed_number_over_32_bits_is_refused),
		cmocka_unit_test(a_singular_field_given_twice_is_refused),
		cmocka_unit_test(a_singular_message_given_twice_is_refused),
		cmocka_unit_test(two_members_of_a_oneof_are_refused),
		cmocka_unit_test(a_missing_required_field_inside_is_refused),
		cmocka_unit_test(a_string_with_nul_is_refused),
		cmocka_unit_test(a_string_with_nul_among_its_first_8_is_refused),
		cmocka_unit_test(a_string_with_invalid_utf8_is_refused),
		cmocka_unit_test(a_surrogate_in_a_string_is_refused),
		cmocka_unit_test(an_unknown_enum_value_is_refused),
		cmocka_unit_test(an_enum_value_below_all_is_refused),
		cmocka_unit_test(an_enum_value_over_32_bits_is_refused),
		cmocka_unit_test(a_bool_other_than_0_and_1_is_refused),
		cmocka_unit_test(an_int32_over_32_bits_is_refused),
		cmocka_unit_test(a_uint32_over_32_bits_is_refused),
		cmocka_unit_test(a_sint32_over_32_bits_is_refused),
		cmocka_unit_test(no_bytes_lack_the_required_field),
		cmocka_unit_test(nesting_up_to_the_limit_passes_and_beyond_is_refused),
		cmocka_unit_test(fields_up_to_the_limit_pass_and_beyond_are_refused),
		cmocka_unit_test(a_message_over_the_byte_limit_is_too_large),
		cmocka_unit_test(every_prefix_of_a_message_is_read_within_its_bounds),
		cmocka_unit_test(what_passes_survives_unpack_and_pack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
