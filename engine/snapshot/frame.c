#include "engine/snapshot/format.h"

#include <inttypes.h>
#include <zstd_errors.h>

#include "engine/base/assert.h"
#include "engine/base/checksum.h"
#include "engine/views/rows.h"

/* Fast to read and to write; the rows are mostly ids. */
#define FRAME_LEVEL 1
/* ZSTD_FRAMEHEADERSIZE_MAX, which zstd.h declares for static linking only. */
#define FRAME_HEADER_BYTES_MAX 18u

/* zstd's own sizes come from the bytes: nothing is allocated from them, and a
 * frame that claims more than the writer ever puts into one is refused. */
static enum cadre_status frame_sizes(struct cadre_slice bytes, size_t *ret_packed,
                                     size_t *ret_raw, struct cadre_error *err)
{
	unsigned long long raw;
	size_t packed;

	if (bytes.length < 4)
		return CADRE_END;
	if (cadre_get_le32(bytes.data) != ZSTD_MAGICNUMBER)
		return cadre_error_set(err, CADRE_CORRUPT, "no frame starts here");
	raw = ZSTD_getFrameContentSize(bytes.data, bytes.length);
	if (raw == ZSTD_CONTENTSIZE_ERROR && bytes.length < FRAME_HEADER_BYTES_MAX)
		return CADRE_END;
	if (raw == ZSTD_CONTENTSIZE_ERROR || raw == ZSTD_CONTENTSIZE_UNKNOWN ||
	    raw == 0 || raw > SNAPSHOT_FRAME_RAW_MAX)
		return cadre_error_set(err, CADRE_CORRUPT,
		                       "a frame whose header does not say 1 to %u bytes",
		                       SNAPSHOT_FRAME_RAW_MAX);
	packed = ZSTD_findFrameCompressedSize(bytes.data, bytes.length);
	if (ZSTD_isError(packed)) {
		if (ZSTD_getErrorCode(packed) == ZSTD_error_srcSize_wrong &&
		    bytes.length < SNAPSHOT_FRAME_BYTES_MAX)
			return CADRE_END;
		return cadre_error_set(err, CADRE_CORRUPT, "a frame zstd cannot read: %s",
		                       ZSTD_getErrorName(packed));
	}
	*ret_packed = packed;
	*ret_raw = (size_t)raw;
	return CADRE_OK;
}

enum cadre_status snapshot_frame_scan(struct cadre_slice bytes,
                                      struct snapshot_frame *ret_frame,
                                      struct cadre_error *err)
{
	size_t packed = 0, raw = 0;
	enum cadre_status status = frame_sizes(bytes, &packed, &raw, err);

	if (status != CADRE_OK)
		return status;
	if (packed > SNAPSHOT_FRAME_BYTES_MAX - SNAPSHOT_FRAME_CRC_BYTES)
		return cadre_error_set(err, CADRE_CORRUPT, "a frame of %zu bytes",
		                       packed);
	if (bytes.length - packed < SNAPSHOT_FRAME_CRC_BYTES)
		return CADRE_END;
	if (cadre_crc32c(0, bytes.data, packed) != cadre_get_le32(bytes.data + packed))
		return cadre_error_set(err, CADRE_CORRUPT,
		                       "a frame of %zu bytes whose checksum differs",
		                       packed);
	ret_frame->packed = cadre_slice(bytes.data, packed);
	ret_frame->raw_bytes = raw;
	ret_frame->bytes = packed + SNAPSHOT_FRAME_CRC_BYTES;
	return CADRE_OK;
}

enum cadre_status snapshot_frame_unpack(ZSTD_DCtx *context,
                                        const struct snapshot_frame *frame, uint8_t *raw,
                                        struct cadre_error *err)
{
	size_t got;

	CADRE_ASSERT(frame->raw_bytes <= SNAPSHOT_FRAME_RAW_MAX);
	got = ZSTD_decompressDCtx(context, raw, frame->raw_bytes, frame->packed.data,
	                          frame->packed.length);
	if (ZSTD_isError(got))
		return cadre_error_set(err, CADRE_CORRUPT,
		                       "a frame zstd cannot unpack: %s",
		                       ZSTD_getErrorName(got));
	if (got != frame->raw_bytes)
		return cadre_error_set(err, CADRE_CORRUPT,
		                       "a frame of %zu bytes that says %zu", got,
		                       frame->raw_bytes);
	return CADRE_OK;
}

