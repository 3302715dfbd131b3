/*
 * The map over LMDB: transactions, reads, writes, cursors.
 *
 * A failed put leaves LMDB's transaction broken: `failed` keeps the first cause,
 * commit reports it and undoes the transaction (a nested one alone). A commit
 * that cannot write its pages undoes itself and the map stays usable; one that
 * cannot write the meta page stops the environment: everything then answers
 * CADRE_CORRUPT until it is closed and opened again.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/base/assert.h"
#include "engine/kv/lmdb_env.h"

struct lmdb_txn {
	struct cadre_kv_txn base;
	MDB_txn *txn;
	MDB_dbi dbi;
	int failed; /* LMDB's code of the first failed write, 0: none */
	/* Stays at the end, so that appends need no search. LMDB does not move it
	 * when something else is written: that closes it. Ends with the transaction. */
	MDB_cursor *append;
};

struct lmdb_cursor {
	struct cadre_kv_cursor base;
	MDB_cursor *cursor;
};

/* `base` is the first member of each. */
static struct lmdb_kv *kv_of(struct cadre_kv *kv)
{
	return (struct lmdb_kv *)kv;
}

static struct lmdb_txn *txn_of(struct cadre_kv_txn *txn)
{
	return (struct lmdb_txn *)txn;
}

static MDB_cursor *cursor_of(struct cadre_kv_cursor *cursor)
{
	return ((struct lmdb_cursor *)cursor)->cursor;
}

static const char *path_of(const struct cadre_kv_txn *txn)
{
	return ((const struct lmdb_kv *)txn->kv)->path;
}

/* LMDB's values are not const; it only reads what it is given here. */
static MDB_val val_of(struct cadre_slice slice)
{
	MDB_val val = { .mv_size = slice.length,
		        .mv_data = (void *)(uintptr_t)slice.data };
	return val;
}

static struct cadre_slice slice_of(MDB_val val)
{
	return cadre_slice(val.mv_data, val.mv_size);
}

static void op_close(struct cadre_kv *kv)
{
	lmdb_env_close(kv_of(kv));
}

static void end_appending(struct lmdb_txn *txn)
{
	if (txn->append)
		mdb_cursor_close(txn->append);
	txn->append = NULL;
}

static enum cadre_status op_begin(struct cadre_kv *kv, struct cadre_kv_txn *parent,
                                  bool write, struct cadre_kv_txn **ret_txn,
                                  struct cadre_error *err)
{
	struct lmdb_kv *lmdb = kv_of(kv);
	struct lmdb_txn *txn = calloc(1, sizeof *txn);
	MDB_txn *parent_txn = parent ? txn_of(parent)->txn : NULL;
	unsigned flags = write ? 0 : MDB_RDONLY;
	int rc;

	CADRE_ASSERT(lmdb->pid == getpid());
	if (parent)
		end_appending(txn_of(parent));
	if (!txn)
		return cadre_error_errno(err, ENOMEM, "beginning in \"%s\"", lmdb->path);
	rc = mdb_txn_begin(lmdb->env, parent_txn, flags, &txn->txn);
	if (rc == MDB_READERS_FULL && mdb_reader_check(lmdb->env, NULL) == 0)
		rc = mdb_txn_begin(lmdb->env, parent_txn, flags, &txn->txn);
	if (rc != 0) {
		free(txn);
		return lmdb_error(err, rc, lmdb->path, "beginning a transaction");
	}
	txn->dbi = lmdb->dbi;
	*ret_txn = &txn->base;
	return CADRE_OK;
}

static enum cadre_status op_commit(struct cadre_kv_txn *base, struct cadre_error *err)
{
	struct lmdb_txn *txn = txn_of(base);
	const char *path = path_of(base);
	int rc = txn->failed;

	if (rc != 0)
		mdb_txn_abort(txn->txn);
	else
		rc = mdb_txn_commit(txn->txn);
	free(txn);
	return lmdb_error(err, rc, path, "committing");
}

static void op_abort(struct cadre_kv_txn *txn)
{
	mdb_txn_abort(txn_of(txn)->txn);
	free(txn_of(txn));
}

static void op_reset(struct cadre_kv_txn *txn)
{
	mdb_txn_reset(txn_of(txn)->txn);
}

static enum cadre_status op_renew(struct cadre_kv_txn *txn, struct cadre_error *err)
{
	int rc = mdb_txn_renew(txn_of(txn)->txn);

	return rc == 0 ? CADRE_OK : lmdb_error(err, rc, path_of(txn), "renewing");
}

static enum cadre_status op_get(struct cadre_kv_txn *base, struct cadre_slice key,
                                struct cadre_slice *ret_value)
{
	struct lmdb_txn *txn = txn_of(base);
	MDB_val key_val = val_of(key);
	MDB_val value;
	int rc = mdb_get(txn->txn, txn->dbi, &key_val, &value);

