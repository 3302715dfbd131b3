#include "tests/unit/tools/filled.h"

#include <string.h>

#include "cadre/v1/event.pb-c.h"
#include "proto/codec/codec.h"
#include "tools/common/dump.h"

struct bytes {
	struct cadre_buffer buffer;
	size_t at;      /* read */
	size_t portion; /* at most so many bytes a read */
};

static enum cadre_status write_bytes(void *ctx, struct cadre_slice slice,
                                     struct cadre_error *err)
{
	struct bytes *bytes = ctx;

	(void)err;
	return cadre_buffer_append(&bytes->buffer, slice.data, slice.length);
}

static enum cadre_status read_bytes(void *ctx, void *data, size_t capacity,
                                    size_t *ret_length, struct cadre_error *err)
{
	struct bytes *bytes = ctx;
	size_t left = bytes->buffer.length - bytes->at;
	size_t length = left < capacity ? left : capacity;

	(void)err;
	if (length > bytes->portion)
		length = bytes->portion;
	memcpy(data, bytes->buffer.data + bytes->at, length);
	bytes->at += length;
	*ret_length = length;
	return CADRE_OK;
}

/* A log: every type of event, an unknown type, an event in another than the usual
 * encoding. */
struct sample {
	struct cadre_buffer log;
	struct cadre_dump_header header;
	struct cadre_hash128 digest;
	size_t batches;
};

static void add_filled(struct cadre_batch_builder *builder, unsigned type,
                       unsigned chance, struct test_random *random)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_buffer packed = { 0 };
	struct cadre_arena arena;

	cadre_arena_init(&arena, 16u << 20);
	assert_ok(cadre_pack(filled_message(&cadre__v1__event__descriptor, type, chance,
	                                    random, &arena),
	                     &packed, &err));
	assert_ok(cadre_batch_add(builder, (uint16_t)type, cadre_buffer_slice(&packed)));
	cadre_buffer_fini(&packed);
	cadre_arena_fini(&arena);
}

static void sample_init(struct sample *sample, unsigned types, unsigned chance)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct test_random random = { .state = 42 };
	const ProtobufCMessageDescriptor *type = &cadre__v1__event__descriptor;
	/* A body that lacks what it requires: sound bytes, but no message of ours. */
	static const uint8_t odd[] = { 0xA2, 0x01, 0x00 };
	struct cadre_batch_builder builder;
	struct cadre_sha256 chain = { { 0 } };
	cadre_seq seq = 1;

	*sample = (struct sample){ .digest = { .low = 7, .high = 9 } };
	memcpy(sample->header.cluster, "d\xC3\xA9mo \"1\"", 10);
	memset(sample->header.cluster_id, 0xC1, 16);
	memset(sample->header.timeline_id, 0x71, 16);
	sample->header.from_seq = 1;
	for (unsigned i = 0; i < type->n_fields && types > 0; i++) {
		if (type->fields[i].id < 10)
			continue;
		types--;
		assert_ok(cadre_batch_begin(&builder, &sample->log, seq, 3,
		                            i % 2 ? 1700000000000u + i : UINT64_MAX - i));
		add_filled(&builder, type->fields[i].id, chance, &random);
		if (i % 5 == 0)
			assert_ok(cadre_batch_add(&builder, 999, cadre_slice("junk", 4)));
		if (i % 7 == 0)
			assert_ok(cadre_batch_add(&builder, 20,
			                          cadre_slice(odd, sizeof(odd))));
		cadre_batch_finish(&builder, &chain);
		chain = builder.header.chain;
		seq += builder.header.count;
		sample->batches++;
	}
}

static void make_dump(const struct sample *sample, enum cadre_dump_format format,
                      struct bytes *out)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_dump_writer writer;
	struct cadre_slice rest = cadre_buffer_slice(&sample->log);
	struct cadre_batch batch;

	*out = (struct bytes){ .portion = SIZE_MAX };
	cadre_dump_writer_init(&writer, format, write_bytes, out);
	assert_ok(cadre_dump_writer_begin(&writer, &sample->header, &err));
	while (rest.length > 0) {
		assert_ok(cadre_batch_scan(rest, &batch, &err));
		assert_ok(cadre_dump_writer_batch(&writer, &batch, &err));
		rest = cadre_slice(rest.data + batch.bytes.length,
		                   rest.length - batch.bytes.length);
	}
	assert_ok(cadre_dump_writer_end(&writer, &sample->digest, &err));
	cadre_dump_writer_fini(&writer);
}

/* Reads to the end; the batches' bytes go to `log` (may be NULL). */
static enum cadre_status read_dump(struct bytes *dump, struct cadre_buffer *log,
                                   struct cadre_dump_trailer *trailer,
                                   struct cadre_error *err)
{
	struct cadre_dump_reader *reader = NULL;
	struct cadre_batch batch;
	enum cadre_status status;

	dump->at = 0;
	status = cadre_dump_reader_open(read_bytes, dump, 0, &reader, err);
	while (status == CADRE_OK) {
		status = cadre_dump_reader_next(reader, &batch, err);
		if (status == CADRE_OK && log)
			status = cadre_buffer_append(log, batch.bytes.data,
			                             batch.bytes.length);
	}
	if (status == CADRE_END && trailer)
		*trailer = *cadre_dump_reader_trailer(reader);
	cadre_dump_reader_close(reader);
	return status;
}

