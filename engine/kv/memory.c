/*
 * The map in memory: a transaction is a version of the tree. Beginning takes a
 * reference, commit publishes the version to the map or to the parent, abort
 * drops it; a read snapshot is a reference to what was published.
 */
#include <errno.h>
#include <stdlib.h>

#include "engine/base/assert.h"
#include "engine/kv/kv_ops.h"
#include "engine/kv/memory_tree.h"

/* For cadre_kv_stat: about what a node costs. */
#define NODE_BYTES 128

struct memory_kv {
	struct cadre_kv base;
	struct tree tree; /* last committed */
	struct tree_pool pool;
	uint64_t txn_id;
	uint64_t readers;
};

struct memory_txn {
	struct cadre_kv_txn base;
	struct tree tree;
};

struct memory_cursor {
	struct cadre_kv_cursor base;
	struct tree_path path;
};

/* `base` is the first member of each. */
static struct memory_kv *kv_of(struct cadre_kv *kv)
{
	return (struct memory_kv *)kv;
}

static struct memory_txn *txn_of(struct cadre_kv_txn *txn)
{
	return (struct memory_txn *)txn;
}

static struct memory_cursor *cursor_of(struct cadre_kv_cursor *cursor)
{
	return (struct memory_cursor *)cursor;
}

static void op_close(struct cadre_kv *kv)
{
	struct memory_kv *memory = kv_of(kv);

	tree_unref(&memory->tree, &memory->pool);
	tree_pool_fini(&memory->pool);
	free(memory);
}

static enum cadre_status op_begin(struct cadre_kv *kv, struct cadre_kv_txn *parent,
                                  bool write, struct cadre_kv_txn **ret_txn,
                                  struct cadre_error *err)
{
	struct memory_kv *memory = kv_of(kv);
	struct memory_txn *txn = calloc(1, sizeof *txn);

	if (!txn)
		return cadre_error_errno(err, ENOMEM, "beginning a transaction");
	txn->tree = tree_ref(parent ? txn_of(parent)->tree : memory->tree);
	if (!write)
		memory->readers++;
	*ret_txn = &txn->base;
	return CADRE_OK;
}

static void op_abort(struct cadre_kv_txn *base)
{
	struct memory_kv *memory = kv_of(base->kv);

	tree_unref(&txn_of(base)->tree, &memory->pool);
	if (!base->write)
		memory->readers--;
	free(txn_of(base));
}

static enum cadre_status op_commit(struct cadre_kv_txn *base, struct cadre_error *err)
{
	struct memory_kv *memory = kv_of(base->kv);
	struct tree *target = &memory->tree;
	struct tree mine = txn_of(base)->tree;

	(void)err;
	if (base->parent)
		target = &txn_of(base->parent)->tree;
	else if (base->write && mine.root != target->root)
		memory->txn_id++;
	if (base->write) {
		txn_of(base)->tree = *target;
		*target = mine;
	}
	op_abort(base);
	return CADRE_OK;
}

static void op_reset(struct cadre_kv_txn *txn)
{
	tree_unref(&txn_of(txn)->tree, &kv_of(txn->kv)->pool);
}

static enum cadre_status op_renew(struct cadre_kv_txn *txn, struct cadre_error *err)
{
	(void)err;
	txn_of(txn)->tree = tree_ref(kv_of(txn->kv)->tree);
	return CADRE_OK;
}

static enum cadre_status op_get(struct cadre_kv_txn *txn, struct cadre_slice key,
                                struct cadre_slice *ret_value)
{
	const struct tree_node *node = tree_find(&txn_of(txn)->tree, key);

	if (!node)
		return CADRE_NOT_FOUND;
	*ret_value = tree_value(node);
	return CADRE_OK;
}

static bool sorts_last(const struct tree *tree, struct cadre_slice key)
{
	struct tree_path path;

	return !tree_seek(tree, key, &path);
}

static enum cadre_status op_reserve(struct cadre_kv_txn *base, struct cadre_slice key,
                                    size_t length, unsigned flags, uint8_t **ret_value,
                                    struct cadre_error *err)
{
	struct memory_txn *txn = txn_of(base);
	enum cadre_status status;

	if (flags & CADRE_KV_APPEND && !sorts_last(&txn->tree, key))
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "writing in memory: the key does not sort behind "
		                       "all others");
	status = tree_put(&txn->tree, &kv_of(base->kv)->pool, key, length, ret_value);
	if (status != CADRE_OK)
		return cadre_error_set(err, status,
		                       "writing a value of %zu bytes in memory", length);
	return CADRE_OK;
}

