/*
 * Deciding one request inside the batch under way. A refusal happens before anything
 * of its command is applied. A batch of several commands runs behind a mark, so that a
 * refusal undoes all of it.
 */
#include <stdio.h>

#include "engine/store/fill.h"
#include "proto/codec/codec.h"
#include "proto/codec/limits.h"

static const uint8_t *fresh_random(struct cadre_store *store)
{
	if (store->random_left < 16) {
		store->env->ops->random(store->env, store->random, sizeof store->random);
		store->random_left = sizeof store->random;
	}
	store->random_left -= 16;
	return store->random + store->random_left;
}

enum cadre_status cadre_fill_put_event(struct fill *fill, const Cadre__V1__Event *event,
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
	return fill_is_refusal(status) ? cadre_error_set(err, CADRE_INTERNAL,
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
		status = cadre_fill_put_event(fill, decision.event, &request->err);
	}
	if (status != CADRE_OK)
		return status;
	request->repeated = decision.repeated;
	fill_result(store, &decision, &request->results[0]);
	return CADRE_OK;
}

/* What the commands of one batch made: the ids that `$n` stands for, the events, and
 * the answers that a repetition gets. */
struct batch_work {
	char ids[CADRE_COMMANDS_PER_MESSAGE_MAX][CADRE_OCID_BYTES];
	const char *ids_at[CADRE_COMMANDS_PER_MESSAGE_MAX];
	Cadre__V1__Event *events[CADRE_COMMANDS_PER_MESSAGE_MAX];
	size_t events_count;
	Cadre__V1__TokenAnswer answers[CADRE_COMMANDS_PER_MESSAGE_MAX];
	Cadre__V1__TokenAnswer *answers_at[CADRE_COMMANDS_PER_MESSAGE_MAX];
};

static void keep_answer(struct batch_work *work, size_t index,
                        const struct cadre_decision *decision)
{
	Cadre__V1__TokenAnswer *answer = &work->answers[index];

	cadre__v1__token_answer__init(answer);
	answer->has_resource = decision->resource != 0;
	answer->resource = decision->resource;
	answer->has_version_id = decision->version_id != 0;
	answer->version_id = decision->version_id;
	answer->seq = decision->seq;
	answer->has_etag_seq = true;
	answer->etag_seq = decision->etag_seq;
	answer->has_changed = true;
	answer->changed = decision->event != NULL;
	work->answers_at[index] = answer;
	memcpy(work->ids[index], decision->ocid, sizeof work->ids[index]);
	work->ids_at[index] = work->ids[index];
}

/* All commands of a batch in order; applied as it goes. */
static enum cadre_status decide_commands(struct fill *fill, struct cadre_request *request,
                                         struct batch_work *work)
{
	struct cadre_store *store = fill->store;
	const Cadre__V1__Batch *batch = request->batch;
	enum cadre_status status = CADRE_OK;

	work->events_count = 0;
	for (size_t i = 0; i < batch->n_commands && status == CADRE_OK; i++) {
		struct cadre_decide decide = decide_context(fill, request);
		struct cadre_decision decision = { 0 };
		decide.random = fresh_random(store);
		decide.batch_ids = work->ids_at;
		decide.batch_ids_count = i;
		decide.ignore_token = true;
		status = cadre_decide(&decide, batch->commands[i], &decision,
		                      &request->err);
		if (status == CADRE_OK && decision.event) {
			work->events[work->events_count++] = decision.event;
			status = cadre_fill_put_event(fill, decision.event,
			                              &request->err);
		}
		if (status != CADRE_OK) {
			cadre_error_prefix(&request->err, "commands[%zu]: ", i);
			break;
		}
		fill_result(store, &decision, &request->results[i]);
		keep_answer(work, i, &decision);
	}
	return status;
}

/* What the first answer said of one command. */
static void answer_again(struct fill *fill, uint64_t resource, uint64_t version_id,
                         cadre_seq seq, cadre_seq etag_seq, bool changed,
                         struct cadre_result *result)
{
	struct cadre_store *store = fill->store;
	Cadre__V1__Resource *row;

	memset(result, 0, sizeof *result);
	result->seq = seq;
	result->version_id = version_id;
	result->changed = changed;
	if (resource == 0)
		return;
	cadre_etag(store->cluster_id, resource, etag_seq, result->etag);
	if (cadre_view_by_id(&store->view, resource, &row, NULL) == CADRE_OK)
		snprintf(result->ocid, sizeof result->ocid, "%s", row->ocid);
}

static void answer_repeated(struct fill *fill, struct cadre_request *request,
                            const Cadre__V1__TokenRow *row)
{
	for (size_t i = 0; i < request->batch->n_commands; i++) {
		struct cadre_result *result = &request->results[i];
		if (i < row->n_answers)
			answer_again(fill, row->answers[i]->resource,
			             row->answers[i]->version_id, row->answers[i]->seq,
			             row->answers[i]->etag_seq, row->answers[i]->changed,
			             result);
		else
			answer_again(fill, row->resource, row->version_id, row->seq,
			             row->has_etag_seq ? row->etag_seq : row->seq, true,
			             result);
	}
	request->repeated = true;
}

/* Puts the decided events once more, now with the token and all answers on the first:
 * they are only known at the end. */
static enum cadre_status put_with_token(struct fill *fill, struct cadre_request *request,
                                        struct batch_work *work,
                                        const struct cadre_sha256 *hash)
{
	Cadre__V1__RetryToken token;
	enum cadre_status status = CADRE_OK;

	make_token(&token, request, hash, work->events_count);
	token.n_answers = request->batch->n_commands;
	token.answers = work->answers_at;
	work->events[0]->retry_token = &token;
	for (size_t i = 0; i < work->events_count && status == CADRE_OK; i++)
		status = cadre_fill_put_event(fill, work->events[i], &request->err);
	work->events[0]->retry_token = NULL;
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
	struct batch_work *work = cadre_arena_alloc(&fill->store->arena, sizeof *work);
	struct undo undo;
	enum cadre_status status;

	if (!work)
		return cadre_error_set(&request->err, CADRE_OUT_OF_MEMORY,
		                       "batch: out of memory");
	status = undo_begin(fill, &undo, &request->err);
	if (status != CADRE_OK)
		return status;
	status = decide_commands(fill, request, work);
	if (status == CADRE_OK && token_hash && work->events_count > 0) {
		undo_all(fill, &undo);
		status = undo_begin(fill, &undo, &request->err);
		if (status == CADRE_OK)
			status = put_with_token(fill, request, work, token_hash);
	}
	if (status != CADRE_OK) {
		undo_all(fill, &undo);
		return status;
	}
	return cadre_view_keep(&fill->store->view, &undo.mark, &request->err);
}

enum cadre_status cadre_fill_decide(struct fill *fill, struct cadre_request *request)
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
	if (status != CADRE_OK)
		return status;
	if (row) {
		answer_repeated(fill, request, row);
		return CADRE_OK;
	}
	if (batch->n_commands == 1)
		return decide_single(fill, request, token_hash);
	return decide_batch(fill, request, token_hash);
}
