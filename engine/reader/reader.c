/*
 * Normal sequence of a call: look at the control page (state, generation), begin
 * a snapshot (renew), look up, copy out, give the snapshot back (reset). No lock
 * is taken and nothing is allocated.
 *
 * A new generation: the old environment is closed, the new one opened, and scopes
 * find their targets again. A state other than SERVING answers with why, and the
 * page is mapped anew: a restored data directory brings a new file.
 *
 * A daemon that was killed leaves SERVING behind: the views are whole, calls go
 * on, and cadre_reader_position() shows how old they get.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/reader/internal.h"

/* A generation can be replaced between the look at the page and the open. */
#define OPEN_TRIES 8

/* Of opens that failed: there is no reader yet to ask. */
static _Thread_local struct cadre_error open_error;

int reader_result(enum cadre_status status)
{
	switch ((int)status) {
	case CADRE_OK:
		return CADRE_READER_OK;
	case CADRE_NOT_FOUND:
	case CADRE_END:
		return CADRE_READER_NOT_FOUND;
	case CADRE_DIVERGED:
		return CADRE_READER_DIVERGED;
	case CADRE_LAGGING:
		return CADRE_READER_LAGGING;
	case CADRE_CORRUPT:
		return CADRE_READER_CORRUPT;
	case CADRE_INVALID_PARAMETER:
		return CADRE_READER_INVALID;
	case CADRE_OUT_OF_MEMORY:
		return CADRE_READER_NO_MEMORY;
	case CADRE_TOO_LARGE:
		return CADRE_READER_TOO_SMALL;
	default:
		return CADRE_READER_UNAVAILABLE;
	}
}

/* ---- the views behind a reader ---- */

static void close_views(struct cadre_reader *reader)
{
	cadre_kv_cursor_close(reader->view.cursor);
	cadre_kv_abort(reader->view.txn);
	memset(&reader->view, 0, sizeof reader->view);
	shared_views_unref(reader->views);
	reader->views = NULL;
	reader_scopes_forget(reader);
}

static enum cadre_status open_views(struct cadre_reader *reader, uint64_t generation)
{
	struct cadre_view *view = &reader->view;
	struct cadre_error *err = &reader->err;
	enum cadre_status status;

	close_views(reader);
	status = shared_views_ref(reader->views_dir, generation, &reader->views, err);
	if (status != CADRE_OK)
		return status;
	view->kv = reader->views->kv;
	view->arena = &reader->arena;
	status = cadre_kv_begin(view->kv, CADRE_KV_READ, &view->txn, err);
	if (status == CADRE_OK)
		status = cadre_kv_cursor_open(view->txn, &view->cursor, err);
	if (status != CADRE_OK) {
		close_views(reader);
		return status;
	}
	cadre_kv_reset(view->txn);
	reader->generation = generation;
	return CADRE_OK;
}

static enum cadre_status say_state(uint32_t state, struct cadre_error *err)
{
	switch (state) {
	case CADRE_CONTROL_SERVING:
		return CADRE_OK;
	case CADRE_CONTROL_REBUILDING:
		return cadre_error_set(
		        err, CADRE_UNAVAILABLE,
		        "the daemon is making the views ready: ask again, or "
		        "another node by RPC");
	case CADRE_CONTROL_DIVERGED:
		return cadre_error_set(
		        err, CADRE_DIVERGED,
		        "this node's views differ from its leader's and must "
		        "not be believed: ask another node by RPC");
	default:
		return cadre_error_set(
		        err, CADRE_UNAVAILABLE,
		        "the daemon is not running (closed clean): start it, "
		        "or ask another node by RPC");
	}
}

static enum cadre_status map_control(struct cadre_reader *reader)
{
	struct cadre_control control;
	struct cadre_error *err = &reader->err;
	enum cadre_status status = shared_views_permission(reader->views_dir, "control",
	                                                   R_OK, err);

	if (status == CADRE_OK)
		status = cadre_control_open(cadre_env_real(), reader->views_dir, &control,
		                            err);
	if (status != CADRE_OK)
		return status;
	if (reader->control.file)
		cadre_control_close(&reader->control);
	reader->control = control;
	return CADRE_OK;
}

/* What the page of a moment ago said did not hold: look at it anew. */
static enum cadre_status follow_control(struct cadre_reader *reader)
{
	enum cadre_status status = CADRE_OK;

	for (int i = 0; i < OPEN_TRIES; i++) {
		const struct cadre_control_page *page;
		uint64_t generation;

		status = map_control(reader);
		if (status != CADRE_OK)
			return status;
		page = reader->control.page;
		status = say_state(atomic_load(&page->state), &reader->err);
		if (status != CADRE_OK)
			return status;
		generation = atomic_load(&page->generation);
		if (reader->views && generation == reader->generation)
			return CADRE_OK;
		status = open_views(reader, generation);
		if (status != CADRE_UNAVAILABLE)
			return status;
	}
	return status;
}

