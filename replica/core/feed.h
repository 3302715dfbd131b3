/*
 * The leader's side of replication as pure decisions: may this follower go on from
 * where it stands, and what does its Fetch get. No thread, clock, socket or file:
 * positions and the time come in, verdicts go out.
 *
 * A follower is known by its node id; one process of it at a time (incarnation). A
 * second live process with the same id is refused: a copied disk. One that was not
 * heard from for CADRE_FEED_FORGET_MS gives its place up; one that said Hello and fetched
 * nothing for CADRE_FEED_MUTE_MS, too, when all are taken.
 *
 * Threads: one thread at a time per feed.
 */
#ifndef CADRE_REPLICA_CORE_FEED_H
#define CADRE_REPLICA_CORE_FEED_H

#include "cadre/v1/replication.pb-c.h"
#include "engine/base/status.h"
#include "engine/base/types.h"

/* Followers that one leader serves directly; more need relays. */
#define CADRE_FEED_FOLLOWERS_MAX 4096u
/* An unheard follower's state is UNKNOWN after this, ms. */
#define CADRE_FEED_SILENT_MS 30000u
#define CADRE_FEED_FORGET_MS 30000u
#define CADRE_FEED_MUTE_MS 1000u
/* A follower's Fetch is parked this long at most, ms. */
#define CADRE_FEED_PARK_MS 10000u

struct cadre_feed;

/* Where the leader's log stands. */
struct cadre_feed_position {
	uint8_t node_id[16]; /* the leader's own: no follower has it; zeros: not known */
	uint8_t cluster_id[16];
	uint8_t timeline_id[16];
	cadre_epoch epoch;
	cadre_seq first_seq; /* oldest in the log */
	cadre_seq committed_seq;
};

/* Finds the chain after `seq` in the leader's log: CADRE_OK, CADRE_NOT_FOUND when
 * `seq` is no batch's last, or an error of the log. */
typedef enum cadre_status (*cadre_chain_at_fn)(void *ctx, cadre_seq seq,
                                               struct cadre_sha256 *ret_chain);

/* What is known of one follower; soft state. */
struct cadre_feed_follower {
	uint8_t node_id[16];
	uint8_t incarnation[16];
	char name[64];
	char address[128];
	cadre_seq durable_seq;
	cadre_seq applied_seq;
	uint64_t heard_ms; /* on the clock that the calls were given */
	bool fetched;      /* asked for more than to be known */
};

/* NULL when out of memory. */
struct cadre_feed *cadre_feed_create(void);
void cadre_feed_destroy(struct cadre_feed *feed); /* takes NULL */

/* Judges a Hello; on HELLO_OK the follower is known from now on. `ret_why` gets a
 * sentence for every other verdict. Errors: what `chain_at` fails with. */
CADRE_MUST_CHECK enum cadre_status
cadre_feed_hello(struct cadre_feed *feed, const Cadre__V1__Hello *hello,
                 const struct cadre_feed_position *position, cadre_chain_at_fn chain_at,
                 void *ctx, uint64_t now_ms, Cadre__V1__HelloVerdict *ret_verdict,
                 struct cadre_error *ret_why);

enum cadre_feed_action {
	CADRE_FEED_SEND,  /* batches from next_seq on are committed */
	CADRE_FEED_PARK,  /* nothing yet */
	CADRE_FEED_REFUSE /* say Hello again: `verdict` says why */
};
/* Notes what the Fetch acknowledges and says what it gets. */
enum cadre_feed_action
cadre_feed_fetch(struct cadre_feed *feed, const Cadre__V1__Fetch *fetch,
                 const struct cadre_feed_position *position, uint64_t now_ms,
                 Cadre__V1__HelloVerdict *ret_verdict, struct cadre_error *ret_why);

/* The `index`-th follower, NULL behind the last. */
const struct cadre_feed_follower *cadre_feed_follower_at(const struct cadre_feed *feed,
                                                         size_t index);

#endif
