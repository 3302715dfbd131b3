/* The table of routes as an OpenAPI document. */
#include <stdio.h>
#include <string.h>

#include "tools/gateway/operations.h"
#include "tools/gateway/router.h"

#define NAME_BYTES 64u

static void put_parameter(struct cadre_json *json, const char *name, const char *where,
                          bool required)
{
	cadre_json_begin(json, '{');
	cadre_json_key_text(json, "name", name);
	cadre_json_key_text(json, "in", where);
	cadre_json_key_bool(json, "required", required);
	cadre_json_key(json, "schema");
	cadre_json_begin(json, '{');
	cadre_json_key_text(json, "type", "string");
	cadre_json_end(json, '}');
	cadre_json_end(json, '}');
}

static void put_queries(struct cadre_json *json, const char *queries)
{
	while (*queries != '\0') {
		size_t length = strcspn(queries, " ");
		bool required = length > 0 && queries[length - 1] == '*';
		char name[NAME_BYTES];

		snprintf(name, sizeof name, "%.*s", (int)(length - required), queries);
		put_parameter(json, name, "query", required);
		queries += length;
		queries += strspn(queries, " ");
	}
}

static void put_parameters(struct cadre_json *json, const struct gateway_route *route)
{
	const char *open = strchr(route->path, '{');
	char name[NAME_BYTES];

	cadre_json_key(json, "parameters");
	cadre_json_begin(json, '[');
	if (open) {
		snprintf(name, sizeof name, "%.*s", (int)strcspn(open + 1, "}"),
		         open + 1);
		put_parameter(json, name, "path", true);
	}
	put_queries(json, route->queries);
	cadre_json_end(json, ']');
}

static void put_body(struct cadre_json *json, const struct gateway_route *route)
{
	if (route->takes == GATEWAY_NO_BODY)
		return;
	cadre_json_key(json, "requestBody");
	cadre_json_begin(json, '{');
	cadre_json_key(json, "content");
	cadre_json_begin(json, '{');
	cadre_json_key(json, route->takes == GATEWAY_JSON_BODY
	                             ? "application/json"
	                             : "application/octet-stream");
	cadre_json_begin(json, '{');
	cadre_json_end(json, '}');
	cadre_json_end(json, '}');
	cadre_json_end(json, '}');
}

static void put_operation(struct cadre_json *json, const struct gateway_route *route)
{
	char status[8];
	char method[8];

	for (size_t i = 0; i <= strlen(route->method); i++)
		method[i] = (char)(route->method[i] | (route->method[i] ? 0x20 : 0));
	snprintf(status, sizeof status, "%u", route->success);
	cadre_json_key(json, method);
	cadre_json_begin(json, '{');
	cadre_json_key_text(json, "operationId", route->operation);
	cadre_json_key_text(json, "summary", route->summary);
	put_parameters(json, route);
	put_body(json, route);
	cadre_json_key(json, "responses");
	cadre_json_begin(json, '{');
	cadre_json_key(json, status);
	cadre_json_begin(json, '{');
	cadre_json_key_text(json, "description", route->summary);
	cadre_json_end(json, '}');
	cadre_json_end(json, '}');
	cadre_json_end(json, '}');
}

static bool is_first_of_path(size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (strcmp(gateway_routes[i].path, gateway_routes[index].path) == 0)
			return false;
	return true;
}

void gateway_put_openapi(struct cadre_json *json)
{
	cadre_json_begin(json, '{');
	cadre_json_key_text(json, "openapi", "3.0.3");
	cadre_json_key(json, "info");
	cadre_json_begin(json, '{');
	cadre_json_key_text(json, "title",
	                    "Cadre: model groups as OCI's clients see them");
	cadre_json_key_text(json, "version", CADRE_VERSION);
	cadre_json_end(json, '}');
	cadre_json_key(json, "paths");
	cadre_json_begin(json, '{');
	for (size_t i = 0; i < gateway_route_count; i++) {
		if (!is_first_of_path(i))
			continue;
		cadre_json_key(json, gateway_routes[i].path);
		cadre_json_begin(json, '{');
		for (size_t j = i; j < gateway_route_count; j++)
			if (strcmp(gateway_routes[i].path, gateway_routes[j].path) == 0)
				put_operation(json, &gateway_routes[j]);
		cadre_json_end(json, '}');
	}
	cadre_json_end(json, '}');
	cadre_json_end(json, '}');
}

enum cadre_status gateway_openapi(struct gateway_request *request)
{
	gateway_put_openapi(gateway_answer_json(request, 200));
	return CADRE_OK;
}
