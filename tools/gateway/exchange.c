#include "tools/gateway/exchange.h"

#include <inttypes.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/gateway/auth.h"
#include "tools/gateway/pool.h"
#include "tools/gateway/router.h"

/* Of a body that is too large so much is still read, so that its sender gets to see the
 * answer; then the connection is cut. */
#define DROPPED_MAX ((size_t)1 << 20)
#define CLIENT_ID_CHARS_MAX 100u

const char *gateway_header(const struct gateway_request *request, const char *name)
{
	return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

/* "<the client's>/<ours>"; characters that could break a log line are left out. */
static void make_id(struct gateway_request *request)
{
	static const char allowed[] = "0123456789-_./ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	                              "abcdefghijklmnopqrstuvwxyz";
	const char *given = gateway_header(request, "opc-request-id");
	size_t length = given ? strspn(given, allowed) : 0;

	if (given && (given[length] != '\0' || length > CLIENT_ID_CHARS_MAX))
		length = 0;
	snprintf(request->id, sizeof request->id, "%.*s%s%016" PRIX64 "%016" PRIX64,
	         (int)length, length > 0 ? given : "", length > 0 ? "/" : "",
	         (uint64_t)gateway_now_ms(),
	         (uint64_t)atomic_fetch_add(&request->gateway->requests, 1));
}

static size_t body_max(const struct gateway_request *request)
{
	switch (request->route->takes) {
	case GATEWAY_PAYLOAD:
		return request->gateway->predict_max;
	case GATEWAY_NO_BODY:
	case GATEWAY_JSON_BODY:
		break;
	}
	return request->gateway->body_max;
}

static enum gateway_turn refuse_size(struct gateway_request *request)
{
	char message[80];

	snprintf(message, sizeof message, "body: more than %zu bytes", body_max(request));
	gateway_answer_error(request, 413, "PayloadTooLarge", message);
	return GATEWAY_TURN_SEND;
}

enum gateway_turn gateway_exchange_begin(struct gateway_request *request)
{
	const char *length;
	enum cadre_status status;

	request->begun = true;
	request->began_ns = gateway_now_ns();
	make_id(request);
	status = gateway_find_route(request);
	if (status != CADRE_OK) {
		if (status != CADRE_END)
			gateway_answer_status(request, status);
		return GATEWAY_TURN_SEND;
	}
	length = gateway_header(request, "content-length");
	if (length && strtoull(length, NULL, 10) > body_max(request))
		return refuse_size(request);
	return GATEWAY_TURN_READ;
}

enum gateway_turn gateway_exchange_body(struct gateway_request *request,
                                        const char *bytes, size_t length)
{
	if (request->body.length + length > body_max(request))
		request->too_large = true;
	if (request->too_large) {
		request->dropped += length;
		cadre_buffer_fini(&request->body);
		return request->dropped > DROPPED_MAX ? GATEWAY_TURN_CUT
		                                      : GATEWAY_TURN_READ;
	}
	if (cadre_buffer_append(&request->body, bytes, length) != CADRE_OK)
		return GATEWAY_TURN_CUT;
	return GATEWAY_TURN_READ;
}

static struct gateway_pool *pool_of(const struct gateway_request *request)
{
	switch (request->route->pace) {
	case GATEWAY_PREDICT:
		return request->gateway->predicts;
	case GATEWAY_WATCH:
		return request->gateway->watches;
	case GATEWAY_CALL:
		break;
	}
	return request->gateway->calls;
}

enum gateway_turn gateway_exchange_end(struct gateway_request *request)
{
	if (request->too_large)
		return refuse_size(request);
	if (atomic_load(&request->gateway->stopping)) {
		cadre_error_set(&request->err, CADRE_UNAVAILABLE,
		                "the gateway is stopping");
		gateway_answer_status(request, CADRE_UNAVAILABLE);
		return GATEWAY_TURN_SEND;
	}
	request->queued = true;
	/* First: the pool may be done before this returns. */
	MHD_suspend_connection(request->connection);
	gateway_request_ref(request);
	if (gateway_pool_submit(pool_of(request), request) == CADRE_OK)
		return GATEWAY_TURN_WAIT;
	cadre_error_set(&request->err, CADRE_TOO_MANY_REQUESTS,
	                "too many requests of this kind are under way");
	gateway_answer_status(request, CADRE_TOO_MANY_REQUESTS);
	gateway_request_unref(request);
	MHD_resume_connection(request->connection);
	return GATEWAY_TURN_WAIT;
}

static enum cadre_status handle(struct gateway_request *request)
{
	enum cadre_status status = gateway_authenticate(request);

	if (status == CADRE_OK)
		status = gateway_query_read(request);
	if (status == CADRE_OK)
		status = request->route->handler(request);
	return status;
}

static void say(struct gateway_request *request)
{
	uint64_t us = (gateway_now_ns() - request->began_ns) / 1000u;
	unsigned http = request->answer.http;

	if (http >= 500)
		GATEWAY_SAY(request->gateway, WARN, "request.failed",
		            "operation=%s http=%u id=%s reason=\"%s\"",
		            request->route->operation, http, request->id,
		            request->err.message);
	else
		GATEWAY_SAY(request->gateway, DEBUG, "request.done",
		            "operation=%s http=%u us=%" PRIu64 " id=%s",
		            request->route->operation, http, us, request->id);
}

/* What every answer carries. */
static void complete(struct gateway_request *request, enum cadre_status status)
{
	if (status == CADRE_OK && request->answer.type)
		status = cadre_json_status(&request->answer.json, &request->err);
	if (status != CADRE_OK && status != CADRE_END)
		gateway_answer_status(request, status);
	if (request->position[0] != '\0')
		gateway_answer_header(request, "cadre-position", request->position);
	say(request);
}

void gateway_exchange_run(void *job)
{
	struct gateway_request *request = job;
	enum cadre_status status = handle(request);

	if (!request->streaming) {
		complete(request, status);
		MHD_resume_connection(request->connection);
	}
	gateway_request_unref(request);
}

struct gateway_stream *gateway_exchange_stream(struct gateway_request *request,
                                               const char *type)
{
	struct gateway_stream *stream =
	        gateway_stream_create(request->connection, &request->gateway->stopping);

	if (!stream) {
		cadre_error_set(&request->err, CADRE_OUT_OF_MEMORY, "out of memory");
		return NULL;
	}
	request->answer.http = 200;
	request->answer.type = type;
	request->answer.stream = gateway_stream_ref(stream);
	complete(request, CADRE_OK);
	request->streaming = true;
	MHD_resume_connection(request->connection);
	return stream;
}
