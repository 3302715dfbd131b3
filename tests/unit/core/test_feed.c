#include "replica/core/feed.h"
#include "tests/support/testing.h"

static uint8_t cluster[16] = "cluster";
static uint8_t timeline[16] = "timeline";
static uint8_t chain_bytes[32] = "chain";

static ProtobufCBinaryData bytes(uint8_t *data, size_t length)
{
	ProtobufCBinaryData binary = { .data = data, .len = length };

	return binary;
}

/* The leader holds seqs 11 to 100 in batches of ten. */
static const struct cadre_feed_position *position(void)
{
	static struct cadre_feed_position at = { .epoch = 3,
		                                 .first_seq = 11,
		                                 .committed_seq = 100 };

	memcpy(at.cluster_id, cluster, 16);
	memcpy(at.timeline_id, timeline, 16);
	return &at;
}

static enum cadre_status chain_at(void *ctx, cadre_seq seq,
                                  struct cadre_sha256 *ret_chain)
{
	(void)ctx;
	if (seq % 10 != 0)
		return CADRE_NOT_FOUND;
	memcpy(ret_chain->bytes, chain_bytes, sizeof ret_chain->bytes);
	return CADRE_OK;
}

struct node {
	uint8_t id[16];
	uint8_t incarnation[16];
};

static Cadre__V1__Hello hello_of(struct node *node, cadre_seq last_seq)
{
	Cadre__V1__Hello hello = CADRE__V1__HELLO__INIT;

	hello.cluster_id = bytes(cluster, 16);
	hello.has_timeline_id = true;
	hello.timeline_id = bytes(timeline, 16);
	hello.node_id = bytes(node->id, 16);
	hello.incarnation = bytes(node->incarnation, 16);
	hello.last_seq = last_seq;
	hello.has_chain = true;
	hello.chain = bytes(chain_bytes, 32);
	return hello;
}

static Cadre__V1__HelloVerdict say(struct cadre_feed *feed, const Cadre__V1__Hello *hello,
                                   uint64_t now_ms)
{
	Cadre__V1__HelloVerdict verdict;
	struct cadre_error err = CADRE_ERROR_INIT;

	assert_ok(cadre_feed_hello(feed, hello, position(), chain_at, NULL, now_ms,
	                           &verdict, &err));
	assert_true(verdict == CADRE__V1__HELLO_VERDICT__HELLO_OK ||
	            err.message[0] != '\0');
	return verdict;
}

static void a_follower_whose_log_is_a_prefix_goes_on(void **state)
{
	struct cadre_feed *feed = cadre_feed_create();
	struct node node = { "n1", "i1" };
	Cadre__V1__Hello hello = hello_of(&node, 50);

	(void)state;
	assert_int_equal(say(feed, &hello, 1), CADRE__V1__HELLO_VERDICT__HELLO_OK);
	hello = hello_of(&node, 10); /* right before the oldest batch */
	assert_int_equal(say(feed, &hello, 2), CADRE__V1__HELLO_VERDICT__HELLO_OK);
	assert_int_equal(cadre_feed_follower_at(feed, 0)->durable_seq, 10);
	assert_null(cadre_feed_follower_at(feed, 1));
	cadre_feed_destroy(feed);
}

static void another_chain_or_more_than_is_committed_is_divergence(void **state)
{
	struct cadre_feed *feed = cadre_feed_create();
	struct node node = { "n1", "i1" };
	uint8_t other[32] = "other";
	Cadre__V1__Hello hello = hello_of(&node, 50);

	(void)state;
	hello.chain = bytes(other, 32);
	assert_int_equal(say(feed, &hello, 1), CADRE__V1__HELLO_VERDICT__HELLO_DIVERGED);
	hello = hello_of(&node, 55); /* inside a batch */
	assert_int_equal(say(feed, &hello, 1), CADRE__V1__HELLO_VERDICT__HELLO_DIVERGED);
	hello = hello_of(&node, 110);
	assert_int_equal(say(feed, &hello, 1), CADRE__V1__HELLO_VERDICT__HELLO_DIVERGED);
	assert_null(cadre_feed_follower_at(feed, 0));
	cadre_feed_destroy(feed);
}

