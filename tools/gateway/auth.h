/*
 * Who asks. One call, made once for each request, with headers and body at hand,
 * before anything of it is looked at.
 */
#ifndef CADRE_TOOLS_GATEWAY_AUTH_H
#define CADRE_TOOLS_GATEWAY_AUTH_H

#include "tools/gateway/request.h"

/* Fills request->actor, or refuses with request->err.
 * Errors: CADRE_NOT_AUTHENTICATED. Threads: any, one request each. */
CADRE_MUST_CHECK enum cadre_status gateway_authenticate(struct gateway_request *request);

#endif
