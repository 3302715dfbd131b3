/* Handles for readers beside a live writer. */
#include "engine/log/internal.h"
#include "engine/log/sealed.h"

#include "engine/base/assert.h"

/* A reader may catch a frame half-written, or a directory between two names; a
 * look at the same bytes a moment later settles it. */
#define ATTEMPTS_MAX 16

/* CADRE_END when another file has taken the last segment's name since it was read. */
static enum cadre_status open_tail(struct cadre_log *log, struct cadre_error *err)
{
	struct cadre_segment *last = cadre_log_last_segment(log);
	struct cadre_segment_header header;
	enum cadre_status status;

	if (!last || last->header.sealed)
		return CADRE_OK;
	status = cadre_log_open_segment(log, last->header.first_seq, &log->tail, &header,
	                                err);
	if (status != CADRE_OK)
		return status;
	return header.sealed || header.salt != last->header.salt ? CADRE_END : CADRE_OK;
}

static enum cadre_status load(struct cadre_log *log, cadre_seq durable_floor,
                              struct cadre_log_report *report, struct cadre_error *err)
{
	struct cadre_tail tail = { 0 };
	enum cadre_status status;

	memset(report, 0, sizeof *report);
	log->read_only = true;
	status = cadre_log_load(log, durable_floor, &tail, report, err);
	if (status != CADRE_OK)
		return status;
	if (tail.state == CADRE_TORN)
		report->torn_bytes = tail.bad_end - tail.end;
	return open_tail(log, err);
}

enum cadre_status cadre_log_open_read(struct cadre_env *env,
                                      const struct cadre_log_options *options,
                                      struct cadre_log **ret_log,
                                      struct cadre_log_report *ret_report,
                                      struct cadre_error *err)
{
	struct cadre_log_report report;
	struct cadre_log *log = NULL;
	enum cadre_status status = CADRE_END;

	for (int i = 0;
	     i < ATTEMPTS_MAX && (status == CADRE_CORRUPT || status == CADRE_END); i++) {
		cadre_log_close(log);
		log = NULL;
		status = cadre_log_new(env, options, &log, err);
		if (status != CADRE_OK)
			return status;
		status = load(log, options->durable_floor, &report, err);
	}
	if (ret_report)
		*ret_report = report;
	if (status != CADRE_OK && status != CADRE_CORRUPT) {
		cadre_log_close(log);
		return status == CADRE_END
		               ? cadre_error_set(err, CADRE_UNAVAILABLE,
		                                 "\"%.400s\" changes too fast",
		                                 options->dir)
		               : status;
	}
	log->head.durable_seq = log->head.last_seq;
	*ret_log = log;
	return CADRE_OK;
}

/* An empty segment too small for the first frame is replaced under its name. */
static enum cadre_status reopen_empty(struct cadre_log *log, struct cadre_error *err)
{
	struct cadre_segment *last = cadre_log_last_segment(log);
	struct cadre_segment_header header;
	struct cadre_window window;
	enum cadre_status status;

	if (!last || !log->tail.file || last->last_seq >= last->header.first_seq)
		return CADRE_OK;
	status = cadre_log_open_segment(log, last->header.first_seq, &window, &header,
	                                err);
	if (status != CADRE_OK)
		return status;
	if (header.sealed || header.salt != last->header.salt) {
		/* next_segment() finds what is there now. */
		cadre_window_fini(&log->tail);
		log->count--;
	}
	cadre_window_fini(&window);
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

/* Takes the window's file. */
static enum cadre_status take_sealed(struct cadre_log *log, struct cadre_segment *segment,
                                     struct cadre_window *window, struct cadre_error *err)
{
	struct cadre_sealed sealed;
	uint64_t offset;
	enum cadre_status status = cadre_sealed_open(&sealed, window->file, window->limit,
	                                             &offset, err);

	window->file = NULL;
	if (status == CADRE_OK) {
		cadre_log_take_footer(&log->head, segment, &sealed.footer, window->limit);
		log->head.durable_seq = log->head.last_seq;
	}
	cadre_sealed_fini(&sealed);
	return status;
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
	segment.last_seq = first_seq - 1;
	segment.end = CADRE_LOG_BLOCK_BYTES;
	status = cadre_log_reserve_segment(log, err);
	if (status == CADRE_OK && segment.header.sealed)
		status = take_sealed(log, &segment, &window, err);
	if (status != CADRE_OK) {
		cadre_window_fini(&window);
		return status;
	}
	log->segments[log->count++] = segment;
	cadre_window_fini(&log->tail);
	log->tail = window;
	return CADRE_OK;
}

enum cadre_status cadre_log_refresh(struct cadre_log *log, struct cadre_error *err)
{
	enum cadre_status status = reopen_empty(log, err);

	CADRE_ASSERT(log->read_only);
	while (status == CADRE_OK) {
		status = follow_tail(log, err);
		if (status == CADRE_OK)
			status = next_segment(log, err);
	}
	return status == CADRE_END ? CADRE_OK : status;
}
