#include "tests/support/testing.h"

#include "engine/base/bytes.h"

static void numbers_have_the_stated_byte_order(void **state)
{
	uint8_t bytes[8];

	(void)state;
	cadre_put_le16(bytes, 0x0102);
	assert_memory_equal(bytes, "\x02\x01", 2);
	assert_int_equal(cadre_get_le16(bytes), 0x0102);
	cadre_put_le32(bytes, 0xF1020304u);
	assert_memory_equal(bytes, "\x04\x03\x02\xF1", 4);
	assert_int_equal(cadre_get_le32(bytes), 0xF1020304u);
	cadre_put_le64(bytes, 0xF102030405060708u);
	assert_memory_equal(bytes, "\x08\x07\x06\x05\x04\x03\x02\xF1", 8);
	assert_true(cadre_get_le64(bytes) == 0xF102030405060708u);
	cadre_put_be64(bytes, 0xF102030405060708u);
	assert_memory_equal(bytes, "\xF1\x02\x03\x04\x05\x06\x07\x08", 8);
	assert_true(cadre_get_be64(bytes) == 0xF102030405060708u);
}

static void slices_order_as_memcmp_with_prefixes_first(void **state)
{
	(void)state;
	assert_true(cadre_slice_compare(cadre_slice_text("a"), cadre_slice_text("b")) <
	            0);
	assert_true(cadre_slice_compare(cadre_slice_text("ab"), cadre_slice_text("a")) >
	            0);
	assert_true(cadre_slice_compare(cadre_slice_text(""), cadre_slice_text("a")) < 0);
	assert_true(cadre_slice_compare(cadre_slice_text("\xFF"), cadre_slice_text("a")) >
	            0);
	assert_int_equal(cadre_slice_compare(cadre_slice(NULL, 0), cadre_slice_text("")),
	                 0);
	assert_true(cadre_slice_equal(cadre_slice(NULL, 0), cadre_slice_text("")));
	assert_false(cadre_slice_equal(cadre_slice_text("a"), cadre_slice_text("ab")));
	assert_int_equal(cadre_slice_text(NULL).length, 0);
}

static void a_buffer_grows_and_keeps_its_content(void **state)
{
	struct cadre_buffer buffer = { 0 };

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		uint8_t byte = (uint8_t)i;
		assert_int_equal(cadre_buffer_append(&buffer, &byte, 1), CADRE_OK);
	}
	assert_int_equal(cadre_buffer_append_zeros(&buffer, 500), CADRE_OK);
	assert_int_equal(cadre_buffer_append(&buffer, NULL, 0), CADRE_OK);
	assert_int_equal(buffer.length, 1500);
	assert_int_equal(cadre_buffer_slice(&buffer).length, 1500);
	for (unsigned i = 0; i < 1500; i++)
		assert_int_equal(buffer.data[i], i < 1000 ? (uint8_t)i : 0);
	cadre_buffer_clear(&buffer);
	assert_int_equal(buffer.length, 0);
	assert_true(buffer.capacity >= 1500);
	cadre_buffer_fini(&buffer);
	assert_null(buffer.data);
	cadre_buffer_fini(NULL);
}

static void a_buffer_refuses_an_impossible_size_unchanged(void **state)
{
	struct cadre_buffer buffer = { 0 };

	(void)state;
	assert_int_equal(cadre_buffer_append(&buffer, "ab", 2), CADRE_OK);
	assert_int_equal(cadre_buffer_reserve(&buffer, SIZE_MAX), CADRE_OUT_OF_MEMORY);
	assert_int_equal(cadre_buffer_reserve(&buffer, SIZE_MAX / 4 + 1),
	                 CADRE_OUT_OF_MEMORY);
	assert_int_equal(buffer.length, 2);
	assert_memory_equal(buffer.data, "ab", 2);
	cadre_buffer_fini(&buffer);
}

static void hex_reads_back_what_it_writes(void **state)
{
	uint8_t bytes[256];
	uint8_t back[256];
	char text[513];

	(void)state;
	for (unsigned i = 0; i < 256; i++)
		bytes[i] = (uint8_t)i;
	cadre_hex_encode(bytes, sizeof bytes, text);
	assert_memory_equal(text, "000102", 6);
	assert_string_equal(text + 508, "feff");
	assert_true(cadre_hex_decode(text, back, sizeof back));
	assert_memory_equal(bytes, back, sizeof back);
	assert_true(cadre_hex_decode("AbFf", back, 2));
	assert_memory_equal(back, "\xAB\xFF", 2);
}

