/*
 * Torn or damaged. Two facts decide: a frame is written only after the one before
 * it is synced, and the file behind the last frame is zero. So
 *   - a valid frame header, or any non-zero byte behind a frame's own length,
 *     proves that the frame was durable: what is bad about it is damage;
 *   - a write that power loss interrupted leaves whole sectors unwritten, still
 *     zero, and the encoder leaves no zero sector inside a frame: a bad last frame
 *     without one was complete once and is damage.
 */
#include "engine/log/tail.h"

#include <stdio.h>

void cadre_tail_init(struct cadre_tail *tail, const struct cadre_segment_header *header)
{
	memset(tail, 0, sizeof *tail);
	tail->head.last_seq = header->first_seq - 1;
	tail->head.durable_seq = header->first_seq - 1;
	tail->head.commit_seq = header->commit_seq;
	tail->head.epoch = header->epoch;
	tail->head.time_ms = header->time_ms;
	tail->head.chain = header->chain;
	tail->end = CADRE_LOG_BLOCK_BYTES;
	tail->unsynced_offset = CADRE_LOG_BLOCK_BYTES;
}

/* The batches of a frame follow from the head and fill the frame's seq range. */
static enum cadre_status check_batches(struct cadre_log_head *head, bool *unlinked,
                                       const struct cadre_frame *frame,
                                       struct cadre_slice payload,
                                       struct cadre_error *err)
{
	struct cadre_batch batch;
	enum cadre_status status;

	if (frame->first_seq != head->last_seq + 1)
		return cadre_error_set(err, CADRE_CORRUPT,
		                       "frame of seq %llu where %llu is next",
		                       (unsigned long long)frame->first_seq,
		                       (unsigned long long)head->last_seq + 1);
	while (payload.length > 0) {
		status = cadre_batch_scan(payload, &batch, err);
		if (status == CADRE_OK && batch.header.first_seq != head->last_seq + 1)
			status = cadre_error_set(
			        err, CADRE_CORRUPT,
			        "batch of seq %llu where %llu is next",
			        (unsigned long long)batch.header.first_seq,
			        (unsigned long long)head->last_seq + 1);
		if (status == CADRE_OK && !*unlinked)
			status = cadre_batch_check_chain(&batch, &head->chain, err);
		if (status != CADRE_OK)
			return CADRE_CORRUPT;
		*unlinked = false;
		head->last_seq = cadre_batch_last_seq(&batch.header);
		head->epoch = batch.header.epoch;
		head->time_ms = batch.header.time_ms;
		head->chain = batch.header.chain;
		payload.data += batch.bytes.length;
		payload.length -= batch.bytes.length;
	}
	if (head->last_seq != frame->last_seq)
		return cadre_error_set(
		        err, CADRE_CORRUPT,
		        "frame says it ends at seq %llu, its batches at %llu",
		        (unsigned long long)frame->last_seq,
		        (unsigned long long)head->last_seq);
	return CADRE_OK;
}

/* CADRE_CORRUPT also for a frame that would reach behind the file. */
static enum cadre_status read_frame(struct cadre_window *window,
                                    const struct cadre_segment_header *header,
                                    uint64_t offset, struct cadre_frame *frame,
                                    struct cadre_slice *payload, struct cadre_error *err)
{
	struct cadre_frame_place place = { header->salt, offset };
	const uint8_t *data;
	size_t padded;
	enum cadre_status status = cadre_window_get(window, offset,
	                                            CADRE_FRAME_HEADER_BYTES, &data, err);

	if (status == CADRE_END)
		return cadre_error_set(err, CADRE_CORRUPT, "no frame starts here");
	if (status != CADRE_OK)
		return status;
	status = cadre_frame_scan_header(cadre_slice(data, CADRE_FRAME_HEADER_BYTES),
	                                 place, frame, err);
	if (status != CADRE_OK)
		return status;
	padded = cadre_frame_padded_bytes(frame->payload_bytes);
	status = cadre_window_get(window, offset, padded, &data, err);
	if (status == CADRE_END)
		return cadre_error_set(err, CADRE_CORRUPT, "frame longer than the file");
	if (status != CADRE_OK)
		return status;
	return cadre_frame_scan(cadre_slice(data, padded), place, frame, payload, err);
}

enum cadre_status cadre_tail_step(struct cadre_tail *tail, struct cadre_window *window,
                                  const struct cadre_segment_header *header,
                                  struct cadre_frame *ret_frame,
                                  struct cadre_slice *ret_payload,
                                  struct cadre_error *err)
{
	struct cadre_frame frame;
	struct cadre_slice payload;
	struct cadre_log_head head = tail->head;
	bool unlinked = tail->unlinked;
	enum cadre_status status = read_frame(window, header, tail->end, &frame, &payload,
	                                      err);

	if (status == CADRE_OK)
		status = check_batches(&head, &unlinked, &frame, payload, err);
	if (status != CADRE_OK)
		return status;
	if (frame.durable_seq >= tail->head.last_seq)
		tail->unsynced_offset = tail->end;
	if (frame.durable_seq > head.durable_seq)
		head.durable_seq = frame.durable_seq;
	if (frame.commit_seq > head.commit_seq)
		head.commit_seq = frame.commit_seq;
	tail->head = head;
	tail->unlinked = unlinked;
	tail->end += cadre_frame_padded_bytes(frame.payload_bytes);
	tail->batch_bytes += frame.payload_bytes;
	/* A SEAL proves what is in front of it, not itself: its own sync may have
	 * failed, and a frame behind it would make damage of it. */
	tail->last_is_seal = frame.flags & CADRE_FRAME_SEAL;
	if (ret_frame)
		*ret_frame = frame;
	if (ret_payload)
		*ret_payload = payload;
	return CADRE_OK;
}

