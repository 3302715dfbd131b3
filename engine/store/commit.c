/*
 * The commit path of the leader: decide and apply all waiting commands inside one
 * write transaction, which is the overlay that later commands of the batch see;
 * write the batch; sync; commit the transaction; answer.
 *
 * A refusal happens before anything of its command is applied. A batch of
 * several commands runs behind a mark, so that a refusal undoes all of it.
 */
#include "engine/store/internal.h"

#include <stdio.h>

#include "proto/codec/codec.h"
#include "proto/codec/limits.h"

/* A patch dirties about this many pages a row at worst, on a random tree. */
#define PAGES_A_ROW 3u
#define PAGE_BYTES 4096u
/* What views and log need besides, before the next look at the free space. */
#define SPACE_RESERVE_BYTES (8u << 20)

/* One batch being filled. */
struct fill {
	struct cadre_store *store;
	struct cadre_batch_builder builder;
	cadre_seq next_seq;
	cadre_time_ms time_ms;
	cadre_seq digest_due; /* a digest record is due at this seq */
	bool full;            /* the last event found no room */
};

static const uint8_t *fresh_random(struct cadre_store *store)
{
	if (store->random_left < 16) {
		store->env->ops->random(store->env, store->random, sizeof store->random);
		store->random_left = sizeof store->random;
	}
	store->random_left -= 16;
	return store->random + store->random_left;
}

/* Whether a status is the command's own refusal, or a failure of the store. */
static bool is_refusal(enum cadre_status status)
{
	return status >= CADRE_INVALID_PARAMETER && status <= CADRE_TOO_MANY_REQUESTS;
}

/* Packs, adds and applies one event. CADRE_LIMIT_EXCEEDED: the batch is full and
 * nothing happened. Any other failure: the transaction must be given up. */
static enum cadre_status put_event(struct fill *fill, const Cadre__V1__Event *event,
                                   struct cadre_error *err)
{
	struct cadre_store *store = fill->store;
	enum cadre_status status;

	cadre_buffer_clear(&store->event_bytes);
	status = cadre_pack(&event->base, &store->event_bytes, err);
	if (status != CADRE_OK)
		return status;
	status = cadre_batch_add(&fill->builder, (uint16_t)event->body_case,
	                         cadre_buffer_slice(&store->event_bytes));
	if (status == CADRE_TOO_LARGE)
		return cadre_error_set(
		        err, status, "event of %zu bytes, at most %u: split the command",
		        store->event_bytes.length, CADRE_RECORD_PAYLOAD_BYTES_MAX);
	fill->full = status == CADRE_LIMIT_EXCEEDED;
	if (status != CADRE_OK)
		return cadre_error_set(
		        err, status, "event of %zu bytes cannot be logged: %s",
		        store->event_bytes.length, cadre_status_name(status));
	status = cadre_view_apply(&store->view, fill->next_seq, fill->time_ms, event,
	                          err);
	if (status == CADRE_OK)
		fill->next_seq++;
	/* Half an event is in batch and views: no refusal undoes that. */
	return is_refusal(status) ? cadre_error_set(err, CADRE_INTERNAL,
	                                            "applying a decided event: %s",
	                                            cadre_status_name(status))
	                          : status;
}

static struct cadre_decide decide_context(struct fill *fill,
                                          struct cadre_request *request)
{
	struct cadre_store *store = fill->store;
	struct cadre_decide decide = {
		.state = cadre_view_state(&store->view),
		.arena = &store->arena,
		.actor = request->actor,
		.seq = fill->next_seq,
		.time_ms = fill->time_ms,
	};

	return decide;
}

static void fill_result(const struct cadre_store *store,
                        const struct cadre_decision *decision,
                        struct cadre_result *result)
{
	memset(result, 0, sizeof *result);
	snprintf(result->ocid, sizeof result->ocid, "%s", decision->ocid);
	result->version_id = decision->version_id;
	result->seq = decision->seq;
	result->changed = decision->event || decision->repeated;
	if (decision->resource)
		cadre_etag(store->cluster_id, decision->resource, decision->etag_seq,
		           result->etag);
}