enum cadre_status snapshot_frame_pack(ZSTD_CCtx *context, struct cadre_slice raw,
                                      struct cadre_buffer *out, struct cadre_error *err)
{
	size_t room = ZSTD_compressBound(raw.length);
	size_t packed;

	CADRE_ASSERT(raw.length > 0 && raw.length <= SNAPSHOT_FRAME_RAW_MAX);
	if (cadre_buffer_reserve(out, room + SNAPSHOT_FRAME_CRC_BYTES) != CADRE_OK)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY,
		                       "no memory for a frame of %zu bytes", room);
	packed = ZSTD_compressCCtx(context, out->data + out->length, room, raw.data,
	                           raw.length, FRAME_LEVEL);
	if (ZSTD_isError(packed))
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY, "packing %zu bytes: %s",
		                       raw.length, ZSTD_getErrorName(packed));
	cadre_put_le32(out->data + out->length + packed,
	               cadre_crc32c(0, out->data + out->length, packed));
	out->length += packed + SNAPSHOT_FRAME_CRC_BYTES;
	return CADRE_OK;
}

enum cadre_status snapshot_row_next(struct cadre_slice *rest,
                                    struct snapshot_row *ret_row, struct cadre_error *err)
{
	size_t key_bytes, value_bytes, row_bytes, content_bytes;
	const uint8_t *at = rest->data;

	if (rest->length == 0)
		return CADRE_END;
	if (rest->length < SNAPSHOT_ROW_HEADER_BYTES)
		return cadre_error_set(err, CADRE_CORRUPT, "a row header of %zu bytes",
		                       rest->length);
	key_bytes = cadre_get_le16(at);
	value_bytes = cadre_get_le32(at + 2);
	if (key_bytes == 0 || key_bytes > CADRE_KV_KEY_BYTES_MAX ||
	    value_bytes < CADRE_ROW_CRC_BYTES || value_bytes > SNAPSHOT_VALUE_BYTES_MAX)
		return cadre_error_set(err, CADRE_CORRUPT,
		                       "a row with a key of %zu and a value of %zu bytes",
		                       key_bytes, value_bytes);
	row_bytes = SNAPSHOT_ROW_HEADER_BYTES + key_bytes + value_bytes;
	if (row_bytes > rest->length)
		return cadre_error_set(err, CADRE_CORRUPT,
		                       "a row of %zu bytes in a frame that has %zu left",
		                       row_bytes, rest->length);
	ret_row->key = cadre_slice(at + SNAPSHOT_ROW_HEADER_BYTES, key_bytes);
	ret_row->stored = cadre_slice(ret_row->key.data + key_bytes, value_bytes);
	/* cadre_row_check()'s sum, in one go: key and value lie side by side here. */
	ret_row->content = cadre_slice(ret_row->stored.data,
	                               value_bytes - CADRE_ROW_CRC_BYTES);
	content_bytes = key_bytes + ret_row->content.length;
	if (cadre_crc32c(0, ret_row->key.data, content_bytes) !=
	    cadre_get_le32(ret_row->key.data + content_bytes))
		return cadre_error_set(err, CADRE_CORRUPT,
		                       "a row of table \"%c\" whose checksum differs",
		                       ret_row->key.data[0]);
	*rest = cadre_slice(at + row_bytes, rest->length - row_bytes);
	return CADRE_OK;
}

enum cadre_status snapshot_row_append(struct cadre_buffer *raw, struct cadre_slice key,
                                      struct cadre_slice stored)
{
	uint8_t header[SNAPSHOT_ROW_HEADER_BYTES];
	enum cadre_status status;

	cadre_put_le16(header, (uint16_t)key.length);
	cadre_put_le32(header + 2, (uint32_t)stored.length);
	status = cadre_buffer_append(raw, header, sizeof header);
	if (status == CADRE_OK)
		status = cadre_buffer_append(raw, key.data, key.length);
	if (status == CADRE_OK)
		status = cadre_buffer_append(raw, stored.data, stored.length);
	return status;
}

void snapshot_row_count(const struct snapshot_row *row, struct cadre_hash128 *digest)
{
	CADRE_ASSERT(row->content.data == row->key.data + row->key.length);
	if (cadre_row_in_digest((char)row->key.data[0]))
		*digest = cadre_hash128_add(
		        *digest, cadre_xxh128(row->key.data,
		                              row->key.length + row->content.length));
}
