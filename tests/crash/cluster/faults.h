/*
 * What befalls a cluster under load. Each fault begins, lasts, ends, and leaves both
 * nodes running; while it lasts it makes sure that what must go on does.
 *
 * Threads: one.
 */
#ifndef TESTS_CRASH_CLUSTER_FAULTS_H
#define TESTS_CRASH_CLUSTER_FAULTS_H

#include "tests/crash/cluster/check.h"
#include "tests/crash/cluster/predictor.h"
#include "tests/crash/cluster/reader.h"
#include "tests/support/testing.h"

struct scene {
	struct cluster cluster;
	struct load *load;
	struct rollout *rollout;
	struct predictor *predictor;
	struct reader *reader;
	struct watched predicting;
	struct watched reading;
	struct check check;
	struct test_random random;
};

struct fault {
	const char *name;
	void (*run)(struct scene *scene);
	bool needs_disks;
};

#define FAULTS_MAX 16u
extern const struct fault faults[];
extern const unsigned fault_count;
/* For a run of many rounds, once: a leader that stands still for a minute. */
void fault_long_freeze(struct scene *scene);

#endif
