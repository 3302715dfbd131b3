/* An envelope from its bytes to a checked request with room for its results. */
#include "replica/rpc/envelope.h"

#include "engine/base/assert.h"
#include "proto/codec/codec.h"
#include "proto/codec/limits.h"
#include "proto/codec/wire.h"
#include "replica/rpc/internal.h"

/* Request, Op, Batch, Command, CreateGroup, GroupDetails, CustomMetadata, and room
 * for two more. */
static const struct cadre_wire_limits request_limits = {
	.bytes_max = CADRE_MESSAGE_BYTES_MAX,
	.depth_max = 9,
	.fields_base = CADRE_WIRE_FIELDS_BASE,
	.bytes_per_field = CADRE_WIRE_BYTES_PER_FIELD,
};

#define REQUEST_ID_CHARS_MAX 64u

static bool stands_alone(const Cadre__V1__Op *op)
{
	return op->body_case == CADRE__V1__OP__BODY_WATCH || rpc_is_blob_op(op);
}

static enum cadre_status check_envelope(const Cadre__V1__Request *request,
                                        struct cadre_error *err)
{
	size_t id_length = strlen(request->request_id);

	if (request->version != CADRE_RPC_VERSION)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "version: %u, this node speaks %u",
		                       request->version, CADRE_RPC_VERSION);
	if (id_length < 1 || id_length > REQUEST_ID_CHARS_MAX)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "requestId: %zu bytes, 1 to %u", id_length,
		                       REQUEST_ID_CHARS_MAX);
	if (request->n_ops < 1 || request->n_ops > CADRE_COMMANDS_PER_MESSAGE_MAX)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "ops: %zu operations, 1 to %d", request->n_ops,
		                       CADRE_COMMANDS_PER_MESSAGE_MAX);
	for (size_t i = 0; i < request->n_ops; i++) {
		if (request->ops[i]->body_case == CADRE__V1__OP__BODY__NOT_SET)
			return cadre_error_set(err, CADRE_INVALID_PARAMETER,
			                       "ops[%zu]: empty", i);
		if (stands_alone(request->ops[i]) && request->n_ops > 1)
			return cadre_error_set(
			        err, CADRE_INVALID_PARAMETER,
			        "ops[%zu]: watch and blobs stand alone in their message",
			        i);
	}
	if (request->after && request->after->timeline_id.len != 16)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "after.timelineId: %zu bytes, 16",
		                       request->after->timeline_id.len);
	return CADRE_OK;
}

enum cadre_status rpc_request_read(struct cadre_slice bytes, struct cadre_arena *arena,
                                   Cadre__V1__Request **ret_request,
                                   struct cadre_error *err)
{
	ProtobufCMessage *message = NULL;
	enum cadre_status status = cadre_unpack_within(&cadre__v1__request__descriptor,
	                                               bytes, &request_limits, arena,
	                                               &message, err);

	*ret_request = (Cadre__V1__Request *)(void *)message;
	return status == CADRE_OK ? check_envelope(*ret_request, err) : status;
}

static enum cadre_status find_actor(struct call *call, struct cadre_error *err)
{
	static char local[] = OPEN_MODE_PRINCIPAL;
	const struct cadre_rpc_hooks *hooks = &call->server->options.hooks;
	char *other = call->request->on_behalf_of;

	cadre__v1__actor__init(&call->actor);
	call->actor.proof = CADRE__V1__PROOF__PROOF_LOCAL;
	call->actor.principal = other ? other : local;
	call->actor.via = other ? local : NULL;
	if (other && (other[0] == '\0' || strlen(other) > CADRE_OCID_CHARS_MAX))
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "onBehalfOf: %zu bytes, 1 to %d", strlen(other),
		                       CADRE_OCID_CHARS_MAX);
	if (!hooks->actor)
		return rpc_admit(call, err);
	return hooks->actor(hooks->ctx, cadre_exchange_peer(call->exchange),
	                    call->request, &call->arena, &call->actor, err);
}

static enum cadre_status make_results(struct call *call, struct cadre_error *err)
{
	size_t count = call->request->n_ops;
	Cadre__V1__Result *results = cadre_arena_alloc(&call->arena,
	                                               count * sizeof *results);
	Cadre__V1__Result **pointers = cadre_arena_alloc(&call->arena,
	                                                 count * sizeof *pointers);

	if (!results || !pointers)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY,
		                       "no memory for %zu results", count);
	for (size_t i = 0; i < count; i++) {
		cadre__v1__result__init(&results[i]);
		pointers[i] = &results[i];
	}
	call->response.results = pointers;
	call->response.n_results = count;
	return CADRE_OK;
}

static void set_deadline(struct call *call)
{
	uint64_t ms = call->request->remaining_ms;

	if (ms == 0)
		ms = CADRE_RPC_DEADLINE_MS;
	if (ms > CADRE_RPC_DEADLINE_MS_MAX)
		ms = CADRE_RPC_DEADLINE_MS_MAX;
	call->deadline_ns = call->arrived_ns + ms * 1000000u;
}

enum cadre_status rpc_read_envelope(struct call *call, struct cadre_error *err)
{
	enum cadre_status status =
	        rpc_request_read(cadre_exchange_request(call->exchange), &call->arena,
	                         &call->request, err);

	if (call->request)
		call->response.request_id = call->request->request_id;
	if (status == CADRE_OK && atomic_load(&call->server->refusing))
		status = cadre_error_set(err, CADRE_UNAVAILABLE,
		                         "this node is shutting down: nothing was done");
	CADRE_ASSERT(status != CADRE_OK || call->request);
	if (status == CADRE_OK)
		status = find_actor(call, err);
	if (status == CADRE_OK)
		status = make_results(call, err);
	if (status == CADRE_OK)
		set_deadline(call);
	return status;
}
