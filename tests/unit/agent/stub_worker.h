/*
 * A worker whose answers are known, inside a test's process or as the program
 * `stub_worker`. It is a stand-in for an engine, not a model of one.
 *
 * Load: the path decides, or what the file there begins with. "slow:N" waits for N ms or
 * until stopped, "bad:TEXT" fails with TEXT, "die:" ends the process, anything else is
 * ready at once with 1,000 bytes.
 * Infer: the payload decides. "echo TEXT" answers "<model> TEXT"; "count N" answers
 * "0;1;…", a number at a time; "flood N" N pieces of 1 KiB;
 * "wait" until stopped; "fail" is refused; "die" ends the process.
 */
#ifndef TESTS_UNIT_AGENT_STUB_WORKER_H
#define TESTS_UNIT_AGENT_STUB_WORKER_H

#include <stdatomic.h>

#include "replica/agent/worker.h"

/* What a test looks at; zeros to start with. */
struct stub_worker {
	atomic_uint loads;
	atomic_uint unloads;
	atomic_uint infers;
	atomic_uint stopped; /* infers that saw their stop */
};

extern const struct cadre_worker_callbacks stub_worker_callbacks;

#endif
