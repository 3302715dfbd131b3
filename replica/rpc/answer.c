/* The answer's bytes, straight into the message that is sent. */
#include "replica/rpc/internal.h"

#include "engine/base/assert.h"
#include "proto/codec/limits.h"

static char too_large[] =
        "the answers of this message are larger than 4 MiB together: ask "
        "for smaller pages, or in several messages";

static size_t packed_size(const Cadre__V1__Result *result)
{
	return protobuf_c_message_get_packed_size(&result->base);
}

/* Refuses the largest results until the rest fits; what was written is told as far
 * as its status. */
static size_t shrink(struct call *call)
{
	Cadre__V1__Response *response = &call->response;
	size_t total = protobuf_c_message_get_packed_size(&response->base);

	while (total > CADRE_MESSAGE_BYTES_MAX) {
		Cadre__V1__Result *largest = response->results[0];
		size_t most = 0;
		for (size_t i = 0; i < response->n_results; i++) {
			size_t size = packed_size(response->results[i]);
			if (size > most) {
				most = size;
				largest = response->results[i];
			}
		}
		if (largest->body_case != CADRE__V1__RESULT__BODY_BATCH)
			largest->status = CADRE_LIMIT_EXCEEDED;
		largest->body_case = CADRE__V1__RESULT__BODY__NOT_SET;
		largest->message = too_large;
		cadre_metric_add(call->server->metrics, METRIC_ANSWERS_TOO_LARGE, 1);
		total = protobuf_c_message_get_packed_size(&response->base);
	}
	return total;
}

void rpc_send(struct call *call)
{
	struct cadre_rpc_server *server = call->server;
	struct cadre_exchange *exchange = call->exchange;
	size_t bytes = shrink(call);
	uint8_t *body = cadre_exchange_reply_begin(exchange, bytes);
	uint64_t took_us = (server->env->ops->mono_ns(server->env) - call->arrived_ns) /
	                   1000;

	if (body)
		CADRE_ASSERT(protobuf_c_message_pack(&call->response.base, body) ==
		             bytes);
	cadre_metric_observe(server->metrics,
	                     call->wrote ? METRIC_WRITE_US : METRIC_READ_US, took_us);
	rpc_unpark(call);
	access_unref(call->access);
	cadre_arena_fini(&call->arena);
	if (body)
		cadre_exchange_reply_send(exchange);
	else
		cadre_exchange_drop(exchange);
}
