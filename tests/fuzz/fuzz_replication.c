/*
 * Bytes that cross the replication socket, both ways. The first byte chooses: a question
 * as the leader reads it, judges it by the feed and keeps what it reports; or an answer
 * as a follower reads it, with the batches in it, and goes on from.
 */
#include <stdint.h>

#include "engine/base/assert.h"
#include "engine/log/batch.h"
#include "replica/core/follower.h"
#include "replica/node/source_internal.h"

#define NOW_MS 1000u
#define ARENA_BYTES ((size_t)32 << 20)
#define ANSWER_BYTES_MAX ((size_t)16 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct cadre_feed *feed;
static struct cadre_reports *reports;

static enum cadre_status chain_at(void *ctx, cadre_seq seq,
                                  struct cadre_sha256 *ret_chain)
{
	(void)ctx;
	CADRE_ASSERT(seq > 0);
	memset(ret_chain, 0, sizeof *ret_chain);
	return seq % 2 ? CADRE_NOT_FOUND : CADRE_OK;
}

static const struct cadre_feed_position *position(void)
{
	static const struct cadre_feed_position at = { .epoch = 3,
		                                       .first_seq = 5,
		                                       .committed_seq = 100 };

	return &at;
}

/* What was taken in is told again. */
static void list_all(struct cadre_arena *arena)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_reports_node *met;
	Cadre__V1__NodeReport **nodes;
	size_t count;

	CADRE_ASSERT(cadre_reports_list(reports, NULL, 100, NOW_MS, NOW_MS, arena, &nodes,
	                                &count, &err) == CADRE_OK);
	CADRE_ASSERT(cadre_reports_nodes(reports, NOW_MS, arena, &met, &count, &err) ==
	             CADRE_OK);
}

static void handle_hello(const Cadre__V1__Hello *hello)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	Cadre__V1__HelloVerdict verdict;
	enum cadre_status status = cadre_feed_hello(feed, hello, position(), chain_at,
	                                            NULL, NOW_MS, &verdict, &err);

	CADRE_ASSERT(status == CADRE_OK || err.message[0]);
	if (status == CADRE_OK && verdict == CADRE__V1__HELLO_VERDICT__HELLO_OK)
		CADRE_ASSERT(cadre_reports_hello(reports, hello, NOW_MS) !=
		             CADRE_INTERNAL);
}

static void handle_fetch(const Cadre__V1__Fetch *fetch)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	Cadre__V1__HelloVerdict verdict;

	if (cadre_feed_fetch(feed, fetch, position(), NOW_MS, &verdict, &err) ==
	    CADRE_FEED_REFUSE)
		CADRE_ASSERT(err.message[0]);
	/* Also of strangers, so that reports are reached. */
	CADRE_ASSERT(cadre_reports_fetch(reports, fetch, NOW_MS) != CADRE_INTERNAL);
}

static void question(struct cadre_slice bytes, struct cadre_arena *arena)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	Cadre__V1__ReplicationRequest *request;

	feed = cadre_feed_create();
	reports = cadre_reports_create();
	CADRE_ASSERT(feed && reports);
	if (source_request_read(bytes, arena, &request, &err) != CADRE_OK)
		CADRE_ASSERT(err.status != CADRE_OK && err.message[0]);
	else if (request->body_case == CADRE__V1__REPLICATION_REQUEST__BODY_HELLO)
		handle_hello(request->hello);
	else if (request->body_case == CADRE__V1__REPLICATION_REQUEST__BODY_FETCH)
		handle_fetch(request->fetch);
	list_all(arena);
	cadre_feed_destroy(feed);
	cadre_reports_destroy(reports);
}

static void scan_batches(const ProtobufCBinaryData *batches)
{
	struct cadre_slice left = cadre_slice(batches->data, batches->len);
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_batch batch;

	while (cadre_batch_scan(left, &batch, &err) == CADRE_OK) {
		struct cadre_sha256 chain = { { 0 } };
		struct cadre_record record = { 0 };
		size_t offset = 0;
		(void)!cadre_batch_check_chain(&batch, &chain, &err);
		while (cadre_batch_next_record(&batch, &offset, &record) == CADRE_OK)
			CADRE_ASSERT(record.seq >= batch.header.first_seq);
		left.data += batch.bytes.length;
		left.length -= batch.bytes.length;
	}
}

static void answer(struct cadre_slice bytes, struct cadre_arena *arena)
{
	static const struct cadre_wire_limits limits = {
		.bytes_max = ANSWER_BYTES_MAX,
		.depth_max = CADRE_WIRE_DEPTH_MAX,
		.fields_base = CADRE_WIRE_FIELDS_BASE,
		.bytes_per_field = CADRE_WIRE_BYTES_PER_FIELD,
	};
	const Cadre__V1__ReplicationAnswer *read;
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_follower follower;
	ProtobufCMessage *message;
	uint64_t wait_ms;

	if (cadre_unpack_within(&cadre__v1__replication_answer__descriptor, bytes,
	                        &limits, arena, &message, &err) != CADRE_OK) {
		CADRE_ASSERT(err.status != CADRE_OK && err.message[0]);
		return;
	}
	read = (const Cadre__V1__ReplicationAnswer *)(void *)message;
	cadre_follower_init(&follower, 1);
	if (read->body_case == CADRE__V1__REPLICATION_ANSWER__BODY_HELLO)
		cadre_follower_on_hello(&follower, read->hello, 7, NOW_MS);
	if (read->body_case == CADRE__V1__REPLICATION_ANSWER__BODY_FETCH) {
		scan_batches(&read->fetch->batches);
		cadre_follower_on_fetch(&follower, read->fetch, NOW_MS);
	}
	(void)cadre_follower_next(&follower, NOW_MS, &wait_ms);
	CADRE_ASSERT(wait_ms <= CADRE_FOLLOWER_BACKOFF_MAX_MS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cadre_arena arena;

	if (size == 0)
		return 0;
	cadre_arena_init(&arena, ARENA_BYTES);
	if (data[0] % 2)
		question(cadre_slice(data + 1, size - 1), &arena);
	else
		answer(cadre_slice(data + 1, size - 1), &arena);
	cadre_arena_fini(&arena);
	return 0;
}
