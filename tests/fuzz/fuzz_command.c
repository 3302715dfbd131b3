/*
 * A command from outside: unpack, check, decide against a small state. What is decided
 * must pack, fit the log, unpack again, and be the same when decided twice.
 */
#include <stdint.h>

#include "engine/base/assert.h"
#include "proto/codec/codec.h"
#include "tests/support/events.h"
#include "tests/support/model_state.h"

#define TIME_MS 1795369200000u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct model_state model;

static void apply(const Cadre__V1__Event *event)
{
	model_state_apply(&model, TIME_MS, event);
}

/* Histories h1 (g1, g2, latest g2) and h2 (empty), group g3 alone and deployed as d1,
 * model r1, and a node. */
static void make_state(void)
{
	struct cadre_arena arena;
	Cadre__V1__Event *event;

	cadre_arena_init(&arena, (size_t)1 << 20);
	model_state_init(&model);
	apply(test_event_cluster_configured(&arena));
	apply(test_event_history_created(&arena, "h1", "c1", "one"));
	apply(test_event_history_created(&arena, "h2", "c1", "two"));
	event = test_event_group_created(&arena, "g1", "c1", "k1=m1 k2=m2 m3");
	test_event_link(&arena, event, "h1", 1, true);
	apply(event);
	event = test_event_group_patched(&arena, "g2", "g1", "m3", "k4=m4");
	test_event_link(&arena, event, "h1", 2, true);
	apply(event);
	apply(test_event_group_created(&arena, "g3", "c1", "m1=m1 m2"));
	apply(test_event_deployment_created(&arena, "d1", "c1", "g3"));
	apply(test_event_model_registered(&arena, "r1", "c1"));
	apply(test_event_node_registered(&arena, "0123456789abcdef0123456789abcdef"));
	cadre_arena_fini(&arena);
}

static enum cadre_status decide(const Cadre__V1__Command *command,
                                struct cadre_buffer *packed)
{
	static uint8_t random[16] = { 1, 2, 3 };
	char principal[] = "fuzz";
	Cadre__V1__Actor actor = CADRE__V1__ACTOR__INIT;
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_decision decision;
	struct cadre_arena arena;
	const struct cadre_decide in = {
		.state = model_state_of(&model),
		.arena = &arena,
		.actor = &actor,
		.seq = model.applied_seq + 1,
		.time_ms = TIME_MS,
		.random = random,
	};
	enum cadre_status status;

	actor.principal = principal;
	actor.proof = CADRE__V1__PROOF__PROOF_LOCAL;
	cadre_arena_init(&arena, CADRE_ARENA_BYTES_MAX);
	status = cadre_decide(&in, command, &decision, &err);
	CADRE_ASSERT(status == CADRE_OK || (err.status == status && err.message[0]));
	CADRE_ASSERT(status < CADRE_CORRUPT);
	if (status == CADRE_OK && decision.event)
		CADRE_ASSERT(cadre_pack(&decision.event->base, packed, &err) == CADRE_OK);
	cadre_arena_fini(&arena);
	return status;
}

static void decide_twice(const Cadre__V1__Command *command)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_buffer first = { 0 };
	struct cadre_buffer second = { 0 };
	struct cadre_arena arena;
	ProtobufCMessage *event;

	CADRE_ASSERT(decide(command, &first) == decide(command, &second));
	CADRE_ASSERT(cadre_slice_equal(cadre_buffer_slice(&first),
	                               cadre_buffer_slice(&second)));
	CADRE_ASSERT(first.length <= CADRE_EVENT_BYTES_MAX);
	cadre_arena_init(&arena, CADRE_ARENA_BYTES_MAX);
	if (first.length > 0)
		CADRE_ASSERT(cadre_unpack(&cadre__v1__event__descriptor,
		                          cadre_buffer_slice(&first), &arena, &event,
		                          &err) == CADRE_OK);
	cadre_arena_fini(&arena);
	cadre_buffer_fini(&first);
	cadre_buffer_fini(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_arena arena;
	ProtobufCMessage *message = NULL;
	const Cadre__V1__Command *command;

	if (model.applied_seq == 0)
		make_state();
	cadre_arena_init(&arena, cadre_arena_bytes_for(size));
	if (cadre_unpack(&cadre__v1__command__descriptor, cadre_slice(data, size), &arena,
	                 &message, &err) == CADRE_OK) {
		command = (const Cadre__V1__Command *)(const void *)message;
		if (cadre_command_check(command, &err) == CADRE_OK)
			decide_twice(command);
		else
			CADRE_ASSERT(err.status != CADRE_OK && err.message[0]);
	}
	cadre_arena_fini(&arena);
	return 0;
}
