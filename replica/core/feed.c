#include "replica/core/feed.h"

#include <stdio.h>
#include <stdlib.h>

struct cadre_feed {
	struct cadre_feed_follower *followers;
	size_t count;
	size_t capacity;
};

struct cadre_feed *cadre_feed_create(void)
{
	return calloc(1, sizeof(struct cadre_feed));
}

void cadre_feed_destroy(struct cadre_feed *feed)
{
	if (!feed)
		return;
	free(feed->followers);
	free(feed);
}

const struct cadre_feed_follower *cadre_feed_follower_at(const struct cadre_feed *feed,
                                                         size_t index)
{
	return index < feed->count ? &feed->followers[index] : NULL;
}

static bool is_id(const ProtobufCBinaryData *data, const uint8_t id[16])
{
	return data->len == 16 && memcmp(data->data, id, 16) == 0;
}

static struct cadre_feed_follower *find(const struct cadre_feed *feed,
                                        const ProtobufCBinaryData *node_id)
{
	for (size_t i = 0; i < feed->count; i++) {
		if (is_id(node_id, feed->followers[i].node_id))
			return &feed->followers[i];
	}
	return NULL;
}

/* Room for one more: an empty place, or that of one long unheard. */
static struct cadre_feed_follower *add(struct cadre_feed *feed, uint64_t now_ms)
{
	if (feed->count == feed->capacity && feed->count < CADRE_FEED_FOLLOWERS_MAX) {
		size_t capacity = feed->capacity ? feed->capacity * 2 : 16;
		void *grown = realloc(feed->followers,
		                      capacity * sizeof *feed->followers);
		if (!grown)
			return NULL;
		feed->followers = grown;
		feed->capacity = capacity;
	}
	if (feed->count < feed->capacity)
		return &feed->followers[feed->count++];
	for (size_t i = 0; i < feed->count; i++) {
		struct cadre_feed_follower *follower = &feed->followers[i];
		uint64_t silent_ms = now_ms - follower->heard_ms;
		if (silent_ms > CADRE_FEED_FORGET_MS ||
		    (!follower->fetched && silent_ms > CADRE_FEED_MUTE_MS))
			return follower;
	}
	return NULL;
}

static enum cadre_status judge_place(const Cadre__V1__Hello *hello,
                                     const struct cadre_feed_position *position,
                                     cadre_chain_at_fn chain_at, void *ctx,
                                     Cadre__V1__HelloVerdict *ret_verdict,
                                     struct cadre_error *why)
{
	struct cadre_sha256 chain;
	enum cadre_status status;

	if (hello->last_seq > position->committed_seq) {
		*ret_verdict = CADRE__V1__HELLO_VERDICT__HELLO_DIVERGED;
		cadre_error_set(
		        why, CADRE_DIVERGED,
		        "the follower holds seq %llu, the leader has committed %llu",
		        (unsigned long long)hello->last_seq,
		        (unsigned long long)position->committed_seq);
		return CADRE_OK;
	}
	if (hello->last_seq + 1 < position->first_seq) {
		*ret_verdict = CADRE__V1__HELLO_VERDICT__HELLO_SNAPSHOT_NEEDED;
		cadre_error_set(why, CADRE_UNAVAILABLE, "the log here begins at seq %llu",
		                (unsigned long long)position->first_seq);
		return CADRE_OK;
	}
	if (hello->last_seq == 0 || hello->last_seq + 1 == position->first_seq)
		return CADRE_OK;
	status = chain_at(ctx, hello->last_seq, &chain);
	if (status != CADRE_OK && status != CADRE_NOT_FOUND)
		return status;
	if (status == CADRE_NOT_FOUND || hello->chain.len != sizeof chain.bytes ||
	    memcmp(hello->chain.data, chain.bytes, sizeof chain.bytes) != 0) {
		*ret_verdict = CADRE__V1__HELLO_VERDICT__HELLO_DIVERGED;
		cadre_error_set(why, CADRE_DIVERGED,
		                "the follower's chain at seq %llu is not the leader's",
		                (unsigned long long)hello->last_seq);
	}
	return CADRE_OK;
}

static bool is_leaders(const ProtobufCBinaryData *node_id,
                       const struct cadre_feed_position *position)
{
	static const uint8_t unknown[16];

	return memcmp(position->node_id, unknown, sizeof unknown) != 0 &&
	       is_id(node_id, position->node_id);
}

/* Whether another live process has this node id. */
static bool is_duplicate(const struct cadre_feed_follower *known,
                         const Cadre__V1__Hello *hello, uint64_t now_ms)
{
	return known && !is_id(&hello->incarnation, known->incarnation) &&
	       now_ms - known->heard_ms <= CADRE_FEED_FORGET_MS && known->heard_ms != 0;
}

static void note(struct cadre_feed_follower *follower, const Cadre__V1__Hello *hello,
                 uint64_t now_ms)
{
	memset(follower, 0, sizeof *follower);
	memcpy(follower->node_id, hello->node_id.data, sizeof follower->node_id);
	memcpy(follower->incarnation, hello->incarnation.data,
	       sizeof follower->incarnation);
	snprintf(follower->name, sizeof follower->name, "%s",
	         hello->name ? hello->name : "");
	snprintf(follower->address, sizeof follower->address, "%s",
	         hello->address ? hello->address : "");
	follower->durable_seq = hello->last_seq;
	follower->heard_ms = now_ms;
}

