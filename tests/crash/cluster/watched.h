/*
 * What a thread beside the test tells: how often all was well, and the first thing that
 * was wrong. While it is excused (the node that it asks is down) it may fail by being
 * refused; a wrong answer is never excused.
 *
 * Threads: any.
 */
#ifndef TESTS_CRASH_CLUSTER_WATCHED_H
#define TESTS_CRASH_CLUSTER_WATCHED_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "engine/base/status.h"

struct watched {
	const char *name;
	atomic_uint well;
	atomic_uint refused; /* while excused */
	atomic_bool excused;
	atomic_bool stopping;
	atomic_bool wrong; /* text is filled */
	pthread_mutex_t lock;
	char text[500]; /* lock */
};

void watched_init(struct watched *watched, const char *name);
void watched_fini(struct watched *watched);

/* ---- the thread ---- */

/* What was refused is well when it was excused at its beginning or is at its end. */
void watched_refused(struct watched *watched, bool excused_before, const char *format,
                     ...) CADRE_PRINTF(3, 4);
void watched_wrong(struct watched *watched, const char *format, ...) CADRE_PRINTF(2, 3);

/* ---- the test ---- */

/* Fails the test when something was wrong. */
void watched_check(struct watched *watched);
/* Until it was well `times` more from now on; fails the test as wait_for() does. */
void watched_wait(struct watched *watched, unsigned times);
void watched_excuse(struct watched *watched);
/* Until it is well again; from then on it must be. */
void watched_expect(struct watched *watched);

#endif
