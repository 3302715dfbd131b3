/* What goes back. */
#include <stdio.h>

#include "tools/gateway/request.h"

void gateway_answer_header(struct gateway_request *request, const char *name,
                           const char *value)
{
	struct gateway_answer *answer = &request->answer;
	char *copy;

	if (!value || answer->header_count == GATEWAY_HEADERS_MAX)
		return;
	copy = cadre_arena_strdup(&request->arena, cadre_slice_text(value));
	if (!copy)
		return;
	answer->headers[answer->header_count].name = name;
	answer->headers[answer->header_count++].value = copy;
}

enum cadre_status gateway_answer_empty(struct gateway_request *request, unsigned http)
{
	request->answer.http = http;
	request->answer.type = NULL;
	cadre_json_clear(&request->answer.json);
	return CADRE_OK;
}

struct cadre_json *gateway_answer_json(struct gateway_request *request, unsigned http)
{
	request->answer.http = http;
	request->answer.type = "application/json";
	cadre_json_clear(&request->answer.json);
	return &request->answer.json;
}

/* Messages quote what came: headers may hold any bytes, and a cut may fall anywhere. */
static void make_text(char *message)
{
	if (cadre_utf8_check(message, strlen(message), NULL))
		return;
	for (; *message != '\0'; message++)
		if ((unsigned char)*message >= 0x80)
			*message = '?';
}

void gateway_answer_error(struct gateway_request *request, unsigned http,
                          const char *code, const char *message)
{
	char text[sizeof request->err.message];
	struct cadre_json *json;

	/* SDKs drop the code when there is no message. */
	snprintf(text, sizeof text, "%s", message && *message ? message : code);
	make_text(text);
	request->answer.header_count = 0;
	json = gateway_answer_json(request, http);
	cadre_json_begin(json, '{');
	cadre_json_key_text(json, "code", code);
	cadre_json_key_text(json, "message", text);
	cadre_json_end(json, '}');
}

void gateway_answer_status(struct gateway_request *request, enum cadre_status status)
{
	gateway_answer_error(request, (unsigned)cadre_status_http(status),
	                     cadre_status_oci_code(status), request->err.message);
	/* A client that does not back off by itself. */
	if (request->answer.http == 429 || request->answer.http == 503)
		gateway_answer_header(request, "retry-after", "1");
}

enum cadre_status gateway_refuse(struct gateway_request *request, unsigned http,
                                 const char *code, const char *format, ...)
{
	char message[sizeof request->err.message];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof message, format, args);
	va_end(args);
	gateway_answer_error(request, http, code, message);
	return CADRE_END;
}
