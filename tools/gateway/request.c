#include "tools/gateway/request.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/common/json_message.h"
#include "tools/gateway/stream.h"

struct gateway_request *gateway_request_create(struct gateway *gateway,
                                               const char *target)
{
	struct gateway_request *request = calloc(1, sizeof *request);

	if (!request)
		return NULL;
	atomic_init(&request->references, 1);
	request->gateway = gateway;
	cadre_arena_init(&request->arena, GATEWAY_ARENA_BYTES);
	request->target = cadre_arena_strdup(&request->arena, cadre_slice_text(target));
	if (request->target)
		return request;
	gateway_request_unref(request);
	return NULL;
}

struct gateway_request *gateway_request_ref(struct gateway_request *request)
{
	atomic_fetch_add(&request->references, 1);
	return request;
}

void gateway_request_unref(struct gateway_request *request)
{
	if (!request || atomic_fetch_sub(&request->references, 1) > 1)
		return;
	for (size_t i = 0; i < request->answer_count; i++)
		cadre_client_answer_free(request->answers[i]);
	json_decref(request->json);
	cadre_json_fini(&request->answer.json);
	gateway_stream_unref(request->answer.stream);
	cadre_buffer_fini(&request->body);
	cadre_arena_fini(&request->arena);
	free(request);
}

void *gateway_alloc(struct gateway_request *request, size_t bytes)
{
	void *memory = cadre_arena_alloc(&request->arena, bytes > 0 ? bytes : 1);

	if (memory)
		return memset(memory, 0, bytes);
	if (request->arena.failure == CADRE_ARENA_AT_CAP)
		cadre_error_set(&request->err, CADRE_TOO_LARGE,
		                "the request needs more than %zu bytes of memory",
		                request->arena.bytes_max);
	else
		cadre_error_set(&request->err, CADRE_OUT_OF_MEMORY, "out of memory");
	return NULL;
}

const char *gateway_text(struct gateway_request *request, const char *format, ...)
{
	va_list args;
	int length;
	char *text;

	va_start(args, format);
	length = vsnprintf(NULL, 0, format, args);
	va_end(args);
	text = gateway_alloc(request, (size_t)length + 1);
	if (!text)
		return NULL;
	va_start(args, format);
	vsnprintf(text, (size_t)length + 1, format, args);
	va_end(args);
	return text;
}

enum cadre_status gateway_body_read(struct gateway_request *request)
{
	struct cadre_slice body = cadre_buffer_slice(&request->body);
	struct cadre_error err = CADRE_ERROR_INIT;
	enum cadre_status status;

	if (body.length == 0)
		return CADRE_OK;
	status = cadre_json_parse(body, 0, &request->json, &err);
	if (status == CADRE_INVALID_PARAMETER)
		return gateway_refuse(request, 400, "CannotParseRequest", "body: %s",
		                      err.message);
	if (status != CADRE_OK) {
		request->err = err;
		return status;
	}
	if (json_is_object(request->json))
		return CADRE_OK;
	return gateway_refuse(request, 400, "CannotParseRequest",
	                      "body: expected an object, got %s",
	                      cadre_json_type_name(request->json));
}

enum cadre_status gateway_body_required(struct gateway_request *request)
{
	enum cadre_status status = gateway_body_read(request);

	if (status == CADRE_OK && !request->json)
		return cadre_error_set(&request->err, CADRE_MISSING_PARAMETER,
		                       "body: missing");
	return status;
}
