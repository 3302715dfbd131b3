/*
 * Health and metrics over HTTP, from before the recovery until after the drain:
 *
 *   /healthz   200 while the process lives
 *   /readyz    200 when requests may be sent here, else 503 with the reason
 *   /metrics   Prometheus text 0.0.4
 *
 * GET and HEAD only. At most 64 connections, each gone after 10 s of silence; while more
 * than 56 are open the oldest gives way to each new one, so nobody who connects can keep
 * others out.
 * Threads: start and stop on one thread; it has one of its own.
 */
#ifndef CADRE_TOOLS_CADRED_HTTP_H
#define CADRE_TOOLS_CADRED_HTTP_H

#include "replica/transport/address.h"
#include "tools/cadred/health.h"

struct cadred_http;

/* `ret_address->port` is the one that was chosen for port 0. Ownership: `health` is
 * borrowed until stop.
 * Errors: CADRE_CONFLICT (the port is taken), CADRE_UNAVAILABLE, CADRE_OUT_OF_MEMORY. */
CADRE_MUST_CHECK enum cadre_status cadred_http_start(const struct cadre_address *address,
                                                     struct cadred_health *health,
                                                     struct cadred_http **ret_http,
                                                     struct cadre_address *ret_address,
                                                     struct cadre_error *err);
/* Takes NULL; nulls the pointer. */
void cadred_http_stop(struct cadred_http **http);

#endif
