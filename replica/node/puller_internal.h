/* The puller's two threads among themselves. */
#ifndef CADRE_NODE_PULLER_INTERNAL_H
#define CADRE_NODE_PULLER_INTERNAL_H

#include <pthread.h>

#include "replica/node/puller.h"

/* What others may ask for, and the second thread needs. */
struct puller_shown {
	struct cadre_follower follower; /* a copy */
	struct cadre_log_head head;     /* of this node's log */
	char leader[CADRE_ADDRESS_BYTES];
	bool met;
	bool connected;
	bool bootstrapping;
	uint64_t fresh_ms; /* when this node was last known to hold all; 0: never */
	int64_t clock_ahead_ms;
	enum cadre_status failure;
};

struct puller {
	struct puller_options options;
	struct cadre_env *env;
	struct cadre_link *link;
	uint8_t incarnation[16];
	pthread_t asking;
	pthread_t reporting;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool stopping;             /* lock */
	bool reporting_started;    /* start and stop's */
	bool dirty;                /* lock; the report is to be told */
	bool reintroduce;          /* lock */
	struct puller_shown shown; /* lock; written by the asking thread */
	/* The asking thread's alone. */
	struct cadre_follower follower;
	struct cadre_link_answer answer;
	struct cadre_arena arena; /* of requests */
	char said[256];           /* the last cause that was logged */
};

uint64_t puller_now_ms(const struct puller *puller);
/* Waits until `ms` passed or the puller stops: false then. */
bool puller_pause(struct puller *puller, uint64_t ms);
/* Whether the report is to be told; takes it on when so. */
bool puller_take_dirty(struct puller *puller);
/* It could not be told. */
void puller_give_dirty(struct puller *puller);
/* Asks a Fetch with all that every Fetch has; `report` may be NULL. The answer is in
 * `answer` when CADRE_OK. */
CADRE_MUST_CHECK enum cadre_status
puller_ask_fetch(struct puller *puller, const struct puller_shown *at, uint32_t max_bytes,
                 uint32_t wait_ms, Cadre__V1__NodeReport *report,
                 struct cadre_link_answer *answer, struct cadre_error *err);
/* The body of the second thread. */
void *puller_report_loop(void *ctx);

#endif