static enum cadre_status op_del(struct cadre_kv_txn *txn, struct cadre_slice key,
                                struct cadre_error *err)
{
	enum cadre_status status = tree_del(&txn_of(txn)->tree, &kv_of(txn->kv)->pool,
	                                    key);

	if (status != CADRE_OK)
		return cadre_error_set(err, status, "deleting in memory: %s",
		                       status == CADRE_NOT_FOUND ? "no such key"
		                                                 : "out of memory");
	return CADRE_OK;
}

static enum cadre_status op_cursor_open(struct cadre_kv_txn *txn,
                                        struct cadre_kv_cursor **ret_cursor,
                                        struct cadre_error *err)
{
	struct memory_cursor *cursor = calloc(1, sizeof *cursor);

	(void)txn;
	if (!cursor)
		return cadre_error_errno(err, ENOMEM, "opening a cursor");
	*ret_cursor = &cursor->base;
	return CADRE_OK;
}

static void op_cursor_close(struct cadre_kv_cursor *cursor)
{
	free(cursor_of(cursor));
}

static enum cadre_status op_cursor_renew(struct cadre_kv_cursor *cursor,
                                         struct cadre_kv_txn *txn)
{
	(void)txn;
	cursor_of(cursor)->path.depth = 0;
	return CADRE_OK;
}

static enum cadre_status entry_result(bool found, const struct tree_path *path,
                                      struct cadre_slice *ret_key,
                                      struct cadre_slice *ret_value)
{
	const struct tree_node *node;

	if (!found)
		return CADRE_END;
	node = path->nodes[path->depth - 1];
	*ret_key = tree_key(node);
	*ret_value = tree_value(node);
	return CADRE_OK;
}

static enum cadre_status op_seek(struct cadre_kv_cursor *cursor, struct cadre_slice key,
                                 struct cadre_slice *ret_key,
                                 struct cadre_slice *ret_value)
{
	struct tree_path *path = &cursor_of(cursor)->path;
	bool found = tree_seek(&txn_of(cursor->txn)->tree, key, path);

	return entry_result(found, path, ret_key, ret_value);
}

static enum cadre_status op_seek_before(struct cadre_kv_cursor *cursor,
                                        struct cadre_slice key,
                                        struct cadre_slice *ret_key,
                                        struct cadre_slice *ret_value)
{
	struct tree_path *path = &cursor_of(cursor)->path;
	bool found = tree_seek_before(&txn_of(cursor->txn)->tree, key, path);

	return entry_result(found, path, ret_key, ret_value);
}

static enum cadre_status op_next(struct cadre_kv_cursor *cursor,
                                 struct cadre_slice *ret_key,
                                 struct cadre_slice *ret_value)
{
	struct tree_path *path = &cursor_of(cursor)->path;

	return entry_result(tree_next(path), path, ret_key, ret_value);
}

static enum cadre_status op_prev(struct cadre_kv_cursor *cursor,
                                 struct cadre_slice *ret_key,
                                 struct cadre_slice *ret_value)
{
	struct tree_path *path = &cursor_of(cursor)->path;

	return entry_result(tree_prev(path), path, ret_key, ret_value);
}

static enum cadre_status op_sync(struct cadre_kv *kv, struct cadre_error *err)
{
	(void)kv;
	(void)err;
	return CADRE_OK;
}

static enum cadre_status op_stat(struct cadre_kv *kv, struct cadre_kv_stat *ret_stat,
                                 struct cadre_error *err)
{
	const struct memory_kv *memory = kv_of(kv);

	(void)err;
	*ret_stat = (struct cadre_kv_stat){
		.entries = memory->tree.entries,
		.used_bytes = memory->tree.entries * NODE_BYTES,
		.readers = memory->readers,
		.txn_id = memory->txn_id,
	};
	return CADRE_OK;
}

static enum cadre_status op_reader_check(struct cadre_kv *kv, unsigned *ret_cleared,
                                         struct cadre_error *err)
{
	(void)kv;
	(void)err;
	*ret_cleared = 0;
	return CADRE_OK;
}

static enum cadre_status op_copy(struct cadre_kv *kv, const char *path,
                                 struct cadre_error *err)
{
	(void)kv;
	return cadre_error_set(err, CADRE_INVALID_PARAMETER,
	                       "a map in memory cannot be copied to \"%s\"", path);
}

static const struct cadre_kv_ops memory_ops = {
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
	.copy = op_copy,
};

enum cadre_status cadre_kv_open_memory(struct cadre_kv **ret_kv, struct cadre_error *err)
{
	struct memory_kv *memory = calloc(1, sizeof *memory);

	if (!memory)
		return cadre_error_errno(err, ENOMEM, "opening a map in memory");
	memory->base.ops = &memory_ops;
	*ret_kv = &memory->base;
	return CADRE_OK;
}
