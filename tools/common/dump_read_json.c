#include <inttypes.h>
#include <stdlib.h>

#include "cadre/v1/event.pb-c.h"
#include "proto/codec/codec.h"
#include "tools/common/dump_format.h"
#include "tools/common/json_message.h"

static void release(json_t **value)
{
	json_decref(*value);
}

/* The next line without its end; still to be consumed, with the end. */
static enum cadre_status peek_line(struct cadre_dump_reader *reader,
                                   struct cadre_slice *ret_line, struct cadre_error *err)
{
	size_t want = 1;

	for (;;) {
		enum cadre_status status = cadre_dump_fill(reader, want, err);
		struct cadre_slice rest = cadre_dump_rest(reader);
		const uint8_t *end;

		if (status != CADRE_OK)
			return status;
		end = rest.length > 0 ? memchr(rest.data, '\n', rest.length) : NULL;
		if (end) {
			*ret_line = cadre_slice(rest.data, (size_t)(end - rest.data));
			return CADRE_OK;
		}
		if (rest.length > CADRE_DUMP_LINE_BYTES_MAX)
			return cadre_dump_fail(reader, err, "longer than %u bytes",
			                       CADRE_DUMP_LINE_BYTES_MAX);
		if (rest.length < want)
			return cadre_dump_fail(
			        reader, err,
			        "ends without its trailer, or inside a line");
		want = rest.length + 1;
	}
}

static enum cadre_status parse(const struct cadre_dump_reader *reader,
                               struct cadre_slice line, json_t **ret_object,
                               struct cadre_error *err)
{
	struct cadre_error cause = CADRE_ERROR_INIT;
	enum cadre_status status = cadre_json_parse(line, 0, ret_object, &cause);

	if (status == CADRE_OUT_OF_MEMORY)
		return cadre_error_set(err, status, "%s", cause.message);
	if (status != CADRE_OK)
		return cadre_dump_fail(reader, err, "%.200s", cause.message);
	if (!json_is_object(*ret_object))
		return cadre_dump_fail(reader, err, "not an object");
	return CADRE_OK;
}

static bool take_u64(const json_t *object, const char *key, uint64_t *ret_number)
{
	const json_t *value = json_object_get(object, key);

	if (json_is_integer(value)) {
		*ret_number = (uint64_t)json_integer_value(value);
		return json_integer_value(value) >= 0;
	}
	if (json_is_string(value)) {
		char *end = NULL;

		*ret_number = strtoull(json_string_value(value), &end, 10);
		return *end == '\0' && *ret_number > INT64_MAX;
	}
	return false;
}

static bool take_u32(const json_t *object, const char *key, uint32_t *ret_number)
{
	uint64_t number = 0;
	bool taken = take_u64(object, key, &number) && number <= UINT32_MAX;

	*ret_number = (uint32_t)number;
	return taken;
}

static bool take_hex(const json_t *object, const char *key, void *data, size_t length)
{
	const json_t *value = json_object_get(object, key);

	return json_is_string(value) && json_string_length(value) == 2 * length &&
	       cadre_hex_decode(json_string_value(value), data, length);
}

static bool take_time(const json_t *object, const char *key, cadre_time_ms *ret_time)
{
	const char *text = json_string_value(json_object_get(object, key));

	if (text && cadre_time_parse(text, ret_time))
		return true;
	return take_u64(object, key, ret_time);
}

static enum cadre_status consume_line(struct cadre_dump_reader *reader,
                                      struct cadre_slice line, enum cadre_status status)
{
	cadre_dump_consume(reader, line.length + 1);
	reader->line++;
	return status;
}

enum cadre_status cadre_dump_json_header(struct cadre_dump_reader *reader,
                                         struct cadre_error *err)
{
	struct cadre_dump_header *header = &reader->header;
	__attribute__((cleanup(release))) json_t *object = NULL;
	struct cadre_slice line = { 0 };
	uint64_t version = 0;
	const char *cluster;
	enum cadre_status status = peek_line(reader, &line, err);

	if (status == CADRE_OK)
		status = parse(reader, line, &object, err);
	if (status != CADRE_OK)
		return status;
	if (!take_u64(object, "cadreDump", &version))
		return cadre_dump_fail(reader, err, "not a dump");
	if (version != CADRE_DUMP_VERSION)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "dump: format version %" PRIu64
		                       ", this program reads %u",
		                       version, CADRE_DUMP_VERSION);
	cluster = json_string_value(json_object_get(object, "cluster"));
	if (json_object_size(object) != 6 || !cluster ||
	    strlen(cluster) >= CADRE_DUMP_NAME_BYTES ||
	    !take_hex(object, "clusterId", header->cluster_id, 16) ||
	    !take_hex(object, "timelineId", header->timeline_id, 16) ||
	    !take_u64(object, "fromSeq", &header->from_seq) ||
	    !take_hex(object, "chainBefore", header->chain_before.bytes, 32))
		return cadre_dump_fail(reader, err,
		                       "the header lacks a field, or has an unknown one");
	memcpy(header->cluster, cluster, strlen(cluster) + 1);
	return consume_line(reader, line, CADRE_OK);
}

