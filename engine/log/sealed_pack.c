/* The packed form of a block: batches without what can be computed. */
#include "engine/log/sealed.h"

#include "engine/base/assert.h"

enum {
	AT_CHAIN = 0,
	AT_EPOCH = 32,
	AT_TIME = 40,
	AT_BATCHES = 48,
	AT_NUMBERS_BYTES = 52,
	AT_NUMBERS = 56
};
#define VARINT_BYTES_MAX 10

void cadre_sealed_packer_fini(struct cadre_sealed_packer *packer)
{
	cadre_buffer_fini(&packer->numbers);
	cadre_buffer_fini(&packer->payloads);
	cadre_buffer_fini(&packer->batches);
}

void cadre_sealed_packer_clear(struct cadre_sealed_packer *packer)
{
	cadre_buffer_clear(&packer->numbers);
	cadre_buffer_clear(&packer->payloads);
	cadre_buffer_clear(&packer->batches);
	packer->count = 0;
}

size_t cadre_sealed_packer_bytes(const struct cadre_sealed_packer *packer)
{
	return AT_NUMBERS + packer->numbers.length + packer->payloads.length;
}

static uint64_t zigzag(uint64_t from, uint64_t to)
{
	uint64_t change = to - from;

	return change << 1 ^ (change >> 63 ? UINT64_MAX : 0);
}

static uint64_t unzigzag(uint64_t from, uint64_t value)
{
	return from + (value >> 1 ^ (value & 1 ? UINT64_MAX : 0));
}

static enum cadre_status put(struct cadre_buffer *out, uint64_t value)
{
	uint8_t bytes[VARINT_BYTES_MAX];
	size_t length = 0;

	while (value >= 0x80) {
		bytes[length++] = (uint8_t)(value | 0x80);
		value >>= 7;
	}
	bytes[length++] = (uint8_t)value;
	return cadre_buffer_append(out, bytes, length);
}

static enum cadre_status pack_records(struct cadre_sealed_packer *packer,
                                      const struct cadre_batch *batch)
{
	struct cadre_record record = { 0 };
	size_t offset = 0;
	enum cadre_status status = CADRE_OK;

	while (status == CADRE_OK &&
	       cadre_batch_next_record(batch, &offset, &record) == CADRE_OK) {
		status = put(&packer->numbers, record.type);
		if (status == CADRE_OK)
			status = put(&packer->numbers, record.payload.length);
		if (status == CADRE_OK)
			status = cadre_buffer_append(&packer->payloads,
			                             record.payload.data,
			                             record.payload.length);
	}
	return status;
}

enum cadre_status cadre_sealed_pack(struct cadre_sealed_packer *packer,
                                    const struct cadre_batch *batch,
                                    const struct cadre_sha256 *chain)
{
	const struct cadre_batch_header *header = &batch->header;
	enum cadre_status status;

	if (packer->count == 0) {
		packer->chain = *chain;
		packer->first_seq = header->first_seq;
		packer->epoch = packer->first_epoch = header->epoch;
		packer->time_ms = packer->first_time_ms = header->time_ms;
	}
	status = put(&packer->numbers, zigzag(packer->epoch, header->epoch));
	if (status == CADRE_OK)
		status = put(&packer->numbers, zigzag(packer->time_ms, header->time_ms));
	if (status == CADRE_OK)
		status = put(&packer->numbers, header->count);
	if (status == CADRE_OK)
		status = pack_records(packer, batch);
	if (status == CADRE_OK)
		status = cadre_buffer_append(&packer->batches, batch->bytes.data,
		                             batch->bytes.length);
	packer->epoch = header->epoch;
	packer->time_ms = header->time_ms;
	packer->count++;
	return status;
}

enum cadre_status cadre_sealed_packer_finish(const struct cadre_sealed_packer *packer,
                                             struct cadre_buffer *out)
{
	uint8_t fixed[AT_NUMBERS];
	enum cadre_status status;

	memcpy(fixed + AT_CHAIN, packer->chain.bytes, sizeof packer->chain.bytes);
	cadre_put_le64(fixed + AT_EPOCH, packer->first_epoch);
	cadre_put_le64(fixed + AT_TIME, packer->first_time_ms);
	cadre_put_le32(fixed + AT_BATCHES, packer->count);
	cadre_put_le32(fixed + AT_NUMBERS_BYTES, (uint32_t)packer->numbers.length);
	status = cadre_buffer_append(out, fixed, sizeof fixed);
	if (status == CADRE_OK)
		status = cadre_buffer_append(out, packer->numbers.data,
		                             packer->numbers.length);
	if (status == CADRE_OK)
		status = cadre_buffer_append(out, packer->payloads.data,
		                             packer->payloads.length);
	return status;
}

struct unpack {
	struct cadre_slice numbers;
	struct cadre_slice payloads;
	struct cadre_buffer *out;
	size_t out_start;
	cadre_seq next_seq;
	cadre_epoch epoch;
	cadre_time_ms time_ms;
	struct cadre_sha256 chain;
};

