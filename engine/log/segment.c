#include "engine/log/segment.h"

#include "engine/base/assert.h"
#include "engine/base/checksum.h"
#include "engine/log/frame.h"

#include <stdio.h>

enum {
	AT_MAGIC = 0,
	AT_CRC = 4,
	AT_VERSION = 8,
	AT_FIRST_SEQ = 16,
	AT_SALT = 24,
	AT_FILE_BYTES = 32,
	AT_EPOCH = 40,
	AT_TIME = 48,
	AT_COMMIT = 56,
	AT_CHAIN = 64,
	AT_ZEROS = 96
};
#define MAGIC_FRAMES 0x47455343u /* "CSEG" */
#define MAGIC_SEALED 0x444c5343u /* "CSLD" */
#define NAME_DIGITS 16

void cadre_segment_header_encode(const struct cadre_segment_header *header, uint8_t *out)
{
	memset(out, 0, CADRE_SEGMENT_HEADER_BYTES);
	cadre_put_le32(out + AT_MAGIC, header->sealed ? MAGIC_SEALED : MAGIC_FRAMES);
	cadre_put_le64(out + AT_FIRST_SEQ, header->first_seq);
	cadre_put_le64(out + AT_SALT, header->salt);
	cadre_put_le64(out + AT_FILE_BYTES, header->file_bytes);
	cadre_put_le64(out + AT_EPOCH, header->epoch);
	cadre_put_le64(out + AT_TIME, header->time_ms);
	cadre_put_le64(out + AT_COMMIT, header->commit_seq);
	memcpy(out + AT_CHAIN, header->chain.bytes, sizeof header->chain.bytes);
	cadre_put_le32(out + AT_CRC,
	               cadre_crc32c(0, out + AT_VERSION,
	                            CADRE_SEGMENT_HEADER_BYTES - AT_VERSION));
}

enum cadre_status cadre_segment_header_scan(struct cadre_slice data,
                                            struct cadre_segment_header *ret_header,
                                            struct cadre_error *err)
{
	const uint8_t *at = data.data;
	struct cadre_segment_header header;
	uint32_t magic;

	if (data.length < CADRE_SEGMENT_HEADER_BYTES)
		return cadre_error_set(err, CADRE_CORRUPT, "file shorter than a header");
	magic = cadre_get_le32(at + AT_MAGIC);
	if (magic != MAGIC_FRAMES && magic != MAGIC_SEALED)
		return cadre_error_set(err, CADRE_CORRUPT, "not a segment file");
	if (cadre_get_le32(at + AT_CRC) !=
	    cadre_crc32c(0, at + AT_VERSION, CADRE_SEGMENT_HEADER_BYTES - AT_VERSION))
		return cadre_error_set(err, CADRE_CORRUPT, "header checksum mismatch");
	if (cadre_get_le32(at + AT_VERSION) != 0)
		return cadre_error_set(err, CADRE_CORRUPT,
		                       "format version %u, known is 0",
		                       cadre_get_le32(at + AT_VERSION));
	header.sealed = magic == MAGIC_SEALED;
	header.first_seq = cadre_get_le64(at + AT_FIRST_SEQ);
	header.salt = cadre_get_le64(at + AT_SALT);
	header.file_bytes = cadre_get_le64(at + AT_FILE_BYTES);
	header.epoch = cadre_get_le64(at + AT_EPOCH);
	header.time_ms = cadre_get_le64(at + AT_TIME);
	header.commit_seq = cadre_get_le64(at + AT_COMMIT);
	memcpy(header.chain.bytes, at + AT_CHAIN, sizeof header.chain.bytes);
	if (header.first_seq == 0 ||
	    (header.sealed ? header.file_bytes != 0
	                   : header.file_bytes % CADRE_LOG_BLOCK_BYTES != 0) ||
	    !cadre_log_all_zero(at + AT_ZEROS, CADRE_SEGMENT_HEADER_BYTES - AT_ZEROS))
		return cadre_error_set(err, CADRE_CORRUPT, "header fields out of range");
	*ret_header = header;
	return CADRE_OK;
}

void cadre_segment_name(cadre_seq first_seq, char *name)
{
	snprintf(name, CADRE_SEGMENT_NAME_BYTES, "%016llx.seg",
	         (unsigned long long)first_seq);
}

bool cadre_segment_name_parse(const char *name, cadre_seq *ret_first_seq)
{
	char digits[NAME_DIGITS + 1];
	char again[CADRE_SEGMENT_NAME_BYTES];
	uint8_t bytes[8];

	if (strlen(name) != NAME_DIGITS + strlen(".seg"))
		return false;
	memcpy(digits, name, NAME_DIGITS);
	digits[NAME_DIGITS] = '\0';
	if (!cadre_hex_decode(digits, bytes, sizeof bytes))
		return false;
	*ret_first_seq = cadre_get_be64(bytes);
	cadre_segment_name(*ret_first_seq, again);
	return *ret_first_seq > 0 && strcmp(name, again) == 0;
}

void cadre_window_fini(struct cadre_window *window)
{
	cadre_file_close(window->file);
	cadre_buffer_fini(&window->buffer);
	memset(window, 0, sizeof *window);
}

void cadre_window_reset(struct cadre_window *window)
{
	cadre_buffer_clear(&window->buffer);
}

/* Keeps the bytes from `offset` on that are already here, reads the rest. */
static enum cadre_status refill(struct cadre_window *window, uint64_t offset, size_t want,
                                struct cadre_error *err)
{
	struct cadre_buffer *buffer = &window->buffer;
	size_t kept = 0;
	size_t got = 0;
	uint64_t end = window->offset + buffer->length;
	enum cadre_status status;

	if (offset >= window->offset && offset < end) {
		kept = (size_t)(end - offset);
		memmove(buffer->data, buffer->data + (offset - window->offset), kept);
	}
	buffer->length = kept;
	window->offset = offset;
	if (want < CADRE_WINDOW_BYTES)
		want = CADRE_WINDOW_BYTES;
	if (want > window->limit - offset)
		want = (size_t)(window->limit - offset);
	status = cadre_buffer_reserve(buffer, want - kept);
	if (status != CADRE_OK)
		return cadre_error_set(err, status, "reading %zu bytes", want);
	status = window->file->env->ops->pread(
	        window->file, offset + kept, buffer->data + kept, want - kept, &got, err);
	if (status == CADRE_OK)
		buffer->length += got;
	return status;
}

enum cadre_status cadre_window_get(struct cadre_window *window, uint64_t offset,
                                   size_t length, const uint8_t **ret_data,
                                   struct cadre_error *err)
{
	struct cadre_buffer *buffer = &window->buffer;
	enum cadre_status status;

	if (offset > window->limit || length > window->limit - offset)
		return CADRE_END;
	if (offset < window->offset ||
	    offset + length > window->offset + buffer->length) {
		status = refill(window, offset, length, err);
		if (status != CADRE_OK)
			return status;
		if (buffer->length < length)
			return CADRE_END;
	}
	*ret_data = buffer->data + (offset - window->offset);
	return CADRE_OK;
}