/* The first answer when the request's token is known: `*ret_row`, else NULL. */
static enum cadre_status look_token_up(struct fill *fill, struct cadre_request *request,
                                       struct cadre_sha256 *ret_hash,
                                       Cadre__V1__TokenRow **ret_row)
{
	struct cadre_decide decide = decide_context(fill, request);
	enum cadre_status status = cadre_batch_hash(request->batch, ret_hash,
	                                            &request->err);

	*ret_row = NULL;
	if (status == CADRE_OK)
		status = cadre_decide_token(&decide, request->batch->retry_token,
		                            ret_hash, ret_row, &request->err);
	return status;
}

static void make_token(Cadre__V1__RetryToken *token, const struct cadre_request *request,
                       const struct cadre_sha256 *hash, size_t events)
{
	cadre__v1__retry_token__init(token);
	token->token = request->batch->retry_token;
	token->command_sha256.data = (uint8_t *)(uintptr_t)hash->bytes;
	token->command_sha256.len = sizeof hash->bytes;
	token->has_events = true;
	token->events = (uint32_t)events;
}

/* One command: its event is the only one, so that it gets the token at once and
 * nothing has to be undone. */
static enum cadre_status decide_single(struct fill *fill, struct cadre_request *request,
                                       const struct cadre_sha256 *token_hash)
{
	struct cadre_store *store = fill->store;
	struct cadre_decide decide = decide_context(fill, request);
	struct cadre_decision decision = { 0 };
	Cadre__V1__RetryToken token;
	enum cadre_status status;

	decide.random = fresh_random(store);
	decide.ignore_token = token_hash != NULL;
	status = cadre_decide(&decide, request->batch->commands[0], &decision,
	                      &request->err);
	if (status == CADRE_OK && decision.event) {
		if (token_hash) {
			make_token(&token, request, token_hash, 1);
			decision.event->retry_token = &token;
		}
		status = put_event(fill, decision.event, &request->err);
	}
	if (status != CADRE_OK)
		return status;
	request->repeated = decision.repeated;
	fill_result(store, &decision, &request->results[0]);
	return CADRE_OK;
}

/* Ids that `$n` stands for inside a batch. */
struct batch_ids {
	char text[CADRE_COMMANDS_PER_MESSAGE_MAX][CADRE_OCID_BYTES];
	const char *at[CADRE_COMMANDS_PER_MESSAGE_MAX];
};

/* All commands of a batch in order. Events are kept in `events` when it is not
 * NULL, so that they can be put again with the retry token. */
static enum cadre_status decide_commands(struct fill *fill, struct cadre_request *request,
                                         Cadre__V1__Event **events, size_t *ret_events)
{
	struct cadre_store *store = fill->store;
	const Cadre__V1__Batch *batch = request->batch;
	struct batch_ids *ids = cadre_arena_alloc(&store->arena, sizeof *ids);
	enum cadre_status status = CADRE_OK;

	*ret_events = 0;
	if (!ids)
		return cadre_error_set(&request->err, CADRE_OUT_OF_MEMORY,
		                       "batch: out of memory");
	for (size_t i = 0; i < batch->n_commands && status == CADRE_OK; i++) {
		struct cadre_decide decide = decide_context(fill, request);
		struct cadre_decision decision = { 0 };
		decide.random = fresh_random(store);
		decide.batch_ids = ids->at;
		decide.batch_ids_count = i;
		decide.ignore_token = true;
		status = cadre_decide(&decide, batch->commands[i], &decision,
		                      &request->err);
		if (status == CADRE_OK && decision.event) {
			events[(*ret_events)++] = decision.event;
			status = put_event(fill, decision.event, &request->err);
		}
		if (status != CADRE_OK) {
			cadre_error_prefix(&request->err, "commands[%zu]: ", i);
			break;
		}
		fill_result(store, &decision, &request->results[i]);
		memcpy(ids->text[i], decision.ocid, sizeof ids->text[i]);
		ids->at[i] = ids->text[i];
	}
	return status;
}