static bool get(struct cadre_slice *numbers, uint64_t *value)
{
	*value = 0;
	for (unsigned i = 0; i < VARINT_BYTES_MAX && i < numbers->length; i++) {
		uint8_t byte = numbers->data[i];
		*value |= (uint64_t)(byte & 0x7f) << (7 * i);
		if (byte & 0x80)
			continue;
		numbers->data += i + 1;
		numbers->length -= i + 1;
		return true;
	}
	return false;
}

static enum cadre_status bad(const struct unpack *unpack, const char *what,
                             struct cadre_error *err)
{
	return cadre_error_set(err, CADRE_CORRUPT, "block at seq %llu: %s",
	                       (unsigned long long)unpack->next_seq, what);
}

static enum cadre_status unpack_record(struct unpack *unpack,
                                       struct cadre_batch_builder *builder,
                                       struct cadre_error *err)
{
	uint64_t type;
	uint64_t bytes;
	enum cadre_status status;

	if (!get(&unpack->numbers, &type) || !get(&unpack->numbers, &bytes))
		return bad(unpack, "its numbers end early", err);
	if (type == 0 || type > UINT16_MAX || bytes > unpack->payloads.length)
		return bad(unpack, "a record out of range", err);
	status = cadre_batch_add(builder, (uint16_t)type,
	                         cadre_slice(unpack->payloads.data, (size_t)bytes));
	if (status == CADRE_OUT_OF_MEMORY)
		return cadre_error_set(err, status, "unpacking a block");
	if (status != CADRE_OK)
		return bad(unpack, "a record that no batch can hold", err);
	unpack->payloads.data += bytes;
	unpack->payloads.length -= (size_t)bytes;
	return CADRE_OK;
}

static enum cadre_status unpack_batch(struct unpack *unpack, struct cadre_error *err)
{
	struct cadre_batch_builder builder;
	uint64_t epoch;
	uint64_t time;
	uint64_t count;
	enum cadre_status status;

	if (!get(&unpack->numbers, &epoch) || !get(&unpack->numbers, &time) ||
	    !get(&unpack->numbers, &count))
		return bad(unpack, "its numbers end early", err);
	if (count == 0 || count > CADRE_BATCH_RECORDS_MAX ||
	    unpack->next_seq > CADRE_SEQ_MAX - count)
		return bad(unpack, "impossible count of records", err);
	unpack->epoch = unzigzag(unpack->epoch, epoch);
	unpack->time_ms = unzigzag(unpack->time_ms, time);
	status = cadre_batch_begin(&builder, unpack->out, unpack->next_seq, unpack->epoch,
	                           unpack->time_ms);
	if (status != CADRE_OK)
		return cadre_error_set(err, status, "unpacking a block");
	for (uint64_t i = 0; i < count; i++) {
		status = unpack_record(unpack, &builder, err);
		if (status != CADRE_OK)
			return status;
	}
	if (unpack->out->length - unpack->out_start > CADRE_SEALED_BATCH_BYTES_MAX)
		return bad(unpack, "more bytes than a block holds", err);
	cadre_batch_finish(&builder, &unpack->chain);
	unpack->chain = builder.header.chain;
	unpack->next_seq += count;
	return CADRE_OK;
}

enum cadre_status cadre_sealed_unpack(struct cadre_slice packed, cadre_seq first_seq,
                                      struct cadre_buffer *out,
                                      struct cadre_sha256 *ret_before,
                                      struct cadre_sha256 *ret_after,
                                      struct cadre_error *err)
{
	struct unpack unpack = { .out = out,
		                 .out_start = out->length,
		                 .next_seq = first_seq };
	const uint8_t *at = packed.data;
	uint32_t batches;
	uint32_t numbers_bytes;

	if (packed.length < AT_NUMBERS || first_seq == 0)
		return bad(&unpack, "shorter than its header", err);
	batches = cadre_get_le32(at + AT_BATCHES);
	numbers_bytes = cadre_get_le32(at + AT_NUMBERS_BYTES);
	if (numbers_bytes > packed.length - AT_NUMBERS || batches == 0)
		return bad(&unpack, "header fields out of range", err);
	unpack.numbers = cadre_slice(at + AT_NUMBERS, numbers_bytes);
	unpack.payloads = cadre_slice(at + AT_NUMBERS + numbers_bytes,
	                              packed.length - AT_NUMBERS - numbers_bytes);
	unpack.epoch = cadre_get_le64(at + AT_EPOCH);
	unpack.time_ms = cadre_get_le64(at + AT_TIME);
	memcpy(unpack.chain.bytes, at + AT_CHAIN, sizeof unpack.chain.bytes);
	*ret_before = unpack.chain;
	for (uint32_t i = 0; i < batches; i++) {
		enum cadre_status status = unpack_batch(&unpack, err);
		if (status != CADRE_OK)
			return status;
	}
	if (unpack.numbers.length > 0 || unpack.payloads.length > 0)
		return bad(&unpack, "bytes behind its last record", err);
	*ret_after = unpack.chain;
	return CADRE_OK;
}
