#include "replica/node/source_log.h"

#include <inttypes.h>
#include <stdio.h>

#include "replica/node/source_ring.h"

/* A handle that saw a segment change under it is opened anew, once. */
#define ATTEMPTS_MAX 2

enum cadre_status source_log_init(struct source_log *log, struct cadre_env *env,
                                  const char *dir, struct cadre_error *err)
{
	memset(log, 0, sizeof *log);
	log->env = env;
	pthread_mutex_init(&log->lock, NULL);
	pthread_mutex_init(&log->ring_lock, NULL);
	if (snprintf(log->dir, sizeof log->dir, "%s", dir) >= (int)sizeof log->dir)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "\"%.64s...\": path longer than %zu bytes", dir,
		                       sizeof log->dir - 1);
	return CADRE_OK;
}

static void drop_cursor(struct source_cursor *cursor)
{
	cadre_log_cursor_close(cursor->cursor);
	memset(cursor, 0, sizeof *cursor);
}

static void close_handle(struct source_log *log)
{
	for (unsigned i = 0; i < SOURCE_CURSORS; i++)
		drop_cursor(&log->cursors[i]);
	drop_cursor(&log->tail);
	cadre_log_close(log->log);
	log->log = NULL;
}

void source_log_fini(struct source_log *log)
{
	close_handle(log);
	ring_clear(&log->ring);
	pthread_mutex_destroy(&log->lock);
	pthread_mutex_destroy(&log->ring_lock);
}

/* ---- the handle and its cursors, under the log's lock ---- */

/* The handle has seen everything up to `seq`. */
static enum cadre_status see(struct source_log *log, cadre_seq seq,
                             struct cadre_error *err)
{
	const struct cadre_log_options options = { .dir = log->dir };
	enum cadre_status status = CADRE_OK;

	if (!log->log)
		status = cadre_log_open_read(log->env, &options, &log->log, NULL, err);
	if (status == CADRE_OK && cadre_log_head(log->log).last_seq < seq)
		status = cadre_log_refresh(log->log, err);
	return status;
}

/* The next batch of a cursor, without taking it. CADRE_END at the head. */
static enum cadre_status peek(struct source_cursor *cursor, struct cadre_error *err)
{
	enum cadre_status status = CADRE_OK;

	if (!cursor->peeked)
		status = cadre_log_cursor_next(cursor->cursor, &cursor->batch, err);
	cursor->peeked = status == CADRE_OK;
	if (status == CADRE_OK)
		cursor->next_seq = cursor->batch.header.first_seq;
	return status;
}

static void take(struct source_cursor *cursor)
{
	cursor->peeked = false;
	cursor->next_seq = cadre_batch_last_seq(&cursor->batch.header) + 1;
}

/* Opens at the batch that holds `seq`. */
static enum cadre_status open_cursor(struct source_log *log, struct source_cursor *cursor,
                                     cadre_seq seq, struct cadre_error *err)
{
	drop_cursor(cursor);
	cursor->next_seq = seq;
	return cadre_log_cursor_open(log->log, seq, &cursor->cursor, err);
}

/* One that stands at `seq`, or the one longest unused, put there. */
static enum cadre_status cursor_at(struct source_log *log, cadre_seq seq,
                                   struct source_cursor **ret_cursor,
                                   struct cadre_error *err)
{
	struct source_cursor *oldest = &log->cursors[0];

	for (unsigned i = 0; i < SOURCE_CURSORS; i++) {
		struct source_cursor *cursor = &log->cursors[i];
		if (cursor->cursor && cursor->next_seq == seq) {
			cursor->used = ++log->uses;
			*ret_cursor = cursor;
			return CADRE_OK;
		}
		if (cursor->used < oldest->used)
			oldest = cursor;
	}
	*ret_cursor = oldest;
	return open_cursor(log, oldest, seq, err);
}

/* ---- following the head ---- */

static enum cadre_status push(struct source_log *log, const struct cadre_batch *batch,
                              struct cadre_error *err)
{
	enum cadre_status status;

