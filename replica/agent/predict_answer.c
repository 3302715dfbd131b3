#include "replica/agent/predict_internal.h"

#include <stdlib.h>

#include "engine/base/assert.h"

/* Nothing of the call may be touched behind this: its exchange is the next request's. */
static void send_answer(struct predict_call *call, const Cadre__V1__PredictAnswer *answer)
{
	struct cadre_exchange *exchange = call->exchange;
	size_t bytes = protobuf_c_message_get_packed_size(&answer->base);
	uint8_t *body = cadre_exchange_reply_begin(exchange, bytes);

	cadre_arena_fini(&call->arena);
	if (!body) {
		cadre_exchange_drop(exchange);
		return;
	}
	CADRE_ASSERT(protobuf_c_message_pack(&answer->base, body) == bytes);
	cadre_exchange_reply_send(exchange);
}

static char *unconst(const char *text)
{
	return (char *)(uintptr_t)text; /* protobuf-c reads it only */
}

void predict_answer_ok(struct predict_call *call, const struct predict_reply *reply)
{
	Cadre__V1__PredictAnswer answer = CADRE__V1__PREDICT_ANSWER__INIT;

	if (reply->chunk > 0)
		cadre_metric_add(call->server->metrics, METRIC_CHUNKS, 1);
	answer.status = CADRE_OK;
	answer.has_stream = reply->stream != 0;
	answer.stream = reply->stream;
	answer.has_chunk = true;
	answer.chunk = reply->chunk;
	answer.has_data = reply->data.length > 0;
	answer.data.data = (uint8_t *)(uintptr_t)reply->data.data;
	answer.data.len = reply->data.length;
	answer.has_end = reply->end;
	answer.end = reply->end;
	if (reply->route) {
		answer.model_id = unconst(reply->route->model_id);
		answer.has_generation = true;
		answer.generation = reply->route->generation;
	}
	answer.has_started = true;
	answer.started = true;
	send_answer(call, &answer);
}

/* A long text may have been cut inside a character. */
static void make_ascii(char *text)
{
	if (cadre_utf8_check(text, strlen(text), NULL))
		return;
	for (; *text; text++)
		*text = (*text & 0x80) ? '?' : *text;
}

void predict_answer_error(struct predict_call *call)
{
	Cadre__V1__PredictAnswer answer = CADRE__V1__PREDICT_ANSWER__INIT;

	CADRE_ASSERT(call->err.status != CADRE_OK);
	cadre_metric_add(call->server->metrics, METRIC_FAILED, 1);
	make_ascii(call->err.message);
	answer.status = call->err.status < CADRE_END ? call->err.status : CADRE_INTERNAL;
	answer.message = call->err.message;
	answer.has_started = true;
	answer.started = call->started;
	send_answer(call, &answer);
}
