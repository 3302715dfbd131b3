/* Handles for readers beside a live writer. */
#include "engine/log/internal.h"

#include "engine/base/assert.h"

/* A reader may catch a frame half-written, or a directory between two names; a
 * look at the same bytes a moment later settles it. */
#define ATTEMPTS_MAX 16

static enum cadre_status open_tail(struct cadre_log *log, struct cadre_error *err)
{
	struct cadre_segment *last = cadre_log_last_segment(log);
	struct cadre_segment_header header;
	enum cadre_status status;

	cadre_window_fini(&log->tail);
	if (!last || last->header.sealed)
		return CADRE_OK;
	status = cadre_log_open_segment(log, last->header.first_seq, &log->tail, &header,
	                                err);
	/* Sealed meanwhile: complete, and the next segment is there. */
	if (status == CADRE_OK && header.sealed)
		cadre_window_fini(&log->tail);
	return status;
}

enum cadre_status cadre_log_open_read(struct cadre_env *env,
                                      const struct cadre_log_options *options,
                                      struct cadre_log **ret_log,
                                      struct cadre_log_report *ret_report,
                                      struct cadre_error *err)
{
	struct cadre_log_report report = { 0 };
	struct cadre_tail tail = { 0 };
	struct cadre_log *log = NULL;
	enum cadre_status status = CADRE_CORRUPT;

	for (int i = 0; i < ATTEMPTS_MAX && status == CADRE_CORRUPT; i++) {
		cadre_log_close(log);
		log = NULL;
		memset(&report, 0, sizeof report);
		status = cadre_log_new(env, options, &log, err);
		if (status != CADRE_OK)
			return status;
		log->read_only = true;
		status = cadre_log_load(log, options->durable_floor, &tail, &report, err);
	}
	if (status == CADRE_CORRUPT)
		status = CADRE_OK;
	else if (status == CADRE_OK && tail.state == CADRE_TORN)
		report.torn_bytes = tail.bad_end - tail.end;
	if (status == CADRE_OK && report.file[0] == '\0')
		status = open_tail(log, err);
	log->head.durable_seq = log->head.last_seq;
	if (ret_report)
		*ret_report = report;
	if (status != CADRE_OK) {
		cadre_log_close(log);
		return status;
	}
	*ret_log = log;
	return CADRE_OK;
}

/* Takes in the good frames behind the known end of the last segment. */
static enum cadre_status follow_tail(struct cadre_log *log, struct cadre_error *err)
{
	struct cadre_segment *last = cadre_log_last_segment(log);
	struct cadre_tail tail = { .head = log->head };
	enum cadre_status status;

	if (!last || !log->tail.file)
		return CADRE_OK;
	tail.end = last->end;
	tail.batch_bytes = last->batch_bytes;
	cadre_window_reset(&log->tail);
	do
		status = cadre_tail_step(&tail, &log->tail, &last->header, NULL, NULL,
		                         err);
	while (status == CADRE_OK);
	last->end = tail.end;
	last->last_seq = tail.head.last_seq;
	last->batch_bytes = tail.batch_bytes;
	log->head = tail.head;
	log->head.durable_seq = log->head.last_seq;
	return status == CADRE_CORRUPT ? CADRE_OK : status;
}

/* CADRE_END when no segment follows. */
static enum cadre_status next_segment(struct cadre_log *log, struct cadre_error *err)
{
	struct cadre_segment *last = cadre_log_last_segment(log);
	cadre_seq first_seq = log->head.last_seq + 1;
	struct cadre_window window;
	struct cadre_segment segment = { 0 };
	enum cadre_status status;

	if (last && last->header.first_seq == first_seq)
		return CADRE_END;
	status = cadre_log_open_segment(log, first_seq, &window, &segment.header, err);
	if (status == CADRE_NOT_FOUND)
		return CADRE_END;
	if (status != CADRE_OK)
		return status;
	status = cadre_log_reserve_segment(log, err);
	if (status != CADRE_OK) {
		cadre_window_fini(&window);
		return status;
	}
	segment.last_seq = first_seq - 1;
	segment.end = CADRE_LOG_BLOCK_BYTES;
	log->segments[log->count++] = segment;
	cadre_window_fini(&log->tail);
	log->tail = window;
	return CADRE_OK;
}

enum cadre_status cadre_log_refresh(struct cadre_log *log, struct cadre_error *err)
{
	enum cadre_status status = CADRE_OK;

	CADRE_ASSERT(log->read_only);
	while (status == CADRE_OK) {
		status = follow_tail(log, err);
		if (status == CADRE_OK)
			status = next_segment(log, err);
	}
	return status == CADRE_END ? CADRE_OK : status;
}