	pthread_mutex_lock(&log->ring_lock);
	status = ring_push(&log->ring, batch);
	pthread_mutex_unlock(&log->ring_lock);
	if (status == CADRE_OK)
		return CADRE_OK;
	return cadre_error_set(err, status, "no memory for a batch of %zu bytes",
	                       batch->bytes.length);
}

/* The tail's cursor stands behind the ring, or the ring begins anew near `committed`. */
static enum cadre_status place_tail(struct source_log *log, cadre_seq committed,
                                    struct cadre_error *err)
{
	cadre_seq first = cadre_log_stat(log->log).first_seq;
	cadre_seq start = 1;

	if (log->tail.cursor && committed - log->tail.next_seq < SOURCE_RING_EVENTS)
		return CADRE_OK;
	if (committed > SOURCE_RING_EVENTS)
		start = committed - SOURCE_RING_EVENTS + 1;
	return open_cursor(log, &log->tail, start > first ? start : first, err);
}

/* Under the log's lock: the ring holds what is committed. */
static enum cadre_status follow(struct source_log *log, cadre_seq committed,
                                struct cadre_error *err)
{
	enum cadre_status status = see(log, committed, err);

	if (status == CADRE_OK && log->tail.cursor && log->tail.next_seq > committed)
		return CADRE_OK;
	if (status == CADRE_OK)
		status = place_tail(log, committed, err);
	while (status == CADRE_OK && log->tail.next_seq <= committed) {
		status = peek(&log->tail, err);
		if (status == CADRE_OK)
			status = push(log, &log->tail.batch, err);
		if (status == CADRE_OK)
			take(&log->tail);
	}
	return status;
}

/* ---- reading ---- */

static enum cadre_status inside(cadre_seq seq, struct cadre_error *err)
{
	return cadre_error_set(err, CADRE_DIVERGED,
	                       "no batch of the leader's begins at seq %" PRIu64, seq);
}

static bool fits(const struct cadre_buffer *out, size_t start, size_t length,
                 size_t bytes_max)
{
	return out->length == start || out->length - start + length <= bytes_max;
}

static enum cadre_status append(struct cadre_buffer *out, const uint8_t *bytes,
                                size_t length, struct cadre_error *err)
{
	if (cadre_buffer_append(out, bytes, length) == CADRE_OK)
		return CADRE_OK;
	return cadre_error_set(err, CADRE_OUT_OF_MEMORY,
	                       "no memory for a batch of %zu bytes", length);
}

/* CADRE_END: the ring does not hold `from`. */
static enum cadre_status read_ring(struct source_log *log, cadre_seq from,
                                   cadre_seq committed, size_t bytes_max,
                                   struct cadre_buffer *out, struct cadre_error *err)
{
	size_t start = out->length;
	enum cadre_status status = CADRE_OK;
	const struct ring_batch *batch;
	size_t place;

	pthread_mutex_lock(&log->ring_lock);
	batch = ring_find(&log->ring, from, &place);
	if (!batch)
		status = CADRE_END;
	else if (batch->first_seq != from)
		status = inside(from, err);
	while (status == CADRE_OK && batch && batch->last_seq <= committed &&
	       fits(out, start, batch->length, bytes_max)) {
		status = append(out, batch->bytes, batch->length, err);
		batch = ring_at(&log->ring, ++place);
	}
	pthread_mutex_unlock(&log->ring_lock);
	return status;
}

/* Under the log's lock. */
static enum cadre_status read_log(struct source_log *log, cadre_seq from,
                                  cadre_seq committed, size_t bytes_max,
                                  struct cadre_buffer *out, struct cadre_error *err)
{
	size_t start = out->length;
	struct source_cursor *cursor;
	enum cadre_status status = see(log, committed, err);

	if (status == CADRE_OK)
		status = cursor_at(log, from, &cursor, err);
	if (status == CADRE_OK)
		status = peek(cursor, err);
	if (status == CADRE_OK && cursor->batch.header.first_seq != from)
		status = inside(from, err);
	while (status == CADRE_OK &&
	       cadre_batch_last_seq(&cursor->batch.header) <= committed &&
	       fits(out, start, cursor->batch.bytes.length, bytes_max)) {
		status = append(out, cursor->batch.bytes.data, cursor->batch.bytes.length,
		                err);
		if (status == CADRE_OK) {
			take(cursor);
			status = peek(cursor, err);
		}
	}
	return status == CADRE_END && out->length > start ? CADRE_OK : status;
}

