#include "replica/core/follower.h"

#include <stdio.h>

void cadre_follower_init(struct cadre_follower *follower, uint64_t seed)
{
	memset(follower, 0, sizeof *follower);
	follower->state = CADRE_FOLLOWER_HELLO;
	follower->random = seed | 1;
}

static uint64_t next_random(struct cadre_follower *follower)
{
	follower->random ^= follower->random << 13;
	follower->random ^= follower->random >> 7;
	follower->random ^= follower->random << 17;
	return follower->random;
}

/* Doubles the pause, and puts the next question somewhere in its second half. */
static void back_off(struct cadre_follower *follower, uint64_t now_ms)
{
	uint32_t pause = follower->backoff_ms * 2;

	if (pause < CADRE_FOLLOWER_BACKOFF_MIN_MS)
		pause = CADRE_FOLLOWER_BACKOFF_MIN_MS;
	if (pause > CADRE_FOLLOWER_BACKOFF_MAX_MS)
		pause = CADRE_FOLLOWER_BACKOFF_MAX_MS;
	follower->backoff_ms = pause;
	follower->retry_at_ms = now_ms + pause / 2 +
	                        next_random(follower) % (pause / 2 + 1);
}

enum cadre_follower_action cadre_follower_next(struct cadre_follower *follower,
                                               uint64_t now_ms, uint64_t *ret_wait_ms)
{
	*ret_wait_ms = 0;
	if (now_ms < follower->retry_at_ms) {
		*ret_wait_ms = follower->retry_at_ms - now_ms;
		return CADRE_FOLLOWER_WAIT;
	}
	switch (follower->state) {
	case CADRE_FOLLOWER_FETCH:
		follower->asked_ms = now_ms;
		return CADRE_FOLLOWER_SEND_FETCH;
	case CADRE_FOLLOWER_BOOTSTRAP:
		return CADRE_FOLLOWER_TAKE_SNAPSHOT;
	case CADRE_FOLLOWER_HELLO:
	case CADRE_FOLLOWER_STOPPED:
	default:
		return CADRE_FOLLOWER_SEND_HELLO;
	}
}

static void stop(struct cadre_follower *follower, const char *why, uint64_t now_ms)
{
	follower->state = CADRE_FOLLOWER_STOPPED;
	snprintf(follower->why, sizeof follower->why, "%s", why ? why : "refused");
	follower->backoff_ms = CADRE_FOLLOWER_BACKOFF_MAX_MS;
	back_off(follower, now_ms);
}

static void go_on(struct cadre_follower *follower, enum cadre_follower_state state)
{
	follower->state = state;
	follower->why[0] = '\0';
	follower->backoff_ms = 0;
	follower->retry_at_ms = 0;
}

/* The leader is met. Once more without anything fetched in between: not at once. */
static void go_on_met(struct cadre_follower *follower, enum cadre_follower_state state,
                      uint64_t now_ms)
{
	uint32_t pause = follower->backoff_ms;

	go_on(follower, state);
	if (follower->refusals < 2)
		return;
	follower->backoff_ms = pause;
	back_off(follower, now_ms);
}

/* What was begun led nowhere yet: the leader is asked how to go on. */
static void meet_again(struct cadre_follower *follower)
{
	uint32_t pause = follower->backoff_ms;

	go_on(follower, CADRE_FOLLOWER_HELLO);
	follower->backoff_ms = pause;
	follower->refusals++;
}

void cadre_follower_on_hello(struct cadre_follower *follower,
                             const Cadre__V1__HelloAnswer *answer, cadre_seq last_seq,
                             uint64_t now_ms)
{
	follower->heard_ms = now_ms;
	switch (answer->verdict) {
	case CADRE__V1__HELLO_VERDICT__HELLO_OK:
		follower->epoch = answer->epoch;
		follower->leader_seq = answer->committed_seq;
		follower->diverged = false;
		go_on_met(follower,
		          last_seq == 0 && answer->committed_seq >
		                                   CADRE_FOLLOWER_SNAPSHOT_EVENTS
		                  ? CADRE_FOLLOWER_BOOTSTRAP
		                  : CADRE_FOLLOWER_FETCH,
		          now_ms);
		return;
	case CADRE__V1__HELLO_VERDICT__HELLO_SNAPSHOT_NEEDED:
		go_on_met(follower, CADRE_FOLLOWER_BOOTSTRAP, now_ms);
		return;
	case CADRE__V1__HELLO_VERDICT__HELLO_DIVERGED:
		cadre_follower_on_divergence(follower, answer->message);
		back_off(follower, now_ms);
		return;
	case CADRE__V1__HELLO_VERDICT__HELLO_OTHER_CLUSTER:
	case CADRE__V1__HELLO_VERDICT__HELLO_OTHER_TIMELINE:
	case CADRE__V1__HELLO_VERDICT__HELLO_DUPLICATE_NODE:
	case CADRE__V1__HELLO_VERDICT__HELLO_NOT_LEADER:
	case _CADRE__V1__HELLO_VERDICT_IS_INT_SIZE:
	default:
		stop(follower, answer->message, now_ms);
	}
}

/* A leader that has nothing waits with its answer; who does not is not asked all the
 * time. */
static void rest(struct cadre_follower *follower, const Cadre__V1__FetchAnswer *answer,
                 uint64_t now_ms)
{
	bool hasty = answer->batches.len == 0 &&
	             now_ms - follower->asked_ms < CADRE_FOLLOWER_HASTE_MS;

	follower->hasty = hasty ? follower->hasty + 1 : 0;
	if (follower->hasty > CADRE_FOLLOWER_HASTY_MAX)
		follower->retry_at_ms = now_ms + CADRE_FOLLOWER_HASTE_MS;
}

void cadre_follower_on_fetch(struct cadre_follower *follower,
                             const Cadre__V1__FetchAnswer *answer, uint64_t now_ms)
{
	follower->heard_ms = now_ms;
	if (answer->verdict != CADRE__V1__HELLO_VERDICT__HELLO_OK) {
		meet_again(follower);
		return;
	}
	follower->leader_seq = answer->committed_seq;
	follower->leader_time_ms = answer->leader_time_ms;
	if (answer->watermark_ms > follower->watermark_ms)
		follower->watermark_ms = answer->watermark_ms;
	follower->refusals = 0;
	go_on(follower, CADRE_FOLLOWER_FETCH);
	rest(follower, answer, now_ms);
}

void cadre_follower_on_failure(struct cadre_follower *follower,
                               const struct cadre_error *err, uint64_t now_ms)
{
	snprintf(follower->why, sizeof follower->why, "%.255s", err->message);
	/* A lost connection may lead to another leader: meet it first. */
	if (follower->state == CADRE_FOLLOWER_FETCH)
		follower->state = CADRE_FOLLOWER_HELLO;
	back_off(follower, now_ms);
}

void cadre_follower_on_snapshot(struct cadre_follower *follower)
{
	meet_again(follower);
}

void cadre_follower_on_divergence(struct cadre_follower *follower, const char *why)
{
	follower->diverged = true;
	follower->state = CADRE_FOLLOWER_STOPPED;
	follower->backoff_ms = CADRE_FOLLOWER_BACKOFF_MAX_MS;
	snprintf(follower->why, sizeof follower->why, "%s",
	         why ? why : "the state here is not the leader's");
}
