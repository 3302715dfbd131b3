/*
 * Reading batches in order. A cursor has its own open file, so a segment that is
 * sealed meanwhile (a new file under the old name) does not disturb it.
 */
#include "engine/log/internal.h"
#include "engine/log/sealed.h"

#include "engine/base/assert.h"

#include <stdlib.h>

struct cadre_log_cursor {
	struct cadre_log *log;
	cadre_seq next_seq; /* first seq of the batch returned next */

	bool linked; /* chain holds the chain after the last returned batch */
	struct cadre_sha256 chain;

	struct cadre_segment_header header; /* of the open file */
	bool opened;
	struct cadre_slice batches; /* left of the frame or block read last */
	uint64_t offset;            /* of the next frame, or of this block */
	struct cadre_window window; /* frames */
	struct cadre_sealed sealed; /* blocks */
	struct cadre_buffer block;
};

static struct cadre_segment *segment_of(struct cadre_log *log, cadre_seq seq)
{
	size_t low = 0;
	size_t high = log->count;

	while (low + 1 < high) {
		size_t middle = low + (high - low) / 2;
		if (log->segments[middle].header.first_seq <= seq)
			low = middle;
		else
			high = middle;
	}
	return log->count > 0 ? &log->segments[low] : NULL;
}

static enum cadre_status corrupt(const struct cadre_log_cursor *cursor,
                                 struct cadre_error *err)
{
	char name[CADRE_SEGMENT_NAME_BYTES];

	cadre_segment_name(cursor->header.first_seq, name);
	cadre_error_prefix(
	        err, "\"%.200s/%s\" at offset %llu, seq %llu: ", cursor->log->dir, name,
	        (unsigned long long)cursor->offset, (unsigned long long)cursor->next_seq);
	return CADRE_CORRUPT;
}

static void close_segment(struct cadre_log_cursor *cursor)
{
	cadre_window_fini(&cursor->window);
	cadre_sealed_fini(&cursor->sealed);
	cursor->batches = cadre_slice(NULL, 0);
	cursor->opened = false;
}

static enum cadre_status open_segment(struct cadre_log_cursor *cursor,
                                      struct cadre_error *err)
{
	const struct cadre_segment *segment = segment_of(cursor->log, cursor->next_seq);
	enum cadre_status status;

	CADRE_ASSERT(segment);
	close_segment(cursor);
	status = cadre_log_open_segment(cursor->log, segment->header.first_seq,
	                                &cursor->window, &cursor->header, err);
	cursor->offset = CADRE_LOG_BLOCK_BYTES;
	if (status == CADRE_OK && cursor->header.sealed) {
		struct cadre_file *file = cursor->window.file;
		cursor->window.file = NULL;
		status = cadre_sealed_open(&cursor->sealed, file, cursor->window.limit,
		                           &cursor->offset, err);
	}
	cursor->opened = status == CADRE_OK;
	if (status == CADRE_CORRUPT) {
		cursor->header.first_seq = segment->header.first_seq;
		return corrupt(cursor, err);
	}
	return status;
}

/* Frames behind the head may be half-written: they are not read. */
static void set_limit(struct cadre_log_cursor *cursor)
{
	const struct cadre_segment *last = cadre_log_last_segment(cursor->log);

	if (last && last->header.first_seq == cursor->header.first_seq &&
	    !last->header.sealed)
		cursor->window.limit = last->end;
	else
		cursor->window.limit = cursor->header.file_bytes;
}

/* The payload of the next frame that holds batches from next_seq on. */
static enum cadre_status next_frame(struct cadre_log_cursor *cursor,
                                    struct cadre_error *err)
{
	const uint8_t *data;
	struct cadre_frame frame;
	size_t padded;
	enum cadre_status status;

	for (;;) {
		struct cadre_frame_place place = { cursor->header.salt, cursor->offset };
		status = cadre_window_get(&cursor->window, cursor->offset,
		                          CADRE_FRAME_HEADER_BYTES, &data, err);
		if (status != CADRE_OK)
			break;
		status = cadre_frame_scan_header(
		        cadre_slice(data, CADRE_FRAME_HEADER_BYTES), place, &frame, err);
		if (status != CADRE_OK)
			break;
		padded = cadre_frame_padded_bytes(frame.payload_bytes);
		if (frame.last_seq >= cursor->next_seq) {
			status = cadre_window_get(&cursor->window, cursor->offset, padded,
			                          &data, err);
			if (status == CADRE_OK)
				status = cadre_frame_scan(cadre_slice(data, padded),
				                          place, &frame, &cursor->batches,
				                          err);
			if (status == CADRE_OK)
				cursor->offset += padded;
			break;
		}
		cursor->offset += padded;
	}
	if (status == CADRE_END)
		status = cadre_error_set(err, CADRE_CORRUPT, "the segment ends early");
	return status == CADRE_CORRUPT ? corrupt(cursor, err) : status;
}