static void a_log_that_begins_later_asks_for_a_snapshot(void **state)
{
	struct cadre_feed *feed = cadre_feed_create();
	struct node node = { "n1", "i1" };
	Cadre__V1__Hello hello = hello_of(&node, 0);

	(void)state;
	assert_int_equal(say(feed, &hello, 1),
	                 CADRE__V1__HELLO_VERDICT__HELLO_SNAPSHOT_NEEDED);
	cadre_feed_destroy(feed);
}

static void another_cluster_or_timeline_is_named(void **state)
{
	struct cadre_feed *feed = cadre_feed_create();
	struct node node = { "n1", "i1" };
	uint8_t other[16] = "other";
	Cadre__V1__Hello hello = hello_of(&node, 50);

	(void)state;
	hello.cluster_id = bytes(other, 16);
	assert_int_equal(say(feed, &hello, 1),
	                 CADRE__V1__HELLO_VERDICT__HELLO_OTHER_CLUSTER);
	hello = hello_of(&node, 50);
	hello.timeline_id = bytes(other, 16);
	assert_int_equal(say(feed, &hello, 1),
	                 CADRE__V1__HELLO_VERDICT__HELLO_OTHER_TIMELINE);
	cadre_feed_destroy(feed);
}

static void a_copied_disk_is_refused_while_the_first_node_lives(void **state)
{
	struct cadre_feed *feed = cadre_feed_create();
	struct node first = { "n1", "i1" };
	struct node copy = { "n1", "i2" };
	Cadre__V1__Hello hello = hello_of(&first, 50);

	(void)state;
	assert_int_equal(say(feed, &hello, 1000), CADRE__V1__HELLO_VERDICT__HELLO_OK);
	hello = hello_of(&copy, 50);
	assert_int_equal(say(feed, &hello, 2000),
	                 CADRE__V1__HELLO_VERDICT__HELLO_DUPLICATE_NODE);
	assert_int_equal(say(feed, &hello, 1000 + CADRE_FEED_FORGET_MS + 1),
	                 CADRE__V1__HELLO_VERDICT__HELLO_OK);
	cadre_feed_destroy(feed);
}

static Cadre__V1__Fetch fetch_of(struct node *node, cadre_seq next_seq)
{
	Cadre__V1__Fetch fetch = CADRE__V1__FETCH__INIT;

	fetch.node_id = bytes(node->id, 16);
	fetch.incarnation = bytes(node->incarnation, 16);
	fetch.epoch = 3;
	fetch.next_seq = next_seq;
	fetch.durable_seq = next_seq - 1;
	fetch.applied_seq = next_seq - 1;
	return fetch;
}

static void a_fetch_gets_what_is_committed_or_waits(void **state)
{
	struct cadre_feed *feed = cadre_feed_create();
	struct node node = { "n1", "i1" };
	Cadre__V1__Hello hello = hello_of(&node, 50);
	Cadre__V1__Fetch fetch = fetch_of(&node, 51);
	Cadre__V1__HelloVerdict verdict;
	struct cadre_error err = CADRE_ERROR_INIT;

	(void)state;
	(void)say(feed, &hello, 1);
	assert_int_equal(cadre_feed_fetch(feed, &fetch, position(), 2, &verdict, &err),
	                 CADRE_FEED_SEND);
	fetch = fetch_of(&node, 101);
	assert_int_equal(cadre_feed_fetch(feed, &fetch, position(), 3, &verdict, &err),
	                 CADRE_FEED_PARK);
	assert_int_equal(cadre_feed_follower_at(feed, 0)->durable_seq, 100);
	fetch = fetch_of(&node, 102);
	assert_int_equal(cadre_feed_fetch(feed, &fetch, position(), 4, &verdict, &err),
	                 CADRE_FEED_REFUSE);
	assert_int_equal(verdict, CADRE__V1__HELLO_VERDICT__HELLO_DIVERGED);
	cadre_feed_destroy(feed);
}

