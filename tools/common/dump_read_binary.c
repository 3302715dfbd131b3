#include <inttypes.h>

#include "tools/common/dump_format.h"

enum cadre_status cadre_dump_binary_header(struct cadre_dump_reader *reader,
                                           struct cadre_error *err)
{
	size_t most = CADRE_DUMP_HEADER_BYTES + CADRE_DUMP_NAME_BYTES + 4;
	enum cadre_status status = cadre_dump_fill(reader, most, err);
	struct cadre_slice rest = cadre_dump_rest(reader);
	const uint8_t *at = rest.data + CADRE_DUMP_MAGIC_BYTES;
	uint32_t name_bytes;
	size_t length;

	if (status != CADRE_OK)
		return status;
	if (rest.length < CADRE_DUMP_HEADER_BYTES ||
	    memcmp(rest.data, CADRE_DUMP_MAGIC, CADRE_DUMP_MAGIC_BYTES) != 0)
		return cadre_dump_fail(reader, err, "not a dump");
	if (cadre_get_le32(at) != CADRE_DUMP_VERSION)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "dump: format version %" PRIu32
		                       ", this program reads %u",
		                       cadre_get_le32(at), CADRE_DUMP_VERSION);
	name_bytes = cadre_get_le32(at + 76);
	length = CADRE_DUMP_HEADER_BYTES + name_bytes;
	if (name_bytes >= CADRE_DUMP_NAME_BYTES || rest.length < length + 4 ||
	    cadre_get_le32(rest.data + length) != cadre_crc32c(0, rest.data, length) ||
	    !cadre_utf8_check(at + 80, name_bytes, NULL) ||
	    memchr(at + 80, 0, name_bytes))
		return cadre_dump_fail(reader, err, "the header is damaged");
	reader->header.from_seq = cadre_get_le64(at + 4);
	memcpy(reader->header.cluster_id, at + 12, 16);
	memcpy(reader->header.timeline_id, at + 28, 16);
	memcpy(reader->header.chain_before.bytes, at + 44, 32);
	memcpy(reader->header.cluster, at + 80, name_bytes);
	reader->header.cluster[name_bytes] = '\0';
	cadre_dump_consume(reader, length + 4);
	return CADRE_OK;
}

static enum cadre_status binary_end(struct cadre_dump_reader *reader,
                                    struct cadre_error *err)
{
	struct cadre_dump_trailer sums = { 0 };
	struct cadre_sha256 hash;
	enum cadre_status status = cadre_dump_fill(reader, CADRE_DUMP_SUMS_BYTES + 33,
	                                           err);
	struct cadre_slice rest = cadre_dump_rest(reader);

	if (status != CADRE_OK)
		return status;
	if (rest.length != CADRE_DUMP_SUMS_BYTES + 32)
		return cadre_dump_fail(reader, err, "%s the end",
		                       rest.length < CADRE_DUMP_SUMS_BYTES + 32
		                               ? "cut short inside"
		                               : "bytes behind");
	sums.batches = cadre_get_le64(rest.data);
	sums.events = cadre_get_le64(rest.data + 8);
	sums.last_seq = cadre_get_le64(rest.data + 16);
	memcpy(sums.chain.bytes, rest.data + 24, 32);
	sums.has_digest = rest.data[56] == 1;
	sums.digest = cadre_dump_get_digest(rest.data + 57);
	cadre_dump_consume(reader, CADRE_DUMP_SUMS_BYTES);
	hash = cadre_sha256_final(&reader->sha256);
	if (memcmp(hash.bytes, rest.data + CADRE_DUMP_SUMS_BYTES, 32) != 0)
		return cadre_dump_fail(reader, err,
		                       "the SHA-256 differs: the dump was altered");
	status = cadre_dump_finish(reader, &sums, err);
	return status == CADRE_OK ? CADRE_END : status;
}

enum cadre_status cadre_dump_binary_next(struct cadre_dump_reader *reader,
                                         struct cadre_batch *ret_batch,
                                         struct cadre_error *err)
{
	enum cadre_status status = cadre_dump_fill(reader, CADRE_DUMP_FRAME_BYTES, err);
	struct cadre_slice rest = cadre_dump_rest(reader);
	struct cadre_error cause = CADRE_ERROR_INIT;
	uint32_t length;

	if (status != CADRE_OK)
		return status;
	if (rest.length < CADRE_DUMP_FRAME_BYTES)
		return cadre_dump_fail(reader, err, "ends without its trailer");
	length = cadre_get_le32(rest.data);
	if (cadre_get_le32(rest.data + 4) != cadre_crc32c(0, rest.data, 4))
		return cadre_dump_fail(reader, err, "a length is damaged");
	if (length > CADRE_BATCH_HEADER_BYTES + CADRE_BATCH_BODY_BYTES_MAX)
		return cadre_dump_fail(reader, err, "a batch of %" PRIu32 " bytes",
		                       length);
	cadre_dump_consume(reader, CADRE_DUMP_FRAME_BYTES);
	if (length == 0)
		return binary_end(reader, err);
	status = cadre_dump_fill(reader, length, err);
	if (status != CADRE_OK)
		return status;
	rest = cadre_dump_rest(reader);
	if (rest.length < length)
		return cadre_dump_fail(reader, err, "cut short inside a batch");
	status = cadre_batch_scan(cadre_slice(rest.data, length), ret_batch, &cause);
	if (status != CADRE_OK)
		return cadre_dump_fail(reader, err, "%.200s", cause.message);
	if (ret_batch->bytes.length != length)
		return cadre_dump_fail(reader, err, "a batch and its length differ");
	status = cadre_dump_accept(reader, ret_batch, err);
	cadre_dump_consume(reader, length);
	return status;
}
