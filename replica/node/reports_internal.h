/*
 * What is kept of each node, between reports.c, which keeps it, and reports_list.c,
 * which tells it. Texts are kept packed: who lists takes references under the lock and
 * unpacks behind it.
 */
#ifndef CADRE_NODE_REPORTS_INTERNAL_H
#define CADRE_NODE_REPORTS_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "replica/node/reports.h"

/* Commits that are remembered by their time; when full every other one goes. */
#define COMMITS_KEPT 512u

/* A packed message; never changed. */
struct blob {
	atomic_uint references;
	size_t length;
	uint8_t bytes[];
};

struct reporter {
	uint8_t id[16];
	uint8_t incarnation[16];
	uint64_t heard_ms;
	bool fetched;
	cadre_seq durable_seq;
	cadre_seq applied_seq;
	struct blob *introduced; /* RegisterNode; NULL before the first hello */
	struct blob *report;     /* NodeReport: members and deployments; NULL: none yet */
};

struct commit_time {
	cadre_seq seq;
	cadre_time_ms time_ms;
};

struct cadre_reports {
	pthread_mutex_t lock;
	struct reporter *nodes;                   /* lock; in the order of their ids */
	size_t count;                             /* lock */
	size_t capacity;                          /* lock */
	size_t bytes;                             /* lock; of all blobs */
	uint64_t version;                         /* lock */
	struct commit_time commits[COMMITS_KEPT]; /* lock; oldest first */
	size_t commit_count;                      /* lock */
};

void reports_blob_unref(struct blob *blob); /* takes NULL */

/* Clocks of several threads are read before the lock is taken. */
static inline uint64_t reports_age_ms(const struct reporter *node, uint64_t now_ms)
{
	return now_ms > node->heard_ms ? now_ms - node->heard_ms : 0;
}

#endif