static void check_same(enum cadre_dump_format format, size_t portion)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_dump_trailer trailer;
	struct cadre_buffer log = { 0 };
	struct sample sample;
	struct bytes dump;

	sample_init(&sample, 100, 200);
	make_dump(&sample, format, &dump);
	dump.portion = portion;
	assert_int_equal(read_dump(&dump, &log, &trailer, &err), CADRE_END);
	assert_true(cadre_slice_equal(cadre_buffer_slice(&log),
	                              cadre_buffer_slice(&sample.log)));
	assert_int_equal(trailer.batches, sample.batches);
	assert_true(trailer.has_digest);
	assert_true(cadre_hash128_equal(trailer.digest, sample.digest));
	cadre_buffer_fini(&log);
	cadre_buffer_fini(&dump.buffer);
	cadre_buffer_fini(&sample.log);
}

static void test_a_json_dump_gives_the_same_bytes_back(void **state)
{
	(void)state;
	check_same(CADRE_DUMP_JSON, SIZE_MAX);
	check_same(CADRE_DUMP_JSON, 7);
}

static void test_a_binary_dump_gives_the_same_bytes_back(void **state)
{
	(void)state;
	check_same(CADRE_DUMP_BINARY, SIZE_MAX);
	check_same(CADRE_DUMP_BINARY, 7);
}

static void check_altered(enum cadre_dump_format format)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct sample sample;
	struct bytes dump;

	sample_init(&sample, 6, 128);
	make_dump(&sample, format, &dump);
	for (size_t i = 0; i < dump.buffer.length; i++) {
		static const uint8_t flips[] = { 0x01, 0x20, 0x80 };

		for (size_t j = 0; j < sizeof(flips); j++) {
			dump.buffer.data[i] ^= flips[j];
			if (read_dump(&dump, NULL, NULL, &err) == CADRE_END)
				fail_msg("byte %zu xor 0x%02x was accepted", i, flips[j]);
			dump.buffer.data[i] ^= flips[j];
		}
	}
	assert_int_equal(read_dump(&dump, NULL, NULL, &err), CADRE_END);
	cadre_buffer_fini(&dump.buffer);
	cadre_buffer_fini(&sample.log);
}

static void test_any_altered_byte_of_a_json_dump_is_refused(void **state)
{
	(void)state;
	check_altered(CADRE_DUMP_JSON);
}

static void test_any_altered_byte_of_a_binary_dump_is_refused(void **state)
{
	(void)state;
	check_altered(CADRE_DUMP_BINARY);
}

static void check_lengths(enum cadre_dump_format format)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct sample sample;
	struct bytes dump;
	size_t whole;

	sample_init(&sample, 4, 128);
	make_dump(&sample, format, &dump);
	whole = dump.buffer.length;
	for (size_t length = 0; length < whole; length++) {
		dump.buffer.length = length;
		if (read_dump(&dump, NULL, NULL, &err) == CADRE_END)
			fail_msg("cut to %zu of %zu bytes was accepted", length, whole);
	}
	dump.buffer.length = whole;
	assert_ok(cadre_buffer_append(&dump.buffer, "\n", 1));
	assert_int_equal(read_dump(&dump, NULL, NULL, &err), CADRE_CORRUPT);
	cadre_buffer_fini(&dump.buffer);
	cadre_buffer_fini(&sample.log);
}

static void test_a_dump_cut_short_or_too_long_is_refused(void **state)
{
	(void)state;
	check_lengths(CADRE_DUMP_JSON);
	check_lengths(CADRE_DUMP_BINARY);
}

/* Inserts, removes and doubles white space where JSON would not care. */
static void test_white_space_of_a_json_dump_counts(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct sample sample;
	struct bytes dump;
	struct bytes altered = { .portion = SIZE_MAX };

	(void)state;
	sample_init(&sample, 3, 128);
	make_dump(&sample, CADRE_DUMP_JSON, &dump);
	for (size_t i = 0; i <= dump.buffer.length; i++) {
		cadre_buffer_clear(&altered.buffer);
		assert_ok(cadre_buffer_append(&altered.buffer, dump.buffer.data, i));
		assert_ok(cadre_buffer_append(&altered.buffer, " ", 1));
		assert_ok(cadre_buffer_append(&altered.buffer, dump.buffer.data + i,
		                              dump.buffer.length - i));
		if (read_dump(&altered, NULL, NULL, &err) == CADRE_END)
			fail_msg("a space at byte %zu was accepted", i);
	}
	cadre_buffer_fini(&altered.buffer);
	cadre_buffer_fini(&dump.buffer);
	cadre_buffer_fini(&sample.log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_json_dump_gives_the_same_bytes_back),
		cmocka_unit_test(test_a_binary_dump_gives_the_same_bytes_back),
		cmocka_unit_test(test_any_altered_byte_of_a_json_dump_is_refused),
		cmocka_unit_test(test_any_altered_byte_of_a_binary_dump_is_refused),
		cmocka_unit_test(test_a_dump_cut_short_or_too_long_is_refused),
		cmocka_unit_test(test_white_space_of_a_json_dump_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
