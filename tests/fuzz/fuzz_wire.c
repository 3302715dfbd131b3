/*
 * The scan, the bounded unpack and the packing behind it. The first byte chooses the
 * message type, the rest are its bytes. What passes the scan must unpack, stay within
 * the arena's cap, and pass the scan again when packed.
 */
#include <stdint.h>

#include "cadre/v1/command.pb-c.h"
#include "cadre/v1/event.pb-c.h"
#include "cadre/v1/state.pb-c.h"
#include "engine/base/assert.h"
#include "proto/codec/codec.h"
#include "proto/codec/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const ProtobufCMessageDescriptor *const types[] = {
	&cadre__v1__command__descriptor,     &cadre__v1__batch__descriptor,
	&cadre__v1__event__descriptor,       &cadre__v1__resource__descriptor,
	&cadre__v1__attributes__descriptor,  &cadre__v1__token_row__descriptor,
	&cadre__v1__cluster_row__descriptor,
};

static void pack_again(const ProtobufCMessage *message)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_buffer packed = { 0 };

	CADRE_ASSERT(message->n_unknown_fields == 0);
	CADRE_ASSERT(cadre_pack(message, &packed, &err) == CADRE_OK);
	CADRE_ASSERT(cadre_wire_scan(message->descriptor, cadre_buffer_slice(&packed),
	                             NULL, &err) == CADRE_OK);
	cadre_buffer_fini(&packed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	const ProtobufCMessageDescriptor *type;
	struct cadre_slice bytes;
	struct cadre_arena arena;
	ProtobufCMessage *message = NULL;
	enum cadre_status status;

	if (size == 0)
		return 0;
	type = types[data[0] % (sizeof types / sizeof types[0])];
	bytes = cadre_slice(data + 1, size - 1);
	cadre_arena_init(&arena, cadre_arena_bytes_for(bytes.length));
	status = cadre_unpack(type, bytes, &arena, &message, &err);
	if (status == CADRE_OK)
		pack_again(message);
	else
		CADRE_ASSERT(status == CADRE_TOO_LARGE ||
		             (status == CADRE_INVALID_PARAMETER && err.message[0]));
	CADRE_ASSERT(arena.bytes_held <= arena.bytes_max);
	cadre_arena_fini(&arena);
	return 0;
}
