/*
 * Walking the frames of a segment, and what stands behind the last good one:
 * zeros, a torn frame, or damage.
 */
#ifndef CADRE_LOG_TAIL_H
#define CADRE_LOG_TAIL_H

#include "engine/log/frame.h"
#include "engine/log/log.h"
#include "engine/log/segment.h"

struct cadre_tail {
	/* After the last good frame; durable_seq is the newest that the segment
	 * itself proves (its header, or a frame behind). */
	struct cadre_log_head head;
	uint64_t end;             /* first byte behind the last good frame */
	uint64_t unsynced_offset; /* frames from here on are not known durable */
	uint64_t batch_bytes;
	bool last_is_seal;
	bool unlinked; /* the next batch's chain has no known predecessor */

	/* CADRE_OK: zeros from `end` on; CADRE_TORN; CADRE_CORRUPT. */
	enum cadre_status state;
	uint64_t bad_end;    /* torn: end of the non-zero bytes, a multiple of 4 KiB */
	cadre_seq first_bad; /* corrupt: unreadable seqs; last_bad is 0 when unknown */
	cadre_seq last_bad;
	char message[160];
};

/* The state in front of the first frame. */
void cadre_tail_init(struct cadre_tail *tail, const struct cadre_segment_header *header);

/* Reads the frame at tail->end: checks it, its batches and their chain, and moves
 * behind it. `ret_frame` and `ret_payload` may be NULL.
 * Errors: CADRE_CORRUPT (no good frame there), CADRE_IO_ERROR. */
CADRE_MUST_CHECK enum cadre_status
cadre_tail_step(struct cadre_tail *tail, struct cadre_window *window,
                const struct cadre_segment_header *header, struct cadre_frame *ret_frame,
                struct cadre_slice *ret_payload, struct cadre_error *err);

/* Steps to the last good frame and judges what is behind; the judgement is in
 * `tail`. Errors: reading failed. */
CADRE_MUST_CHECK enum cadre_status
cadre_tail_scan(struct cadre_tail *tail, struct cadre_window *window,
                const struct cadre_segment_header *header, struct cadre_error *err);

/* Where the next valid frame header at or behind `from` is; CADRE_END when there
 * is none. */
CADRE_MUST_CHECK enum cadre_status
cadre_tail_find_frame(struct cadre_window *window,
                      const struct cadre_segment_header *header, uint64_t from,
                      uint64_t *ret_offset, struct cadre_frame *ret_frame,
                      struct cadre_error *err);

#endif
