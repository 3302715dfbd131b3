/*
 * An envelope from outside: read as the server reads it, its operations answered over
 * a small state, its batches checked. An answer always packs and unpacks again.
 */
#include <stdint.h>
#include <stdlib.h>

#include "engine/base/assert.h"
#include "engine/domain/domain.h"
#include "proto/codec/codec.h"
#include "replica/rpc/envelope.h"
#include "replica/rpc/query.h"
#include "tests/support/events.h"

#define TIME_MS 1795369200000u
#define ARENA_BYTES ((size_t)32 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct cadre_kv *kv;

static void apply(struct cadre_view *view, Cadre__V1__Event *event)
{
	struct cadre_error err = CADRE_ERROR_INIT;

	CADRE_ASSERT(cadre_view_apply(view, view->head.applied_seq + 1, TIME_MS, event,
	                              &err) == CADRE_OK);
}

/* History h1 (g1, g2, latest g2), deployment d1 on g2, all in compartment c1. */
static void make_state(void)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_arena arena;
	struct cadre_view view;
	Cadre__V1__Event *event;

	cadre_arena_init(&arena, ARENA_BYTES);
	CADRE_ASSERT(cadre_kv_open_memory(&kv, &err) == CADRE_OK);
	CADRE_ASSERT(cadre_view_begin(&view, kv, CADRE_KV_WRITE, &arena, &err) ==
	             CADRE_OK);
	apply(&view, test_event_cluster_configured(&arena));
	apply(&view, test_event_history_created(&arena, "h1", "c1", "one"));
	event = test_event_group_created(&arena, "g1", "c1", "k1=m1 k2=m2 m3");
	test_event_link(&arena, event, "h1", 1, true);
	apply(&view, event);
	event = test_event_group_patched(&arena, "g2", "g1", "m3", "k4=m4");
	test_event_link(&arena, event, "h1", 2, true);
	apply(&view, event);
	apply(&view, test_event_deployment_created(&arena, "d1", "c1", "g2"));
	CADRE_ASSERT(cadre_view_commit(&view, &err) == CADRE_OK);
	cadre_arena_fini(&arena);
}

static void check_packs(const Cadre__V1__Result *result)
{
	size_t size = cadre__v1__result__get_packed_size(result);
	uint8_t *bytes = malloc(size + 1);
	Cadre__V1__Result *again;

	CADRE_ASSERT(bytes && protobuf_c_message_check(&result->base));
	CADRE_ASSERT(cadre__v1__result__pack(result, bytes) == size);
	again = cadre__v1__result__unpack(NULL, size, bytes);
	CADRE_ASSERT(again && again->status == result->status);
	cadre__v1__result__free_unpacked(again, NULL);
	free(bytes);
}

static void answer(struct cadre_arena *arena, const Cadre__V1__Request *request)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_view view;
	struct cadre_query query = { .view = &view,
		                     .compartment = request->compartment,
		                     .principal = "fuzz",
		                     .watermark_ms = TIME_MS };

	CADRE_ASSERT(cadre_view_begin(&view, kv, CADRE_KV_READ, arena, &err) == CADRE_OK);
	for (size_t i = 0; i < request->n_ops; i++) {
		const Cadre__V1__Op *op = request->ops[i];
		Cadre__V1__Result result;
		cadre__v1__result__init(&result);
		if (op->body_case == CADRE__V1__OP__BODY_BATCH) {
			err.message[0] = '\0';
			if (cadre_batch_check(op->batch, &err) != CADRE_OK)
				CADRE_ASSERT(err.message[0]);
			continue;
		}
		cadre_query(&query, op, &result);
		CADRE_ASSERT(result.status < CADRE_CORRUPT);
		check_packs(&result);
	}
	cadre_view_abort(&view);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_arena arena;
	Cadre__V1__Request *request = NULL;

	if (!kv)
		make_state();
	cadre_arena_init(&arena, ARENA_BYTES);
	if (rpc_request_read(cadre_slice(data, size), &arena, &request, &err) == CADRE_OK)
		answer(&arena, request);
	else
		CADRE_ASSERT(err.status != CADRE_OK && err.message[0]);
	cadre_arena_fini(&arena);
	return 0;
}