static void a_fetch_from_a_stranger_or_another_epoch_is_refused(void **state)
{
	struct cadre_feed *feed = cadre_feed_create();
	struct node node = { "n1", "i1" };
	struct node stranger = { "n2", "i1" };
	Cadre__V1__Hello hello = hello_of(&node, 50);
	Cadre__V1__Fetch fetch = fetch_of(&stranger, 51);
	Cadre__V1__HelloVerdict verdict;
	struct cadre_error err = CADRE_ERROR_INIT;

	(void)state;
	(void)say(feed, &hello, 1);
	assert_int_equal(cadre_feed_fetch(feed, &fetch, position(), 2, &verdict, &err),
	                 CADRE_FEED_REFUSE);
	fetch = fetch_of(&node, 51);
	fetch.epoch = 2;
	assert_int_equal(cadre_feed_fetch(feed, &fetch, position(), 2, &verdict, &err),
	                 CADRE_FEED_REFUSE);
	assert_int_equal(verdict, CADRE__V1__HELLO_VERDICT__HELLO_NOT_LEADER);
	cadre_feed_destroy(feed);
}

static void the_leaders_own_id_is_no_followers(void **state)
{
	struct cadre_feed *feed = cadre_feed_create();
	struct cadre_feed_position at = *position();
	struct node node = { "leader", "i1" };
	Cadre__V1__Hello hello = hello_of(&node, 50);
	Cadre__V1__HelloVerdict verdict;
	struct cadre_error err = CADRE_ERROR_INIT;

	(void)state;
	memcpy(at.node_id, node.id, sizeof at.node_id);
	assert_ok(cadre_feed_hello(feed, &hello, &at, chain_at, NULL, 1, &verdict, &err));
	assert_int_equal(verdict, CADRE__V1__HELLO_VERDICT__HELLO_DUPLICATE_NODE);
	assert_null(cadre_feed_follower_at(feed, 0));
	cadre_feed_destroy(feed);
}

static void a_crowd_that_only_says_hello_gives_way(void **state)
{
	struct cadre_feed *feed = cadre_feed_create();
	struct node fetching = { "fetching", "i1" };
	struct node late = { "late", "i1" };
	Cadre__V1__Hello hello = hello_of(&fetching, 50);
	Cadre__V1__Fetch fetch = fetch_of(&fetching, 51);
	Cadre__V1__HelloVerdict verdict;
	struct cadre_error err = CADRE_ERROR_INIT;

	(void)state;
	(void)say(feed, &hello, 1);
	(void)cadre_feed_fetch(feed, &fetch, position(), 2, &verdict, &err);
	for (unsigned i = 1; i < CADRE_FEED_FOLLOWERS_MAX; i++) {
		struct node stranger = { "s", "i1" };
		memcpy(stranger.id + 4, &i, sizeof i);
		hello = hello_of(&stranger, 50);
		(void)say(feed, &hello, 3);
	}
	hello = hello_of(&late, 50);
	assert_int_equal(cadre_feed_hello(feed, &hello, position(), chain_at, NULL, 4,
	                                  &verdict, &err),
	                 CADRE_TOO_MANY_REQUESTS);
	(void)say(feed, &hello, 4 + CADRE_FEED_MUTE_MS);
	assert_null(cadre_feed_follower_at(feed, CADRE_FEED_FOLLOWERS_MAX));
	assert_memory_equal(cadre_feed_follower_at(feed, 0)->node_id, fetching.id, 16);
	cadre_feed_destroy(feed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_follower_whose_log_is_a_prefix_goes_on),
		cmocka_unit_test(another_chain_or_more_than_is_committed_is_divergence),
		cmocka_unit_test(a_log_that_begins_later_asks_for_a_snapshot),
		cmocka_unit_test(another_cluster_or_timeline_is_named),
		cmocka_unit_test(a_copied_disk_is_refused_while_the_first_node_lives),
		cmocka_unit_test(a_fetch_gets_what_is_committed_or_waits),
		cmocka_unit_test(a_fetch_from_a_stranger_or_another_epoch_is_refused),
		cmocka_unit_test(the_leaders_own_id_is_no_followers),
		cmocka_unit_test(a_crowd_that_only_says_hello_gives_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