	if (rc != 0)
		return rc == MDB_NOTFOUND ? CADRE_NOT_FOUND : lmdb_status(rc);
	*ret_value = slice_of(value);
	return CADRE_OK;
}

/* An expected refusal leaves LMDB's transaction sound; anything else breaks it. */
static enum cadre_status write_result(struct lmdb_txn *txn, int rc, const char *what,
                                      struct cadre_error *err)
{
	if (rc == 0)
		return CADRE_OK;
	if (rc != MDB_NOTFOUND && rc != MDB_KEYEXIST && rc != MDB_BAD_VALSIZE &&
	    txn->failed == 0)
		txn->failed = rc;
	return lmdb_error(err, rc, path_of(&txn->base), what);
}

static enum cadre_status op_reserve(struct cadre_kv_txn *base, struct cadre_slice key,
                                    size_t length, unsigned flags, uint8_t **ret_value,
                                    struct cadre_error *err)
{
	struct lmdb_txn *txn = txn_of(base);
	MDB_val key_val = val_of(key);
	MDB_val value = { .mv_size = length };
	int rc = 0;

	if (flags & CADRE_KV_APPEND) {
		if (!txn->append)
			rc = mdb_cursor_open(txn->txn, txn->dbi, &txn->append);
		if (rc == 0)
			rc = mdb_cursor_put(txn->append, &key_val, &value,
			                    MDB_RESERVE | MDB_APPEND);
	} else {
		end_appending(txn);
		rc = mdb_put(txn->txn, txn->dbi, &key_val, &value, MDB_RESERVE);
	}

	if (rc == 0)
		*ret_value = value.mv_data;
	return write_result(txn, rc, "writing", err);
}

static enum cadre_status op_del(struct cadre_kv_txn *base, struct cadre_slice key,
                                struct cadre_error *err)
{
	struct lmdb_txn *txn = txn_of(base);
	MDB_val key_val = val_of(key);

	end_appending(txn);
	return write_result(txn, mdb_del(txn->txn, txn->dbi, &key_val, NULL), "deleting",
	                    err);
}

static enum cadre_status op_cursor_open(struct cadre_kv_txn *base,
                                        struct cadre_kv_cursor **ret_cursor,
                                        struct cadre_error *err)
{
	struct lmdb_txn *txn = txn_of(base);
	struct lmdb_cursor *cursor = calloc(1, sizeof *cursor);
	int rc = cursor ? mdb_cursor_open(txn->txn, txn->dbi, &cursor->cursor) : ENOMEM;

	if (rc != 0) {
		free(cursor);
		return lmdb_error(err, rc, path_of(base), "opening a cursor");
	}
	*ret_cursor = &cursor->base;
	return CADRE_OK;
}

static void op_cursor_close(struct cadre_kv_cursor *cursor)
{
	mdb_cursor_close(cursor_of(cursor));
	free(cursor);
}

static enum cadre_status op_cursor_renew(struct cadre_kv_cursor *cursor,
                                         struct cadre_kv_txn *txn)
{
	return lmdb_status(mdb_cursor_renew(txn_of(txn)->txn, cursor_of(cursor)));
}

static enum cadre_status entry_result(int rc, MDB_val key, MDB_val value,
                                      struct cadre_slice *ret_key,
                                      struct cadre_slice *ret_value)
{
	if (rc != 0)
		return rc == MDB_NOTFOUND ? CADRE_END : lmdb_status(rc);
	*ret_key = slice_of(key);
	*ret_value = slice_of(value);
	return CADRE_OK;
}

static enum cadre_status op_seek(struct cadre_kv_cursor *cursor, struct cadre_slice key,
                                 struct cadre_slice *ret_key,
                                 struct cadre_slice *ret_value)
{
	MDB_val key_val = val_of(key);
	MDB_val value = { 0 };
	int rc = mdb_cursor_get(cursor_of(cursor), &key_val, &value,
	                        key.length == 0 ? MDB_FIRST : MDB_SET_RANGE);

	return entry_result(rc, key_val, value, ret_key, ret_value);
}

static enum cadre_status op_seek_before(struct cadre_kv_cursor *cursor,
                                        struct cadre_slice key,
                                        struct cadre_slice *ret_key,
                                        struct cadre_slice *ret_value)
{
	MDB_cursor *at = cursor_of(cursor);
	MDB_val key_val = val_of(key);
	MDB_val value = { 0 };
	int rc = MDB_NOTFOUND;

