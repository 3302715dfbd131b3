#include "cadre/v1/event.pb-c.h"
#include "proto/codec/codec.h"
#include "tools/common/dump_format.h"
#include "tools/common/json_message.h"

void cadre_dump_writer_init(struct cadre_dump_writer *writer,
                            enum cadre_dump_format format, cadre_dump_write_fn write,
                            void *ctx)
{
	*writer = (struct cadre_dump_writer){ .format = format,
		                              .write = write,
		                              .ctx = ctx };
	cadre_sha256_init(&writer->sha256);
	cadre_arena_init(&writer->arena, CADRE_ARENA_BYTES_MAX);
}

void cadre_dump_writer_fini(struct cadre_dump_writer *writer)
{
	cadre_arena_fini(&writer->arena);
	cadre_json_fini(&writer->json);
	cadre_buffer_fini(&writer->packed);
}

void cadre_dump_put_digest(uint8_t bytes[16], struct cadre_hash128 digest)
{
	cadre_put_be64(bytes, digest.high);
	cadre_put_be64(bytes + 8, digest.low);
}

struct cadre_hash128 cadre_dump_get_digest(const uint8_t bytes[16])
{
	struct cadre_hash128 digest = { .high = cadre_get_be64(bytes),
		                        .low = cadre_get_be64(bytes + 8) };

	return digest;
}

static enum cadre_status emit(struct cadre_dump_writer *writer, struct cadre_slice bytes,
                              struct cadre_error *err)
{
	cadre_sha256_update(&writer->sha256, bytes.data, bytes.length);
	writer->bytes += bytes.length;
	return writer->write(writer->ctx, bytes, err);
}

static enum cadre_status emit_json(struct cadre_dump_writer *writer,
                                   struct cadre_error *err)
{
	enum cadre_status status = cadre_json_status(&writer->json, err);

	if (status == CADRE_OK)
		status = emit(writer, cadre_buffer_slice(&writer->json.text), err);
	cadre_json_clear(&writer->json);
	return status;
}

static enum cadre_status json_begin(struct cadre_dump_writer *writer,
                                    const struct cadre_dump_header *header,
                                    struct cadre_error *err)
{
	struct cadre_json *json = &writer->json;

	cadre_json_begin(json, '{');
	cadre_json_key_u64(json, "cadreDump", CADRE_DUMP_VERSION);
	cadre_json_key_text(json, "cluster", header->cluster);
	cadre_json_key_hex(json, "clusterId", header->cluster_id, 16);
	cadre_json_key_hex(json, "timelineId", header->timeline_id, 16);
	cadre_json_key_u64(json, "fromSeq", header->from_seq);
	cadre_json_key_hex(json, "chainBefore", header->chain_before.bytes, 32);
	cadre_json_end(json, '}');
	cadre_json_raw(json, "\n");
	return emit_json(writer, err);
}

static enum cadre_status binary_begin(struct cadre_dump_writer *writer,
                                      const struct cadre_dump_header *header,
                                      struct cadre_error *err)
{
	uint8_t bytes[CADRE_DUMP_HEADER_BYTES + CADRE_DUMP_NAME_BYTES + 4];
	size_t name_bytes = strlen(header->cluster);
	uint8_t *at = bytes + CADRE_DUMP_MAGIC_BYTES;

	memcpy(bytes, CADRE_DUMP_MAGIC, CADRE_DUMP_MAGIC_BYTES);
	cadre_put_le32(at, CADRE_DUMP_VERSION);
	cadre_put_le64(at + 4, header->from_seq);
	memcpy(at + 12, header->cluster_id, 16);
	memcpy(at + 28, header->timeline_id, 16);
	memcpy(at + 44, header->chain_before.bytes, 32);
	cadre_put_le32(at + 76, (uint32_t)name_bytes);
	memcpy(at + 80, header->cluster, name_bytes);
	at += 80 + name_bytes;
	cadre_put_le32(at, cadre_crc32c(0, bytes, (size_t)(at - bytes)));
	return emit(writer, cadre_slice(bytes, (size_t)(at + 4 - bytes)), err);
}

