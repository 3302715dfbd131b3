#include "engine/views/rowio.h"

#include "proto/codec/codec.h"

const struct cadre_hash128 cadre_row_absent = { 0, 0 };

enum cadre_status cadre_row_damaged(struct cadre_slice key, const char *how,
                                    struct cadre_error *err)
{
	char hex[65];
	size_t rest = key.length > 0 ? key.length - 1 : 0;

	cadre_hex_encode(key.data + 1, rest < 32 ? rest : 32, hex);
	return cadre_error_set(err, CADRE_CORRUPT, "row \"%c %s%s\": %s",
	                       key.length > 0 ? key.data[0] : '?', hex,
	                       rest > 32 ? "..." : "", how);
}

static enum cadre_status check(struct cadre_slice key, struct cadre_slice stored,
                               struct cadre_slice *ret_value, struct cadre_error *err)
{
	if (cadre_row_check(key, stored, ret_value) != CADRE_OK)
		return cadre_row_damaged(key, "checksum differs", err);
	return CADRE_OK;
}

enum cadre_status cadre_row_get(struct cadre_view *view, const struct cadre_row_key *key,
                                struct cadre_slice *ret_value, struct cadre_error *err)
{
	struct cadre_slice stored;
	enum cadre_status status = cadre_kv_get(view->txn, cadre_row_key_slice(key),
	                                        &stored);

	if (status == CADRE_NOT_FOUND)
		return status;
	if (status != CADRE_OK)
		return cadre_error_set(err, status, "reading the views");
	return check(cadre_row_key_slice(key), stored, ret_value, err);
}

enum cadre_status cadre_row_unpack(const struct cadre_row_key *key,
                                   const ProtobufCMessageDescriptor *type,
                                   struct cadre_slice value, struct cadre_arena *arena,
                                   ProtobufCMessage **ret_message,
                                   struct cadre_error *err)
{
	ProtobufCMessage *message = protobuf_c_message_unpack(
	        type, cadre_arena_allocator(arena), value.length, value.data);

	if (message) {
		*ret_message = message;
		return CADRE_OK;
	}
	if (arena->failure == CADRE_ARENA_AT_CAP)
		return cadre_error_set(err, CADRE_TOO_LARGE,
		                       "%s: needs more than %zu bytes of memory",
		                       type->short_name, arena->bytes_max);
	if (arena->failure == CADRE_ARENA_NO_MEMORY)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY, "%s: out of memory",
		                       type->short_name);
	return cadre_row_damaged(cadre_row_key_slice(key), "not a valid message", err);
}

/* The scratch holds key and value side by side, as checksum and digest want them. */
static enum cadre_status scratch_start(struct cadre_view *view,
                                       const struct cadre_row_key *key,
                                       struct cadre_error *err)
{
	cadre_buffer_clear(&view->scratch);
	if (cadre_buffer_append(&view->scratch, key->bytes, key->length) != CADRE_OK)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY, "no memory for a row");
	return CADRE_OK;
}

static enum cadre_status scratch_add(struct cadre_view *view, const void *data,
                                     size_t length, struct cadre_error *err)
{
	if (cadre_buffer_append(&view->scratch, data, length) != CADRE_OK)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY,
		                       "no memory for a row of %zu bytes", length);
	return CADRE_OK;
}

enum cadre_status cadre_row_term(struct cadre_view *view, const struct cadre_row_key *key,
                                 struct cadre_slice value, struct cadre_hash128 *ret_term,
                                 struct cadre_error *err)
{
	enum cadre_status status;

	*ret_term = cadre_row_absent;
	if (!cadre_row_in_digest((char)key->bytes[0]))
		return CADRE_OK;
	status = scratch_start(view, key, err);
	if (status == CADRE_OK)
		status = scratch_add(view, value.data, value.length, err);
	if (status == CADRE_OK)
		*ret_term = cadre_xxh128(view->scratch.data, view->scratch.length);
	return status;
}

static enum cadre_status stored_term(struct cadre_view *view,
                                     const struct cadre_row_key *key,
                                     struct cadre_hash128 *ret_term,
                                     struct cadre_error *err)
{
	struct cadre_slice value;
	enum cadre_status status = cadre_row_get(view, key, &value, err);

