#include "proto/codec/codec.h"
#include "replica/node/source_internal.h"

/* Hello and Fetch without a report fit; larger ones go on on the heap. */
#define ARENA_STORAGE_BYTES 4096u

static const struct cadre_wire_limits request_limits = {
	.bytes_max = CADRE_REPLICATION_QUESTION_BYTES_MAX,
	.depth_max = CADRE_WIRE_DEPTH_MAX,
	.fields_base = CADRE_WIRE_FIELDS_BASE,
	.bytes_per_field = CADRE_WIRE_BYTES_PER_FIELD,
};

enum cadre_status source_request_read(struct cadre_slice bytes, struct cadre_arena *arena,
                                      Cadre__V1__ReplicationRequest **ret_request,
                                      struct cadre_error *err)
{
	Cadre__V1__ReplicationRequest *request;
	ProtobufCMessage *message = NULL;
	enum cadre_status status =
	        cadre_unpack_within(&cadre__v1__replication_request__descriptor, bytes,
	                            &request_limits, arena, &message, err);

	if (status != CADRE_OK)
		return status;
	request = (Cadre__V1__ReplicationRequest *)(void *)message;
	if (request->version != SOURCE_VERSION)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "version: %u, this leader speaks %u",
		                       request->version, SOURCE_VERSION);
	if (request->body_case == CADRE__V1__REPLICATION_REQUEST__BODY__NOT_SET)
		return cadre_error_set(err, CADRE_MISSING_PARAMETER,
		                       "a question without a body");
	*ret_request = request;
	return CADRE_OK;
}

/* ---- hello ---- */

/* The chain at the follower's seq, looked up before the lock is taken. */
struct known_chain {
	enum cadre_status status;
	struct cadre_sha256 chain;
};

static enum cadre_status tell_chain(void *ctx, cadre_seq seq,
                                    struct cadre_sha256 *ret_chain)
{
	const struct known_chain *known = ctx;

	(void)seq;
	*ret_chain = known->chain;
	return known->status;
}

static void note_hello(struct cadre_source *source, const Cadre__V1__Hello *hello)
{
	enum cadre_status status = cadre_reports_hello(source->reports, hello,
	                                               source_now_ms(source));

	if (status != CADRE_OK)
		cadre_log_line(source->sink, source->env->ops->wall_ms(source->env),
		               CADRE_LOG_WARN, "source.hello",
		               "status=%s name=\"%.100s\"", cadre_status_name(status),
		               hello->name ? hello->name : "");
	if (source->met)
		source->met(source->ctx);
}

static void log_verdict(struct cadre_source *source, const Cadre__V1__Hello *hello,
                        Cadre__V1__HelloVerdict verdict, const char *why)
{
	bool ok = verdict == CADRE__V1__HELLO_VERDICT__HELLO_OK;

	cadre_log_line(source->sink, source->env->ops->wall_ms(source->env),
	               ok ? CADRE_LOG_INFO : CADRE_LOG_WARN, "source.hello",
	               "verdict=%d name=\"%.100s\" last_seq=%llu why=\"%.200s\"",
	               (int)verdict, hello->name ? hello->name : "",
	               (unsigned long long)hello->last_seq, why);
	if (!ok)
		cadre_metric_add(source->metrics, SOURCE_HELLOS_REFUSED, 1);
}

static void answer_hello(struct cadre_source *source, struct cadre_exchange *exchange,
                         const Cadre__V1__Hello *hello, struct cadre_error *err)
{
	struct source_position position = source_position_now(source);
	struct known_chain known = { .status = CADRE_NOT_FOUND };
	Cadre__V1__HelloVerdict verdict;
	enum cadre_status status;

	if (hello->last_seq >= position.feed.first_seq && hello->last_seq > 0 &&
	    hello->last_seq <= position.feed.committed_seq)
		known.status = source_log_chain(&source->log, hello->last_seq,
		                                position.feed.committed_seq, &known.chain,
		                                err);
	pthread_mutex_lock(&source->lock);
	status = cadre_feed_hello(source->feed, hello, &position.feed, tell_chain, &known,
	                          source_now_ms(source), &verdict, err);
	pthread_mutex_unlock(&source->lock);
	if (status != CADRE_OK) {
		err->status = status;
		source_send_error(source, exchange, err);
		return;
	}
	if (verdict == CADRE__V1__HELLO_VERDICT__HELLO_OK)
		err->message[0] = '\0';
	log_verdict(source, hello, verdict, err->message);
	if (verdict == CADRE__V1__HELLO_VERDICT__HELLO_OK ||
	    verdict == CADRE__V1__HELLO_VERDICT__HELLO_SNAPSHOT_NEEDED)
		note_hello(source, hello);
	source_send_hello(source, exchange, &position, verdict,
	                  err->message[0] ? err->message : NULL);
}

/* ---- fetch ---- */

static void note_fetch(struct cadre_source *source, const Cadre__V1__Fetch *fetch)
{
	uint64_t version = fetch->report ? cadre_reports_version(source->reports) : 0;

	if (cadre_reports_fetch(source->reports, fetch, source_now_ms(source)) !=
	    CADRE_OK)
		cadre_metric_add(source->metrics, SOURCE_REPORTS_REFUSED, 1);
	if (fetch->report && source->met &&
	    cadre_reports_version(source->reports) != version)
		source->met(source->ctx);
}

