/* Any text as a stream of JSON values, as an OCI body, and as a command of ours: what is
 * taken can be checked and packed, and comes back from JSON the same. */
#include "engine/base/assert.h"
#include "engine/domain/domain.h"
#include "proto/codec/codec.h"
#include "tools/common/json_message.h"
#include "tools/common/json_stream.h"
#include "tools/common/oci_json.h"

#define ARENA_BYTES (4u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum cadre_status read_input(void *ctx, void *data, size_t capacity,
                                    size_t *ret_length, struct cadre_error *err)
{
	struct cadre_slice *left = ctx;
	size_t length = left->length < capacity ? left->length : capacity;

	(void)err;
	if (length > 0)
		memcpy(data, left->data, length);
	*left = cadre_slice(left->data + length, left->length - length);
	*ret_length = length;
	return CADRE_OK;
}

static const char *lookup(void *ctx, const char *name)
{
	(void)ctx;
	return name[0] == 'c' ? "value" : NULL;
}

static void round_trip(const Cadre__V1__Command *command)
{
	struct cadre_buffer before = { 0 };
	struct cadre_buffer after = { 0 };
	struct cadre_json json = { 0 };
	struct cadre_arena arena;
	ProtobufCMessage *back = NULL;
	json_t *value = NULL;

	cadre_arena_init(&arena, ARENA_BYTES);
	(void)!cadre_command_check(command, NULL);
	CADRE_ASSERT(cadre_pack(&command->base, &before, NULL) == CADRE_OK);
	CADRE_ASSERT(cadre_json_put_message(&json, &command->base, NULL) == CADRE_OK);
	CADRE_ASSERT(cadre_json_parse(cadre_buffer_slice(&json.text), 1, &value, NULL) ==
	             CADRE_OK);
	CADRE_ASSERT(cadre_json_get_message(value, command->base.descriptor, "", &arena,
	                                    &back, NULL) == CADRE_OK);
	CADRE_ASSERT(cadre_pack(back, &after, NULL) == CADRE_OK);
	CADRE_ASSERT(cadre_slice_equal(cadre_buffer_slice(&before),
	                               cadre_buffer_slice(&after)));
	json_decref(value);
	cadre_json_fini(&json);
	cadre_buffer_fini(&before);
	cadre_buffer_fini(&after);
	cadre_arena_fini(&arena);
}

static void take_value(const json_t *value)
{
	const struct cadre_oci_defaults defaults = { "c", "p", "HOMOGENEOUS", NULL, "h" };
	struct cadre_error err = CADRE_ERROR_INIT;
	Cadre__V1__Command command;
	ProtobufCMessage *message = NULL;
	struct cadre_arena arena;

	cadre_arena_init(&arena, ARENA_BYTES);
	(void)cadre_oci_guess(value);
	if (cadre_oci_create_group(value, &defaults, &arena, &command, &err) == CADRE_OK)
		round_trip(&command);
	if (cadre_oci_create_history(value, NULL, &arena, &command, &err) == CADRE_OK)
		round_trip(&command);
	if (cadre_oci_create_deployment(value, &defaults, &arena, &command, &err) ==
	    CADRE_OK)
		round_trip(&command);
	if (cadre_oci_update_group(value, "g", &arena, &command, &err) == CADRE_OK)
		round_trip(&command);
	if (cadre_oci_update_deployment(value, "d", &arena, &command, &err) == CADRE_OK)
		round_trip(&command);
	if (cadre_json_get_message(value, &cadre__v1__command__descriptor, "", &arena,
	                           &message, &err) == CADRE_OK)
		round_trip((const void *)message);
	cadre_arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cadre_slice left = cadre_slice(data, size);
	struct cadre_json_stream stream;
	json_t *value = NULL;

	if (size > 64u << 10)
		return 0;
	cadre_json_stream_init(&stream, read_input, &left);
	stream.lookup = lookup;
	while (cadre_json_stream_next(&stream, &value, NULL) == CADRE_OK) {
		take_value(value);
		json_decref(value);
	}
	cadre_json_stream_fini(&stream);
	return 0;
}
