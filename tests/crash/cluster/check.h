/*
 * What must hold on the leader when the load is paused: of every client the log has each
 * command exactly once and in order, up to the last one acknowledged; every
 * acknowledgement says what the log says, and so does Outcome; the members are those that
 * the commands make.
 *
 * Threads: one.
 */
#ifndef TESTS_CRASH_CLUSTER_CHECK_H
#define TESTS_CRASH_CLUSTER_CHECK_H

#include "tests/crash/cluster/load.h"

struct check {
	uint64_t next_seq;           /* of the log, to be looked at */
	uint64_t next[LOAD_CLIENTS]; /* of each client: commands that the log has */
};

/* Zeros to begin with; goes on where the last one ended. */
void check_leader(struct check *check, struct cluster *cluster, const struct load *load);

#endif
