#include "proto/codec/codec.h"

#include "engine/base/assert.h"

static enum cadre_status unpack_failed(const ProtobufCMessageDescriptor *type,
                                       const struct cadre_arena *arena,
                                       struct cadre_error *err)
{
	if (arena->failure == CADRE_ARENA_AT_CAP)
		return cadre_error_set(err, CADRE_TOO_LARGE,
		                       "%s: needs more than %zu bytes of memory",
		                       type->short_name, arena->bytes_max);
	if (arena->failure == CADRE_ARENA_NO_MEMORY)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY, "%s: out of memory",
		                       type->short_name);
	return cadre_error_set(err, CADRE_INVALID_PARAMETER, "%s: not a valid message",
	                       type->short_name);
}

enum cadre_status
cadre_unpack_within(const ProtobufCMessageDescriptor *type, struct cadre_slice bytes,
                    const struct cadre_wire_limits *limits, struct cadre_arena *arena,
                    ProtobufCMessage **ret_message, struct cadre_error *err)
{
	enum cadre_status status = cadre_wire_scan(type, bytes, limits, err);
	ProtobufCMessage *message;

	if (status != CADRE_OK)
		return status;
	message = protobuf_c_message_unpack(type, cadre_arena_allocator(arena),
	                                    bytes.length, bytes.data);
	if (!message)
		return unpack_failed(type, arena, err);
	*ret_message = message;
	return CADRE_OK;
}

enum cadre_status cadre_unpack(const ProtobufCMessageDescriptor *type,
                               struct cadre_slice bytes, struct cadre_arena *arena,
                               ProtobufCMessage **ret_message, struct cadre_error *err)
{
	return cadre_unpack_within(type, bytes, NULL, arena, ret_message, err);
}

enum cadre_status cadre_pack(const ProtobufCMessage *message, struct cadre_buffer *out,
                             struct cadre_error *err)
{
	size_t bytes;

	if (!protobuf_c_message_check(message))
		return cadre_error_set(err, CADRE_INTERNAL,
		                       "%s: a required field or a string is missing",
		                       message->descriptor->short_name);
	bytes = protobuf_c_message_get_packed_size(message);
	if (bytes == 0)
		return CADRE_OK;
	if (cadre_buffer_reserve(out, bytes) != CADRE_OK)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY,
		                       "%s: no memory for %zu bytes",
		                       message->descriptor->short_name, bytes);
	CADRE_ASSERT(protobuf_c_message_pack(message, out->data + out->length) == bytes);
	out->length += bytes;
	return CADRE_OK;
}
