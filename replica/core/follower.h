/*
 * The follower's side of replication as a state machine: what to ask next. Pure:
 * answers, failures and the time come in; one action goes out.
 *
 *   HELLO ──ok──▶ FETCH ──batches──▶ FETCH …
 *     │             │ refused, epoch changed, connection lost
 *     │◀────────────┘
 *     ├─snapshot needed, or far behind while empty──▶ BOOTSTRAP ──done──▶ HELLO
 *     └─diverged, other cluster, duplicate──▶ STOPPED (says why; asks again slowly
 *       where the reason can pass)
 *
 * A leader that refuses every Fetch, offers one snapshot after the other, or answers
 * empty without waiting is asked with pauses.
 *
 * After a failure it waits 100 ms, doubling to 5 s, with jitter, so that a leader
 * that comes back is not met by all followers at once.
 */
#ifndef CADRE_REPLICA_CORE_FOLLOWER_H
#define CADRE_REPLICA_CORE_FOLLOWER_H

#include "cadre/v1/replication.pb-c.h"
#include "engine/base/status.h"
#include "engine/base/types.h"

#define CADRE_FOLLOWER_BACKOFF_MIN_MS 100u
#define CADRE_FOLLOWER_BACKOFF_MAX_MS 5000u
/* An empty follower further behind than this takes a snapshot, events. */
#define CADRE_FOLLOWER_SNAPSHOT_EVENTS 100000u

/* An empty answer is hasty before this; so many are taken before a pause of as much. */
#define CADRE_FOLLOWER_HASTE_MS 50u
#define CADRE_FOLLOWER_HASTY_MAX 16u

enum cadre_follower_state {
	CADRE_FOLLOWER_HELLO,
	CADRE_FOLLOWER_FETCH,
	CADRE_FOLLOWER_BOOTSTRAP,
	CADRE_FOLLOWER_STOPPED
};

enum cadre_follower_action {
	CADRE_FOLLOWER_SEND_HELLO,
	CADRE_FOLLOWER_SEND_FETCH,
	CADRE_FOLLOWER_TAKE_SNAPSHOT,
	CADRE_FOLLOWER_WAIT
};

struct cadre_follower {
	enum cadre_follower_state state;
	cadre_epoch epoch;    /* of the leader that was met */
	cadre_seq leader_seq; /* committed there, when last heard */
	cadre_time_ms leader_time_ms;
	cadre_time_ms watermark_ms;
	uint64_t heard_ms;    /* 0: never */
	uint64_t retry_at_ms; /* no action before */
	uint32_t backoff_ms;
	uint32_t refusals; /* of Fetch, and snapshots, since a Fetch was answered well */
	uint32_t hasty;    /* empty answers in a row that came at once */
	uint64_t asked_ms; /* when the last Fetch was to go out */
	uint64_t random;   /* jitter */
	bool diverged;
	char why[256]; /* the last refusal or failure, "" when well */
};

void cadre_follower_init(struct cadre_follower *follower, uint64_t seed);

/* What to do now; with WAIT `*ret_wait_ms` says how long at least. */
enum cadre_follower_action cadre_follower_next(struct cadre_follower *follower,
                                               uint64_t now_ms, uint64_t *ret_wait_ms);
/* `last_seq`: of the follower's own log. */
void cadre_follower_on_hello(struct cadre_follower *follower,
                             const Cadre__V1__HelloAnswer *answer, cadre_seq last_seq,
                             uint64_t now_ms);
/* The answer to a Fetch, after its batches were appended (or it had none). */
void cadre_follower_on_fetch(struct cadre_follower *follower,
                             const Cadre__V1__FetchAnswer *answer, uint64_t now_ms);
/* A question without an answer, or a snapshot that could not be taken. */
void cadre_follower_on_failure(struct cadre_follower *follower,
                               const struct cadre_error *err, uint64_t now_ms);
/* The store stands on the snapshot now. */
void cadre_follower_on_snapshot(struct cadre_follower *follower);
/* The follower's own state contradicts the leader's. */
void cadre_follower_on_divergence(struct cadre_follower *follower, const char *why);

#endif