enum cadre_status cadre_tail_find_frame(struct cadre_window *window,
                                        const struct cadre_segment_header *header,
                                        uint64_t from, uint64_t *ret_offset,
                                        struct cadre_frame *ret_frame,
                                        struct cadre_error *err)
{
	for (uint64_t at = from;; at += CADRE_LOG_BLOCK_BYTES) {
		struct cadre_frame_place place = { header->salt, at };
		const uint8_t *data;
		enum cadre_status status = cadre_window_get(
		        window, at, CADRE_FRAME_HEADER_BYTES, &data, err);
		if (status != CADRE_OK)
			return status;
		status = cadre_frame_scan_header(
		        cadre_slice(data, CADRE_FRAME_HEADER_BYTES), place, ret_frame,
		        NULL);
		if (status == CADRE_OK) {
			*ret_offset = at;
			return CADRE_OK;
		}
	}
}

/* The end of the last 4 KiB block from `from` on that is not all zero; `from` when
 * all are. */
static enum cadre_status find_zeros(struct cadre_window *window, uint64_t from,
                                    uint64_t *ret_end, struct cadre_error *err)
{
	*ret_end = from;
	for (uint64_t at = from; at < window->limit; at += CADRE_LOG_BLOCK_BYTES) {
		const uint8_t *data;
		uint64_t left = window->limit - at;
		size_t length = left < CADRE_LOG_BLOCK_BYTES ? (size_t)left
		                                             : CADRE_LOG_BLOCK_BYTES;
		enum cadre_status status = cadre_window_get(window, at, length, &data,
		                                            err);
		if (status == CADRE_END)
			return CADRE_OK;
		if (status != CADRE_OK)
			return status;
		if (!cadre_log_all_zero(data, length))
			*ret_end = at + CADRE_LOG_BLOCK_BYTES;
	}
	return CADRE_OK;
}

/* Sectors inside the length that the frame's valid header gives, or, when the
 * header is not there, the header's own sector. */
static enum cadre_status has_unwritten_sector(struct cadre_window *window,
                                              uint64_t offset,
                                              const struct cadre_frame *frame, bool *ret,
                                              struct cadre_error *err)
{
	size_t length = frame ? cadre_frame_bytes(frame->payload_bytes)
	                      : CADRE_LOG_SECTOR_BYTES;
	const uint8_t *data;
	enum cadre_status status = cadre_window_get(window, offset, length, &data, err);

	if (status != CADRE_OK)
		return status;
	*ret = cadre_log_has_zero_sector(data, length);
	return CADRE_OK;
}

/* Judges the bytes at tail->end, which are not a good frame. */
static enum cadre_status judge(struct cadre_tail *tail, struct cadre_window *window,
                               const struct cadre_segment_header *header,
                               const struct cadre_frame *bad, struct cadre_error *err)
{
	struct cadre_frame later;
	uint64_t at;
	uint64_t frame_end = window->limit;
	bool unwritten = false;
	enum cadre_status status;

	tail->first_bad = tail->head.last_seq + 1;
	tail->last_bad = bad ? bad->last_seq : 0;
	tail->state = CADRE_CORRUPT;
	if (bad)
		frame_end = tail->end + cadre_frame_padded_bytes(bad->payload_bytes);
	if (frame_end > window->limit || (bad && bad->first_seq != tail->first_bad))
		return CADRE_OK;
	status = cadre_tail_find_frame(window, header, tail->end + CADRE_LOG_BLOCK_BYTES,
	                               &at, &later, err);
	if (status == CADRE_OK) {
		if (!bad && later.first_seq > tail->first_bad)
			tail->last_bad = later.first_seq - 1;
		return CADRE_OK;
	}
	if (status != CADRE_END)
		return status;
	if (tail->bad_end > frame_end)
		return CADRE_OK;
	status = has_unwritten_sector(window, tail->end, bad, &unwritten, err);
	if (status != CADRE_OK)
		return status;
	if (unwritten)
		tail->state = CADRE_TORN;
	return CADRE_OK;
}

enum cadre_status cadre_tail_scan(struct cadre_tail *tail, struct cadre_window *window,
                                  const struct cadre_segment_header *header,
                                  struct cadre_error *err)
{
	struct cadre_error why = CADRE_ERROR_INIT;
	struct cadre_frame bad;
	struct cadre_slice payload;
	const uint8_t *data;
	bool has_header;
	enum cadre_status status;

	do
		status = cadre_tail_step(tail, window, header, NULL, NULL, &why);
	while (status == CADRE_OK);
	if (status != CADRE_CORRUPT) {
		if (err)
			*err = why;
		return status;
	}
	snprintf(tail->message, sizeof tail->message, "%.150s", why.message);
	tail->state = CADRE_OK;
	status = find_zeros(window, tail->end, &tail->bad_end, err);
	if (status != CADRE_OK || tail->bad_end == tail->end)
		return status;
	status = read_frame(window, header, tail->end, &bad, &payload, NULL);
	if (status == CADRE_OK) {
		/* A good frame of bad batches: nothing is torn about it. */
		tail->state = CADRE_CORRUPT;
		tail->first_bad = tail->head.last_seq + 1;
		tail->last_bad = bad.last_seq;
		return CADRE_OK;
	}
	status = cadre_window_get(window, tail->end, CADRE_FRAME_HEADER_BYTES, &data,
	                          err);
	if (status != CADRE_OK)
		return status == CADRE_END ? CADRE_OK : status;
	has_header = cadre_frame_scan_header(
	                     cadre_slice(data, CADRE_FRAME_HEADER_BYTES),
	                     (struct cadre_frame_place){ header->salt, tail->end }, &bad,
	                     NULL) == CADRE_OK;
	return judge(tail, window, header, has_header ? &bad : NULL, err);
}
