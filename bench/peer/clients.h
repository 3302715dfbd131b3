/*
 * Clients of another system, each with one request under way on a connection of its
 * own, driven by one thread that waits for all of them.
 */
#ifndef BENCH_PEER_CLIENTS_H
#define BENCH_PEER_CLIENTS_H

#include <stdbool.h>

#include "bench/histogram.h"
#include "engine/base/status.h"

#define BENCH_CLIENTS_MAX 64u

struct bench_client;

struct bench_client_ops {
	/* Sends request number `number`. */
	enum cadre_status (*ask)(struct bench_client *client, uint64_t number,
	                         struct cadre_error *err);
	/* Something came. `*ret_done` when the answer is complete. */
	enum cadre_status (*read)(struct bench_client *client, bool *ret_done,
	                          struct cadre_error *err);
};

/* The first part of a client. */
struct bench_client {
	const struct bench_client_ops *ops;
	int fd;
	uint64_t asked_ns;
};

/* Requests number `first` to `first + count - 1`, by whichever client is free. A
 * single client is waited for in its read. */
CADRE_MUST_CHECK enum cadre_status bench_clients_run(struct bench_client *const *clients,
                                                     unsigned client_count,
                                                     uint64_t first, uint64_t count,
                                                     struct bench_histogram *latency,
                                                     struct cadre_error *err);

#endif
