/*
 * The commit path of the leader: decide and apply all waiting commands inside one
 * write transaction, which is the overlay that later commands of the batch see;
 * write the batch; sync; commit the transaction; answer.
 *
 * A refusal happens before anything of its command is applied. A batch of
 * several commands runs behind a mark, so that a refusal undoes all of it.
 */
#include "engine/store/fill.h"

#include <stdio.h>

/* A patch dirties about this many pages a row at worst, on a random tree. */
#define PAGES_A_ROW 3u
#define PAGE_BYTES 4096u
/* What views and log need besides, before the next look at the free space. */
#define SPACE_RESERVE_BYTES (8u << 20)

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
	status = cadre_fill_put_event(fill, &event, err);
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
		enum cadre_status status = cadre_fill_decide(fill, request);
		/* The next batch takes it; alone it is too large for any. */
		if (status == CADRE_LIMIT_EXCEEDED && fill->full && !first)
			break;
		cadre_request_push(&store->flight, cadre_request_pop(&store->waiting));
		request->status = status;
		request->err.status = status;
		if (status != CADRE_OK && !fill_is_refusal(status) &&
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

/* Disk space that the transaction can take at most: every page it dirtied anew, and
 * the pages that its new rows fill, half full after splits. */
static uint64_t rows_space(struct cadre_store *store, uint64_t free_bytes)
{
	uint64_t dirtied = store->view.rows_written * PAGES_A_ROW * PAGE_BYTES;
	struct cadre_kv_stat stat;

	/* There are no more pages to dirty than there are: worth a look when short. */
	if (dirtied + SPACE_RESERVE_BYTES > free_bytes &&
	    cadre_kv_stat(store->kv, &stat, NULL) == CADRE_OK &&
	    stat.used_bytes + 2 * store->view.bytes_written < dirtied)
		dirtied = stat.used_bytes + 2 * store->view.bytes_written;
	return dirtied + SPACE_RESERVE_BYTES;
}

/* Room in the log for the batch and on the disk for its rows, before a byte is
 * written. */
static enum cadre_status reserve_space(struct cadre_store *store, struct cadre_error *err)
{
	struct cadre_space space;
	uint64_t need;
	enum cadre_status status = cadre_log_prepare(store->log, store->batch.length,
	                                             err);

	if (status != CADRE_OK || store->options.memory_views)
		return status;
	status = store->env->ops->space(store->env, store->paths.views, &space, err);
	if (status != CADRE_OK)
		return status;
	need = rows_space(store, space.free_bytes);
	if (space.free_bytes < need)
		return cadre_error_set(
		        err, CADRE_OUT_OF_SPACE,
		        "\"%s\": %llu MiB free, %llu MiB needed; writes go on when there "
		        "is room",
		        store->paths.views, (unsigned long long)(space.free_bytes >> 20),
		        (unsigned long long)(need >> 20));
	return CADRE_OK;
}

void cadre_store_recheck_space(struct cadre_store *store)
{
	if (reserve_space(store, NULL) == CADRE_OK)
		cadre_store_set_out_of_space(store, false, NULL);
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
		status = cadre_log_append_built(store->log, &store->batch_header,
		                                cadre_buffer_slice(&store->batch),
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
		cadre_store_set_out_of_space(store, false, NULL);
		return CADRE_OK;
	}
	cadre_store_set_out_of_space(store, status == CADRE_OUT_OF_SPACE, err);
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
		cadre_store_set_out_of_space(store, true, err);
	complete_flight(store, true, false);
	return CADRE_OK;
}
