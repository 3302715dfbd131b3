/* Bare nng REQ/REP: what an RPC over it cannot beat. The answering side is the child
 * role `echo`. */
#ifndef BENCH_ECHO_H
#define BENCH_ECHO_H

#include "bench/histogram.h"
#include "engine/base/status.h"

struct bench_echo {
	const char *address;
	unsigned outstanding; /* contexts, each with one message under way; 1..1,024 */
	size_t request_bytes;
	uint64_t messages;
	struct bench_histogram *latency; /* may be NULL */
};
/* Connects, sends a tenth of the messages to warm, calls `start` and sends all of
 * them; returns when the last is answered. */
CADRE_MUST_CHECK enum cadre_status bench_echo_run(const struct bench_echo *echo,
                                                  void (*start)(void *ctx), void *ctx,
                                                  struct cadre_error *err);

#endif
