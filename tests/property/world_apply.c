/* One decision and one event, on both maps and on the model. */
#include <stdlib.h>

#include "engine/base/assert.h"
#include "proto/codec/codec.h"
#include "tests/property/world.h"

static struct cadre_error err;

static Cadre__V1__Event *unpack(struct cadre_slice packed, struct cadre_arena *arena)
{
	ProtobufCMessage *message;

	assert_ok(cadre_unpack(&cadre__v1__event__descriptor, packed, arena, &message,
	                       &err));
	return (Cadre__V1__Event *)(void *)message;
}

/* ---- deciding ---- */

static enum cadre_status decide_on(struct world *w, const struct deciding_in *in,
                                   struct cadre_state state, struct cadre_arena *arena,
                                   struct cadre_decision *ret_decision,
                                   struct cadre_buffer *event)
{
	Cadre__V1__Actor actor = CADRE__V1__ACTOR__INIT;
	struct cadre_decide decide = {
		.state = state,
		.arena = arena,
		.actor = &actor,
		.seq = w->next_seq,
		.time_ms = w->time_ms,
		.random = w->fresh,
		.batch_ids = in->batch_ids,
		.batch_ids_count = in->batch_ids_count,
		.ignore_token = in->batch_ids != NULL,
	};
	enum cadre_status status;

	actor.principal = (char *)(uintptr_t)in->principal;
	actor.proof = CADRE__V1__PROOF__PROOF_LOCAL;
	cadre_arena_reset(arena);
	cadre_buffer_clear(event);
	status = cadre_decide(&decide, in->command, ret_decision, &err);
	if (status == CADRE_OK && ret_decision->event)
		assert_ok(cadre_pack(&ret_decision->event->base, event, &err));
	ret_decision->event = NULL;
	return status;
}

static void assert_agree(const struct cadre_decision *a, const struct cadre_decision *b,
                         const struct cadre_buffer *x, const struct cadre_buffer *y)
{
	assert_true(cadre_slice_equal(cadre_buffer_slice(x), cadre_buffer_slice(y)));
	assert_int_equal(a->repeated, b->repeated);
	assert_int_equal(a->resource, b->resource);
	assert_string_equal(a->ocid, b->ocid);
	assert_int_equal(a->version_id, b->version_id);
	assert_int_equal(a->seq, b->seq);
	assert_int_equal(a->etag_seq, b->etag_seq);
}

enum cadre_status world_decide(struct world *w, const struct deciding_in *in,
                               struct cadre_decision *ret_decision,
                               struct cadre_buffer *event)
{
	struct cadre_buffer other = { 0 };
	enum cadre_status status;

	for (size_t i = 0; i < sizeof w->fresh; i++)
		w->fresh[i] = (uint8_t)test_random_next(&w->random);
	status = decide_on(w, in, cadre_view_state(&w->twins[0].view), &w->twins[0].arena,
	                   ret_decision, event);
	for (int i = 1; i < TWINS + in->with_model; i++) {
		struct cadre_decision decision;
		bool model = i == TWINS;
		enum cadre_status second = decide_on(
		        w, in,
		        model ? model_state_of(&w->model)
		              : cadre_view_state(&w->twins[i].view),
		        model ? &w->model_arena : &w->twins[i].arena, &decision, &other);
		if (status != second)
			fail_msg("decided %s on LMDB, %s on the %s: %s",
			         cadre_status_name(status), cadre_status_name(second),
			         model ? "model" : "map in memory", err.message);
		if (status == CADRE_OK)
			assert_agree(ret_decision, &decision, event, &other);
	}
	cadre_buffer_fini(&other);
	return status;
}

/* ---- applying ---- */

void world_apply(struct world *w, struct cadre_slice event)
{
	uint16_t type = 0;

	for (int i = 0; i < TWINS; i++) {
		const Cadre__V1__Event *message;
		cadre_arena_reset(&w->twins[i].arena);
		message = unpack(event, &w->twins[i].arena);
		type = (uint16_t)message->body_case;
		assert_ok(cadre_view_apply(&w->twins[i].view, w->next_seq, w->time_ms,
		                           message, &err));
	}
	assert_true(cadre_hash128_equal(w->twins[0].view.head.digest,
	                                w->twins[1].view.head.digest));
	assert_ok(cadre_batch_add(&w->builder, type, event));
	w->next_seq++;
}

/* The deployment that an event of a deployment names. */
static const char *touched(const Cadre__V1__Event *event)
{
	switch ((int)event->body_case) {
	case CADRE__V1__EVENT__BODY_DEPLOYMENT_CREATED:
		return event->deployment_created->id;
	case CADRE__V1__EVENT__BODY_DEPLOYMENT_UPDATED:
		return event->deployment_updated->changes->id;
	case CADRE__V1__EVENT__BODY_DEPLOYMENT_ACTIVATED:
	case CADRE__V1__EVENT__BODY_DEPLOYMENT_DEACTIVATED:
	case CADRE__V1__EVENT__BODY_DEPLOYMENT_DELETED:
		return event->deployment_deleted->id;
	case CADRE__V1__EVENT__BODY_CUT_OVER:
		return event->cut_over->deployment_id;
	case CADRE__V1__EVENT__BODY_CUT_OVER_FINISHED:
		return event->cut_over_finished->deployment_id;
	case CADRE__V1__EVENT__BODY_DEPLOYMENT_PLACED:
		return event->deployment_placed->deployment_id;
	default:
		return NULL;
	}
}

void world_apply_model(struct world *w, struct cadre_slice event)
{
	const Cadre__V1__Event *message;
	const char *deployment;
	cadre_seq seq;

	cadre_arena_reset(&w->model_arena);
	message = unpack(event, &w->model_arena);
	seq = model_state_apply(&w->model, w->time_ms, message);
	deployment = touched(message);
	if (!deployment)
		return;
	w->touches = realloc(w->touches, (w->touch_count + 1) * sizeof *w->touches);
	CADRE_ASSERT(w->touches);
	w->touches[w->touch_count++] =
	        (struct touch){ model_find(&w->model, deployment)->row.id, seq,
		                (uint16_t)message->body_case };
}