	if (key.length > 0)
		rc = mdb_cursor_get(at, &key_val, &value, MDB_SET_RANGE);
	if (rc == 0)
		rc = mdb_cursor_get(at, &key_val, &value, MDB_PREV);
	else if (rc == MDB_NOTFOUND)
		rc = mdb_cursor_get(at, &key_val, &value, MDB_LAST);
	return entry_result(rc, key_val, value, ret_key, ret_value);
}

static enum cadre_status op_next(struct cadre_kv_cursor *cursor,
                                 struct cadre_slice *ret_key,
                                 struct cadre_slice *ret_value)
{
	MDB_val key = { 0 };
	MDB_val value = { 0 };
	int rc = mdb_cursor_get(cursor_of(cursor), &key, &value, MDB_NEXT);

	return entry_result(rc, key, value, ret_key, ret_value);
}

static enum cadre_status op_prev(struct cadre_kv_cursor *cursor,
                                 struct cadre_slice *ret_key,
                                 struct cadre_slice *ret_value)
{
	MDB_val key = { 0 };
	MDB_val value = { 0 };
	int rc = mdb_cursor_get(cursor_of(cursor), &key, &value, MDB_PREV);

	return entry_result(rc, key, value, ret_key, ret_value);
}

static enum cadre_status op_sync(struct cadre_kv *kv, struct cadre_error *err)
{
	int rc = mdb_env_sync(kv_of(kv)->env, 1);

	return lmdb_error(err, rc, kv_of(kv)->path, "syncing");
}

/* mdb_reader_list() prints a heading, then a line a slot in use that begins
 * with its process id. */
static int count_reader(const char *line, void *ctx)
{
	uint64_t *count = ctx;

	line += strspn(line, " ");
	if (*line >= '0' && *line <= '9')
		++*count;
	return 0;
}

static enum cadre_status op_stat(struct cadre_kv *kv, struct cadre_kv_stat *ret_stat,
                                 struct cadre_error *err)
{
	struct lmdb_kv *lmdb = kv_of(kv);
	uint64_t readers = 0;
	MDB_stat stat;
	MDB_envinfo info;
	int rc = mdb_env_stat(lmdb->env, &stat);

	if (rc == 0)
		rc = mdb_env_info(lmdb->env, &info);
	if (rc == 0 && mdb_reader_list(lmdb->env, count_reader, &readers) < 0)
		rc = EIO;
	if (rc != 0)
		return lmdb_error(err, rc, lmdb->path, "statistics");
	ret_stat->entries = stat.ms_entries;
	ret_stat->used_bytes = ((uint64_t)info.me_last_pgno + 1) * stat.ms_psize;
	ret_stat->readers = readers;
	ret_stat->txn_id = info.me_last_txnid;
	return CADRE_OK;
}

static enum cadre_status op_reader_check(struct cadre_kv *kv, unsigned *ret_cleared,
                                         struct cadre_error *err)
{
	int dead = 0;
	int rc = mdb_reader_check(kv_of(kv)->env, &dead);

	if (rc != 0)
		return lmdb_error(err, rc, kv_of(kv)->path, "checking readers");
	*ret_cleared = (unsigned)dead;
	return CADRE_OK;
}

static void op_relax(struct cadre_kv *kv)
{
	/* Not an error when refused: the pages then stay mapped. */
	if (kv_of(kv)->map)
		(void)madvise(kv_of(kv)->map, kv_of(kv)->map_length, MADV_DONTNEED);
}

static enum cadre_status op_copy(struct cadre_kv *kv, const char *path,
                                 struct cadre_error *err)
{
	return lmdb_env_copy(kv_of(kv), path, err);
}

static const struct cadre_kv_ops lmdb_ops = {
	.close = op_close,
	.begin = op_begin,
	.commit = op_commit,
	.abort = op_abort,
	.reset = op_reset,
	.renew = op_renew,
	.get = op_get,
	.reserve = op_reserve,
	.del = op_del,
	.cursor_open = op_cursor_open,
	.cursor_close = op_cursor_close,
	.cursor_renew = op_cursor_renew,
	.seek = op_seek,
	.seek_before = op_seek_before,
	.next = op_next,
	.prev = op_prev,
	.sync = op_sync,
	.stat = op_stat,
	.reader_check = op_reader_check,
	.relax = op_relax,
	.copy = op_copy,
};

enum cadre_status cadre_kv_open_lmdb(const char *path,
                                     const struct cadre_kv_options *options,
                                     struct cadre_kv **ret_kv, struct cadre_error *err)
{
	struct lmdb_kv *lmdb;
	enum cadre_status status = lmdb_env_open(path, options, &lmdb, err);

	if (status != CADRE_OK)
		return status;
	lmdb->base.ops = &lmdb_ops;
	*ret_kv = &lmdb->base;
	return CADRE_OK;
}