/* The first answer to a repeated batch: its events follow one another. */
static enum cadre_status answer_repeated(struct fill *fill, struct cadre_request *request,
                                         const Cadre__V1__TokenRow *row)
{
	struct cadre_store *store = fill->store;
	size_t count = row->has_count ? row->count : 1;

	for (size_t i = 0; i < request->batch->n_commands; i++) {
		struct cadre_result *result = &request->results[i];
		Cadre__V1__Resource *resource;
		memset(result, 0, sizeof *result);
		if (i >= count)
			continue;
		result->seq = row->seq + i;
		result->changed = true;
		if (cadre_view_by_id(&store->view, result->seq, &resource, NULL) !=
		    CADRE_OK)
			continue;
		snprintf(result->ocid, sizeof result->ocid, "%s", resource->ocid);
		cadre_etag(store->cluster_id, resource->id, result->seq, result->etag);
		if (resource->detail_case == CADRE__V1__RESOURCE__DETAIL_GROUP)
			result->version_id = resource->group->version_id;
	}
	request->repeated = true;
	return CADRE_OK;
}

/* Puts the decided events once more, now with the token on the first: how many
 * there are is only known at the end. */
static enum cadre_status put_with_token(struct fill *fill, struct cadre_request *request,
                                        Cadre__V1__Event **events, size_t count,
                                        const struct cadre_sha256 *hash)
{
	Cadre__V1__RetryToken token;
	enum cadre_status status = CADRE_OK;

	make_token(&token, request, hash, count);
	events[0]->retry_token = &token;
	for (size_t i = 0; i < count && status == CADRE_OK; i++)
		status = put_event(fill, events[i], &request->err);
	events[0]->retry_token = NULL;
	return status;
}

/* The state of batch and view that a refused batch goes back to. */
struct undo {
	struct cadre_view_mark mark;
	uint32_t count;
	uint32_t body_bytes;
	cadre_seq next_seq;
};

static enum cadre_status undo_begin(struct fill *fill, struct undo *undo,
                                    struct cadre_error *err)
{
	undo->count = fill->builder.header.count;
	undo->body_bytes = fill->builder.header.body_bytes;
	undo->next_seq = fill->next_seq;
	return cadre_view_mark(&fill->store->view, &undo->mark, err);
}

static void undo_all(struct fill *fill, struct undo *undo)
{
	cadre_view_undo(&fill->store->view, &undo->mark);
	cadre_batch_rewind(&fill->builder, undo->count, undo->body_bytes);
	fill->next_seq = undo->next_seq;
}

static enum cadre_status decide_batch(struct fill *fill, struct cadre_request *request,
                                      const struct cadre_sha256 *token_hash)
{
	Cadre__V1__Event *events[CADRE_COMMANDS_PER_MESSAGE_MAX];
	size_t count = 0;
	struct undo undo;
	enum cadre_status status = undo_begin(fill, &undo, &request->err);

	if (status != CADRE_OK)
		return status;
	status = decide_commands(fill, request, events, &count);
	if (status == CADRE_OK && token_hash && count > 0) {
		undo_all(fill, &undo);
		status = undo_begin(fill, &undo, &request->err);
		if (status == CADRE_OK)
			status = put_with_token(fill, request, events, count, token_hash);
	}
	if (status != CADRE_OK) {
		undo_all(fill, &undo);
		return status;
	}
	return cadre_view_keep(&fill->store->view, &undo.mark, &request->err);
}

/* Decides one request. CADRE_LIMIT_EXCEEDED and fill->full: the batch is full,
 * the request stays waiting. */
