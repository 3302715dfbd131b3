#include "engine/base/assert.h"
#include "replica/node/source_internal.h"

static void send(struct cadre_exchange *exchange, Cadre__V1__ReplicationAnswer *answer)
{
	size_t bytes;
	uint8_t *reply;

	answer->version = SOURCE_VERSION;
	bytes = cadre__v1__replication_answer__get_packed_size(answer);
	reply = cadre_exchange_reply_begin(exchange, bytes);
	if (!reply) {
		cadre_exchange_drop(exchange);
		return;
	}
	CADRE_ASSERT(cadre__v1__replication_answer__pack(answer, reply) == bytes);
	cadre_exchange_reply_send(exchange);
}

/* Texts of ours go into messages that hold them until they are packed. */
static char *text(const char *from)
{
	return (char *)(uintptr_t)from;
}

static ProtobufCBinaryData binary(const uint8_t *data, size_t length)
{
	ProtobufCBinaryData bytes = { .len = length, .data = (uint8_t *)(uintptr_t)data };

	return bytes;
}

void source_send_error(struct cadre_source *source, struct cadre_exchange *exchange,
                       const struct cadre_error *err)
{
	Cadre__V1__ReplicationAnswer answer = CADRE__V1__REPLICATION_ANSWER__INIT;

	answer.has_status = true;
	answer.status = (uint32_t)err->status;
	answer.message = text(err->message);
	cadre_metric_add(source->metrics, SOURCE_REFUSED, 1);
	send(exchange, &answer);
}

void source_send_hello(struct cadre_source *source, struct cadre_exchange *exchange,
                       const struct source_position *position,
                       Cadre__V1__HelloVerdict verdict, const char *message)
{
	const struct cadre_feed_position *feed = &position->feed;
	Cadre__V1__ReplicationAnswer answer = CADRE__V1__REPLICATION_ANSWER__INIT;
	Cadre__V1__HelloAnswer hello = CADRE__V1__HELLO_ANSWER__INIT;

	hello.verdict = verdict;
	hello.cluster_id = binary(feed->cluster_id, sizeof feed->cluster_id);
	hello.timeline_id = binary(feed->timeline_id, sizeof feed->timeline_id);
	hello.epoch = feed->epoch;
	hello.committed_seq = feed->committed_seq;
	hello.first_seq = feed->first_seq;
	hello.message = text(message);
	hello.leader = source->rpc_address[0] ? source->rpc_address : NULL;
	answer.body_case = CADRE__V1__REPLICATION_ANSWER__BODY_HELLO;
	answer.hello = &hello;
	send(exchange, &answer);
}

static void fill_fetch(struct cadre_source *source,
                       const struct source_position *position,
                       Cadre__V1__FetchAnswer *fetch,
                       Cadre__V1__ReplicationAnswer *answer)
{
	cadre__v1__replication_answer__init(answer);
	cadre__v1__fetch_answer__init(fetch);
	fetch->committed_seq = position->feed.committed_seq;
	fetch->leader_time_ms = source->env->ops->wall_ms(source->env);
	fetch->watermark_ms = position->watermark_ms;
	fetch->epoch = position->feed.epoch;
	fetch->verdict = CADRE__V1__HELLO_VERDICT__HELLO_OK;
	answer->body_case = CADRE__V1__REPLICATION_ANSWER__BODY_FETCH;
	answer->fetch = fetch;
}

void source_send_fetch(struct cadre_source *source, struct cadre_exchange *exchange,
                       const struct source_position *position,
                       Cadre__V1__HelloVerdict verdict, const char *message)
{
	Cadre__V1__ReplicationAnswer answer;
	Cadre__V1__FetchAnswer fetch;

	fill_fetch(source, position, &fetch, &answer);
	fetch.verdict = verdict;
	fetch.message = text(message);
	send(exchange, &answer);
}

static void send_read(struct cadre_source *source, struct cadre_exchange *exchange,
                      const struct source_position *position, struct cadre_slice batches)
{
	Cadre__V1__ReplicationAnswer answer;
	Cadre__V1__FetchAnswer fetch;

	fill_fetch(source, position, &fetch, &answer);
	fetch.has_batches = true;
	fetch.batches = binary(batches.data, batches.length);
	cadre_metric_add(source->metrics, SOURCE_BATCH_BYTES, batches.length);
	send(exchange, &answer);
}

static enum cadre_status read_batches(struct cadre_source *source,
                                      const struct question *question,
                                      const struct source_position *position,
                                      struct cadre_buffer *out, struct cadre_error *err)
{
	bool from_ring;
	enum cadre_status status = source_log_read(
	        &source->log, question->next_seq, position->feed.committed_seq,
	        question->bytes_max, out, &from_ring, err);

	if (status == CADRE_OK)
		cadre_metric_add(source->metrics,
		                 from_ring ? SOURCE_FROM_RING : SOURCE_FROM_LOG, 1);
	return status;
}

void source_send_batches(struct cadre_source *source, struct question *question,
                         const struct source_position *position)
{
	struct cadre_exchange *exchange = question->exchange;
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_buffer batches = { 0 };
	enum cadre_status status = read_batches(source, question, position, &batches,
	                                        &err);

	if (status == CADRE_OK)
		send_read(source, exchange, position, cadre_buffer_slice(&batches));
	else if (status == CADRE_DIVERGED)
		source_send_fetch(source, exchange, position,
		                  CADRE__V1__HELLO_VERDICT__HELLO_DIVERGED, err.message);
	else if (status == CADRE_NOT_FOUND)
		source_send_fetch(source, exchange, position,
		                  CADRE__V1__HELLO_VERDICT__HELLO_SNAPSHOT_NEEDED,
		                  err.message);
	else
		source_send_error(source, exchange, &err);
	cadre_buffer_fini(&batches);
}

void source_send_snapshot_info(struct cadre_exchange *exchange,
                               Cadre__V1__SnapshotInfo *info)
{
	Cadre__V1__ReplicationAnswer answer = CADRE__V1__REPLICATION_ANSWER__INIT;

	answer.body_case = CADRE__V1__REPLICATION_ANSWER__BODY_SNAPSHOT_INFO;
	answer.snapshot_info = info;
	send(exchange, &answer);
}

void source_send_snapshot_bytes(struct cadre_source *source,
                                struct cadre_exchange *exchange, uint64_t offset,
                                struct cadre_slice bytes)
{
	Cadre__V1__ReplicationAnswer answer = CADRE__V1__REPLICATION_ANSWER__INIT;
	Cadre__V1__SnapshotBytes chunk = CADRE__V1__SNAPSHOT_BYTES__INIT;

	chunk.offset = offset;
	chunk.data = binary(bytes.data, bytes.length);
	answer.body_case = CADRE__V1__REPLICATION_ANSWER__BODY_SNAPSHOT_BYTES;
	answer.snapshot_bytes = &chunk;
	cadre_metric_add(source->metrics, SOURCE_SNAPSHOT_BYTES, bytes.length);
	send(exchange, &answer);
}
