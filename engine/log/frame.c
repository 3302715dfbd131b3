#include "engine/log/frame.h"

#include "engine/base/assert.h"
#include "engine/base/bytes.h"
#include "engine/base/checksum.h"

enum {
	AT_MAGIC = 0,
	AT_CRC = 4,
	AT_PAYLOAD_BYTES = 8,
	AT_PAYLOAD_CRC = 12,
	AT_DURABLE = 16,
	AT_COMMIT = 24,
	AT_FIRST = 32,
	AT_LAST = 40,
	AT_FLAGS = 48,
	AT_BLOCK = 52,
	AT_SALT = 56
};
#define MAGIC 0x4d524643u /* "CFRM" */

/* More than one bit set in each: a single flipped bit leaves no zero byte. */
static const uint8_t end_mark[CADRE_FRAME_END_BYTES] = { 0xe5, 0xd7, 0xcb, 0xb9 };

bool cadre_log_all_zero(const uint8_t *data, size_t length)
{
	return length == 0 || (data[0] == 0 && memcmp(data, data + 1, length - 1) == 0);
}

bool cadre_log_has_zero_sector(const uint8_t *data, size_t length)
{
	for (size_t at = 0; at < length; at += CADRE_LOG_SECTOR_BYTES) {
		size_t left = length - at;
		size_t sector = left < CADRE_LOG_SECTOR_BYTES ? left
		                                              : CADRE_LOG_SECTOR_BYTES;
		if (cadre_log_all_zero(data + at, sector))
			return true;
	}
	return false;
}

void cadre_frame_encode(struct cadre_frame *frame, struct cadre_frame_place place,
                        struct cadre_slice payload, uint8_t *out)
{
	size_t length = cadre_frame_bytes(payload.length);
	size_t padded = cadre_frame_padded_bytes(payload.length);
	uint8_t *body = out + CADRE_FRAME_HEADER_BYTES;

	CADRE_ASSERT(payload.length <= CADRE_FRAME_PAYLOAD_BYTES_MAX);
	CADRE_ASSERT(place.offset % CADRE_LOG_BLOCK_BYTES == 0);
	if (payload.length > 0 && payload.data != body)
		memmove(body, payload.data, payload.length);
	memcpy(body + payload.length, end_mark, sizeof end_mark);
	memset(out + length, 0, padded - length);
	frame->payload_bytes = (uint32_t)payload.length;
	frame->payload_crc = cadre_crc32c(0, body, payload.length);
	cadre_put_le32(out + AT_MAGIC, MAGIC);
	cadre_put_le32(out + AT_PAYLOAD_BYTES, frame->payload_bytes);
	cadre_put_le32(out + AT_PAYLOAD_CRC, frame->payload_crc);
	cadre_put_le64(out + AT_DURABLE, frame->durable_seq);
	cadre_put_le64(out + AT_COMMIT, frame->commit_seq);
	cadre_put_le64(out + AT_FIRST, frame->first_seq);
	cadre_put_le64(out + AT_LAST, frame->last_seq);
	cadre_put_le32(out + AT_FLAGS, frame->flags);
	cadre_put_le32(out + AT_BLOCK, (uint32_t)(place.offset / CADRE_LOG_BLOCK_BYTES));
	cadre_put_le64(out + AT_SALT, place.salt);
	cadre_put_le32(out + AT_CRC,
	               cadre_crc32c(0, out + AT_PAYLOAD_BYTES,
	                            CADRE_FRAME_HEADER_BYTES - AT_PAYLOAD_BYTES));
	CADRE_ASSERT(!cadre_log_has_zero_sector(out, length));
}

static enum cadre_status bad(struct cadre_error *err, const char *what)
{
	return cadre_error_set(err, CADRE_CORRUPT, "%s", what);
}

enum cadre_status cadre_frame_scan_header(struct cadre_slice data,
                                          struct cadre_frame_place place,
                                          struct cadre_frame *ret_frame,
                                          struct cadre_error *err)
{
	const uint8_t *at = data.data;
	struct cadre_frame frame;
	bool seal;

	if (data.length < CADRE_FRAME_HEADER_BYTES)
		return bad(err, "frame header behind the end of the file");
	if (cadre_get_le32(at + AT_MAGIC) != MAGIC)
		return bad(err, "no frame starts here");
	if (cadre_get_le32(at + AT_CRC) !=
	    cadre_crc32c(0, at + AT_PAYLOAD_BYTES,
	                 CADRE_FRAME_HEADER_BYTES - AT_PAYLOAD_BYTES))
		return bad(err, "frame header checksum mismatch");
	if (cadre_get_le64(at + AT_SALT) != place.salt ||
	    cadre_get_le32(at + AT_BLOCK) != place.offset / CADRE_LOG_BLOCK_BYTES)
		return bad(err, "frame of another place");
	frame.payload_bytes = cadre_get_le32(at + AT_PAYLOAD_BYTES);
	frame.payload_crc = cadre_get_le32(at + AT_PAYLOAD_CRC);
	frame.durable_seq = cadre_get_le64(at + AT_DURABLE);
	frame.commit_seq = cadre_get_le64(at + AT_COMMIT);
	frame.first_seq = cadre_get_le64(at + AT_FIRST);
	frame.last_seq = cadre_get_le64(at + AT_LAST);
	frame.flags = cadre_get_le32(at + AT_FLAGS);
	seal = frame.flags == CADRE_FRAME_SEAL;
	if (frame.flags & ~CADRE_FRAME_SEAL)
		return bad(err, "unknown frame flags");
	if (frame.payload_bytes > CADRE_FRAME_PAYLOAD_BYTES_MAX ||
	    (frame.payload_bytes == 0) != seal)
		return bad(err, "impossible frame length");
	if (frame.first_seq == 0 || frame.durable_seq >= frame.first_seq ||
	    (seal ? frame.last_seq + 1 != frame.first_seq
	          : frame.last_seq < frame.first_seq))
		return bad(err, "impossible seq range of a frame");
	*ret_frame = frame;
	return CADRE_OK;
}

enum cadre_status cadre_frame_scan(struct cadre_slice data,
                                   struct cadre_frame_place place,
                                   struct cadre_frame *ret_frame,
                                   struct cadre_slice *ret_payload,
                                   struct cadre_error *err)
{
	struct cadre_frame frame;
	struct cadre_slice payload;
	const uint8_t *end;
	size_t length;
	size_t padded;
	enum cadre_status status = cadre_frame_scan_header(data, place, &frame, err);

	if (status != CADRE_OK)
		return status;
	length = cadre_frame_bytes(frame.payload_bytes);
	padded = cadre_frame_padded_bytes(frame.payload_bytes);
	if (padded > data.length)
		return bad(err, "frame longer than the file");
	payload = cadre_slice(data.data + CADRE_FRAME_HEADER_BYTES, frame.payload_bytes);
	end = payload.data + payload.length;
	if (cadre_crc32c(0, payload.data, payload.length) != frame.payload_crc)
		return bad(err, "frame payload checksum mismatch");
	if (memcmp(end, end_mark, sizeof end_mark) != 0)
		return bad(err, "frame without its end mark");
	if (!cadre_log_all_zero(data.data + length, padded - length))
		return bad(err, "frame padding is not zero");
	*ret_frame = frame;
	*ret_payload = payload;
	return CADRE_OK;
}
