/* Calls through libcadre's client, so many of them under way at all times. */
#ifndef BENCH_RPC_LOAD_H
#define BENCH_RPC_LOAD_H

#include "bench/histogram.h"
#include "cadre/v1/rpc.pb-c.h"
#include "engine/base/status.h"
#include "proto/codec/arena.h"
#include "replica/rpc/cadre_client.h"

struct bench_rpc_load;

/* The slot's next call: operations in the arena. On any thread, one at a time for a
 * slot. */
typedef enum cadre_status (*bench_rpc_make_fn)(void *ctx, unsigned slot,
                                               struct cadre_arena *arena,
                                               const Cadre__V1__Op ***ret_ops,
                                               size_t *ret_count);
/* Its answer, every operation of which succeeded. The same threads; may be NULL. */
typedef void (*bench_rpc_take_fn)(void *ctx, unsigned slot,
                                  const Cadre__V1__Response *response);

struct bench_rpc_options {
	const char *address;
	unsigned slots;   /* calls under way */
	unsigned clients; /* connections; slot n uses number n % clients */
	bool local;       /* durable on the leader is enough */
	bench_rpc_make_fn make;
	bench_rpc_take_fn take;
	void *ctx;
};

/* Ownership: `options` is copied. Errors: with the cause. */
CADRE_MUST_CHECK enum cadre_status
bench_rpc_load_open(const struct bench_rpc_options *options,
                    struct bench_rpc_load **ret_load, struct cadre_error *err);
/* So many calls; returns when the last is answered. `latency` may be NULL.
 * Errors: of the first call that failed; the rest of the calls are not made. */
CADRE_MUST_CHECK enum cadre_status bench_rpc_load_run(struct bench_rpc_load *load,
                                                      uint64_t calls,
                                                      struct bench_histogram *latency,
                                                      struct cadre_error *err);
void bench_rpc_load_close(struct bench_rpc_load *load); /* takes NULL */

#endif