static void hex_refuses_other_lengths_and_digits(void **state)
{
	uint8_t bytes[4];

	(void)state;
	assert_false(cadre_hex_decode("abc", bytes, 2));
	assert_false(cadre_hex_decode("abcdef", bytes, 2));
	assert_false(cadre_hex_decode("abcg", bytes, 2));
	assert_false(cadre_hex_decode("ab d", bytes, 2));
	assert_false(cadre_hex_decode("0x12", bytes, 2));
	assert_true(cadre_hex_decode("", bytes, 0));
}

static void base32_gives_the_published_values(void **state)
{
	static const char *const rows[][3] = {
		/* RFC 4648 section 10: bytes, base32, base32hex */
		{ "", "", "" },
		{ "f", "my", "co" },
		{ "fo", "mzxq", "cpng" },
		{ "foo", "mzxw6", "cpnmu" },
		{ "foob", "mzxw6yq", "cpnmuog" },
		{ "fooba", "mzxw6ytb", "cpnmuoj1" },
		{ "foobar", "mzxw6ytboi", "cpnmuoj1e8" },
	};
	char text[32];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		cadre_base32_encode(rows[i][0], strlen(rows[i][0]), text);
		assert_string_equal(text, rows[i][1]);
		cadre_base32hex_encode(rows[i][0], strlen(rows[i][0]), text);
		assert_string_equal(text, rows[i][2]);
	}
}

static void base32hex_sorts_as_its_bytes(void **state)
{
	struct test_random random = { test_seed(3) };

	(void)state;
	for (int i = 0; i < 2000; i++) {
		uint8_t a[12];
		uint8_t b[12];
		char text_a[32];
		char text_b[32];
		for (size_t k = 0; k < sizeof a; k++) {
			a[k] = (uint8_t)test_random_below(&random, 4);
			b[k] = (uint8_t)test_random_below(&random, 4);
		}
		cadre_base32hex_encode(a, sizeof a, text_a);
		cadre_base32hex_encode(b, sizeof b, text_b);
		assert_int_equal(memcmp(a, b, sizeof a) < 0, strcmp(text_a, text_b) < 0);
	}
}

struct utf8_row {
	const char *bytes;
	size_t length;
	bool valid;
	size_t points;
};