/* The payload of an event line: packed from `event`, or `raw` bytes. */
static enum cadre_status event_payload(struct cadre_dump_reader *reader,
                                       const json_t *object, uint16_t *ret_type,
                                       struct cadre_error *err)
{
	const json_t *event = json_object_get(object, "event");
	const json_t *raw = json_object_get(object, "raw");
	struct cadre_error cause = CADRE_ERROR_INIT;
	ProtobufCMessage *message = NULL;
	uint64_t type = 0;
	size_t length = json_string_length(raw) / 2;
	enum cadre_status status;

	cadre_buffer_clear(&reader->packed);
	if (!event) {
		if (!take_u64(object, "type", &type) || type == 0 || type > UINT16_MAX ||
		    !raw)
			return cadre_dump_fail(reader, err,
			                       "neither an event nor raw bytes");
		*ret_type = (uint16_t)type;
		if (cadre_buffer_append_zeros(&reader->packed, length) != CADRE_OK)
			return cadre_error_set(err, CADRE_OUT_OF_MEMORY,
			                       "dump: out of memory");
		if (length > 0 && !take_hex(object, "raw", reader->packed.data, length))
			return cadre_dump_fail(reader, err, "raw: expected hex digits");
		return CADRE_OK;
	}
	cadre_arena_reset(&reader->arena);
	status = cadre_json_get_message(event, &cadre__v1__event__descriptor, "event",
	                                &reader->arena, &message, &cause);
	if (status == CADRE_OK) {
		*ret_type = (uint16_t)((const Cadre__V1__Event *)(const void *)message)
		                    ->body_case;
		status = cadre_pack(message, &reader->packed, &cause);
	}
	if (status == CADRE_OUT_OF_MEMORY)
		return cadre_error_set(err, status, "%s", cause.message);
	if (status != CADRE_OK || *ret_type == 0)
		return cadre_dump_fail(reader, err, "%.300s",
		                       status == CADRE_OK ? "the event has no body"
		                                          : cause.message);
	return CADRE_OK;
}

static enum cadre_status read_event(struct cadre_dump_reader *reader,
                                    struct cadre_batch_builder *builder, cadre_seq seq,
                                    struct cadre_error *err)
{
	__attribute__((cleanup(release))) json_t *object = NULL;
	struct cadre_slice line = { 0 };
	cadre_seq stated = 0;
	uint16_t type = 0;
	enum cadre_status status = peek_line(reader, &line, err);

	if (status == CADRE_OK)
		status = parse(reader, line, &object, err);
	if (status != CADRE_OK)
		return status;
	if (json_object_size(object) != 3 || !take_u64(object, "seq", &stated) ||
	    stated != seq)
		return cadre_dump_fail(reader, err, "expected the event of seq %" PRIu64,
		                       seq);
	status = event_payload(reader, object, &type, err);
	if (status != CADRE_OK)
		return status;
	status = cadre_batch_add(builder, type, cadre_buffer_slice(&reader->packed));
	if (status == CADRE_OUT_OF_MEMORY)
		return cadre_error_set(err, status, "dump: out of memory");
	if (status != CADRE_OK)
		return cadre_dump_fail(reader, err,
		                       "seq %" PRIu64 " does not fit into a batch", seq);
	return consume_line(reader, line, CADRE_OK);
}

static enum cadre_status batch_line(struct cadre_dump_reader *reader,
                                    const json_t *object,
                                    struct cadre_batch_header *header,
                                    struct cadre_error *err)
{
	const json_t *batch = json_object_get(object, "batch");

	if (!batch || json_object_size(object) != 1 || json_object_size(batch) != 6 ||
	    !take_u64(batch, "firstSeq", &header->first_seq) ||
	    !take_u32(batch, "count", &header->count) ||
	    !take_u64(batch, "epoch", &header->epoch) ||
	    !take_time(batch, "time", &header->time_ms) ||
	    !take_u32(batch, "flags", &header->flags) ||
	    !take_hex(batch, "chain", header->chain.bytes, 32))
		return cadre_dump_fail(reader, err, "expected a batch or the end");
	if (header->first_seq != reader->trailer.last_seq + 1 || header->count == 0 ||
	    header->count > CADRE_BATCH_RECORDS_MAX)
		return cadre_dump_fail(
		        reader, err, "expected a batch of 1..%u events from seq %" PRIu64,
		        CADRE_BATCH_RECORDS_MAX, reader->trailer.last_seq + 1);
	return CADRE_OK;
}

