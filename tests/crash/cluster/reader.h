/*
 * A local reader on the follower's views: a thread that looks keys up in the history of
 * the load's client 0 all the time. It must always be answered while the follower runs,
 * rightly, and never go back.
 *
 * Threads: one of its own; the calls from one.
 */
#ifndef TESTS_CRASH_CLUSTER_READER_H
#define TESTS_CRASH_CLUSTER_READER_H

#include "tests/crash/cluster/watched.h"

struct reader;

/* `history` is the OCID of a history that the load patches, as client 0. */
struct reader *reader_start(const char *data_dir, const char *history,
                            struct watched *watched);
void reader_stop(struct reader *reader);

#endif
