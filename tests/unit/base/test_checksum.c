#include "tests/support/testing.h"

#include <stdlib.h>

#include "engine/base/bytes.h"
#include "engine/base/checksum.h"

static void crc32c_gives_the_published_values(void **state)
{
	uint8_t bytes[32];

	(void)state;
	assert_int_equal(cadre_crc32c(0, "123456789", 9), 0xE3069283u);
	assert_int_equal(cadre_crc32c(0, "", 0), 0);
	/* RFC 3720, B.4 */
	memset(bytes, 0, sizeof bytes);
	assert_int_equal(cadre_crc32c(0, bytes, sizeof bytes), 0x8A9136AAu);
	memset(bytes, 0xFF, sizeof bytes);
	assert_int_equal(cadre_crc32c(0, bytes, sizeof bytes), 0x62A8AB43u);
	for (int i = 0; i < 32; i++)
		bytes[i] = (uint8_t)i;
	assert_int_equal(cadre_crc32c(0, bytes, sizeof bytes), 0x46DD794Eu);
}

/* Bit by bit, to hold the library against at every length and alignment. */
static uint32_t slow_crc32c(const uint8_t *at, size_t length)
{
	uint32_t crc = UINT32_MAX;

	while (length-- > 0) {
		crc ^= *at++;
		for (int i = 0; i < 8; i++)
			crc = crc >> 1 ^ (0x82F63B78u & -(crc & 1));
	}
	return ~crc;
}

static void crc32c_continues_from_a_seed_at_any_split(void **state)
{
	struct test_random random = { 1 };
	uint8_t bytes[600];

	(void)state;
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)test_random_next(&random);
	for (size_t length = 0; length < sizeof bytes; length += 7) {
		size_t split = test_random_below(&random, length + 1);
		uint32_t expected = slow_crc32c(bytes + 3, length - length % 3);
		assert_int_equal(cadre_crc32c(0, bytes + 3, length - length % 3),
		                 expected);
		expected = cadre_crc32c(0, bytes, length);
		assert_int_equal(cadre_crc32c(cadre_crc32c(0, bytes, split),
		                              bytes + split, length - split),
		                 expected);
	}
}

static void assert_sha256(struct cadre_sha256 hash, const char *expected)
{
	char text[65];

	cadre_hex_encode(hash.bytes, sizeof hash.bytes, text);
	assert_string_equal(text, expected);
}

static void sha256_gives_the_published_values(void **state)
{
	(void)state;
	/* FIPS 180-4 examples */
	assert_sha256(cadre_sha256("", 0),
	              "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	assert_sha256(cadre_sha256("abc", 3),
	              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_sha256(
	        cadre_sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	                     56),
	        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

static void sha256_of_parts_is_that_of_the_whole(void **state)
{
	const struct cadre_slice parts[] = { cadre_slice_text("a"), cadre_slice(NULL, 0),
		                             cadre_slice_text("bc") };
	struct cadre_sha256_stream stream;

	(void)state;
	assert_sha256(cadre_sha256_parts(parts, 3),
	              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	cadre_sha256_init(&stream);
	cadre_sha256_update(&stream, "ab", 2);
	cadre_sha256_update(&stream, "c", 1);
	assert_sha256(cadre_sha256_final(&stream),
	              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

/* Byte by byte never reaches the processor's SHA instructions. */
static void sha256_does_not_depend_on_how_the_bytes_are_cut(void **state)
{
	uint8_t bytes[400];

	(void)state;
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i * 131 + i / 7);
	for (size_t length = 0; length <= sizeof bytes; length++) {
		struct cadre_sha256_stream slow, cut;
		struct cadre_sha256 expected, whole, parts;
		size_t first = length * 3 / 7;

		cadre_sha256_init(&slow);
		for (size_t i = 0; i < length; i++)
			cadre_sha256_update(&slow, bytes + i, 1);
		expected = cadre_sha256_final(&slow);
		whole = cadre_sha256(bytes, length);
		cadre_sha256_init(&cut);
		cadre_sha256_update(&cut, bytes, first);
		cadre_sha256_update(&cut, bytes + first, length - first);
		parts = cadre_sha256_final(&cut);
		assert_memory_equal(whole.bytes, expected.bytes, sizeof expected.bytes);
		assert_memory_equal(parts.bytes, expected.bytes, sizeof expected.bytes);
	}
}

static void xxh128_gives_the_published_values(void **state)
{
	char text[33];

	(void)state;
	cadre_hash128_format(cadre_xxh128("", 0), text);
	assert_string_equal(text, "99aa06d3014798d86001c324468d497f");
	cadre_hash128_format(cadre_xxh128("abc", 3), text);
	assert_string_equal(text, "06b05ab6733a618578af5f94892f3950");
}

static void hash128_sums_carry_and_undo(void **state)
{
	const struct cadre_hash128 one = { .low = 1, .high = 0 };
	const struct cadre_hash128 low_full = { .low = UINT64_MAX, .high = 5 };
	const struct cadre_hash128 full = { .low = UINT64_MAX, .high = UINT64_MAX };
	struct cadre_hash128 sum = cadre_hash128_add(low_full, one);

	(void)state;
	assert_true(sum.low == 0 && sum.high == 6);
	assert_true(cadre_hash128_equal(cadre_hash128_sub(sum, one), low_full));
	sum = cadre_hash128_add(full, one);
	assert_true(sum.low == 0 && sum.high == 0);
	assert_true(cadre_hash128_equal(cadre_hash128_sub(sum, one), full));
	assert_false(cadre_hash128_equal(full, low_full));
}

static void hash128_sums_do_not_depend_on_order(void **state)
{
	struct test_random random = { test_seed(7) };

	(void)state;
	for (int i = 0; i < 1000; i++) {
		struct cadre_hash128 a = { test_random_next(&random),
			                   test_random_next(&random) };
		struct cadre_hash128 b = { test_random_next(&random),
			                   test_random_next(&random) };
		struct cadre_hash128 ab = cadre_hash128_add(a, b);
		assert_true(cadre_hash128_equal(ab, cadre_hash128_add(b, a)));
		assert_true(cadre_hash128_equal(cadre_hash128_sub(ab, b), a));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(crc32c_gives_the_published_values),
		cmocka_unit_test(crc32c_continues_from_a_seed_at_any_split),
		cmocka_unit_test(sha256_gives_the_published_values),
		cmocka_unit_test(sha256_of_parts_is_that_of_the_whole),
		cmocka_unit_test(sha256_does_not_depend_on_how_the_bytes_are_cut),
		cmocka_unit_test(xxh128_gives_the_published_values),
		cmocka_unit_test(hash128_sums_carry_and_undo),
		cmocka_unit_test(hash128_sums_do_not_depend_on_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
