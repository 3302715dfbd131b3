/*
 * Messages of the worker contract in both directions: what an agent sends to a worker,
 * what a worker answers. Nothing crashes, memory stays under its cap, and what passes
 * packs to bytes that pass again.
 */
#include <stdint.h>

#include "engine/base/assert.h"
#include "replica/agent/worker_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void repack(const ProtobufCMessage *message, struct cadre_buffer *packed)
{
	struct cadre_error err = CADRE_ERROR_INIT;

	CADRE_ASSERT(cadre_pack(message, packed, &err) == CADRE_OK);
}

static void check(const struct cadre_arena *arena, const struct cadre_error *err,
                  enum cadre_status status)
{
	CADRE_ASSERT(arena->bytes_held <= CADRE_WORKER_ARENA_BYTES_MAX);
	CADRE_ASSERT(status == CADRE_OK ||
	             (err->status == status && err->message[0] != '\0'));
}

static bool pass_request(struct cadre_slice bytes, struct cadre_buffer *packed)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	const Cadre__V1__WorkerRequest *request;
	struct cadre_arena arena;
	enum cadre_status status;

	cadre_arena_init(&arena, CADRE_WORKER_ARENA_BYTES_MAX);
	status = cadre_worker_unpack_request(bytes, &arena, &request, &err);
	check(&arena, &err, status);
	if (status == CADRE_OK)
		repack(&request->base, packed);
	cadre_arena_fini(&arena);
	return status == CADRE_OK;
}

static bool pass_answer(struct cadre_slice bytes, struct cadre_buffer *packed)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	const Cadre__V1__WorkerAnswer *answer;
	struct cadre_arena arena;
	enum cadre_status status;

	cadre_arena_init(&arena, CADRE_WORKER_ARENA_BYTES_MAX);
	status = cadre_worker_unpack_answer(bytes, &arena, &answer, &err);
	check(&arena, &err, status);
	if (status == CADRE_OK)
		repack(&answer->base, packed);
	cadre_arena_fini(&arena);
	return status == CADRE_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cadre_buffer packed = { 0 };
	struct cadre_buffer again = { 0 };

	if (pass_request(cadre_slice(data, size), &packed)) {
		CADRE_ASSERT(pass_request(cadre_buffer_slice(&packed), &again));
		CADRE_ASSERT(cadre_slice_equal(cadre_buffer_slice(&packed),
		                               cadre_buffer_slice(&again)));
	}
	cadre_buffer_clear(&packed);
	cadre_buffer_clear(&again);
	if (pass_answer(cadre_slice(data, size), &packed)) {
		CADRE_ASSERT(pass_answer(cadre_buffer_slice(&packed), &again));
		CADRE_ASSERT(cadre_slice_equal(cadre_buffer_slice(&packed),
		                               cadre_buffer_slice(&again)));
	}
	cadre_buffer_fini(&packed);
	cadre_buffer_fini(&again);
	return 0;
}
