/* Finding out what a log directory holds; changes nothing. */
#include "engine/log/internal.h"
#include "engine/log/sealed.h"

#include "engine/base/assert.h"

#include <stdio.h>
#include <stdlib.h>

static enum cadre_status keep_segment(void *ctx, const char *name)
{
	struct cadre_log_names *names = ctx;
	cadre_seq first_seq;

	if (!cadre_segment_name_parse(name, &first_seq))
		return CADRE_OK;
	if (names->count == names->capacity) {
		size_t capacity = names->capacity ? 2 * names->capacity : 64;
		cadre_seq *grown = realloc(names->first_seqs, capacity * sizeof *grown);
		if (!grown)
			return CADRE_OUT_OF_MEMORY;
		names->first_seqs = grown;
		names->capacity = capacity;
	}
	names->first_seqs[names->count++] = first_seq;
	return CADRE_OK;
}

static int compare_seqs(const void *a, const void *b)
{
	cadre_seq left = *(const cadre_seq *)a;
	cadre_seq right = *(const cadre_seq *)b;

	return (left > right) - (left < right);
}

enum cadre_status cadre_log_list(const struct cadre_log *log,
                                 struct cadre_log_names *ret_names,
                                 struct cadre_error *err)
{
	struct cadre_log_names *names = ret_names;
	enum cadre_status status;

	memset(names, 0, sizeof *names);
	status = log->env->ops->list(log->env, log->dir, keep_segment, names, err);
	if (status == CADRE_OK && names->count > 0)
		qsort(names->first_seqs, names->count, sizeof *names->first_seqs,
		      compare_seqs);
	if (status != CADRE_OK)
		cadre_log_names_fini(names);
	return status;
}

void cadre_log_names_fini(struct cadre_log_names *names)
{
	free(names->first_seqs);
	memset(names, 0, sizeof *names);
}

struct load {
	struct cadre_log *log;
	struct cadre_tail *tail;
	struct cadre_log_report *report;
	cadre_seq durable_floor;
	cadre_seq following; /* first seq of the next file, 0 behind the last one */
};

/* `last_bad` 0: not known; the next file or the floor bounds it. */
static enum cadre_status damaged(struct load *load, cadre_seq file_seq, uint64_t offset,
                                 cadre_seq last_bad, const char *what,
                                 struct cadre_error *err)
{
	struct cadre_log_report *report = load->report;
	cadre_seq first_bad = load->log->head.last_seq + 1;

	if (first_bad == 1 && file_seq > 1)
		first_bad = file_seq;
	if (last_bad == 0 && load->following > 0)
		last_bad = load->following - 1;
	if (last_bad == 0)
		last_bad = load->durable_floor;
	if (last_bad < first_bad)
		last_bad = first_bad;
	cadre_segment_name(file_seq, report->file);
	report->offset = offset;
	report->first_bad = first_bad;
	report->last_bad = last_bad;
	return cadre_error_set(
	        err, CADRE_CORRUPT,
	        "\"%.200s/%s\" damaged at offset %llu, seq %llu to %llu: %.150s",
	        load->log->dir, report->file, (unsigned long long)offset,
	        (unsigned long long)first_bad, (unsigned long long)last_bad, what);
}

static enum cadre_status open_window(const struct cadre_log *log, cadre_seq first_seq,
                                     struct cadre_window *window, struct cadre_error *err)
{
	char path[CADRE_LOG_PATH_BYTES];
	enum cadre_status status;

	memset(window, 0, sizeof *window);
	cadre_log_segment_path(log, first_seq, path);
	status = cadre_file_open(log->env, path, CADRE_OPEN_READ, &window->file, err);
	if (status == CADRE_OK)
		status = log->env->ops->size(window->file, &window->limit, err);
	return status;
}

