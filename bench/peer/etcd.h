/*
 * etcd: the server, and its gRPC interface (HTTP/2) by hand, since it has no client
 * for C: one unary call at a time on a connection, headers sent without compression.
 * Answers' headers are not decoded: a call that failed has no message.
 */
#ifndef BENCH_PEER_ETCD_H
#define BENCH_PEER_ETCD_H

#include "bench/peer/process.h"
#include "bench/peer/wire.h"

enum bench_etcd_call { BENCH_ETCD_RANGE, BENCH_ETCD_TXN };

/* NULL when there is an etcd, else what to install. */
const char *bench_etcd_missing(const struct bench *bench);
/* One member on loopback; `address` for bench_wire_open(). Also a failed one must be
 * stopped. */
CADRE_MUST_CHECK enum cadre_status bench_etcd_start(struct bench_peer *peer,
                                                    const struct bench *bench,
                                                    char address[BENCH_PATH_BYTES],
                                                    struct cadre_error *err);
/* All requests of the connection are of the one kind. A range that finds nothing and
 * a transaction that does not succeed are errors. */
CADRE_MUST_CHECK enum cadre_status bench_etcd_open(struct bench_wire *wire,
                                                   const char *address,
                                                   enum bench_etcd_call call,
                                                   struct cadre_error *err);

/* One request each, without bench_requests_end(): a get that asks no other member, and
 * the parts of a transaction. False: out of memory. */
bool bench_etcd_get(struct bench_requests *requests, struct cadre_slice key);
bool bench_etcd_put(struct bench_requests *requests, struct cadre_slice key,
                    struct cadre_slice value);
bool bench_etcd_delete(struct bench_requests *requests, struct cadre_slice key);

#endif