/* A segment that was sealed meanwhile looks damaged to an old handle. */
static bool opened_anew_helps(enum cadre_status status)
{
	return status == CADRE_CORRUPT || status == CADRE_IO_ERROR || status == CADRE_END;
}

static enum cadre_status not_there(enum cadre_status status, cadre_seq seq,
                                   struct cadre_error *err)
{
	if (status != CADRE_END)
		return status;
	return cadre_error_set(err, CADRE_UNAVAILABLE,
	                       "seq %" PRIu64 " cannot be read yet", seq);
}

enum cadre_status source_log_read(struct source_log *log, cadre_seq from,
                                  cadre_seq committed, size_t bytes_max,
                                  struct cadre_buffer *out, bool *ret_from_ring,
                                  struct cadre_error *err)
{
	size_t start = out->length;
	enum cadre_status status = read_ring(log, from, committed, bytes_max, out, err);

	*ret_from_ring = status == CADRE_OK;
	if (status != CADRE_END)
		return status;
	pthread_mutex_lock(&log->lock);
	for (int i = 0; i < ATTEMPTS_MAX && opened_anew_helps(status); i++) {
		if (i > 0)
			close_handle(log);
		out->length = start;
		status = CADRE_END;
		if (committed - from < SOURCE_RING_EVENTS) {
			status = follow(log, committed, err);
			if (status == CADRE_OK)
				status = read_ring(log, from, committed, bytes_max, out,
				                   err);
			*ret_from_ring = status == CADRE_OK;
		}
		if (status == CADRE_END)
			status = read_log(log, from, committed, bytes_max, out, err);
	}
	pthread_mutex_unlock(&log->lock);
	return not_there(status, from, err);
}

/* ---- chains ---- */

/* CADRE_END: the ring does not hold `seq`. */
static enum cadre_status ring_chain(struct source_log *log, cadre_seq seq,
                                    struct cadre_sha256 *ret_chain)
{
	enum cadre_status status = CADRE_END;
	const struct ring_batch *batch;
	size_t place;

	pthread_mutex_lock(&log->ring_lock);
	batch = ring_find(&log->ring, seq, &place);
	if (batch) {
		status = batch->last_seq == seq ? CADRE_OK : CADRE_NOT_FOUND;
		*ret_chain = batch->chain;
	}
	pthread_mutex_unlock(&log->ring_lock);
	return status;
}

static enum cadre_status log_chain(struct source_log *log, cadre_seq seq,
                                   struct cadre_sha256 *ret_chain,
                                   struct cadre_error *err)
{
	struct source_cursor *cursor;
	enum cadre_status status = see(log, seq, err);

	if (status == CADRE_OK)
		status = cursor_at(log, seq, &cursor, err);
	if (status == CADRE_OK)
		status = peek(cursor, err);
	if (status != CADRE_OK)
		return status;
	if (cadre_batch_last_seq(&cursor->batch.header) != seq)
		return CADRE_NOT_FOUND;
	*ret_chain = cursor->batch.header.chain;
	/* The first Fetch will begin behind it. */
	take(cursor);
	return CADRE_OK;
}

enum cadre_status source_log_chain(struct source_log *log, cadre_seq seq,
                                   cadre_seq committed, struct cadre_sha256 *ret_chain,
                                   struct cadre_error *err)
{
	enum cadre_status status = ring_chain(log, seq, ret_chain);

	if (status != CADRE_END)
		return status;
	pthread_mutex_lock(&log->lock);
	for (int i = 0; i < ATTEMPTS_MAX && opened_anew_helps(status); i++) {
		if (i > 0)
			close_handle(log);
		status = CADRE_END;
		if (committed - seq < SOURCE_RING_EVENTS) {
			status = follow(log, committed, err);
			if (status == CADRE_OK)
				status = ring_chain(log, seq, ret_chain);
		}
		if (status == CADRE_END)
			status = log_chain(log, seq, ret_chain, err);
	}
	pthread_mutex_unlock(&log->lock);
	return not_there(status, seq, err);
}
