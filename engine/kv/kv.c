/*
 * The caller's side of kv.h, checked once for both kinds: lifetimes are
 * assertions, key lengths are statuses. The rest is one call through `ops`.
 */
#include "engine/kv/kv.h"

#include "engine/base/assert.h"
#include "engine/kv/kv_ops.h"

static bool key_fits(struct cadre_slice key)
{
	return key.length - 1 < CADRE_KV_KEY_BYTES_MAX;
}

static enum cadre_status refuse_key(struct cadre_slice key, struct cadre_error *err)
{
	return cadre_error_set(err, CADRE_INVALID_PARAMETER,
	                       "key of %zu bytes, must be 1 to %d bytes", key.length,
	                       CADRE_KV_KEY_BYTES_MAX);
}

void cadre_kv_close(struct cadre_kv *kv)
{
	if (!kv)
		return;
	CADRE_ASSERT(atomic_load(&kv->open_txns) == 0);
	kv->ops->close(kv);
}

static enum cadre_status begin(struct cadre_kv *kv, struct cadre_kv_txn *parent,
                               bool write, struct cadre_kv_txn **ret_txn,
                               struct cadre_error *err)
{
	struct cadre_kv_txn *txn;
	enum cadre_status status = kv->ops->begin(kv, parent, write, &txn, err);

	if (status != CADRE_OK)
		return status;
	txn->ops = kv->ops;
	txn->kv = kv;
	txn->parent = parent;
	txn->write = write;
	txn->usable = true;
	atomic_fetch_add(&kv->open_txns, 1);
	*ret_txn = txn;
	return CADRE_OK;
}

enum cadre_status cadre_kv_begin(struct cadre_kv *kv, unsigned flags,
                                 struct cadre_kv_txn **ret_txn, struct cadre_error *err)
{
	bool write = flags == CADRE_KV_WRITE;
	enum cadre_status status;

	CADRE_ASSERT(flags == CADRE_KV_READ || flags == CADRE_KV_WRITE);
	if (write && kv->read_only)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "a map opened read-only takes no writes");
	if (write) {
		/* LMDB would wait for itself forever. */
		bool second = atomic_exchange(&kv->writing, true);
		CADRE_ASSERT(!second);
	}
	status = begin(kv, NULL, write, ret_txn, err);
	if (status != CADRE_OK && write)
		atomic_store(&kv->writing, false);
	return status;
}

enum cadre_status cadre_kv_begin_nested(struct cadre_kv_txn *parent,
                                        struct cadre_kv_txn **ret_txn,
                                        struct cadre_error *err)
{
	enum cadre_status status;

	CADRE_ASSERT(parent->usable && parent->write);
	status = begin(parent->kv, parent, true, ret_txn, err);
	if (status == CADRE_OK)
		parent->usable = false;
	return status;
}

/* The books of a transaction that is about to be freed. */
static void leave(struct cadre_kv *kv, struct cadre_kv_txn *parent, bool write)
{
	if (parent) {
		parent->usable = true;
		parent->writes++;
	} else if (write) {
		atomic_store(&kv->writing, false);
	}
	atomic_fetch_sub(&kv->open_txns, 1);
}

enum cadre_status cadre_kv_commit(struct cadre_kv_txn *txn, struct cadre_error *err)
{
	struct cadre_kv *kv = txn->kv;
	struct cadre_kv_txn *parent = txn->parent;
	bool write = txn->write;
	enum cadre_status status;

	CADRE_ASSERT(txn->usable || !write);
	CADRE_ASSERT(txn->cursors == 0);
	status = txn->ops->commit(txn, err);
	leave(kv, parent, write);
	return status;
}

void cadre_kv_abort(struct cadre_kv_txn *txn)
{
	struct cadre_kv *kv;
	struct cadre_kv_txn *parent;
	bool write;

	if (!txn)
		return;
	kv = txn->kv;
	parent = txn->parent;
	write = txn->write;
	CADRE_ASSERT(txn->usable || !write);
	CADRE_ASSERT(txn->cursors == 0);
	txn->ops->abort(txn);
	leave(kv, parent, write);
}

void cadre_kv_reset(struct cadre_kv_txn *txn)
{
	CADRE_ASSERT(!txn->write);
	if (!txn->usable)
		return;
	txn->usable = false;
	txn->ops->reset(txn);
}

enum cadre_status cadre_kv_renew(struct cadre_kv_txn *txn, struct cadre_error *err)
{
	enum cadre_status status;

	CADRE_ASSERT(!txn->write && !txn->usable);
	status = txn->ops->renew(txn, err);
	txn->usable = status == CADRE_OK;
	txn->snapshot++;
	return status;
}

enum cadre_status cadre_kv_get(struct cadre_kv_txn *txn, struct cadre_slice key,
                               struct cadre_slice *ret_value)
{
	CADRE_ASSERT(txn->usable);
	if (!key_fits(key))
		return CADRE_INVALID_PARAMETER;
	return txn->ops->get(txn, key, ret_value);
}

enum cadre_status cadre_kv_reserve(struct cadre_kv_txn *txn, struct cadre_slice key,
                                   size_t length, unsigned flags, uint8_t **ret_value,
                                   struct cadre_error *err)
{
	CADRE_ASSERT(txn->usable && txn->write);
	CADRE_ASSERT(flags == CADRE_KV_PUT || flags == CADRE_KV_APPEND);
	if (!key_fits(key))
		return refuse_key(key, err);
	txn->writes++;
	return txn->ops->reserve(txn, key, length, flags, ret_value, err);
}