static enum cadre_status decide_request(struct fill *fill, struct cadre_request *request)
{
	struct cadre_store *store = fill->store;
	const Cadre__V1__Batch *batch = request->batch;
	uint64_t now = request->deadline_ns ? store->env->ops->mono_ns(store->env) : 0;
	struct cadre_sha256 hash;
	const struct cadre_sha256 *token_hash = batch->retry_token ? &hash : NULL;
	Cadre__V1__TokenRow *row = NULL;
	enum cadre_status status = CADRE_OK;

	request->repeated = false;
	request->err.message[0] = '\0';
	if (request->deadline_ns && now > request->deadline_ns)
		return cadre_error_set(
		        &request->err, CADRE_UNAVAILABLE,
		        "the deadline passed before the command was decided: "
		        "nothing was done");
	cadre_arena_reset(&store->arena);
	if (token_hash)
		status = look_token_up(fill, request, &hash, &row);
	if (status == CADRE_OK && row)
		return answer_repeated(fill, request, row);
	if (status != CADRE_OK)
		return status;
	if (batch->n_commands == 1)
		return decide_single(fill, request, token_hash);
	return decide_batch(fill, request, token_hash);
}

static bool batch_has_room(const struct fill *fill, const struct cadre_request *request)
{
	const struct cadre_batch_header *header = &fill->builder.header;

	/* One record is kept for the digest. */
	return header->count + request->batch->n_commands < CADRE_BATCH_RECORDS_MAX &&
	       header->body_bytes < CADRE_BATCH_BODY_BYTES_TARGET;
}

/* The state digest after every CADRE_DIGEST_EVENTS: followers compare. */
static enum cadre_status put_digest(struct fill *fill, struct cadre_error *err)
{
	struct cadre_store *store = fill->store;
	Cadre__V1__DigestRecorded record = CADRE__V1__DIGEST_RECORDED__INIT;
	Cadre__V1__Event event = CADRE__V1__EVENT__INIT;
	uint8_t digest[16];
	enum cadre_status status;

	if (fill->next_seq == fill->builder.header.first_seq ||
	    fill->next_seq <= fill->digest_due)
		return CADRE_OK;
	cadre_put_be64(digest, store->view.head.digest.high);
	cadre_put_be64(digest + 8, store->view.head.digest.low);
	record.seq = fill->next_seq - 1;
	record.version = CADRE_DIGEST_VERSION;
	record.digest.data = digest;
	record.digest.len = sizeof digest;
	event.body_case = CADRE__V1__EVENT__BODY_DIGEST_RECORDED;
	event.digest_recorded = &record;
	status = put_event(fill, &event, err);
	/* Left out of a batch that is full to the last byte. */
	return status == CADRE_LIMIT_EXCEEDED ? CADRE_OK : status;
}

/* Takes waiting requests until the batch is full. A status other than CADRE_OK
 * means that the whole batch must be given up. */
static enum cadre_status fill_batch(struct fill *fill, struct cadre_error *err)
{
	struct cadre_store *store = fill->store;
	struct cadre_request *request;

	while ((request = store->waiting.first) && batch_has_room(fill, request)) {
		bool first = fill->builder.header.count == 0;
		enum cadre_status status = decide_request(fill, request);
		/* The next batch takes it; alone it is too large for any. */
		if (status == CADRE_LIMIT_EXCEEDED && fill->full && !first)
			break;
		cadre_request_push(&store->flight, cadre_request_pop(&store->waiting));
		request->status = status;
		request->err.status = status;
		if (status != CADRE_OK && !is_refusal(status) &&
		    status != CADRE_UNAVAILABLE) {
			*err = request->err;
			return status;
		}
	}
	return put_digest(fill, err);
}

