/* Redis: the server, and its protocol (RESP2) by hand. */
#ifndef BENCH_PEER_REDIS_H
#define BENCH_PEER_REDIS_H

#include "bench/peer/process.h"
#include "bench/peer/wire.h"

/* NULL when there is a redis-server, else what to install. */
const char *bench_redis_missing(const struct bench *bench);
/* On a unix socket, `address` for bench_wire_open(). `durable`: an append-only file,
 * synced before each answer; else nothing is kept. Also a failed one must be stopped. */
CADRE_MUST_CHECK enum cadre_status
bench_redis_start(struct bench_peer *peer, const struct bench *bench, bool durable,
                  char address[BENCH_PATH_BYTES], struct cadre_error *err);
/* A request may hold several commands, each is a reply. A refusal or a nil is an
 * error. */
CADRE_MUST_CHECK enum cadre_status
bench_redis_open(struct bench_wire *wire, const char *address, struct cadre_error *err);
/* Adds a command to the request that is being made. False: out of memory. */
bool bench_redis_command(struct bench_requests *requests, unsigned count,
                         const struct cadre_slice *words);

#endif
