/* Events out of the log, by their seq; and watch. */
#include "replica/rpc/query_internal.h"

#include <inttypes.h>

#include "proto/codec/codec.h"

/* The cursor stands at the batch that holds `seq`. */
static enum cadre_status open_at(struct cadre_query *query, cadre_seq seq,
                                 struct cadre_log_cursor **ret_cursor,
                                 struct cadre_error *err)
{
	enum cadre_status status = CADRE_OK;

	*ret_cursor = NULL;
	if (!query->log)
		return cadre_error_set(err, CADRE_NOT_FOUND, "the log is not open here");
	if (cadre_log_head(query->log).last_seq < seq)
		status = cadre_log_refresh(query->log, err);
	if (status == CADRE_OK)
		status = cadre_log_cursor_open(query->log, seq, ret_cursor, err);
	return status;
}

static enum cadre_status unpack(struct cadre_query *query,
                                const struct cadre_record *record,
                                Cadre__V1__Event **ret_event, struct cadre_error *err)
{
	ProtobufCMessage *message = NULL;
	enum cadre_status status = cadre_unpack(&cadre__v1__event__descriptor,
	                                        record->payload, query->view->arena,
	                                        &message, err);

	*ret_event = (Cadre__V1__Event *)(void *)message;
	return status == CADRE_TOO_LARGE ? query_no_room(query, err) : status;
}

enum cadre_status query_event(struct cadre_query *query, cadre_seq seq,
                              struct query_event *ret_event, struct cadre_error *err)
{
	struct cadre_log_cursor *cursor;
	struct cadre_batch batch;
	struct cadre_record record = { 0 };
	size_t offset = 0;
	enum cadre_status status = open_at(query, seq, &cursor, err);

	if (status == CADRE_OK)
		status = cadre_log_cursor_next(cursor, &batch, err);
	while (status == CADRE_OK && record.seq != seq)
		status = cadre_batch_next_record(&batch, &offset, &record);
	if (status == CADRE_OK) {
		ret_event->time_ms = batch.header.time_ms;
		ret_event->epoch = batch.header.epoch;
		status = unpack(query, &record, &ret_event->event, err);
	}
	cadre_log_cursor_close(cursor);
	return status == CADRE_END ? CADRE_NOT_FOUND : status;
}

/* ---- watch ---- */

struct watching {
	struct cadre_query *query;
	Cadre__V1__WatchResult *out;
	cadre_seq from;
	cadre_seq last; /* visible */
	uint32_t max;
	struct cadre_error *err;
};

static bool is_full(const struct watching *watching)
{
	return watching->out->n_events == watching->max ||
	       watching->out->next_seq > watching->last;
}

static enum cadre_status add_event(struct watching *watching,
                                   const struct cadre_batch *batch,
                                   const struct cadre_record *record)
{
	struct cadre_query *query = watching->query;
	Cadre__V1__WatchEvent *event = query_alloc(query, sizeof *event);
	enum cadre_status status;

	if (!event)
		return query_no_room(query, watching->err);
	cadre__v1__watch_event__init(event);
	event->seq = record->seq;
	event->time_ms = batch->header.time_ms;
	event->epoch = batch->header.epoch;
	status = unpack(query, record, &event->event, watching->err);
	if (status != CADRE_OK)
		return status;
	watching->out->events[watching->out->n_events++] = event;
	watching->out->next_seq = record->seq + 1;
	return CADRE_OK;
}

static enum cadre_status add_batch(struct watching *watching,
                                   const struct cadre_batch *batch)
{
	struct cadre_record record;
	size_t offset = 0;
	enum cadre_status status = CADRE_OK;

	while (!is_full(watching)) {
		status = cadre_batch_next_record(batch, &offset, &record);
		if (status == CADRE_OK && record.seq >= watching->from)
			status = add_event(watching, batch, &record);
		if (status != CADRE_OK)
			break;
	}
	return status == CADRE_END ? CADRE_OK : status;
}

static enum cadre_status read_events(struct watching *watching)
{
	struct cadre_log_cursor *cursor;
	struct cadre_batch batch;
	enum cadre_status status = open_at(watching->query, watching->from, &cursor,
	                                   watching->err);

	while (status == CADRE_OK && !is_full(watching)) {
		status = cadre_log_cursor_next(cursor, &batch, watching->err);
		if (status == CADRE_OK)
			status = add_batch(watching, &batch);
	}
	cadre_log_cursor_close(cursor);
	/* What fits is an answer; the rest comes with the next question. */
	if (status == CADRE_LIMIT_EXCEEDED && watching->out->n_events > 0)
		status = CADRE_OK;
	return status == CADRE_END ? CADRE_OK : status;
}

enum cadre_status query_watch(struct cadre_query *query, const Cadre__V1__Op *op,
                              Cadre__V1__Result *result, struct cadre_error *err)
{
	struct watching watching = {
		.query = query,
		.from = op->watch->from_seq,
		.last = query->view->head.applied_seq,
		.err = err,
	};
	enum cadre_status status =
	        query_limit("watch.maxEvents", op->watch->has_max_events,
	                    op->watch->max_events, 100, &watching.max, err);

	if (status != CADRE_OK)
		return status;
	watching.out = query_alloc(query, sizeof *watching.out);
	if (!watching.out)
		return query_no_room(query, err);
	cadre__v1__watch_result__init(watching.out);
	/* 0: from what comes next. */
	if (watching.from == 0)
		watching.from = watching.last + 1;
	watching.out->next_seq = watching.from;
	watching.out->events = query_alloc(query,
	                                   watching.max * sizeof *watching.out->events);
	if (!watching.out->events)
		return query_no_room(query, err);
	if (watching.from <= watching.last)
		status = read_events(&watching);
	if (status == CADRE_NOT_FOUND)
		return cadre_error_set(err, status,
		                       "watch.fromSeq: %" PRIu64
		                       " is not in this node's log: %s",
		                       watching.from, err->message);
	result->body_case = CADRE__V1__RESULT__BODY_WATCH;
	result->watch = watching.out;
	return status;
}