enum cadre_status cadre_feed_hello(struct cadre_feed *feed, const Cadre__V1__Hello *hello,
                                   const struct cadre_feed_position *position,
                                   cadre_chain_at_fn chain_at, void *ctx, uint64_t now_ms,
                                   Cadre__V1__HelloVerdict *ret_verdict,
                                   struct cadre_error *why)
{
	struct cadre_feed_follower *known;
	enum cadre_status status;

	*ret_verdict = CADRE__V1__HELLO_VERDICT__HELLO_OK;
	if (hello->node_id.len != 16 || hello->incarnation.len != 16)
		return cadre_error_set(why, CADRE_INVALID_PARAMETER,
		                       "hello: node id and incarnation have 16 bytes");
	if (hello->cluster_id.len > 0 &&
	    !is_id(&hello->cluster_id, position->cluster_id)) {
		*ret_verdict = CADRE__V1__HELLO_VERDICT__HELLO_OTHER_CLUSTER;
		cadre_error_set(why, CADRE_CONFLICT,
		                "the follower's directory belongs to another cluster");
		return CADRE_OK;
	}
	if (hello->has_timeline_id && hello->last_seq > 0 &&
	    !is_id(&hello->timeline_id, position->timeline_id)) {
		*ret_verdict = CADRE__V1__HELLO_VERDICT__HELLO_OTHER_TIMELINE;
		cadre_error_set(
		        why, CADRE_CONFLICT,
		        "the leader is on another timeline: bootstrap this follower again");
		return CADRE_OK;
	}
	if (is_leaders(&hello->node_id, position)) {
		*ret_verdict = CADRE__V1__HELLO_VERDICT__HELLO_DUPLICATE_NODE;
		cadre_error_set(why, CADRE_CONFLICT,
		                "this node id is the leader's own: is the directory a "
		                "copy?");
		return CADRE_OK;
	}
	known = find(feed, &hello->node_id);
	if (is_duplicate(known, hello, now_ms)) {
		*ret_verdict = CADRE__V1__HELLO_VERDICT__HELLO_DUPLICATE_NODE;
		cadre_error_set(
		        why, CADRE_CONFLICT,
		        "another live process has this node id: is the directory a copy? "
		        "(it is free %u s after that process was last heard)",
		        CADRE_FEED_FORGET_MS / 1000);
		return CADRE_OK;
	}
	status = judge_place(hello, position, chain_at, ctx, ret_verdict, why);
	if (status != CADRE_OK ||
	    *ret_verdict == CADRE__V1__HELLO_VERDICT__HELLO_DIVERGED)
		return status;
	if (!known)
		known = add(feed, now_ms);
	if (!known)
		return cadre_error_set(why, CADRE_TOO_MANY_REQUESTS,
		                       "this leader serves %u followers already",
		                       CADRE_FEED_FOLLOWERS_MAX);
	note(known, hello, now_ms);
	return CADRE_OK;
}

enum cadre_feed_action
cadre_feed_fetch(struct cadre_feed *feed, const Cadre__V1__Fetch *fetch,
                 const struct cadre_feed_position *position, uint64_t now_ms,
                 Cadre__V1__HelloVerdict *ret_verdict, struct cadre_error *why)
{
	struct cadre_feed_follower *known = find(feed, &fetch->node_id);

	if (!known || !is_id(&fetch->incarnation, known->incarnation) ||
	    fetch->epoch != position->epoch) {
		*ret_verdict = CADRE__V1__HELLO_VERDICT__HELLO_NOT_LEADER;
		cadre_error_set(
		        why, CADRE_UNAVAILABLE,
		        "this leader has not met the follower in epoch %llu: say hello",
		        (unsigned long long)position->epoch);
		return CADRE_FEED_REFUSE;
	}
	known->heard_ms = now_ms;
	known->fetched = true;
	if (fetch->next_seq < position->first_seq) {
		*ret_verdict = CADRE__V1__HELLO_VERDICT__HELLO_SNAPSHOT_NEEDED;
		cadre_error_set(why, CADRE_UNAVAILABLE, "the log here begins at seq %llu",
		                (unsigned long long)position->first_seq);
		return CADRE_FEED_REFUSE;
	}
	if (fetch->next_seq > position->committed_seq + 1) {
		*ret_verdict = CADRE__V1__HELLO_VERDICT__HELLO_DIVERGED;
		cadre_error_set(why, CADRE_DIVERGED,
		                "seq %llu asked for, the leader has committed %llu",
		                (unsigned long long)fetch->next_seq,
		                (unsigned long long)position->committed_seq);
		return CADRE_FEED_REFUSE;
	}
	known->durable_seq = fetch->durable_seq;
	known->applied_seq = fetch->applied_seq;
	*ret_verdict = CADRE__V1__HELLO_VERDICT__HELLO_OK;
	return fetch->next_seq <= position->committed_seq ? CADRE_FEED_SEND
	                                                  : CADRE_FEED_PARK;
}
