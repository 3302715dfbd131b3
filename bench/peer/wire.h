/* Clients that send prepared bytes over a socket: nothing is encoded while the clock
 * runs. What an answer is, the protocol says. */
#ifndef BENCH_PEER_WIRE_H
#define BENCH_PEER_WIRE_H

#include "bench/peer/clients.h"
#include "engine/base/bytes.h"

struct bench_request_end {
	size_t end;
	unsigned replies;
};
/* Requests one behind the other. A struct of zeros is empty. */
struct bench_requests {
	struct cadre_buffer bytes;
	struct cadre_buffer ends; /* struct bench_request_end each */
	size_t count;
};
/* Bytes of the request that is being made; end: what it is answered with. False: out
 * of memory. */
bool bench_requests_add(struct bench_requests *requests, const void *data, size_t length);
bool bench_requests_end(struct bench_requests *requests, unsigned replies);
struct cadre_slice bench_requests_at(const struct bench_requests *requests, size_t number,
                                     unsigned *ret_replies);
void bench_requests_fini(struct bench_requests *requests);

#define BENCH_WIRE_BYTES ((size_t)1 << 18)

struct bench_wire;
struct bench_protocol {
	/* Before a request, e.g. its envelope; may be NULL. */
	enum cadre_status (*begin)(struct bench_wire *wire, struct cadre_slice request,
	                           struct cadre_error *err);
	/* Takes what it understands from the front of wire->in and counts the replies
	 * off wire->replies. */
	enum cadre_status (*take)(struct bench_wire *wire, struct cadre_error *err);
};

struct bench_wire {
	struct bench_client client;
	const struct bench_protocol *protocol;
	const struct bench_requests *requests; /* number n: n modulo their count */
	void *state;                           /* the protocol's */
	uint8_t *in;
	size_t in_length;
	unsigned replies; /* still to come */
	bool blocking;    /* a single client: waits in its reads */
};

/* Connects to "unix:PATH" or "tcp:PORT" on loopback.
 * Errors: CADRE_UNAVAILABLE when nobody listens. */
CADRE_MUST_CHECK enum cadre_status bench_wire_open(struct bench_wire *wire,
                                                   const char *address,
                                                   const struct bench_protocol *protocol,
                                                   struct cadre_error *err);
void bench_wire_close(struct bench_wire *wire); /* takes a struct of zeros */
/* All of it. */
CADRE_MUST_CHECK enum cadre_status bench_wire_send(struct bench_wire *wire,
                                                   const void *data, size_t length,
                                                   struct cadre_error *err);
/* Sends `count` requests from `first` on and reads their answers, one after the
 * other. */
CADRE_MUST_CHECK enum cadre_status bench_wire_run(struct bench_wire *wire,
                                                  const struct bench_requests *requests,
                                                  uint64_t first, uint64_t count,
                                                  struct bench_histogram *latency,
                                                  struct cadre_error *err);

#endif
