/*
 * The follower's thread: asks the leader, appends what comes, asks on.
 *
 * Normal sequence: core/follower.h says what is next -> Hello -> Fetch -> the answer's
 * batches are appended and synced on the store's loop, which applies and commits them
 * at once -> the next Fetch, which acknowledges them, leaves right after the sync. A
 * Fetch parks at the leader, so that nothing is ever looked for: a commit there is on
 * its way here at once.
 * A report that changes while a Fetch is parked goes out by a second, empty Fetch.
 *
 * Failures. No answer, a lost connection: back-off, then Hello; the store serves what
 * it has. A disk that is full: the same, with that cause. A store that diverged:
 * nothing is fetched any more, the leader is told. Too far behind: `bootstrap`.
 * Stop: questions under way end at once; a bootstrap under way is asked to end by its
 * own means.
 *
 * Threads: two of its own; start and stop on one, the rest from any.
 * Locks: one, a leaf.
 */
#ifndef CADRE_NODE_PULLER_H
#define CADRE_NODE_PULLER_H

#include "engine/base/log_sink.h"
#include "replica/core/follower.h"
#include "replica/node/body.h"
#include "replica/transfer/link.h"

/* Of batches in one answer; at least one batch comes. */
#define PULLER_FETCH_BYTES_MAX ((uint32_t)4 << 20)
/* The time the leader has for an answer, behind its parking. */
#define PULLER_ANSWER_MS 5000u
/* A follower that diverged tells so this often. */
#define PULLER_DIVERGED_MS 5000u

struct puller;

struct puller_options {
	struct cadre_env *env;
	struct body *body;
	const char *join; /* the leader's replication address */
	uint16_t default_port;
	uint32_t wait_ms;   /* 0: CADRE_FEED_PARK_MS */
	uint32_t answer_ms; /* 0: PULLER_ANSWER_MS */
	struct cadre_log_sink *sink;
	/* Name, labels and address of a Hello; in `arena`. */
	void (*introduce)(void *ctx, struct cadre_arena *arena, Cadre__V1__Hello *hello);
	/* What is to be told with a Fetch; in `arena`. */
	enum cadre_status (*report)(void *ctx, struct cadre_arena *arena,
	                            Cadre__V1__NodeReport **ret_report,
	                            struct cadre_error *err);
	/* Replaces the content of the body by the leader's snapshot; on the puller's
	 * thread. */
	enum cadre_status (*bootstrap)(void *ctx, struct cadre_link *link,
	                               struct cadre_error *err);
	void *ctx;
};

/* Errors: as cadre_link_create(). */
CADRE_MUST_CHECK enum cadre_status puller_start(const struct puller_options *options,
                                                struct puller **ret_puller,
                                                struct cadre_error *err);
/* Takes NULL; nulls the pointer. While the store's loop still runs. */
void puller_stop(struct puller **puller);
/* The report changed. Does not block. */
void puller_poke(struct puller *puller);
/* Name, labels or address changed: says Hello again. Does not block. */
void puller_reintroduce(struct puller *puller);

/* What is known of the leader, and how far behind it this node is. */
struct puller_status {
	char leader[CADRE_ADDRESS_BYTES]; /* its RPC; "" when not known */
	bool met;                         /* accepted by a leader since the start */
	bool connected; /* its last answer was well, the next is awaited */
	bool refused;   /* it answers, and does not take this node */
	bool bootstrapping;
	bool contacted;          /* ever */
	uint64_t contact_age_ms; /* since its last answer, when contacted */
	uint64_t lag_events;
	uint64_t lag_ms;           /* how old what is visible here may be */
	int64_t clock_ahead_ms;    /* of the leader's wall clock, when contacted */
	enum cadre_status failure; /* of the last question, CADRE_OK when well */
	char why[256];             /* the last refusal or failure, "" when well */
};
void puller_status(struct puller *puller, struct puller_status *ret_status);

#endif