enum cadre_status cadre_dump_writer_begin(struct cadre_dump_writer *writer,
                                          const struct cadre_dump_header *header,
                                          struct cadre_error *err)
{
	writer->trailer.last_seq = header->from_seq - 1;
	writer->trailer.chain = header->chain_before;
	if (writer->format == CADRE_DUMP_JSON)
		return json_begin(writer, header, err);
	return binary_begin(writer, header, err);
}

/* The event when it is in a form that JSON gives back byte by byte, else NULL. */
static const Cadre__V1__Event *readable_event(struct cadre_dump_writer *writer,
                                              const struct cadre_record *record)
{
	ProtobufCMessage *message;
	const Cadre__V1__Event *event;

	cadre_arena_reset(&writer->arena);
	cadre_buffer_clear(&writer->packed);
	if (cadre_unpack(&cadre__v1__event__descriptor, record->payload, &writer->arena,
	                 &message, NULL) != CADRE_OK ||
	    cadre_pack(message, &writer->packed, NULL) != CADRE_OK ||
	    !cadre_slice_equal(cadre_buffer_slice(&writer->packed), record->payload))
		return NULL;
	event = (const void *)message;
	return (unsigned)event->body_case == record->type && record->type != 0 ? event
	                                                                       : NULL;
}

static const char *type_name(uint16_t type, char name[CADRE_JSON_NAME_BYTES])
{
	const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field(
	        &cadre__v1__event__descriptor, type);

	cadre_json_name(field->name, name);
	return name;
}

static enum cadre_status json_event(struct cadre_dump_writer *writer,
                                    const struct cadre_record *record,
                                    struct cadre_error *err)
{
	const Cadre__V1__Event *event = readable_event(writer, record);
	struct cadre_json *json = &writer->json;
	char name[CADRE_JSON_NAME_BYTES];

	cadre_json_begin(json, '{');
	cadre_json_key_u64(json, "seq", record->seq);
	if (event) {
		cadre_json_key_text(json, "type", type_name(record->type, name));
		cadre_json_key(json, "event");
		if (cadre_json_put_message(json, &event->base, NULL) != CADRE_OK)
			event = NULL;
	}
	if (!event) {
		cadre_json_clear(json);
		cadre_json_begin(json, '{');
		cadre_json_key_u64(json, "seq", record->seq);
		cadre_json_key_u64(json, "type", record->type);
		cadre_json_key_hex(json, "raw", record->payload.data,
		                   record->payload.length);
	}
	cadre_json_end(json, '}');
	cadre_json_raw(json, "\n");
	return emit_json(writer, err);
}

static enum cadre_status json_batch(struct cadre_dump_writer *writer,
                                    const struct cadre_batch *batch,
                                    struct cadre_error *err)
{
	struct cadre_json *json = &writer->json;
	struct cadre_record record = { 0 };
	size_t offset = 0;
	enum cadre_status status;

	cadre_json_begin(json, '{');
	cadre_json_key(json, "batch");
	cadre_json_begin(json, '{');
	cadre_json_key_u64(json, "firstSeq", batch->header.first_seq);
	cadre_json_key_u64(json, "count", batch->header.count);
	cadre_json_key_u64(json, "epoch", batch->header.epoch);
	cadre_json_key_time(json, "time", batch->header.time_ms);
	cadre_json_key_u64(json, "flags", batch->header.flags);
	cadre_json_key_hex(json, "chain", batch->header.chain.bytes, 32);
	cadre_json_end(json, '}');
	cadre_json_end(json, '}');
	cadre_json_raw(json, "\n");
	status = emit_json(writer, err);
	while (status == CADRE_OK) {
		status = cadre_batch_next_record(batch, &offset, &record);
		if (status == CADRE_END)
			return CADRE_OK;
		if (status == CADRE_OK)
			status = json_event(writer, &record, err);
	}
	return status;
}

static enum cadre_status binary_batch(struct cadre_dump_writer *writer,
                                      const struct cadre_batch *batch,
                                      struct cadre_error *err)
{
	uint8_t frame[CADRE_DUMP_FRAME_BYTES];
	enum cadre_status status;