	if (status == CADRE_OK)
		return cadre_row_term(view, key, value, ret_term, err);
	return status;
}

/* The old row's term for a put: absent is fine there. */
static enum cadre_status replaced_term(struct cadre_view *view,
                                       const struct cadre_row_key *key,
                                       struct cadre_hash128 *ret_term,
                                       struct cadre_error *err)
{
	enum cadre_status status;

	*ret_term = cadre_row_absent;
	if (!cadre_row_in_digest((char)key->bytes[0]))
		return CADRE_OK;
	status = stored_term(view, key, ret_term, err);
	return status == CADRE_NOT_FOUND ? CADRE_OK : status;
}

/* Writes what the scratch holds behind the key. */
static enum cadre_status put_scratch(struct cadre_view *view,
                                     const struct cadre_row_key *key,
                                     const struct cadre_hash128 *old_term,
                                     struct cadre_error *err)
{
	struct cadre_buffer *row = &view->scratch;
	struct cadre_hash128 digest = view->head.digest;
	enum cadre_status status;
	uint8_t crc[CADRE_ROW_CRC_BYTES];

	if (cadre_row_in_digest((char)key->bytes[0])) {
		digest = cadre_hash128_sub(digest, *old_term);
		digest = cadre_hash128_add(digest, cadre_xxh128(row->data, row->length));
	}
	cadre_put_le32(crc, cadre_crc32c(0, row->data, row->length));
	status = scratch_add(view, crc, sizeof crc, err);
	if (status != CADRE_OK)
		return status;
	status = cadre_kv_put(
	        view->txn, cadre_slice(row->data, key->length),
	        cadre_slice(row->data + key->length, row->length - key->length),
	        CADRE_KV_PUT, err);
	if (status != CADRE_OK)
		return status;
	view->head.digest = digest;
	view->rows_written++;
	view->bytes_written += row->length;
	return CADRE_OK;
}

enum cadre_status cadre_row_put(struct cadre_view *view, const struct cadre_row_key *key,
                                struct cadre_slice value,
                                const struct cadre_hash128 *old_term,
                                struct cadre_error *err)
{
	struct cadre_hash128 replaced;
	enum cadre_status status = CADRE_OK;

	if (!old_term) {
		status = replaced_term(view, key, &replaced, err);
		old_term = &replaced;
	}
	if (status == CADRE_OK)
		status = scratch_start(view, key, err);
	if (status == CADRE_OK && value.length > 0)
		status = scratch_add(view, value.data, value.length, err);
	if (status == CADRE_OK)
		status = put_scratch(view, key, old_term, err);
	return status;
}

enum cadre_status cadre_row_put_message(struct cadre_view *view,
                                        const struct cadre_row_key *key,
                                        const ProtobufCMessage *message,
                                        const struct cadre_hash128 *old_term,
                                        struct cadre_error *err)
{
	struct cadre_hash128 replaced;
	enum cadre_status status = CADRE_OK;

	if (!old_term) {
		status = replaced_term(view, key, &replaced, err);
		old_term = &replaced;
	}
	if (status == CADRE_OK)
		status = scratch_start(view, key, err);
	if (status == CADRE_OK)
		status = cadre_pack(message, &view->scratch, err);
	if (status == CADRE_OK)
		status = put_scratch(view, key, old_term, err);
	return status;
}

enum cadre_status cadre_row_del(struct cadre_view *view, const struct cadre_row_key *key,
                                struct cadre_error *err)
{
	struct cadre_hash128 term;
	enum cadre_status status = stored_term(view, key, &term, err);

	if (status != CADRE_OK)
		return status;
	status = cadre_kv_del(view->txn, cadre_row_key_slice(key), err);
	if (status != CADRE_OK)
		return status;
	view->head.digest = cadre_hash128_sub(view->head.digest, term);
	view->rows_written++;
	return CADRE_OK;
}

enum cadre_status cadre_view_cursor(struct cadre_view *view,
                                    struct cadre_kv_cursor **ret_cursor,
                                    struct cadre_error *err)
{
	enum cadre_status status = CADRE_OK;

