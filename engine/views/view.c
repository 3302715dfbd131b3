/*
 * The transaction around the rows, and the meta row.
 *
 * meta value, little-endian: u64 applied seq, u64 epoch, u64 time ms, chain[32],
 * u64 digest low, u64 digest high, u32 schema.
 */
#include "engine/base/assert.h"
#include "engine/views/rowio.h"

#define META_BYTES 76u

static struct cadre_row_key meta_key(void)
{
	struct cadre_row_key key;

	cadre_row_key_init(&key, '0');
	cadre_row_key_bytes(&key, "meta", 4);
	return key;
}

static enum cadre_status read_head(struct cadre_view *view, struct cadre_error *err)
{
	struct cadre_row_key key = meta_key();
	struct cadre_view_head *head = &view->head;
	struct cadre_slice value;
	enum cadre_status status = cadre_row_get(view, &key, &value, err);

	if (status == CADRE_NOT_FOUND)
		return CADRE_OK;
	if (status != CADRE_OK)
		return status;
	if (value.length != META_BYTES)
		return cadre_row_damaged(cadre_row_key_slice(&key), "wrong size", err);
	head->applied_seq = cadre_get_le64(value.data);
	head->epoch = cadre_get_le64(value.data + 8);
	head->time_ms = cadre_get_le64(value.data + 16);
	memcpy(head->chain.bytes, value.data + 24, sizeof head->chain.bytes);
	head->digest.low = cadre_get_le64(value.data + 56);
	head->digest.high = cadre_get_le64(value.data + 64);
	head->schema = cadre_get_le32(value.data + 72);
	if (head->schema != CADRE_VIEWS_SCHEMA)
		return cadre_error_set(err, CADRE_CORRUPT,
		                       "views of schema %u, this build reads %u: rebuild",
		                       head->schema, CADRE_VIEWS_SCHEMA);
	return CADRE_OK;
}

static enum cadre_status write_head(struct cadre_view *view, struct cadre_error *err)
{
	struct cadre_row_key key = meta_key();
	struct cadre_view_head *head = &view->head;
	uint8_t value[META_BYTES];

	head->schema = CADRE_VIEWS_SCHEMA;
	cadre_put_le64(value, head->applied_seq);
	cadre_put_le64(value + 8, head->epoch);
	cadre_put_le64(value + 16, head->time_ms);
	memcpy(value + 24, head->chain.bytes, sizeof head->chain.bytes);
	cadre_put_le64(value + 56, head->digest.low);
	cadre_put_le64(value + 64, head->digest.high);
	cadre_put_le32(value + 72, head->schema);
	return cadre_row_put(view, &key, cadre_slice(value, sizeof value), NULL, err);
}

enum cadre_status cadre_view_begin(struct cadre_view *view, struct cadre_kv *kv,
                                   unsigned kv_flags, struct cadre_arena *arena,
                                   struct cadre_error *err)
{
	enum cadre_status status;

	*view = (struct cadre_view){
		.kv = kv,
		.arena = arena,
		.writable = kv_flags == CADRE_KV_WRITE,
	};
	status = cadre_kv_begin(kv, kv_flags, &view->txn, err);
	if (status != CADRE_OK)
		return status;
	status = read_head(view, err);
	if (status != CADRE_OK)
		cadre_view_abort(view);
	return status;
}

/* Cursors do not outlive their transaction, nor may one be open beside a nested
 * one. */
static void close_cursor(struct cadre_view *view)
{
	cadre_kv_cursor_close(view->cursor);
	view->cursor = NULL;
}

static void restore(struct cadre_view *view, const struct cadre_view_mark *saved)
{
	view->txn = saved->outer;
	view->head = saved->head;
	view->pointers_changed = saved->pointers_changed;
	view->oldest_token_ms = saved->oldest_token_ms;
}

enum cadre_status cadre_view_mark(struct cadre_view *view, struct cadre_view_mark *saved,
                                  struct cadre_error *err)
{
	CADRE_ASSERT(view->writable);
	close_cursor(view);
	saved->outer = view->txn;
	saved->head = view->head;
	saved->pointers_changed = view->pointers_changed;
	saved->oldest_token_ms = view->oldest_token_ms;
	return cadre_kv_begin_nested(saved->outer, &view->txn, err);
}

enum cadre_status cadre_view_keep(struct cadre_view *view, struct cadre_view_mark *saved,
                                  struct cadre_error *err)
{
	enum cadre_status status;

	close_cursor(view);
	status = cadre_kv_commit(view->txn, err);
	if (status == CADRE_OK)
		view->txn = saved->outer;
	else
		restore(view, saved);
	return status;
}

void cadre_view_undo(struct cadre_view *view, struct cadre_view_mark *saved)
{
	close_cursor(view);
	cadre_kv_abort(view->txn);
	restore(view, saved);
}

enum cadre_status cadre_view_commit(struct cadre_view *view, struct cadre_error *err)
{
	enum cadre_status status;

	CADRE_ASSERT(view->writable);
	close_cursor(view);
	status = write_head(view, err);
	if (status != CADRE_OK) {
		cadre_view_abort(view);
		return status;
	}
	status = cadre_kv_commit(view->txn, err);
	view->txn = NULL;
	cadre_buffer_fini(&view->scratch);
	return status;
}

void cadre_view_abort(struct cadre_view *view)
{
	close_cursor(view);
	cadre_kv_abort(view->txn);
	view->txn = NULL;
	cadre_buffer_fini(&view->scratch);
}

void cadre_view_reset(struct cadre_view *view)
{
	CADRE_ASSERT(!view->writable);
	cadre_kv_reset(view->txn);
}

enum cadre_status cadre_view_renew(struct cadre_view *view, struct cadre_error *err)
{
	enum cadre_status status = cadre_kv_renew(view->txn, err);

	memset(&view->head, 0, sizeof view->head);
	if (status == CADRE_OK && view->cursor)
		status = cadre_kv_cursor_renew(view->cursor, view->txn);
	if (status == CADRE_OK)
		status = read_head(view, err);
	if (status != CADRE_OK)
		cadre_view_abort(view);
	return status;
}