static enum cadre_status read_header(struct cadre_window *window, cadre_seq first_seq,
                                     struct cadre_segment_header *ret_header,
                                     struct cadre_error *err)
{
	uint8_t data[CADRE_LOG_BLOCK_BYTES];
	size_t got = 0;
	enum cadre_status status = window->file->env->ops->pread(window->file, 0, data,
	                                                         sizeof data, &got, err);

	if (status == CADRE_OK)
		status = cadre_segment_header_scan(cadre_slice(data, got), ret_header,
		                                   err);
	if (status != CADRE_OK)
		return status;
	if (ret_header->first_seq != first_seq)
		return cadre_error_set(err, CADRE_CORRUPT, "header of another segment");
	if (ret_header->sealed)
		return CADRE_OK;
	if (ret_header->file_bytes != window->limit)
		return cadre_error_set(err, CADRE_CORRUPT,
		                       "%llu bytes long, made with %llu",
		                       (unsigned long long)window->limit,
		                       (unsigned long long)ret_header->file_bytes);
	if (!cadre_log_all_zero(data + CADRE_SEGMENT_HEADER_BYTES,
	                        sizeof data - CADRE_SEGMENT_HEADER_BYTES))
		return cadre_error_set(err, CADRE_CORRUPT, "header padding is not zero");
	return CADRE_OK;
}

enum cadre_status cadre_log_open_segment(const struct cadre_log *log, cadre_seq first_seq,
                                         struct cadre_window *ret_window,
                                         struct cadre_segment_header *ret_header,
                                         struct cadre_error *err)
{
	enum cadre_status status = open_window(log, first_seq, ret_window, err);

	if (status == CADRE_OK)
		status = read_header(ret_window, first_seq, ret_header, err);
	if (status != CADRE_OK)
		cadre_window_fini(ret_window);
	return status;
}

static void keep_tail(struct cadre_log *log, struct cadre_segment *segment,
                      const struct cadre_tail *tail)
{
	segment->last_seq = tail->head.last_seq;
	segment->end = tail->end;
	segment->batch_bytes = tail->batch_bytes;
	log->head = tail->head;
	log->last_is_seal = tail->last_is_seal;
}

static enum cadre_status load_frames(struct load *load, struct cadre_segment *segment,
                                     struct cadre_window *window, struct cadre_error *err)
{
	struct cadre_tail *tail = load->tail;
	cadre_seq first_seq = segment->header.first_seq;
	enum cadre_status status;

	cadre_tail_init(tail, &segment->header);
	status = cadre_tail_scan(tail, window, &segment->header, err);
	if (status != CADRE_OK)
		return status;
	keep_tail(load->log, segment, tail);
	if (tail->state == CADRE_CORRUPT)
		return damaged(load, first_seq, tail->end, tail->last_bad, tail->message,
		               err);
	if (load->following > 0 && tail->state == CADRE_TORN)
		return damaged(load, first_seq, tail->end, 0, tail->message, err);
	if (load->following > 0 && tail->head.last_seq + 1 != load->following)
		return damaged(load, first_seq, tail->end, 0,
		               "ends before the next segment starts", err);
	return CADRE_OK;
}

void cadre_log_take_footer(struct cadre_log_head *head, struct cadre_segment *segment,
                           const struct cadre_sealed_footer *footer, uint64_t file_bytes)
{
	segment->last_seq = footer->last_seq;
	segment->end = file_bytes;
	segment->batch_bytes = footer->batch_bytes;
	head->last_seq = footer->last_seq;
	head->epoch = footer->epoch;
	head->time_ms = footer->time_ms;
	head->chain = footer->chain;
	if (footer->commit_seq > head->commit_seq)
		head->commit_seq = footer->commit_seq;
}

/* Trusts the footer; takes the window's file. */
static enum cadre_status load_sealed(struct load *load, struct cadre_segment *segment,
                                     struct cadre_window *window, struct cadre_error *err)
{
	struct cadre_log_head *head = &load->log->head;
	struct cadre_error why = CADRE_ERROR_INIT;
	struct cadre_sealed sealed;
	const struct cadre_sealed_footer *footer = &sealed.footer;
	uint64_t offset;
	cadre_seq first_seq = segment->header.first_seq;
	struct cadre_file *file = window->file;
	enum cadre_status status;