/* Gives the batch under way up before anything is on disk. */
static void give_up(struct cadre_store *store, enum cadre_status status,
                    const char *message)
{
	if (store->view_open)
		cadre_view_abort(&store->view);
	store->view_open = false;
	store->phase = PHASE_IDLE;
	cadre_request_fail_all(&store->flight, status, message);
	cadre_request_fail_all(&store->waiting, status, message);
}

void cadre_store_abandon_batch(struct cadre_store *store)
{
	if (store->view_open)
		cadre_view_abort(&store->view);
	store->view_open = false;
	store->phase = PHASE_IDLE;
	cadre_request_fail_all(
	        &store->flight, CADRE_DEADLINE,
	        "the store was closed before the outcome was known: ask by "
	        "retry token");
}

static void complete_flight(struct cadre_store *store, bool durable, bool visible)
{
	struct cadre_request *request;

	while ((request = cadre_request_pop(&store->flight))) {
		request->durable = durable && request->status == CADRE_OK;
		request->visible = visible && request->status == CADRE_OK;
		request->complete(request);
	}
}

/* Room in the log for the batch and on the disk for its rows, before a byte is
 * written. */
static enum cadre_status reserve_space(struct cadre_store *store, struct cadre_error *err)
{
	struct cadre_space space;
	uint64_t need = store->view.rows_written * PAGES_A_ROW * PAGE_BYTES +
	                SPACE_RESERVE_BYTES;
	enum cadre_status status = cadre_log_prepare(store->log, store->batch.length,
	                                             err);

	if (status != CADRE_OK || store->options.memory_views)
		return status;
	status = store->env->ops->space(store->env, store->paths.views, &space, err);
	if (status == CADRE_OK && space.free_bytes < need)
		return cadre_error_set(
		        err, CADRE_OUT_OF_SPACE,
		        "\"%s\": %llu bytes free, %llu needed; writes go on when "
		        "there is room",
		        store->paths.views, (unsigned long long)space.free_bytes,
		        (unsigned long long)need);
	return status;
}

static enum cadre_status write_batch(struct fill *fill, struct cadre_error *err)
{
	struct cadre_store *store = fill->store;
	enum cadre_status status;

	cadre_batch_finish(&fill->builder, &store->view_head.chain);
	store->batch_header = fill->builder.header;
	status = cadre_view_end_batch(&store->view, &store->batch_header, err);
	if (status == CADRE_OK)
		status = reserve_space(store, err);
	if (status == CADRE_OK)
		status = cadre_log_append(store->log, cadre_buffer_slice(&store->batch),
		                          store->committed_seq, err);
	store->failed = cadre_log_failed(store->log);
	return status;
}

static enum cadre_status begin_fill(struct cadre_store *store, struct fill *fill,
                                    struct cadre_error *err)
{
	cadre_time_ms wall = store->env->ops->wall_ms(store->env);
	cadre_time_ms last = store->view_head.time_ms;
	enum cadre_status status;

	memset(fill, 0, sizeof *fill);
	fill->store = store;
	fill->next_seq = store->view_head.applied_seq + 1;
	fill->time_ms = wall > last ? wall : last;
	if (fill->time_ms <= store->watermark_ms)
		fill->time_ms = store->watermark_ms + 1;
	fill->digest_due = (fill->next_seq / CADRE_DIGEST_EVENTS + 1) *
	                   CADRE_DIGEST_EVENTS;
	status = cadre_view_begin(&store->view, store->kv, CADRE_KV_WRITE, &store->arena,
	                          err);
	if (status != CADRE_OK)
		return status;
	store->view_open = true;
	cadre_buffer_clear(&store->batch);
	return cadre_batch_begin(&fill->builder, &store->batch, fill->next_seq,
	                         store->view_head.epoch, fill->time_ms);
}

enum cadre_status cadre_store_decide_waiting(struct cadre_store *store,
                                             struct cadre_error *err)
{
	struct fill fill;
	enum cadre_status status;