/* Acquire: the snapshot's begin does not move before these (scope.c says why). */
static void load_position(struct cadre_reader *reader)
{
	const struct cadre_control_page *page = reader->control.page;

	reader->applied_seq = atomic_load_explicit(&page->applied_seq,
	                                           memory_order_acquire);
	reader->watermark_ms = atomic_load_explicit(&page->watermark_ms,
	                                            memory_order_acquire);
	reader->pointer_epoch = atomic_load_explicit(&page->pointer_epoch,
	                                             memory_order_acquire);
}

enum cadre_status reader_enter(struct cadre_reader *reader)
{
	const struct cadre_control_page *page = reader->control.page;
	struct cadre_view *view = &reader->view;
	enum cadre_status status = CADRE_OK;

	reader->err.status = CADRE_OK;
	reader->err.message[0] = '\0';
	if (!reader->views ||
	    atomic_load_explicit(&page->state, memory_order_acquire) !=
	            CADRE_CONTROL_SERVING ||
	    atomic_load_explicit(&page->generation, memory_order_acquire) !=
	            reader->generation)
		status = follow_control(reader);
	if (status != CADRE_OK)
		return status;
	load_position(reader);
	status = cadre_kv_renew(view->txn, &reader->err);
	if (status != CADRE_OK)
		return status;
	status = cadre_kv_cursor_renew(view->cursor, view->txn);
	if (status != CADRE_OK)
		cadre_kv_reset(view->txn);
	return status;
}

void reader_leave(struct cadre_reader *reader)
{
	cadre_kv_reset(reader->view.txn);
}

/* ---- the public calls ---- */

static enum cadre_status find_views_dir(const char *data_dir, struct cadre_reader *reader)
{
	char path[READER_PATH_BYTES];
	char *real;

	if (snprintf(path, sizeof path, "%s/views", data_dir) >= (int)sizeof path)
		return cadre_error_set(&reader->err, CADRE_INVALID_PARAMETER,
		                       "\"%.64s...\": path longer than %u bytes",
		                       data_dir, READER_PATH_BYTES - 1);
	/* One name for one directory: it is the key of the shared environments. */
	real = realpath(path, NULL);
	if (!real)
		return cadre_error_set(
		        &reader->err, CADRE_UNAVAILABLE,
		        "no \"%s\": no daemon has served this directory yet", path);
	(void)snprintf(reader->views_dir, sizeof reader->views_dir, "%s", real);
	free(real);
	return CADRE_OK;
}

static int open_reader(const char *data_dir, const char *views_dir,
                       struct cadre_reader **ret_reader)
{
	struct cadre_reader *reader = calloc(1, sizeof *reader);
	enum cadre_status status = CADRE_OK;

	if (!reader) {
		cadre_error_set(&open_error, CADRE_OUT_OF_MEMORY,
		                "no memory for a reader");
		return CADRE_READER_NO_MEMORY;
	}
	cadre_arena_init(&reader->arena, READER_ARENA_BYTES);
	if (data_dir)
		status = find_views_dir(data_dir, reader);
	else
		(void)snprintf(reader->views_dir, sizeof reader->views_dir, "%s",
		               views_dir);
	if (status == CADRE_OK)
		status = map_control(reader);
	if (status == CADRE_OK)
		status = reader_enter(reader);
	if (status == CADRE_OK) {
		reader_leave(reader);
		*ret_reader = reader;
		return CADRE_READER_OK;
	}
	open_error = reader->err;
	cadre_reader_close(reader);
	return reader_result(status);
}

int cadre_reader_open(const char *data_dir, struct cadre_reader **ret_reader)
{
	if (!data_dir || !ret_reader) {
		cadre_error_set(&open_error, CADRE_INVALID_PARAMETER, "a NULL argument");
		return CADRE_READER_INVALID;
	}
	return open_reader(data_dir, NULL, ret_reader);
}

int cadre_reader_clone(struct cadre_reader *reader, struct cadre_reader **ret_reader)
{
	if (!reader || !ret_reader) {
		cadre_error_set(&open_error, CADRE_INVALID_PARAMETER, "a NULL argument");
		return CADRE_READER_INVALID;
	}
	return open_reader(NULL, reader->views_dir, ret_reader);
}

void cadre_reader_close(struct cadre_reader *reader)
{
	if (!reader)
		return;
	reader_scopes_free(reader);
	close_views(reader);
	if (reader->control.file)
		cadre_control_close(&reader->control);
	cadre_arena_fini(&reader->arena);
	free(reader);
}

const char *cadre_reader_message(const struct cadre_reader *reader)
{
	return reader ? reader->err.message : open_error.message;
}

int cadre_reader_position(struct cadre_reader *reader, uint64_t *ret_applied_seq,
                          uint64_t *ret_watermark_ms)
{
	enum cadre_status status;

	if (!reader)
		return CADRE_READER_INVALID;
	status = reader_enter(reader);
	if (status != CADRE_OK)
		return reader_result(status);
	reader_leave(reader);
	if (ret_applied_seq)
		*ret_applied_seq = reader->applied_seq;
	if (ret_watermark_ms)
		*ret_watermark_ms = reader->watermark_ms;
	return CADRE_READER_OK;
}