	window->file = NULL;
	status = cadre_sealed_open(&sealed, file, window->limit, &offset, &why);
	if (status == CADRE_CORRUPT)
		status = damaged(load, first_seq, offset, 0, why.message, err);
	else if (status != CADRE_OK && err)
		*err = why;
	else if (footer->first_seq != first_seq)
		status = damaged(load, first_seq, offset, 0, "footer of another segment",
		                 err);
	if (status == CADRE_OK)
		cadre_log_take_footer(head, segment, footer, window->limit);
	cadre_sealed_fini(&sealed);
	return status;
}

/* The segment continues where the one before ended. */
static enum cadre_status check_link(struct load *load,
                                    const struct cadre_segment *segment,
                                    struct cadre_error *err)
{
	const struct cadre_log_head *head = &load->log->head;
	const struct cadre_segment_header *header = &segment->header;

	if (load->log->count == 0) {
		load->log->head.last_seq = header->first_seq - 1;
		return CADRE_OK;
	}
	if (memcmp(head->chain.bytes, header->chain.bytes, sizeof head->chain.bytes) != 0)
		return damaged(load, header->first_seq, 0, 0,
		               "its chain does not follow from the segment before", err);
	return CADRE_OK;
}

static enum cadre_status load_segment(struct load *load, cadre_seq first_seq,
                                      struct cadre_error *err)
{
	struct cadre_log *log = load->log;
	struct cadre_error why = CADRE_ERROR_INIT;
	struct cadre_window window;
	struct cadre_segment *segment;
	enum cadre_status status;

	if (log->count > 0 && first_seq != log->head.last_seq + 1) {
		cadre_seq missing = log->head.last_seq + 1;
		load->following = first_seq;
		return damaged(load, missing, 0, 0, "the segment is missing", err);
	}
	status = cadre_log_reserve_segment(log, err);
	if (status != CADRE_OK)
		return status;
	segment = &log->segments[log->count];
	memset(segment, 0, sizeof *segment);
	status = cadre_log_open_segment(log, first_seq, &window, &segment->header, &why);
	if (status == CADRE_CORRUPT)
		return damaged(load, first_seq, 0, 0, why.message, err);
	if (status != CADRE_OK) {
		if (err)
			*err = why;
		return status;
	}
	status = check_link(load, segment, err);
	if (status == CADRE_OK) {
		segment->last_seq = first_seq - 1;
		segment->end = CADRE_LOG_BLOCK_BYTES;
		log->count++;
		status = segment->header.sealed
		                 ? load_sealed(load, segment, &window, err)
		                 : load_frames(load, segment, &window, err);
	}
	cadre_window_fini(&window);
	return status;
}

enum cadre_status cadre_log_load(struct cadre_log *log, cadre_seq durable_floor,
                                 struct cadre_tail *ret_tail,
                                 struct cadre_log_report *report, struct cadre_error *err)
{
	struct cadre_log_names names;
	struct load load = { log, ret_tail, report, durable_floor, 0 };
	enum cadre_status status = cadre_log_list(log, &names, err);

	report->segments = names.count;
	for (size_t i = 0; status == CADRE_OK && i < names.count; i++) {
		load.following = i + 1 < names.count ? names.first_seqs[i + 1] : 0;
		status = load_segment(&load, names.first_seqs[i], err);
	}
	if (status == CADRE_OK && log->head.last_seq < durable_floor) {
		struct cadre_segment *last = cadre_log_last_segment(log);
		status = damaged(&load, last ? last->header.first_seq : 1,
		                 last ? last->end : 0, durable_floor,
		                 "seqs known to be durable are missing", err);
	}
	cadre_log_names_fini(&names);
	return status;
}