	cadre_put_le32(frame, (uint32_t)batch->bytes.length);
	cadre_put_le32(frame + 4, cadre_crc32c(0, frame, 4));
	status = emit(writer, cadre_slice(frame, sizeof(frame)), err);
	return status == CADRE_OK ? emit(writer, batch->bytes, err) : status;
}

enum cadre_status cadre_dump_writer_batch(struct cadre_dump_writer *writer,
                                          const struct cadre_batch *batch,
                                          struct cadre_error *err)
{
	writer->trailer.batches++;
	writer->trailer.events += batch->header.count;
	writer->trailer.last_seq = cadre_batch_last_seq(&batch->header);
	writer->trailer.chain = batch->header.chain;
	if (writer->format == CADRE_DUMP_JSON)
		return json_batch(writer, batch, err);
	return binary_batch(writer, batch, err);
}

static enum cadre_status json_end(struct cadre_dump_writer *writer,
                                  struct cadre_error *err)
{
	const struct cadre_dump_trailer *trailer = &writer->trailer;
	struct cadre_json *json = &writer->json;
	struct cadre_sha256 hash;
	uint8_t digest[16];
	char text[65];
	enum cadre_status status;

	cadre_json_raw(json, CADRE_DUMP_END_PREFIX);
	cadre_json_begin(json, '{');
	cadre_json_key_u64(json, "batches", trailer->batches);
	cadre_json_key_u64(json, "events", trailer->events);
	cadre_json_key_u64(json, "lastSeq", trailer->last_seq);
	cadre_json_key_hex(json, "chain", trailer->chain.bytes, 32);
	if (trailer->has_digest) {
		cadre_dump_put_digest(digest, trailer->digest);
		cadre_json_key_hex(json, "digest", digest, 16);
	}
	cadre_json_end(json, '}');
	cadre_json_raw(json, CADRE_DUMP_SHA256_KEY);
	status = emit_json(writer, err);
	if (status != CADRE_OK)
		return status;
	hash = cadre_sha256_final(&writer->sha256);
	cadre_hex_encode(hash.bytes, 32, text);
	cadre_json_raw(json, text);
	cadre_json_raw(json, "\"}\n");
	status = cadre_json_status(json, err);
	if (status != CADRE_OK)
		return status;
	return writer->write(writer->ctx, cadre_buffer_slice(&json->text), err);
}

static enum cadre_status binary_end(struct cadre_dump_writer *writer,
                                    struct cadre_error *err)
{
	const struct cadre_dump_trailer *trailer = &writer->trailer;
	uint8_t bytes[CADRE_DUMP_FRAME_BYTES + CADRE_DUMP_SUMS_BYTES] = { 0 };
	uint8_t *at = bytes + CADRE_DUMP_FRAME_BYTES;
	struct cadre_sha256 hash;
	enum cadre_status status;

	cadre_put_le32(bytes + 4, cadre_crc32c(0, bytes, 4));
	cadre_put_le64(at, trailer->batches);
	cadre_put_le64(at + 8, trailer->events);
	cadre_put_le64(at + 16, trailer->last_seq);
	memcpy(at + 24, trailer->chain.bytes, 32);
	at[56] = trailer->has_digest;
	cadre_dump_put_digest(at + 57, trailer->digest);
	status = emit(writer, cadre_slice(bytes, sizeof(bytes)), err);
	if (status != CADRE_OK)
		return status;
	hash = cadre_sha256_final(&writer->sha256);
	return writer->write(writer->ctx, cadre_slice(hash.bytes, 32), err);
}

enum cadre_status cadre_dump_writer_end(struct cadre_dump_writer *writer,
                                        const struct cadre_hash128 *digest,
                                        struct cadre_error *err)
{
	writer->trailer.has_digest = digest != NULL;
	if (digest)
		writer->trailer.digest = *digest;
	if (writer->format == CADRE_DUMP_JSON)
		return json_end(writer, err);
	return binary_end(writer, err);
}