/* Rebuilds the batch from its lines; the chain then shows whether it is the same. */
static enum cadre_status read_batch(struct cadre_dump_reader *reader,
                                    const struct cadre_batch_header *header,
                                    struct cadre_batch *ret_batch,
                                    struct cadre_error *err)
{
	struct cadre_batch_builder builder;
	enum cadre_status status;

	cadre_buffer_clear(&reader->batch);
	status = cadre_batch_begin(&builder, &reader->batch, header->first_seq,
	                           header->epoch, header->time_ms);
	if (status != CADRE_OK)
		return cadre_error_set(err, status, "dump: out of memory");
	builder.header.flags = header->flags;
	for (uint32_t i = 0; i < header->count; i++) {
		status = read_event(reader, &builder, header->first_seq + i, err);
		if (status != CADRE_OK)
			return status;
	}
	cadre_batch_finish(&builder, &reader->trailer.chain);
	if (!(reader->flags & CADRE_DUMP_ANY_CHAIN) &&
	    memcmp(builder.header.chain.bytes, header->chain.bytes, 32) != 0)
		return cadre_error_set(err, CADRE_DIVERGED,
		                       "dump: the chain does not follow at seq %" PRIu64,
		                       header->first_seq);
	status = cadre_batch_scan(cadre_buffer_slice(&reader->batch), ret_batch, err);
	return status == CADRE_OK ? cadre_dump_accept(reader, ret_batch, err) : status;
}

/* The last line: every byte before the hash's digits is hashed, the digits are
 * compared, and the three bytes behind them are what they must be. */
static enum cadre_status check_end_hash(struct cadre_dump_reader *reader,
                                        struct cadre_slice line, struct cadre_error *err)
{
	const size_t tail = 64 + 2; /* digits, quote, brace */
	struct cadre_sha256 hash;
	char text[65];
	const char *digits;

	if (line.length < tail)
		return cadre_dump_fail(reader, err, "the end is damaged");
	digits = (const char *)line.data + line.length - tail;
	cadre_dump_consume(reader, line.length - tail);
	hash = cadre_sha256_final(&reader->sha256);
	cadre_hex_encode(hash.bytes, 32, text);
	if (memcmp(digits, text, 64) != 0 || memcmp(digits + 64, "\"}", 2) != 0)
		return cadre_dump_fail(reader, err,
		                       "the SHA-256 differs: the dump was altered");
	reader->at += tail + 1;
	reader->offset += tail + 1;
	return CADRE_OK;
}

static enum cadre_status json_end(struct cadre_dump_reader *reader,
                                  struct cadre_slice line, const json_t *object,
                                  struct cadre_error *err)
{
	const json_t *end = json_object_get(object, "end");
	struct cadre_dump_trailer sums = { 0 };
	uint8_t digest[16];
	enum cadre_status status;

	sums.has_digest = take_hex(end, "digest", digest, 16);
	if (sums.has_digest)
		sums.digest = cadre_dump_get_digest(digest);
	if (json_object_size(object) != 2 ||
	    json_object_size(end) != (sums.has_digest ? 5u : 4u) ||
	    !take_u64(end, "batches", &sums.batches) ||
	    !take_u64(end, "events", &sums.events) ||
	    !take_u64(end, "lastSeq", &sums.last_seq) ||
	    !take_hex(end, "chain", sums.chain.bytes, 32))
		return cadre_dump_fail(reader, err, "the end is damaged");
	status = check_end_hash(reader, line, err);
	if (status == CADRE_OK)
		status = cadre_dump_finish(reader, &sums, err);
	if (status == CADRE_OK)
		status = cadre_dump_fill(reader, 1, err);
	if (status != CADRE_OK)
		return status;
	if (cadre_dump_rest(reader).length > 0)
		return cadre_dump_fail(reader, err, "bytes behind the end");
	return CADRE_END;
}

enum cadre_status cadre_dump_json_next(struct cadre_dump_reader *reader,
                                       struct cadre_batch *ret_batch,
                                       struct cadre_error *err)
{
	__attribute__((cleanup(release))) json_t *object = NULL;
	struct cadre_batch_header header = { 0 };
	struct cadre_slice line = { 0 };
	enum cadre_status status = peek_line(reader, &line, err);

	if (status == CADRE_OK)
		status = parse(reader, line, &object, err);
	if (status != CADRE_OK)
		return status;
	if (json_object_get(object, "end"))
		return json_end(reader, line, object, err);
	status = batch_line(reader, object, &header, err);
	if (status != CADRE_OK)
		return status;
	(void)consume_line(reader, line, CADRE_OK);
	return read_batch(reader, &header, ret_batch, err);
}
