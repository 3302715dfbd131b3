/*
 * The bytes of every format of the log, as text in golden/. A change of a format
 * fails here. CADRE_GOLDEN_WRITE=1 writes the files anew.
 */
#include "tests/unit/log/log_fixture.h"

#include "engine/log/frame.h"
#include "engine/log/sealed.h"

#include <stdio.h>
#include <stdlib.h>

#define GOLDEN_BYTES_MAX 8192

static void golden(const char *name, struct cadre_slice bytes)
{
	char path[512];
	char *expected = calloc(1, 2 * GOLDEN_BYTES_MAX + 2);
	char *text = calloc(1, 2 * GOLDEN_BYTES_MAX + 2);
	FILE *file;

	assert_non_null(expected);
	assert_non_null(text);
	assert_true(bytes.length <= GOLDEN_BYTES_MAX);
	cadre_hex_encode(bytes.data, bytes.length, text);
	snprintf(path, sizeof path, "%s/%s.hex", GOLDEN_DIR, name);
	if (getenv("CADRE_GOLDEN_WRITE")) {
		file = fopen(path, "w");
		assert_non_null(file);
		assert_true(fprintf(file, "%s\n", text) > 0);
		assert_int_equal(fclose(file), 0);
	}
	file = fopen(path, "r");
	assert_non_null(file);
	assert_non_null(fgets(expected, 2 * GOLDEN_BYTES_MAX + 2, file));
	assert_int_equal(fclose(file), 0);
	expected[strcspn(expected, "\n")] = '\0';
	assert_string_equal(text, expected);
	free(expected);
	free(text);
}

static void make_batch(struct cadre_buffer *out, struct cadre_batch *batch)
{
	struct cadre_batch_builder builder;
	struct cadre_sha256 chain;

	memset(chain.bytes, 0x11, sizeof chain.bytes);
	assert_int_equal(
	        cadre_batch_begin(&builder, out, 0x0102030405060708, 9, 0x18bcfe56800),
	        CADRE_OK);
	assert_int_equal(cadre_batch_add(&builder, 1, cadre_slice("one", 3)), CADRE_OK);
	assert_int_equal(cadre_batch_add(&builder, 0x201, cadre_slice("second", 6)),
	                 CADRE_OK);
	cadre_batch_finish(&builder, &chain);
	assert_int_equal(cadre_batch_scan(cadre_buffer_slice(out), batch, NULL),
	                 CADRE_OK);
}

static void a_batch_has_these_bytes(void **state)
{
	struct cadre_buffer bytes = { 0 };
	struct cadre_batch batch;

	(void)state;
	make_batch(&bytes, &batch);
	golden("batch", cadre_buffer_slice(&bytes));
	cadre_buffer_fini(&bytes);
}

static void a_frame_has_these_bytes(void **state)
{
	struct cadre_frame_place place = { 0xa1a2a3a4a5a6a7a8, 4096 };
	struct cadre_frame frame = {
		.durable_seq = 4, .commit_seq = 3, .first_seq = 5, .last_seq = 6
	};
	struct cadre_frame seal = { .durable_seq = 6,
		                    .commit_seq = 6,
		                    .first_seq = 7,
		                    .last_seq = 6,
		                    .flags = CADRE_FRAME_SEAL };
	uint8_t out[4096];

	(void)state;
	cadre_frame_encode(&frame, place, cadre_slice("payload", 7), out);
	golden("frame", cadre_slice(out, cadre_frame_bytes(7)));
	cadre_frame_encode(&seal, place, cadre_slice(NULL, 0), out);
	golden("seal", cadre_slice(out, cadre_frame_bytes(0)));
}

static void a_segment_header_has_these_bytes(void **state)
{
	struct cadre_segment_header header = { .first_seq = 5,
		                               .salt = 0xa1a2a3a4a5a6a7a8,
		                               .file_bytes = 65536,
		                               .epoch = 2,
		                               .time_ms = 0x18bcfe56800,
		                               .commit_seq = 4 };
	uint8_t out[CADRE_SEGMENT_HEADER_BYTES];

	(void)state;
	memset(header.chain.bytes, 0x11, sizeof header.chain.bytes);
	cadre_segment_header_encode(&header, out);
	golden("segment_header", cadre_slice(out, sizeof out));
	header.sealed = true;
	header.file_bytes = 0;
	cadre_segment_header_encode(&header, out);
	golden("sealed_header", cadre_slice(out, sizeof out));
}

static void a_packed_block_has_these_bytes(void **state)
{
	struct cadre_sealed_packer packer = { 0 };
	struct cadre_buffer bytes = { 0 };
	struct cadre_buffer packed = { 0 };
	struct cadre_buffer again = { 0 };
	struct cadre_sha256 before;
	struct cadre_sha256 after;
	struct cadre_batch batch;
	struct cadre_sha256 chain;

	(void)state;
	memset(chain.bytes, 0x11, sizeof chain.bytes);
	make_batch(&bytes, &batch);
	assert_int_equal(cadre_sealed_pack(&packer, &batch, &chain), CADRE_OK);
	assert_int_equal(cadre_sealed_packer_finish(&packer, &packed), CADRE_OK);
	golden("packed", cadre_buffer_slice(&packed));
	assert_int_equal(cadre_sealed_unpack(cadre_buffer_slice(&packed),
	                                     batch.header.first_seq, &again, &before,
	                                     &after, NULL),
	                 CADRE_OK);
	assert_true(cadre_slice_equal(cadre_buffer_slice(&again),
	                              cadre_buffer_slice(&bytes)));
	assert_memory_equal(&before, &chain, sizeof chain);
	assert_memory_equal(&after, &batch.header.chain, sizeof chain);
	cadre_sealed_packer_fini(&packer);
	cadre_buffer_fini(&bytes);
	cadre_buffer_fini(&packed);
	cadre_buffer_fini(&again);
}

static void a_footer_and_a_seek_entry_have_these_bytes(void **state)
{
	struct cadre_sealed_footer footer = {
		.seek_offset = 1128,
		.seek_crc = 0x01020304,
		.blocks = 2,
		.batches = 7,
		.first_seq = 5,
		.last_seq = 24,
		.epoch = 3,
		.time_ms = 0x18bcfe56800,
		.commit_seq = 20,
		.batch_bytes = 5000,
		.records = 20,
	};
	struct cadre_sealed_entry entry = { .offset = 128,
		                            .compressed_bytes = 500,
		                            .packed_bytes = 900,
		                            .first_seq = 5,
		                            .batch_bytes = 2000,
		                            .crc = 0x05060708 };
	uint8_t out[CADRE_SEALED_FOOTER_BYTES];

	(void)state;
	memset(footer.chain.bytes, 0x22, sizeof footer.chain.bytes);
	memset(footer.hash.bytes, 0x33, sizeof footer.hash.bytes);
	cadre_sealed_footer_encode(&footer, out);
	golden("footer", cadre_slice(out, CADRE_SEALED_FOOTER_BYTES));
	assert_int_equal(cadre_sealed_footer_scan(cadre_slice(out, sizeof out),
	                                          1128 + 64 + 160, &footer, NULL),
	                 CADRE_OK);
	cadre_sealed_entry_encode(&entry, out);
	golden("seek_entry", cadre_slice(out, CADRE_SEALED_ENTRY_BYTES));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_batch_has_these_bytes),
		cmocka_unit_test(a_frame_has_these_bytes),
		cmocka_unit_test(a_segment_header_has_these_bytes),
		cmocka_unit_test(a_packed_block_has_these_bytes),
		cmocka_unit_test(a_footer_and_a_seek_entry_have_these_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
