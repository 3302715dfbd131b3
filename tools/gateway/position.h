/*
 * Read-your-writes over HTTP: answers carry `cadre-position: <timeline>:<seq>`; a request
 * that brings one back is answered from a state at least as new, by whatever gateway.
 * Without it a request sees what this gateway wrote.
 */
#ifndef CADRE_TOOLS_GATEWAY_POSITION_H
#define CADRE_TOOLS_GATEWAY_POSITION_H

#include "tools/gateway/request.h"

/* Heeds the request's header; the second time it does nothing.
 * Errors: CADRE_INVALID_PARAMETER (no position), CADRE_LAGGING (nobody has it in the
 * time of a call), CADRE_TOKEN_LOST (of a timeline that was left). */
CADRE_MUST_CHECK enum cadre_status gateway_position_wait(struct gateway_request *request);
/* For the answer's header. `position` may be NULL. */
void gateway_position_note(struct gateway_request *request,
                           const Cadre__V1__Position *position);

#endif
