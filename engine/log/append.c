/*
 * Appending. One frame is one write; the next is written only when the last one is
 * synced. The first failed write or sync latches the handle: after a failed
 * fdatasync the kernel calls the lost pages clean, so nothing it says later counts.
 */
#include "engine/log/internal.h"

#include "engine/base/assert.h"

static enum cadre_status latched(const struct cadre_log *log, struct cadre_error *err)
{
	return cadre_error_set(err, CADRE_IO_ERROR,
	                       "\"%.400s\": a write failed before; restart", log->dir);
}

bool cadre_log_failed(const struct cadre_log *log)
{
	return log->latched;
}

/* Where the head will be once `batches` are appended. */
static enum cadre_status head_after(const struct cadre_log *log,
                                    struct cadre_slice batches,
                                    struct cadre_log_head *head, struct cadre_error *err)
{
	struct cadre_batch batch;
	enum cadre_status status;

	while (batches.length > 0) {
		status = cadre_batch_scan(batches, &batch, err);
		if (status != CADRE_OK)
			return status;
		if (batch.header.first_seq != head->last_seq + 1)
			return cadre_error_set(
			        err, CADRE_CORRUPT,
			        "batch of seq %llu behind seq %llu of \"%.300s\"",
			        (unsigned long long)batch.header.first_seq,
			        (unsigned long long)head->last_seq, log->dir);
		status = cadre_batch_check_chain(&batch, &head->chain, err);
		if (status != CADRE_OK)
			return status;
		head->last_seq = cadre_batch_last_seq(&batch.header);
		head->epoch = batch.header.epoch;
		head->time_ms = batch.header.time_ms;
		head->chain = batch.header.chain;
		batches.data += batch.bytes.length;
		batches.length -= batch.bytes.length;
	}
	return CADRE_OK;
}

/* Encodes and writes one frame into room that is there. */
static enum cadre_status write_frame(struct cadre_log *log, struct cadre_frame *frame,
                                     struct cadre_slice payload, struct cadre_error *err)
{
	struct cadre_segment *segment = cadre_log_last_segment(log);
	struct cadre_frame_place place;
	size_t padded = cadre_frame_padded_bytes(payload.length);
	enum cadre_status status;

	CADRE_ASSERT(segment && log->active &&
	             segment->header.file_bytes - segment->end >= padded);
	CADRE_ASSERT(log->frame.capacity >= padded);
	place.salt = segment->header.salt;
	place.offset = segment->end;
	cadre_frame_encode(frame, place, payload, log->frame.data);
	status = log->env->ops->pwrite(log->active, place.offset, log->frame.data, padded,
	                               err);
	if (status != CADRE_OK) {
		log->latched = true;
		return CADRE_IO_ERROR;
	}
	segment->end += padded;
	segment->batch_bytes += payload.length;
	segment->last_seq = frame->last_seq;
	log->unsynced = true;
	return CADRE_OK;
}

static enum cadre_status reserve_frame(struct cadre_log *log, size_t padded,
                                       struct cadre_error *err)
{
	enum cadre_status status = cadre_buffer_reserve(&log->frame, padded);

	if (status != CADRE_OK)
		return cadre_error_set(err, status, "a frame of %zu bytes", padded);
	return CADRE_OK;
}

/* `head`: the log's behind the batches. */
static enum cadre_status append_frame(struct cadre_log *log, struct cadre_slice batches,
                                      struct cadre_log_head head, cadre_seq commit_seq,
                                      struct cadre_error *err)
{
	size_t padded = cadre_frame_padded_bytes(batches.length);
	struct cadre_frame frame = { 0 };
	enum cadre_status status = reserve_frame(log, padded, err);

	if (status == CADRE_OK)
		status = cadre_log_make_room(log, padded, err);
	if (status != CADRE_OK)
		return status;
	if (commit_seq > head.commit_seq)
		head.commit_seq = commit_seq;
	frame.durable_seq = log->head.durable_seq;
	frame.commit_seq = head.commit_seq;
	frame.first_seq = log->head.last_seq + 1;
	frame.last_seq = head.last_seq;
	status = write_frame(log, &frame, batches, err);
	if (status != CADRE_OK)
		return status;
	log->head = head;
	log->last_is_seal = false;
	return CADRE_OK;
}

