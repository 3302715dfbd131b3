#include "engine/log/batch.h"

#include "engine/base/assert.h"
#include "engine/base/checksum.h"

/* Offsets in the header; docs/format/batch.md. */
enum {
	AT_MAGIC = 0,
	AT_CRC = 4,
	AT_FIRST_SEQ = 8,
	AT_EPOCH = 16,
	AT_TIME = 24,
	AT_COUNT = 32,
	AT_FLAGS = 36,
	AT_BODY_BYTES = 40,
	AT_BODY_CRC = 44,
	AT_CHAIN = 48
};
#define MAGIC 0x54414243u /* "CBAT" */
#define CHAINED_BYTES (AT_CHAIN - AT_FIRST_SEQ)

/* True when `length` bytes hold CADRE_ZERO_RUN_BYTES zero bytes in a row. Such a
 * run covers at least one of the probed positions, so few bytes are looked at. */
static bool has_zero_run(const uint8_t *data, size_t length)
{
	for (size_t at = CADRE_ZERO_RUN_BYTES - 1; at < length;
	     at += CADRE_ZERO_RUN_BYTES) {
		size_t begin = at;
		size_t end = at + 1;
		if (data[at] != 0)
			continue;
		while (begin > 0 && data[begin - 1] == 0 &&
		       at - begin < CADRE_ZERO_RUN_BYTES)
			begin--;
		while (end < length && data[end] == 0 &&
		       end - begin < CADRE_ZERO_RUN_BYTES)
			end++;
		if (end - begin >= CADRE_ZERO_RUN_BYTES)
			return true;
	}
	return false;
}

static uint32_t record_crc(const uint8_t *record, size_t payload_bytes)
{
	return cadre_crc32c(0, record + 8, 4 + payload_bytes);
}

enum cadre_status cadre_batch_begin(struct cadre_batch_builder *builder,
                                    struct cadre_buffer *out, cadre_seq first_seq,
                                    cadre_epoch epoch, cadre_time_ms time_ms)
{
	CADRE_ASSERT(first_seq > 0);
	memset(builder, 0, sizeof *builder);
	builder->out = out;
	builder->start = out->length;
	builder->header.first_seq = first_seq;
	builder->header.epoch = epoch;
	builder->header.time_ms = time_ms;
	return cadre_buffer_append_zeros(out, CADRE_BATCH_HEADER_BYTES);
}

enum cadre_status cadre_batch_add(struct cadre_batch_builder *builder, uint16_t type,
                                  struct cadre_slice payload)
{
	struct cadre_batch_header *header = &builder->header;
	size_t record_bytes = CADRE_RECORD_HEADER_BYTES + payload.length;
	uint8_t *record;
	enum cadre_status status;

	CADRE_ASSERT(type != 0);
	if (payload.length > CADRE_RECORD_PAYLOAD_BYTES_MAX)
		return CADRE_TOO_LARGE;
	if (header->count == CADRE_BATCH_RECORDS_MAX ||
	    (header->count > 0 &&
	     header->body_bytes + record_bytes > CADRE_BATCH_BODY_BYTES_TARGET))
		return CADRE_LIMIT_EXCEEDED;
	if (has_zero_run(payload.data, payload.length))
		return CADRE_INVALID_PARAMETER;
	status = cadre_buffer_append_zeros(builder->out, CADRE_RECORD_HEADER_BYTES);
	if (status != CADRE_OK)
		return status;
	status = cadre_buffer_append(builder->out, payload.data, payload.length);
	if (status != CADRE_OK) {
		builder->out->length -= CADRE_RECORD_HEADER_BYTES;
		return status;
	}
	record = builder->out->data + builder->out->length - record_bytes;
	cadre_put_le32(record, (uint32_t)payload.length);
	cadre_put_le16(record + 8, type);
	cadre_put_le32(record + 4, record_crc(record, payload.length));
	header->count++;
	header->body_bytes += (uint32_t)record_bytes;
	return CADRE_OK;
}

void cadre_batch_rewind(struct cadre_batch_builder *builder, uint32_t count,
                        uint32_t body_bytes)
{
	CADRE_ASSERT(count <= builder->header.count);
	CADRE_ASSERT(body_bytes <= builder->header.body_bytes);
	builder->header.count = count;
	builder->header.body_bytes = body_bytes;
	builder->out->length = builder->start + CADRE_BATCH_HEADER_BYTES + body_bytes;
}

