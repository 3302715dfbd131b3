#include "engine/base/checksum.h"
#include "engine/views/rowio.h"

static enum cadre_status compare_digest(const struct cadre_view *view,
                                        struct cadre_hash128 counted,
                                        struct cadre_error *err)
{
	char head[33], rows[33];

	if (cadre_hash128_equal(counted, view->head.digest))
		return CADRE_OK;
	cadre_hash128_format(view->head.digest, head);
	cadre_hash128_format(counted, rows);
	return cadre_error_set(err, CADRE_DIVERGED,
	                       "digest at seq %llu is %s, the rows make %s",
	                       (unsigned long long)view->head.applied_seq, head, rows);
}

/* Checks one row and adds its term. */
static enum cadre_status count_row(struct cadre_slice key, struct cadre_slice stored,
                                   struct cadre_buffer *term,
                                   struct cadre_hash128 *digest, struct cadre_error *err)
{
	struct cadre_slice value;

	if (cadre_row_check(key, stored, &value) != CADRE_OK)
		return cadre_row_damaged(key, "checksum differs", err);
	if (!cadre_row_in_digest((char)key.data[0]))
		return CADRE_OK;
	cadre_buffer_clear(term);
	if (cadre_buffer_append(term, key.data, key.length) != CADRE_OK ||
	    cadre_buffer_append(term, value.data, value.length) != CADRE_OK)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY,
		                       "no memory for a row of %zu bytes", value.length);
	*digest = cadre_hash128_add(*digest, cadre_xxh128(term->data, term->length));
	return CADRE_OK;
}

/* The map has no words of its own for a page that is damaged. */
static enum cadre_status next_row(struct cadre_kv_cursor *cursor,
                                  struct cadre_slice *ret_key,
                                  struct cadre_slice *ret_stored, struct cadre_error *err)
{
	enum cadre_status status = cadre_kv_next(cursor, ret_key, ret_stored);

	if (status == CADRE_OK || status == CADRE_END)
		return status;
	return cadre_error_set(err, status, "the rows cannot be read to the end");
}

enum cadre_status cadre_view_recount(struct cadre_view *view, uint64_t *ret_rows,
                                     struct cadre_error *err)
{
	struct cadre_hash128 digest = cadre_row_absent;
	struct cadre_buffer term = { NULL, 0, 0 };
	struct cadre_kv_cursor *cursor;
	struct cadre_slice key, stored;
	uint64_t rows = 0;
	static const uint8_t first[1] = { 0 };
	enum cadre_status status = cadre_kv_cursor_open(view->txn, &cursor, err);

	if (status != CADRE_OK)
		return status;
	status = cadre_kv_seek(cursor, cadre_slice(first, 1), &key, &stored);
	while (status == CADRE_OK) {
		rows++;
		status = count_row(key, stored, &term, &digest, err);
		if (status == CADRE_OK)
			status = next_row(cursor, &key, &stored, err);
	}
	cadre_kv_cursor_close(cursor);
	cadre_buffer_fini(&term);
	if (status != CADRE_END)
		return status;
	*ret_rows = rows;
	return compare_digest(view, digest, err);
}