static enum cadre_status check_appendable(const struct cadre_log *log,
                                          struct cadre_slice batches,
                                          struct cadre_error *err)
{
	CADRE_ASSERT(!log->read_only && batches.length > 0);
	if (log->latched)
		return latched(log, err);
	CADRE_ASSERT(!log->unsynced);
	if (batches.length > CADRE_FRAME_PAYLOAD_BYTES_MAX)
		return cadre_error_set(err, CADRE_TOO_LARGE,
		                       "%zu bytes for one frame, at most %u",
		                       batches.length, CADRE_FRAME_PAYLOAD_BYTES_MAX);
	return CADRE_OK;
}

enum cadre_status cadre_log_append(struct cadre_log *log, struct cadre_slice batches,
                                   cadre_seq commit_seq, struct cadre_error *err)
{
	struct cadre_log_head head = log->head;
	enum cadre_status status = check_appendable(log, batches, err);

	if (status == CADRE_OK)
		status = head_after(log, batches, &head, err);
	if (status != CADRE_OK)
		return status;
	return append_frame(log, batches, head, commit_seq, err);
}

enum cadre_status cadre_log_append_built(struct cadre_log *log,
                                         const struct cadre_batch_header *header,
                                         struct cadre_slice batch, cadre_seq commit_seq,
                                         struct cadre_error *err)
{
	struct cadre_log_head head = log->head;
	enum cadre_status status = check_appendable(log, batch, err);

	CADRE_ASSERT(header->first_seq == head.last_seq + 1);
	CADRE_ASSERT(batch.length == CADRE_BATCH_HEADER_BYTES + header->body_bytes);
	if (status != CADRE_OK)
		return status;
	head.last_seq = cadre_batch_last_seq(header);
	head.epoch = header->epoch;
	head.time_ms = header->time_ms;
	head.chain = header->chain;
	return append_frame(log, batch, head, commit_seq, err);
}

enum cadre_status cadre_log_sync(struct cadre_log *log, struct cadre_error *err)
{
	enum cadre_status status;

	CADRE_ASSERT(!log->read_only);
	if (log->latched)
		return latched(log, err);
	if (!log->unsynced)
		return CADRE_OK;
	status = log->env->ops->datasync(log->active, err);
	if (status != CADRE_OK) {
		log->latched = true;
		return CADRE_IO_ERROR;
	}
	log->unsynced = false;
	log->head.durable_seq = log->head.last_seq;
	return CADRE_OK;
}

enum cadre_status cadre_log_seal_mark(struct cadre_log *log, cadre_seq commit_seq,
                                      struct cadre_error *err)
{
	struct cadre_segment *segment = cadre_log_last_segment(log);
	struct cadre_frame frame = { .flags = CADRE_FRAME_SEAL };
	enum cadre_status status;

	CADRE_ASSERT(!log->read_only);
	if (log->latched)
		return latched(log, err);
	CADRE_ASSERT(!log->unsynced);
	/* Without room the next segment's header says the same. */
	if (log->last_is_seal || !log->active || !segment ||
	    segment->header.file_bytes - segment->end < cadre_frame_padded_bytes(0))
		return CADRE_OK;
	status = reserve_frame(log, cadre_frame_padded_bytes(0), err);
	if (status != CADRE_OK)
		return status;
	if (commit_seq > log->head.commit_seq)
		log->head.commit_seq = commit_seq;
	frame.durable_seq = log->head.durable_seq;
	frame.commit_seq = log->head.commit_seq;
	frame.first_seq = log->head.last_seq + 1;
	frame.last_seq = log->head.last_seq;
	status = write_frame(log, &frame, cadre_slice(NULL, 0), err);
	if (status != CADRE_OK)
		return status;
	log->last_is_seal = true;
	return cadre_log_sync(log, err);
}