static struct cadre_sha256 chain_after(const struct cadre_sha256 *previous,
                                       const uint8_t *header, size_t body_bytes)
{
	struct cadre_sha256 body = cadre_sha256(header + CADRE_BATCH_HEADER_BYTES,
	                                        body_bytes);
	struct cadre_slice parts[] = {
		cadre_slice(previous->bytes, sizeof previous->bytes),
		cadre_slice(header + AT_FIRST_SEQ, CHAINED_BYTES),
		cadre_slice(body.bytes, sizeof body.bytes),
	};

	return cadre_sha256_parts(parts, 3);
}

void cadre_batch_finish(struct cadre_batch_builder *builder,
                        const struct cadre_sha256 *previous_chain)
{
	struct cadre_batch_header *header = &builder->header;
	uint8_t *at = builder->out->data + builder->start;

	CADRE_ASSERT(header->count > 0);
	CADRE_ASSERT(builder->out->length ==
	             builder->start + CADRE_BATCH_HEADER_BYTES + header->body_bytes);
	cadre_put_le32(at + AT_MAGIC, MAGIC);
	cadre_put_le64(at + AT_FIRST_SEQ, header->first_seq);
	cadre_put_le64(at + AT_EPOCH, header->epoch);
	cadre_put_le64(at + AT_TIME, header->time_ms);
	cadre_put_le32(at + AT_COUNT, header->count);
	cadre_put_le32(at + AT_FLAGS, header->flags);
	cadre_put_le32(at + AT_BODY_BYTES, header->body_bytes);
	cadre_put_le32(at + AT_BODY_CRC, cadre_crc32c(0, at + CADRE_BATCH_HEADER_BYTES,
	                                              header->body_bytes));
	header->chain = chain_after(previous_chain, at, header->body_bytes);
	memcpy(at + AT_CHAIN, header->chain.bytes, sizeof header->chain.bytes);
	cadre_put_le32(at + AT_CRC,
	               cadre_crc32c(0, at + AT_FIRST_SEQ,
	                            CADRE_BATCH_HEADER_BYTES - AT_FIRST_SEQ));
}

static enum cadre_status bad(struct cadre_error *err, cadre_seq first_seq,
                             const char *what)
{
	return cadre_error_set(err, CADRE_CORRUPT, "batch at seq %llu: %s",
	                       (unsigned long long)first_seq, what);
}

static enum cadre_status scan_header(struct cadre_slice data,
                                     struct cadre_batch_header *header,
                                     struct cadre_error *err)
{
	const uint8_t *at = data.data;

	if (data.length < CADRE_BATCH_HEADER_BYTES)
		return bad(err, 0, "shorter than its header");
	if (cadre_get_le32(at + AT_MAGIC) != MAGIC)
		return bad(err, 0, "no batch starts here");
	if (cadre_get_le32(at + AT_CRC) !=
	    cadre_crc32c(0, at + AT_FIRST_SEQ, CADRE_BATCH_HEADER_BYTES - AT_FIRST_SEQ))
		return bad(err, 0, "header checksum mismatch");
	header->first_seq = cadre_get_le64(at + AT_FIRST_SEQ);
	header->epoch = cadre_get_le64(at + AT_EPOCH);
	header->time_ms = cadre_get_le64(at + AT_TIME);
	header->count = cadre_get_le32(at + AT_COUNT);
	header->flags = cadre_get_le32(at + AT_FLAGS);
	header->body_bytes = cadre_get_le32(at + AT_BODY_BYTES);
	memcpy(header->chain.bytes, at + AT_CHAIN, sizeof header->chain.bytes);
	if (header->first_seq == 0 || header->count == 0 ||
	    header->count > CADRE_BATCH_RECORDS_MAX ||
	    header->first_seq > CADRE_SEQ_MAX - header->count)
		return bad(err, header->first_seq, "impossible seq range");
	if (header->flags != 0)
		return bad(err, header->first_seq, "unknown flags");
	if (header->body_bytes > CADRE_BATCH_BODY_BYTES_MAX ||
	    header->body_bytes > data.length - CADRE_BATCH_HEADER_BYTES)
		return bad(err, header->first_seq, "body longer than the bytes present");
	return CADRE_OK;
}

