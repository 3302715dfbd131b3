/*
 * Messages of the prediction socket in both directions: what a client sends to a node,
 * what a node answers. Nothing crashes, memory stays under its cap, and what passes packs
 * to bytes that pass again.
 */
#include <stdint.h>

#include "engine/base/assert.h"
#include "replica/agent/predict_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Unpacks bytes of one direction; the message lives in the arena. */
typedef enum cadre_status (*unpack_fn)(struct cadre_slice bytes,
                                       struct cadre_arena *arena,
                                       const ProtobufCMessage **ret_message,
                                       struct cadre_error *err);

static enum cadre_status unpack_request(struct cadre_slice bytes,
                                        struct cadre_arena *arena,
                                        const ProtobufCMessage **ret_message,
                                        struct cadre_error *err)
{
	const Cadre__V1__PredictRequest *request;
	enum cadre_status status = cadre_predict_unpack_request(bytes, arena, &request,
	                                                        err);

	if (status == CADRE_OK)
		*ret_message = &request->base;
	return status;
}

static enum cadre_status unpack_answer(struct cadre_slice bytes,
                                       struct cadre_arena *arena,
                                       const ProtobufCMessage **ret_message,
                                       struct cadre_error *err)
{
	const Cadre__V1__PredictAnswer *answer;
	enum cadre_status status = cadre_predict_unpack_answer(bytes, arena, &answer,
	                                                       err);

	if (status == CADRE_OK)
		*ret_message = &answer->base;
	return status;
}

static bool pass(unpack_fn unpack, struct cadre_slice bytes, struct cadre_buffer *packed)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	const ProtobufCMessage *message;
	struct cadre_arena arena;
	enum cadre_status status;

	cadre_arena_init(&arena, CADRE_PREDICT_ARENA_BYTES_MAX);
	status = unpack(bytes, &arena, &message, &err);
	CADRE_ASSERT(arena.bytes_held <= CADRE_PREDICT_ARENA_BYTES_MAX);
	if (status == CADRE_OK)
		CADRE_ASSERT(cadre_pack(message, packed, &err) == CADRE_OK);
	else
		CADRE_ASSERT(err.status == status && err.message[0] != '\0');
	cadre_arena_fini(&arena);
	return status == CADRE_OK;
}

static void check(unpack_fn unpack, struct cadre_slice bytes)
{
	struct cadre_buffer packed = { 0 };
	struct cadre_buffer again = { 0 };

	if (pass(unpack, bytes, &packed)) {
		CADRE_ASSERT(pass(unpack, cadre_buffer_slice(&packed), &again));
		CADRE_ASSERT(cadre_slice_equal(cadre_buffer_slice(&packed),
		                               cadre_buffer_slice(&again)));
	}
	cadre_buffer_fini(&packed);
	cadre_buffer_fini(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check(unpack_request, cadre_slice(data, size));
	check(unpack_answer, cadre_slice(data, size));
	return 0;
}