static void fill_question(struct question *question, struct cadre_source *source,
                          struct cadre_exchange *exchange, const Cadre__V1__Fetch *fetch)
{
	uint32_t wait_ms = fetch->wait_ms < CADRE_FEED_PARK_MS ? fetch->wait_ms
	                                                       : CADRE_FEED_PARK_MS;

	question->source = source;
	question->exchange = exchange;
	question->epoch = fetch->epoch;
	question->next_seq = fetch->next_seq;
	question->bytes_max = fetch->max_bytes < CADRE_FETCH_BYTES_MAX
	                              ? fetch->max_bytes
	                              : CADRE_FETCH_BYTES_MAX;
	question->until_ms = source_now_ms(source) + wait_ms;
}

/* The question waits; its message is not needed any more. */
static void park(struct cadre_source *source, struct cadre_exchange *exchange,
                 struct question *question, struct cadre_error *err)
{
	enum cadre_status status;

	if (!cadre_exchange_reply_begin(exchange, 1)) {
		cadre_exchange_drop(exchange);
		return;
	}
	pthread_mutex_lock(&source->lock);
	status = source_park(source, question, err);
	pthread_mutex_unlock(&source->lock);
	if (status != CADRE_OK)
		source_send_error(source, exchange, err);
}

static void answer_fetch(struct cadre_source *source, struct cadre_exchange *exchange,
                         const Cadre__V1__Fetch *fetch, struct cadre_error *err)
{
	struct question *question = cadre_exchange_storage(exchange);
	struct source_position position;
	Cadre__V1__HelloVerdict verdict;
	enum cadre_feed_action action;

	fill_question(question, source, exchange, fetch);
	pthread_mutex_lock(&source->lock);
	position = source->position;
	action = cadre_feed_fetch(source->feed, fetch, &position.feed,
	                          source_now_ms(source), &verdict, err);
	pthread_mutex_unlock(&source->lock);
	if (action == CADRE_FEED_REFUSE) {
		source_send_fetch(source, exchange, &position, verdict, err->message);
		return;
	}
	note_fetch(source, fetch);
	if (action == CADRE_FEED_SEND)
		source_send_batches(source, question, &position);
	else if (fetch->wait_ms == 0)
		source_send_fetch(source, exchange, &position,
		                  CADRE__V1__HELLO_VERDICT__HELLO_OK, NULL);
	else
		park(source, exchange, question, err);
}

/* ---- all ---- */

static enum cadre_status check_serving(struct cadre_source *source,
                                       struct cadre_error *err)
{
	struct source_position position = source_position_now(source);

	if (position.stopping)
		return cadre_error_set(err, CADRE_UNAVAILABLE,
		                       "the leader is shutting down");
	if (!position.known)
		return cadre_error_set(err, CADRE_UNAVAILABLE, "the leader is starting");
	return CADRE_OK;
}

static void answer_request(struct cadre_source *source, struct cadre_exchange *exchange,
                           const Cadre__V1__ReplicationRequest *request,
                           struct cadre_error *err)
{
	switch (request->body_case) {
	case CADRE__V1__REPLICATION_REQUEST__BODY_HELLO:
		answer_hello(source, exchange, request->hello, err);
		return;
	case CADRE__V1__REPLICATION_REQUEST__BODY_FETCH:
		answer_fetch(source, exchange, request->fetch, err);
		return;
	case CADRE__V1__REPLICATION_REQUEST__BODY_SNAPSHOT_OPEN:
		source_snapshot_open(source, exchange);
		return;
	case CADRE__V1__REPLICATION_REQUEST__BODY_SNAPSHOT_CHUNK:
		source_snapshot_chunk(source, exchange, request->snapshot_chunk);
		return;
	case CADRE__V1__REPLICATION_REQUEST__BODY__NOT_SET:
	case _CADRE__V1__REPLICATION_REQUEST__BODY__CASE_IS_INT_SIZE:
	default:
		(void)cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                      "a question of an unknown kind");
		source_send_error(source, exchange, err);
	}
}

void source_answer(void *ctx, struct cadre_exchange *exchange)
{
	struct cadre_source *source = ctx;
	struct cadre_slice bytes = cadre_exchange_request(exchange);
	Cadre__V1__ReplicationRequest *request;
	struct cadre_error err = CADRE_ERROR_INIT;
	_Alignas(16) uint8_t storage[ARENA_STORAGE_BYTES];
	struct cadre_arena arena;
	enum cadre_status status;

	cadre_metric_add(source->metrics, SOURCE_QUESTIONS, 1);
	cadre_arena_init_storage(&arena, cadre_arena_bytes_for(bytes.length), storage,
	                         sizeof storage);
	status = source_request_read(bytes, &arena, &request, &err);
	if (status == CADRE_OK)
		status = check_serving(source, &err);
	if (status == CADRE_OK)
		answer_request(source, exchange, request, &err);
	else
		source_send_error(source, exchange, &err);
	cadre_arena_fini(&arena);
}