static enum cadre_status scan_records(const struct cadre_batch *batch,
                                      struct cadre_error *err)
{
	const uint8_t *at = batch->body.data;
	size_t left = batch->body.length;
	cadre_seq first_seq = batch->header.first_seq;

	for (uint32_t i = 0; i < batch->header.count; i++) {
		uint32_t payload_bytes;
		if (left < CADRE_RECORD_HEADER_BYTES)
			return bad(err, first_seq,
			           "record header behind the end of the body");
		payload_bytes = cadre_get_le32(at);
		if (payload_bytes > CADRE_RECORD_PAYLOAD_BYTES_MAX ||
		    payload_bytes > left - CADRE_RECORD_HEADER_BYTES)
			return bad(err, first_seq, "record behind the end of the body");
		if (cadre_get_le16(at + 8) == 0 || cadre_get_le16(at + 10) != 0)
			return bad(err, first_seq, "record type out of range");
		if (cadre_get_le32(at + 4) != record_crc(at, payload_bytes))
			return bad(err, first_seq + i, "record checksum mismatch");
		if (has_zero_run(at + CADRE_RECORD_HEADER_BYTES, payload_bytes))
			return bad(err, first_seq + i,
			           "record with a forbidden run of zeros");
		at += CADRE_RECORD_HEADER_BYTES + payload_bytes;
		left -= CADRE_RECORD_HEADER_BYTES + payload_bytes;
	}
	if (left > 0)
		return bad(err, first_seq, "bytes behind the last record");
	return CADRE_OK;
}

enum cadre_status cadre_batch_scan(struct cadre_slice data, struct cadre_batch *ret_batch,
                                   struct cadre_error *err)
{
	struct cadre_batch batch = { 0 };
	enum cadre_status status;

	if (data.length == 0)
		return CADRE_END;
	status = scan_header(data, &batch.header, err);
	if (status != CADRE_OK)
		return status;
	batch.bytes = cadre_slice(data.data,
	                          CADRE_BATCH_HEADER_BYTES + batch.header.body_bytes);
	batch.body = cadre_slice(data.data + CADRE_BATCH_HEADER_BYTES,
	                         batch.header.body_bytes);
	if (cadre_get_le32(data.data + AT_BODY_CRC) !=
	    cadre_crc32c(0, batch.body.data, batch.body.length))
		return bad(err, batch.header.first_seq, "body checksum mismatch");
	status = scan_records(&batch, err);
	if (status == CADRE_OK)
		*ret_batch = batch;
	return status;
}

enum cadre_status cadre_batch_check_chain(const struct cadre_batch *batch,
                                          const struct cadre_sha256 *previous_chain,
                                          struct cadre_error *err)
{
	struct cadre_sha256 chain = chain_after(previous_chain, batch->bytes.data,
	                                        batch->body.length);

	if (memcmp(chain.bytes, batch->header.chain.bytes, sizeof chain.bytes) == 0)
		return CADRE_OK;
	return cadre_error_set(err, CADRE_DIVERGED,
	                       "batch at seq %llu: its chain does not follow from the "
	                       "batch before",
	                       (unsigned long long)batch->header.first_seq);
}

enum cadre_status cadre_batch_next_record(const struct cadre_batch *batch, size_t *offset,
                                          struct cadre_record *io_record)
{
	const uint8_t *at = batch->body.data + *offset;
	uint32_t payload_bytes;

	if (*offset == batch->body.length)
		return CADRE_END;
	io_record->seq = *offset == 0 ? batch->header.first_seq : io_record->seq + 1;
	payload_bytes = cadre_get_le32(at);
	io_record->type = cadre_get_le16(at + 8);
	io_record->payload = cadre_slice(at + CADRE_RECORD_HEADER_BYTES, payload_bytes);
	*offset += CADRE_RECORD_HEADER_BYTES + payload_bytes;
	CADRE_ASSERT(*offset <= batch->body.length);
	return CADRE_OK;
}
