/*
 * What a kind of map (lmdb.c, memory.c) implements. kv.c checks the caller's
 * side of the contract once for both and then calls through one pointer.
 */
#ifndef CADRE_KV_KV_OPS_H
#define CADRE_KV_KV_OPS_H

#include <stdatomic.h>

#include "engine/kv/kv.h"

struct cadre_kv_ops {
	void (*close)(struct cadre_kv *kv);
	enum cadre_status (*begin)(struct cadre_kv *kv, struct cadre_kv_txn *parent,
	                           bool write, struct cadre_kv_txn **ret_txn,
	                           struct cadre_error *err);
	enum cadre_status (*commit)(struct cadre_kv_txn *txn, struct cadre_error *err);
	void (*abort)(struct cadre_kv_txn *txn);
	void (*reset)(struct cadre_kv_txn *txn);
	enum cadre_status (*renew)(struct cadre_kv_txn *txn, struct cadre_error *err);
	enum cadre_status (*get)(struct cadre_kv_txn *txn, struct cadre_slice key,
	                         struct cadre_slice *ret_value);
	/* Makes room for a value; kv.c copies it there. */
	enum cadre_status (*reserve)(struct cadre_kv_txn *txn, struct cadre_slice key,
	                             size_t length, unsigned flags, uint8_t **ret_value,
	                             struct cadre_error *err);
	enum cadre_status (*del)(struct cadre_kv_txn *txn, struct cadre_slice key,
	                         struct cadre_error *err);
	enum cadre_status (*cursor_open)(struct cadre_kv_txn *txn,
	                                 struct cadre_kv_cursor **ret_cursor,
	                                 struct cadre_error *err);
	void (*cursor_close)(struct cadre_kv_cursor *cursor);
	enum cadre_status (*cursor_renew)(struct cadre_kv_cursor *cursor,
	                                  struct cadre_kv_txn *txn);
	/* An empty key means the first entry. */
	enum cadre_status (*seek)(struct cadre_kv_cursor *cursor, struct cadre_slice key,
	                          struct cadre_slice *ret_key,
	                          struct cadre_slice *ret_value);
	enum cadre_status (*seek_before)(struct cadre_kv_cursor *cursor,
	                                 struct cadre_slice key,
	                                 struct cadre_slice *ret_key,
	                                 struct cadre_slice *ret_value);
	enum cadre_status (*next)(struct cadre_kv_cursor *cursor,
	                          struct cadre_slice *ret_key,
	                          struct cadre_slice *ret_value);
	enum cadre_status (*prev)(struct cadre_kv_cursor *cursor,
	                          struct cadre_slice *ret_key,
	                          struct cadre_slice *ret_value);
	enum cadre_status (*sync)(struct cadre_kv *kv, struct cadre_error *err);
	enum cadre_status (*stat)(struct cadre_kv *kv, struct cadre_kv_stat *ret_stat,
	                          struct cadre_error *err);
	enum cadre_status (*reader_check)(struct cadre_kv *kv, unsigned *ret_cleared,
	                                  struct cadre_error *err);
	void (*relax)(struct cadre_kv *kv); /* may be NULL */
	enum cadre_status (*copy)(struct cadre_kv *kv, const char *path,
	                          struct cadre_error *err);
};

/* First member of each kind's struct, zeroed but for `ops`; kv.c owns the rest. */
struct cadre_kv {
	const struct cadre_kv_ops *ops;
	bool read_only;      /* set by the kind's open */
	atomic_bool writing; /* a write transaction is open */
	atomic_uint open_txns;
};

struct cadre_kv_txn {
	const struct cadre_kv_ops *ops;
	struct cadre_kv *kv;
	struct cadre_kv_txn *parent;
	bool write;
	bool usable;       /* has a snapshot, and no child is open */
	unsigned cursors;  /* open ones */
	uint32_t snapshot; /* rises with every renew */
	uint32_t writes;   /* rises with every write */
};

struct cadre_kv_cursor {
	const struct cadre_kv_ops *ops;
	struct cadre_kv_txn *txn;
	bool positioned;
	uint32_t snapshot; /* of txn, when bound */
	uint32_t writes;   /* of txn, when positioned */
};

#endif
