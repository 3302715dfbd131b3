/*
 * HTTP in front: connections, limits, bodies, and the way between the library's threads
 * and the pools.
 *
 * Threads: start, quiesce and stop on one; the library has its own.
 */
#ifndef CADRE_TOOLS_GATEWAY_HTTP_H
#define CADRE_TOOLS_GATEWAY_HTTP_H

#include "tools/gateway/gateway.h"

/* Listens on `listen`, whose port is filled in.
 * Errors: CADRE_CONFLICT (the port is taken), CADRE_INVALID_PARAMETER (certificate or
 * key), CADRE_UNAVAILABLE, CADRE_OUT_OF_MEMORY. */
CADRE_MUST_CHECK enum cadre_status gateway_http_start(struct gateway *gateway,
                                                      struct cadre_address *listen,
                                                      struct gateway_http **ret_http,
                                                      struct cadre_error *err);
/* No more connections. */
void gateway_http_quiesce(struct gateway_http *http);
/* No request is in a pool any more. Takes NULL; nulls the pointer. */
void gateway_http_stop(struct gateway_http **http);

#endif
