/*
 * One request between the library's threads and the pools'.
 */
#ifndef CADRE_TOOLS_GATEWAY_EXCHANGE_H
#define CADRE_TOOLS_GATEWAY_EXCHANGE_H

#include "tools/gateway/request.h"
#include "tools/gateway/stream.h"

enum gateway_turn {
	GATEWAY_TURN_READ, /* go on reading */
	GATEWAY_TURN_WAIT, /* put aside, a pool goes on with it */
	GATEWAY_TURN_SEND, /* request->answer is to be sent */
	GATEWAY_TURN_CUT   /* the connection is to be closed */
};

/* ---- the library's threads ---- */

/* Headers are there. */
enum gateway_turn gateway_exchange_begin(struct gateway_request *request);
/* Some of the body. */
enum gateway_turn gateway_exchange_body(struct gateway_request *request,
                                        const char *bytes, size_t length);
/* All of it: queues the request after putting its connection aside. */
enum gateway_turn gateway_exchange_end(struct gateway_request *request);

/* ---- a pool's thread ---- */

/* The job of the pools: a request. */
void gateway_exchange_run(void *request);
/* The answer is sent from now on, and its body is what the caller writes to the stream
 * before it returns. `type` is static.
 * NULL: out of memory, in request->err. */
struct gateway_stream *gateway_exchange_stream(struct gateway_request *request,
                                               const char *type);

#endif