	if (!view->cursor)
		status = cadre_kv_cursor_open(view->txn, &view->cursor, err);
	*ret_cursor = view->cursor;
	return status;
}

enum cadre_status cadre_row_seek(struct cadre_view *view, const struct cadre_row_key *key,
                                 size_t prefix_length, struct cadre_slice *ret_key,
                                 struct cadre_slice *ret_value, struct cadre_error *err)
{
	struct cadre_kv_cursor *cursor;
	struct cadre_slice stored;
	enum cadre_status status = cadre_view_cursor(view, &cursor, err);

	if (status != CADRE_OK)
		return status;
	status = cadre_kv_seek(cursor, cadre_row_key_slice(key), ret_key, &stored);
	if (status == CADRE_END)
		return CADRE_NOT_FOUND;
	if (status != CADRE_OK)
		return cadre_error_set(err, status, "reading the views");
	if (ret_key->length < prefix_length ||
	    memcmp(ret_key->data, key->bytes, prefix_length) != 0)
		return CADRE_NOT_FOUND;
	return check(*ret_key, stored, ret_value, err);
}

/* ---- walks ---- */

enum cadre_status cadre_row_walk_init(struct cadre_row_walk *walk,
                                      struct cadre_view *view,
                                      const struct cadre_row_key *prefix,
                                      struct cadre_slice behind, bool backward,
                                      struct cadre_error *err)
{
	walk->cursor = NULL;
	walk->prefix = *prefix;
	walk->from = *prefix;
	walk->backward = backward;
	walk->started = false;
	if (behind.length > CADRE_KV_KEY_BYTES_MAX - prefix->length)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "page position of %zu bytes, at most %zu",
		                       behind.length,
		                       CADRE_KV_KEY_BYTES_MAX - prefix->length);
	cadre_row_key_bytes(&walk->from, behind.data, behind.length);
	/* Backward from the end: the first key that sorts behind the prefix. The
	 * first byte is a table's letter, so the carry always ends. */
	if (backward && behind.length == 0) {
		while (walk->from.bytes[walk->from.length - 1] == 0xff)
			walk->from.length--;
		walk->from.bytes[walk->from.length - 1]++;
	}
	return cadre_kv_cursor_open(view->txn, &walk->cursor, err);
}

static enum cadre_status walk_start(struct cadre_row_walk *walk, struct cadre_slice *key,
                                    struct cadre_slice *stored)
{
	struct cadre_slice from = cadre_row_key_slice(&walk->from);
	enum cadre_status status;

	walk->started = true;
	if (walk->backward)
		return cadre_kv_seek_before(walk->cursor, from, key, stored);
	status = cadre_kv_seek(walk->cursor, from, key, stored);
	if (status == CADRE_OK && walk->from.length > walk->prefix.length &&
	    cadre_slice_equal(*key, from))
		status = cadre_kv_next(walk->cursor, key, stored);
	return status;
}

static enum cadre_status walk_step(struct cadre_row_walk *walk, struct cadre_slice *key,
                                   struct cadre_slice *stored)
{
	if (!walk->started)
		return walk_start(walk, key, stored);
	return walk->backward ? cadre_kv_prev(walk->cursor, key, stored)
	                      : cadre_kv_next(walk->cursor, key, stored);
}

enum cadre_status cadre_row_walk_next(struct cadre_row_walk *walk,
                                      struct cadre_slice *ret_rest,
                                      struct cadre_slice *ret_value,
                                      struct cadre_error *err)
{
	const struct cadre_row_key *prefix = &walk->prefix;
	struct cadre_slice key, stored;
	enum cadre_status status = walk_step(walk, &key, &stored);

	if (status == CADRE_END)
		return status;
	if (status != CADRE_OK)
		return cadre_error_set(err, status, "reading the views");
	if (key.length < prefix->length ||
	    memcmp(key.data, prefix->bytes, prefix->length) != 0)
		return CADRE_END;
	*ret_rest = cadre_slice(key.data + prefix->length, key.length - prefix->length);
	return check(key, stored, ret_value, err);
}

void cadre_row_walk_fini(struct cadre_row_walk *walk)
{
	cadre_kv_cursor_close(walk->cursor);
	walk->cursor = NULL;
}
