/* Operations that the daemon answers: the views' part here, the rest by its hooks. */
#include "replica/rpc/internal.h"

static void *alloc(struct call *call, size_t size)
{
	void *memory = cadre_arena_alloc(&call->arena, size);

	if (memory)
		memset(memory, 0, size);
	return memory;
}

static enum cadre_status no_memory(struct cadre_error *err)
{
	return cadre_error_set(err, CADRE_OUT_OF_MEMORY, "no memory for the answer");
}

static char *hex(struct call *call, const void *data, size_t length)
{
	char *text = cadre_arena_alloc(&call->arena, 2 * length + 1);

	if (text)
		cadre_hex_encode(data, length, text);
	return text;
}

static bool set_bytes(struct call *call, ProtobufCBinaryData *out, const uint8_t id[16])
{
	out->len = 16;
	out->data = alloc(call, 16);
	if (out->data)
		memcpy(out->data, id, 16);
	return out->data != NULL;
}

static char *copy(struct call *call, const char *text)
{
	return cadre_arena_strdup(&call->arena, cadre_slice_text(text));
}

/* What every node can say of itself; `reader` NULL: there are no views now. */
static enum cadre_status base_status(struct call *call, const struct reader *reader,
                                     const struct cadre_query *query,
                                     Cadre__V1__StatusResult *out,
                                     struct cadre_error *err)
{
	static const struct reader none;
	const struct cadre_view_head *head;
	uint8_t digest[16];

	if (!reader)
		reader = &none;
	head = &reader->view.head;

	cadre_put_be64(digest, head->digest.high);
	cadre_put_be64(digest + 8, head->digest.low);
	out->role = copy(call, "leader");
	out->cluster_name = copy(call, reader->cluster_name);
	out->node_id = copy(call, "");
	out->chain = hex(call, head->chain.bytes, sizeof head->chain.bytes);
	out->digest = hex(call, digest, sizeof digest);
	out->epoch = head->epoch;
	out->applied_seq = head->applied_seq;
	out->committed_seq = head->applied_seq;
	out->durable_seq = head->applied_seq;
	out->has_watermark_ms = query->watermark_ms != 0;
	out->watermark_ms = query->watermark_ms;
	if (call->who)
		out->security = copy(call, "principals prove themselves with their keys");
	else if (!call->server->options.hooks.actor)
		out->security = copy(call, "open: anyone local may do anything");
	if (!out->role || !out->cluster_name || !out->node_id || !out->chain ||
	    !out->digest || !set_bytes(call, &out->cluster_id, reader->cluster_id) ||
	    !set_bytes(call, &out->timeline_id, reader->timeline_id))
		return no_memory(err);
	return CADRE_OK;
}

static enum cadre_status status_op(struct call *call, const struct reader *reader,
                                   const struct cadre_query *query,
                                   Cadre__V1__Result *result, struct cadre_error *err)
{
	const struct cadre_rpc_hooks *hooks = &call->server->options.hooks;
	Cadre__V1__StatusResult *out = alloc(call, sizeof *out);
	enum cadre_status status;

	if (!out)
		return no_memory(err);
	cadre__v1__status_result__init(out);
	status = base_status(call, reader, query, out, err);
	if (status == CADRE_OK && hooks->status)
		status = hooks->status(hooks->ctx, &call->arena, out, err);
	/* Nodes tell of everybody's members. */
	if (!rpc_may(call, CADRE_INSPECT, CADRE_CLUSTER, NULL))
		out->n_nodes = 0;
	result->body_case = CADRE__V1__RESULT__BODY_NODE_STATUS;
	result->node_status = out;
	return status;
}

static enum cadre_status find_deployment(struct cadre_query *query, const char *field,
                                         const char *name,
                                         Cadre__V1__Resource **ret_deployment,
                                         struct cadre_error *err)
{
	enum cadre_status status = cadre_query_find(query, field, name, ret_deployment,
	                                            err);

	if (status == CADRE_OK &&
	    (*ret_deployment)->kind != CADRE__V1__KIND__KIND_DEPLOYMENT)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "%s: \"%.200s\" is no deployment", field, name);
	return status;
}

static enum cadre_status not_known(struct cadre_error *err)
{
	return cadre_error_set(err, CADRE_UNAVAILABLE,
	                       "this node does not know it: ask the leader");
}

static enum cadre_status states_op(struct call *call, struct cadre_query *query,
                                   const Cadre__V1__Op *op, Cadre__V1__Result *result,
                                   struct cadre_error *err)
{
	const struct cadre_rpc_hooks *hooks = &call->server->options.hooks;
	Cadre__V1__ModelStatesResult *out = alloc(call, sizeof *out);
	Cadre__V1__Resource *deployment;
	enum cadre_status status;

	if (!out)
		return no_memory(err);
	cadre__v1__model_states_result__init(out);
	query->need = CADRE_READ;
	status = find_deployment(query, "modelStates.deployment",
	                         op->model_states->deployment, &deployment, err);
	if (status == CADRE_OK)
		status = hooks->model_states
		                 ? hooks->model_states(hooks->ctx, &call->arena,
		                                       deployment, out, err)
		                 : not_known(err);
	result->body_case = CADRE__V1__RESULT__BODY_MODEL_STATES;
	result->model_states = out;
	return status;
}

static enum cadre_status endpoints_op(struct call *call, struct cadre_query *query,
                                      const Cadre__V1__Op *op, Cadre__V1__Result *result,
                                      struct cadre_error *err)
{
	const struct cadre_rpc_hooks *hooks = &call->server->options.hooks;
	Cadre__V1__EndpointsResult *out = alloc(call, sizeof *out);
	Cadre__V1__Resource *deployment;
	enum cadre_status status;

	if (!out)
		return no_memory(err);
	cadre__v1__endpoints_result__init(out);
	query->need = CADRE_USE;
	status = find_deployment(query, "endpoints.deployment", op->endpoints->deployment,
	                         &deployment, err);
	if (status == CADRE_OK)
		status = hooks->endpoints ? hooks->endpoints(hooks->ctx, &call->arena,
		                                             deployment, out, err)
		                          : not_known(err);
	result->body_case = CADRE__V1__RESULT__BODY_ENDPOINTS;
	result->endpoints = out;
	return status;
}

void rpc_daemon_op(struct call *call, struct reader *reader, struct cadre_query *query,
                   const Cadre__V1__Op *op, Cadre__V1__Result *result)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	enum cadre_status status;

	status = rpc_session_op(call, reader, op, result, &err);
	switch (status == CADRE_END ? (int)op->body_case : 0) {
	case 0:
		break;
	case CADRE__V1__OP__BODY_STATUS:
		status = status_op(call, reader, query, result, &err);
		break;
	case CADRE__V1__OP__BODY_MODEL_STATES:
		status = states_op(call, query, op, result, &err);
		break;
	case CADRE__V1__OP__BODY_ENDPOINTS:
		status = endpoints_op(call, query, op, result, &err);
		break;
	default:
		status = cadre_error_set(&err, CADRE_INVALID_PARAMETER,
		                         "an operation that is unknown here");
		break;
	}
	result->status = (uint32_t)status;
	if (status == CADRE_OK)
		return;
	result->body_case = CADRE__V1__RESULT__BODY__NOT_SET;
	result->message = copy(call, err.message);
}