enum cadre_status cadre_kv_put(struct cadre_kv_txn *txn, struct cadre_slice key,
                               struct cadre_slice value, unsigned flags,
                               struct cadre_error *err)
{
	uint8_t *room;
	enum cadre_status status = cadre_kv_reserve(txn, key, value.length, flags, &room,
	                                            err);

	if (status == CADRE_OK && value.length > 0)
		memcpy(room, value.data, value.length);
	return status;
}

enum cadre_status cadre_kv_del(struct cadre_kv_txn *txn, struct cadre_slice key,
                               struct cadre_error *err)
{
	CADRE_ASSERT(txn->usable && txn->write);
	if (!key_fits(key))
		return refuse_key(key, err);
	txn->writes++;
	return txn->ops->del(txn, key, err);
}

enum cadre_status cadre_kv_sync(struct cadre_kv *kv, struct cadre_error *err)
{
	return kv->ops->sync(kv, err);
}

enum cadre_status cadre_kv_stat(struct cadre_kv *kv, struct cadre_kv_stat *ret_stat,
                                struct cadre_error *err)
{
	return kv->ops->stat(kv, ret_stat, err);
}

void cadre_kv_relax(struct cadre_kv *kv)
{
	if (kv->ops->relax)
		kv->ops->relax(kv);
}

enum cadre_status cadre_kv_reader_check(struct cadre_kv *kv, unsigned *ret_cleared,
                                        struct cadre_error *err)
{
	return kv->ops->reader_check(kv, ret_cleared, err);
}

enum cadre_status cadre_kv_copy(struct cadre_kv *kv, const char *path,
                                struct cadre_error *err)
{
	return kv->ops->copy(kv, path, err);
}

static void bind(struct cadre_kv_cursor *cursor, struct cadre_kv_txn *txn)
{
	cursor->txn = txn;
	cursor->snapshot = txn->snapshot;
	cursor->positioned = false;
}

enum cadre_status cadre_kv_cursor_open(struct cadre_kv_txn *txn,
                                       struct cadre_kv_cursor **ret_cursor,
                                       struct cadre_error *err)
{
	struct cadre_kv_cursor *cursor;
	enum cadre_status status;

	CADRE_ASSERT(txn->usable);
	status = txn->ops->cursor_open(txn, &cursor, err);
	if (status != CADRE_OK)
		return status;
	cursor->ops = txn->ops;
	bind(cursor, txn);
	txn->cursors++;
	*ret_cursor = cursor;
	return CADRE_OK;
}

void cadre_kv_cursor_close(struct cadre_kv_cursor *cursor)
{
	if (!cursor)
		return;
	cursor->txn->cursors--;
	cursor->ops->cursor_close(cursor);
}

enum cadre_status cadre_kv_cursor_renew(struct cadre_kv_cursor *cursor,
                                        struct cadre_kv_txn *txn)
{
	CADRE_ASSERT(txn->usable && !txn->write && !cursor->txn->write);
	CADRE_ASSERT(txn->kv == cursor->txn->kv);
	cursor->txn->cursors--;
	txn->cursors++;
	bind(cursor, txn);
	return cursor->ops->cursor_renew(cursor, txn);
}

/* A cursor whose transaction was renewed without it would read freed pages. */
static void check_bound(const struct cadre_kv_cursor *cursor)
{
	CADRE_ASSERT(cursor->txn->usable && cursor->snapshot == cursor->txn->snapshot);
}

static enum cadre_status seek_result(struct cadre_kv_cursor *cursor,
                                     enum cadre_status status)
{
	cursor->positioned = status == CADRE_OK;
	cursor->writes = cursor->txn->writes;
	return status;
}

enum cadre_status cadre_kv_seek(struct cadre_kv_cursor *cursor, struct cadre_slice key,
                                struct cadre_slice *ret_key,
                                struct cadre_slice *ret_value)
{
	check_bound(cursor);
	return seek_result(cursor, cursor->ops->seek(cursor, key, ret_key, ret_value));
}

enum cadre_status cadre_kv_seek_before(struct cadre_kv_cursor *cursor,
                                       struct cadre_slice key,
                                       struct cadre_slice *ret_key,
                                       struct cadre_slice *ret_value)
{
	check_bound(cursor);
	return seek_result(cursor,
	                   cursor->ops->seek_before(cursor, key, ret_key, ret_value));
}

enum cadre_status cadre_kv_next(struct cadre_kv_cursor *cursor,
                                struct cadre_slice *ret_key,
                                struct cadre_slice *ret_value)
{
	check_bound(cursor);
	if (!cursor->positioned)
		return CADRE_END;
	CADRE_ASSERT(cursor->writes == cursor->txn->writes);
	return seek_result(cursor, cursor->ops->next(cursor, ret_key, ret_value));
}

enum cadre_status cadre_kv_prev(struct cadre_kv_cursor *cursor,
                                struct cadre_slice *ret_key,
                                struct cadre_slice *ret_value)
{
	check_bound(cursor);
	if (!cursor->positioned)
		return CADRE_END;
	CADRE_ASSERT(cursor->writes == cursor->txn->writes);
	return seek_result(cursor, cursor->ops->prev(cursor, ret_key, ret_value));
}