	if (!cadre_store_clock_ok(store)) {
		give_up(store, CADRE_UNAVAILABLE,
		        "the wall clock jumped by over 60 s: set it right and restart this leader");
		return CADRE_OK;
	}
	status = begin_fill(store, &fill, err);
	if (status == CADRE_OK)
		status = fill_batch(&fill, err);
	if (status == CADRE_OK && fill.builder.header.count == 0) {
		cadre_view_abort(&store->view);
		store->view_open = false;
		complete_flight(store, true, true);
		return CADRE_OK;
	}
	if (status == CADRE_OK)
		status = write_batch(&fill, err);
	if (status == CADRE_OK) {
		store->phase = PHASE_SYNC;
		store->out_of_space = false;
		return CADRE_OK;
	}
	store->out_of_space = status == CADRE_OUT_OF_SPACE;
	if (status == CADRE_CORRUPT || status == CADRE_DIVERGED)
		store->rebuild = true;
	if (store->failed) {
		give_up(store, CADRE_DEADLINE,
		        "the log could not be written: outcome unknown");
		return status;
	}
	give_up(store, store->rebuild ? CADRE_UNAVAILABLE : status, err->message);
	return CADRE_OK;
}

enum cadre_status cadre_store_sync_batch(struct cadre_store *store,
                                         struct cadre_error *err)
{
	enum cadre_status status = cadre_log_sync(store->log, err);

	if (status != CADRE_OK) {
		store->failed = true;
		give_up(store, CADRE_DEADLINE,
		        "the log could not be synced: whether this took effect is known after the "
		        "next start; ask by retry token");
		return status;
	}
	store->last_sync_ns = store->env->ops->mono_ns(store->env);
	store->log_bytes += store->batch.length;
	store->sealed_tail = false;
	store->phase = PHASE_COMMIT;
	if (!store->options.no_auto_commit)
		cadre_store_commit(store, cadre_batch_last_seq(&store->batch_header));
	return CADRE_OK;
}

/* Segments are prepared and sealed between batches when the store is idle. One that
 * never is must keep pace all the same: for each byte of a frame one is zeroed and
 * one sealed, and a little more. After the answers, so that only the next batch waits. */
static void keep_pace(struct cadre_store *store)
{
	struct cadre_error ignored = CADRE_ERROR_INIT;
	bool more = store->waiting.first != NULL;
	uint64_t segment_bytes = store->options.segment_bytes;
	/* One slice works on one segment only: small segments want small slices. */
	uint64_t slice = segment_bytes > 0 && segment_bytes < 4 * CADRE_PACE_SLICE_BYTES
	                         ? segment_bytes / 4
	                         : CADRE_PACE_SLICE_BYTES;

	store->upkeep_debt += 3 * (store->batch.length / CADRE_FRAME_STEP_BYTES + 1) *
	                      CADRE_FRAME_STEP_BYTES;
	while (more && store->upkeep_debt >= slice) {
		store->upkeep_debt -= slice;
		/* Put off, not lost: prepare says so when a command needs the room. */
		if (cadre_log_maintain(store->log, slice, &more, &ignored) != CADRE_OK)
			more = false;
	}
	if (store->upkeep_debt > slice)
		store->upkeep_debt = slice;
}

enum cadre_status cadre_store_commit_batch(struct cadre_store *store,
                                           struct cadre_error *err)
{
	enum cadre_status status;

	store->view_open = false;
	store->phase = PHASE_IDLE;
	status = cadre_store_commit_view(store, &store->view, err);
	if (status == CADRE_OK) {
		complete_flight(store, true, true);
		keep_pace(store);
		return CADRE_OK;
	}
	/* Durable is durable: answer, and bring the views after it. */
	store->behind = true;
	store->rebuild = status == CADRE_CORRUPT;
	if (status == CADRE_OUT_OF_SPACE)
		store->out_of_space = true;
	complete_flight(store, true, false);
	return CADRE_OK;
}
