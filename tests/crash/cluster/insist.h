/*
 * A batch that is sent until it is known what became of it, always with one retry token:
 * refused for the moment or unknown, it is sent again. What is unknown is first asked for
 * by Outcome; what that says must hold ever after.
 *
 * Threads: any; one call to one client's batch at a time.
 */
#ifndef TESTS_CRASH_CLUSTER_INSIST_H
#define TESTS_CRASH_CLUSTER_INSIST_H

#include <stdatomic.h>

#include "tests/unit/rpc/rpc_ops.h"

/* What became of a batch: of one command of it. */
struct insist_result {
	uint64_t seq;
	char id[256];
};

struct insist {
	struct cadre_client *client;
	const atomic_bool *stopping; /* gives up; may be NULL */
	unsigned refused;            /* for the moment */
	unsigned unknown;
	unsigned settled; /* unknown ones that Outcome knew */
	char wrong[500];  /* "" while nothing was */
};

/* `op` is a batch with a retry token. False: gave up, or something was wrong. */
bool insist_on(struct insist *insist, const Cadre__V1__Op *op,
               struct insist_result *ret_result);

#endif