/* The batches of the block that holds next_seq; their checksums and chains were
 * computed from the block, whose own checksum was right. */
static enum cadre_status next_block(struct cadre_log_cursor *cursor,
                                    struct cadre_error *err)
{
	uint32_t index = cadre_sealed_find(&cursor->sealed, cursor->next_seq);
	struct cadre_sha256 before;
	struct cadre_sha256 after;
	enum cadre_status status;

	cursor->offset = cadre_sealed_entry_at(&cursor->sealed, index).offset;
	status = cadre_sealed_read(&cursor->sealed, index, &cursor->block, &before,
	                           &after, err);
	if (status == CADRE_OK && cursor->linked &&
	    memcmp(before.bytes, cursor->chain.bytes, sizeof before.bytes) != 0)
		status = cadre_error_set(err, CADRE_CORRUPT,
		                         "block does not follow from the batch before");
	if (status == CADRE_OK)
		cursor->batches = cadre_buffer_slice(&cursor->block);
	return status == CADRE_CORRUPT ? corrupt(cursor, err) : status;
}

static enum cadre_status refill(struct cadre_log_cursor *cursor, struct cadre_error *err)
{
	const struct cadre_segment *segment = segment_of(cursor->log, cursor->next_seq);
	enum cadre_status status = CADRE_OK;

	CADRE_ASSERT(segment);
	if (!cursor->opened || cursor->header.first_seq != segment->header.first_seq)
		status = open_segment(cursor, err);
	if (status != CADRE_OK)
		return status;
	if (cursor->header.sealed)
		return next_block(cursor, err);
	set_limit(cursor);
	return next_frame(cursor, err);
}

static enum cadre_status take_batch(struct cadre_log_cursor *cursor,
                                    struct cadre_batch *batch, struct cadre_error *err)
{
	enum cadre_status status = cadre_batch_scan(cursor->batches, batch, err);

	if (status != CADRE_OK)
		return corrupt(cursor, err);
	cursor->batches.data += batch->bytes.length;
	cursor->batches.length -= batch->bytes.length;
	return CADRE_OK;
}

static enum cadre_status check_batch(struct cadre_log_cursor *cursor,
                                     const struct cadre_batch *batch,
                                     struct cadre_error *err)
{
	enum cadre_status status = CADRE_OK;

	if (cursor->linked && batch->header.first_seq != cursor->next_seq)
		status = cadre_error_set(err, CADRE_CORRUPT, "batch of seq %llu",
		                         (unsigned long long)batch->header.first_seq);
	else if (cursor->linked && !cursor->header.sealed)
		status = cadre_batch_check_chain(batch, &cursor->chain, err);
	return status == CADRE_OK ? CADRE_OK : corrupt(cursor, err);
}

enum cadre_status cadre_log_cursor_next(struct cadre_log_cursor *cursor,
                                        struct cadre_batch *ret_batch,
                                        struct cadre_error *err)
{
	struct cadre_batch batch;
	enum cadre_status status = CADRE_OK;

	if (cursor->next_seq > cursor->log->head.last_seq)
		return CADRE_END;
	do {
		if (cursor->batches.length == 0)
			status = refill(cursor, err);
		if (status == CADRE_OK)
			status = take_batch(cursor, &batch, err);
		if (status != CADRE_OK)
			return status;
	} while (cadre_batch_last_seq(&batch.header) < cursor->next_seq);
	status = check_batch(cursor, &batch, err);
	if (status != CADRE_OK)
		return status;
	cursor->linked = true;
	cursor->chain = batch.header.chain;
	cursor->next_seq = cadre_batch_last_seq(&batch.header) + 1;
	*ret_batch = batch;
	return CADRE_OK;
}

enum cadre_status cadre_log_cursor_open(struct cadre_log *log, cadre_seq from,
                                        struct cadre_log_cursor **ret_cursor,
                                        struct cadre_error *err)
{
	struct cadre_log_cursor *cursor;

	CADRE_ASSERT(from > 0);
	if (log->count > 0 && from < log->segments[0].header.first_seq)
		return cadre_error_set(
		        err, CADRE_NOT_FOUND, "seq %llu: \"%.300s\" starts at seq %llu",
		        (unsigned long long)from, log->dir,
		        (unsigned long long)log->segments[0].header.first_seq);
	cursor = calloc(1, sizeof *cursor);
	if (!cursor)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY, "a cursor of \"%.300s\"",
		                       log->dir);
	cursor->log = log;
	cursor->next_seq = from;
	*ret_cursor = cursor;
	return CADRE_OK;
}

void cadre_log_cursor_close(struct cadre_log_cursor *cursor)
{
	if (!cursor)
		return;
	close_segment(cursor);
	cadre_buffer_fini(&cursor->block);
	free(cursor);
}
