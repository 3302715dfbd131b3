/*
 * Who asks. One call, made once for each request, with headers and body at hand,
 * before anything of it is looked at.
 *
 * Normal sequence: the signature's header is parsed, what must be signed is, its date is
 * near; the principal with that key's fingerprint is asked from the cluster, and kept for
 * KEPT_MS; the signature is verified; what changes something must not have been seen
 * before. The cluster then decides what that principal may, by the name the gateway
 * gives it.
 *
 * A principal that is removed is out at once, whatever is kept here: the cluster does not
 * let the gateway act for it any more.
 */
#ifndef CADRE_TOOLS_GATEWAY_AUTH_H
#define CADRE_TOOLS_GATEWAY_AUTH_H

#include "tools/gateway/request.h"

/* Errors: CADRE_OUT_OF_MEMORY. */
CADRE_MUST_CHECK enum cadre_status gateway_auth_create(struct gateway_auth **ret_auth,
                                                       struct cadre_error *err);
/* Takes NULL; nulls the pointer. */
void gateway_auth_destroy(struct gateway_auth **auth);

/* Fills request->actor, or refuses with request->err.
 * Errors: CADRE_NOT_AUTHENTICATED, CADRE_TOO_MANY_REQUESTS, and those of asking the
 * cluster. Threads: any, one request each. */
CADRE_MUST_CHECK enum cadre_status gateway_authenticate(struct gateway_request *request);

#endif
