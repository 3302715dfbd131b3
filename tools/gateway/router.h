/*
 * The operations: one constant table gives method, path, name and handler of each.
 * Routing, 404 and 405, the limits of bodies and the OpenAPI document follow from it.
 */
#ifndef CADRE_TOOLS_GATEWAY_ROUTER_H
#define CADRE_TOOLS_GATEWAY_ROUTER_H

#include "tools/gateway/request.h"

#define GATEWAY_VERSION_PATH "/20190101"

/* Where a handler may wait. */
enum gateway_pace {
	GATEWAY_CALL,    /* for the cluster */
	GATEWAY_PREDICT, /* for a worker */
	GATEWAY_WATCH    /* for events, as long as the client likes */
};

/* What a request may carry. */
enum gateway_takes { GATEWAY_NO_BODY, GATEWAY_JSON_BODY, GATEWAY_PAYLOAD };

/* CADRE_OK: answered. CADRE_END: refused by gateway_refuse(). Else: request->err. */
typedef enum cadre_status (*gateway_handler_fn)(struct gateway_request *request);

struct gateway_route {
	const char *method;
	const char *path; /* "{…}" stands for one segment, an id */
	const char *operation;
	gateway_handler_fn handler;
	unsigned success; /* HTTP status */
	enum gateway_takes takes;
	enum gateway_pace pace;
	const char
	        *queries; /* names of query parameters, spaces between; "*": required */
	const char *summary;
};
extern const struct gateway_route gateway_routes[];
extern const size_t gateway_route_count;

/* Sets request->route and the path's ids. Errors: CADRE_END after an answer of 404 or
 * 405 (with Allow), others in request->err. */
CADRE_MUST_CHECK enum cadre_status gateway_find_route(struct gateway_request *request);

/* The OpenAPI document of the table. */
void gateway_put_openapi(struct cadre_json *json);

#endif
