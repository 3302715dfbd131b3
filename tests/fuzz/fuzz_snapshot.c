/*
 * The `rows` file of a snapshot: frames, and the rows in them. The input's frames
 * are read as they are, and once more with their checksums made right, so that
 * what lies behind the checksums is reached too. Rows that pass are packed again
 * and must come back the same.
 */
#include <stdlib.h>

#include "engine/base/assert.h"
#include "engine/base/checksum.h"
#include "engine/snapshot/format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t raw[SNAPSHOT_FRAME_RAW_MAX];

static void read_rows(struct cadre_slice rest)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_hash128 digest = { 0, 0 };
	struct cadre_buffer again = { 0 };
	struct cadre_slice all = rest;
	struct snapshot_row row;
	enum cadre_status status;

	while ((status = snapshot_row_next(&rest, &row, &err)) == CADRE_OK) {
		snapshot_row_count(&row, &digest);
		CADRE_ASSERT(snapshot_row_append(&again, row.key, row.stored) ==
		             CADRE_OK);
	}
	CADRE_ASSERT(status == CADRE_END || (status == CADRE_CORRUPT && err.message[0]));
	CADRE_ASSERT(again.length <= all.length &&
	             cadre_slice_equal(cadre_buffer_slice(&again),
	                               cadre_slice(all.data, again.length)));
	cadre_buffer_fini(&again);
}

static void read_frames(struct cadre_slice bytes)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	ZSTD_DCtx *context = ZSTD_createDCtx();
	struct snapshot_frame frame;
	enum cadre_status status;

	CADRE_ASSERT(context);
	while ((status = snapshot_frame_scan(bytes, &frame, &err)) == CADRE_OK) {
		CADRE_ASSERT(frame.bytes <= bytes.length);
		if (snapshot_frame_unpack(context, &frame, raw, &err) == CADRE_OK)
			read_rows(cadre_slice(raw, frame.raw_bytes));
		bytes = cadre_slice(bytes.data + frame.bytes, bytes.length - frame.bytes);
	}
	CADRE_ASSERT(status == CADRE_END || (status == CADRE_CORRUPT && err.message[0]));
	ZSTD_freeDCtx(context);
}

/* The input as rows, with right checksums. */
static void make_rows_sound(uint8_t *bytes, size_t length)
{
	for (size_t at = 0; at + SNAPSHOT_ROW_HEADER_BYTES < length;) {
		size_t key = cadre_get_le16(bytes + at);
		size_t value = cadre_get_le32(bytes + at + 2);

		at += SNAPSHOT_ROW_HEADER_BYTES;
		if (value < 4 || value > length || key + value > length - at)
			return;
		cadre_put_le32(bytes + at + key + value - 4,
		               cadre_crc32c(0, bytes + at, key + value - 4));
		at += key + value;
	}
}

/* The input as frames, with right checksums. */
static void make_frames_sound(uint8_t *bytes, size_t length)
{
	for (size_t at = 0; at < length;) {
		size_t packed = ZSTD_findFrameCompressedSize(bytes + at, length - at);

		if (ZSTD_isError(packed) || packed + 4 > length - at)
			return;
		cadre_put_le32(bytes + at + packed, cadre_crc32c(0, bytes + at, packed));
		at += packed + 4;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size + 1);

	CADRE_ASSERT(copy);
	read_frames(cadre_slice(data, size));
	read_rows(cadre_slice(data, size));
	memcpy(copy, data, size);
	make_frames_sound(copy, size);
	read_frames(cadre_slice(copy, size));
	memcpy(copy, data, size);
	make_rows_sound(copy, size);
	read_rows(cadre_slice(copy, size));
	free(copy);
	return 0;
}
