/*
 * PostgreSQL: the server, and clients by libpq that send all statements of a patch at
 * once (a pipeline is one transaction).
 */
#ifndef BENCH_PEER_POSTGRES_H
#define BENCH_PEER_POSTGRES_H

#include "bench/peer/clients.h"
#include "bench/peer/process.h"
#include "bench/workload.h"

struct bench_postgres_client;

/* NULL when there is a server and this build has libpq, else what to install. Without
 * libpq the functions below fail. */
const char *bench_postgres_missing(const struct bench *bench);
/* A new cluster with empty tables, on a unix socket in peer->sockets. Not as root.
 * Also a failed one must be stopped. */
CADRE_MUST_CHECK enum cadre_status bench_postgres_start(struct bench_peer *peer,
                                                        const struct bench *bench,
                                                        struct cadre_error *err);
/* A client whose requests are the patches of a workload of its own; its histories are
 * rows on return.
 * Ownership: the workload's options are copied. */
CADRE_MUST_CHECK enum cadre_status
bench_postgres_open(const struct bench_peer *peer,
                    const struct bench_workload_options *options,
                    struct bench_client **ret_client, struct cadre_error *err);
void bench_postgres_close(struct bench_client *client); /* takes NULL */

#endif