static void utf8_follows_rfc_3629(void **state)
{
	static const struct utf8_row rows[] = {
		{ "", 0, true, 0 },
		{ "abc", 3, true, 3 },
		{ "a\0b", 3, true, 3 },
		{ "\x7F", 1, true, 1 },
		{ "\xC2\x80", 2, true, 1 },         /* U+0080, the first of two bytes */
		{ "\xDF\xBF", 2, true, 1 },         /* U+07FF, the last */
		{ "\xE0\xA0\x80", 3, true, 1 },     /* U+0800 */
		{ "\xED\x9F\xBF", 3, true, 1 },     /* U+D7FF, before the surrogates */
		{ "\xEE\x80\x80", 3, true, 1 },     /* U+E000, behind them */
		{ "\xEF\xBF\xBF", 3, true, 1 },     /* U+FFFF */
		{ "\xF0\x90\x80\x80", 4, true, 1 }, /* U+10000 */
		{ "\xF4\x8F\xBF\xBF", 4, true, 1 }, /* U+10FFFF, the last of all */
		{ "h\xC3\xA9\xE2\x82\xAC", 6, true, 3 },
		{ "\x80", 1, false, 0 },             /* a continuation alone */
		{ "\xC0\x80", 2, false, 0 },         /* overlong NUL */
		{ "\xC1\xBF", 2, false, 0 },         /* overlong U+007F */
		{ "\xE0\x9F\xBF", 3, false, 0 },     /* overlong U+07FF */
		{ "\xF0\x8F\xBF\xBF", 4, false, 0 }, /* overlong U+FFFF */
		{ "\xED\xA0\x80", 3, false, 0 },     /* U+D800 */
		{ "\xED\xBF\xBF", 3, false, 0 },     /* U+DFFF */
		{ "\xF4\x90\x80\x80", 4, false, 0 }, /* U+110000 */
		{ "\xF5\x80\x80\x80", 4, false, 0 },
		{ "\xF8\x88\x80\x80\x80", 5, false, 0 },
		{ "\xFE", 1, false, 0 },
		{ "\xFF", 1, false, 0 },
		{ "\xC2", 1, false, 0 }, /* cut short */
		{ "\xE2\x82", 2, false, 0 },
		{ "\xF0\x90\x80", 3, false, 0 },
		{ "\xC2\x41", 2, false, 0 }, /* no continuation */
		{ "\xE2\x82\x41", 3, false, 0 },
		{ "\xF0\x90\x80\x41", 4, false, 0 },
		{ "abcdefgh\xC0\xAF", 10, false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		size_t points = 0;
		bool valid = cadre_utf8_check(rows[i].bytes, rows[i].length, &points);
		if (valid != rows[i].valid)
			fail_msg("row %zu is %s", i, valid ? "valid" : "invalid");
		if (valid)
			assert_int_equal(points, rows[i].points);
		assert_int_equal(cadre_utf8_check(rows[i].bytes, rows[i].length, NULL),
		                 valid);
	}
}

static void times_are_written_in_utc_with_milliseconds(void **state)
{
	char text[25];

	(void)state;
	cadre_time_format(0, text);
	assert_string_equal(text, "1970-01-01T00:00:00.000Z");
	cadre_time_format(1795358424123u, text);
	assert_string_equal(text, "2026-11-22T14:40:24.123Z");
	cadre_time_format(253402300799999u, text);
	assert_string_equal(text, "9999-12-31T23:59:59.999Z");
	cadre_time_format(UINT64_MAX, text);
	assert_string_equal(text, "9999-12-31T23:59:59.999Z");
}

static void times_read_back_what_was_written(void **state)
{
	struct test_random random = { test_seed(11) };

	(void)state;
	for (int i = 0; i < 1000; i++) {
		cadre_time_ms time = test_random_below(&random, 253402300800000u);
		cadre_time_ms back = 0;
		char text[25];
		cadre_time_format(time, text);
		assert_true(cadre_time_parse(text, &back));
		assert_true(back == time);
	}
}

static void times_may_lack_the_fraction_or_part_of_it(void **state)
{
	cadre_time_ms time = 0;

	(void)state;
	assert_true(cadre_time_parse("2026-11-22T14:40:24Z", &time));
	assert_true(time == 1795358424000u);
	assert_true(cadre_time_parse("2026-11-22T14:40:24.5Z", &time));
	assert_true(time == 1795358424500u);
	assert_true(cadre_time_parse("2026-11-22T14:40:24.123456Z", &time));
	assert_true(time == 1795358424123u);
	assert_true(cadre_time_parse("2024-02-29T00:00:00Z", &time));
}

static void other_texts_are_no_times(void **state)
{
	static const char *const texts[] = {
		"",
		"now",
		"2026-11-22",
		"2026-11-22T14:40:24",
		"2026-11-22T14:40:24.Z",
		"2026-11-22T14:40:24+01:00",
		"2026-11-22T14:40:24.123Zx",
		"2026-11-22 14:40:24Z",
		" 2026-11-22T14:40:24Z",
		"2026-1-2T3:4:5Z",
		"2026-13-01T00:00:00Z",
		"2026-00-01T00:00:00Z",
		"2026-02-30T00:00:00Z",
		"2025-02-29T00:00:00Z",
		"2026-11-22T24:00:00Z",
		"2026-11-22T14:60:00Z",
		"2026-11-22T14:40:60Z",
		"1969-12-31T23:59:59Z",
		"-026-11-22T14:40:24Z",
		"12026-11-22T14:40:24Z",
	};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		cadre_time_ms time = 0;
		if (cadre_time_parse(texts[i], &time))
			fail_msg("\"%s\" was read as a time", texts[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_have_the_stated_byte_order),
		cmocka_unit_test(slices_order_as_memcmp_with_prefixes_first),
		cmocka_unit_test(a_buffer_grows_and_keeps_its_content),
		cmocka_unit_test(a_buffer_refuses_an_impossible_size_unchanged),
		cmocka_unit_test(hex_reads_back_what_it_writes),
		cmocka_unit_test(hex_refuses_other_lengths_and_digits),
		cmocka_unit_test(base32_gives_the_published_values),
		cmocka_unit_test(base32hex_sorts_as_its_bytes),
		cmocka_unit_test(utf8_follows_rfc_3629),
		cmocka_unit_test(times_are_written_in_utc_with_milliseconds),
		cmocka_unit_test(times_read_back_what_was_written),
		cmocka_unit_test(times_may_lack_the_fraction_or_part_of_it),
		cmocka_unit_test(other_texts_are_no_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
