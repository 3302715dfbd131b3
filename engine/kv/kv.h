/*
 * An ordered map from bytes to bytes with one writer and snapshot readers, over
 * LMDB (cadre_kv_open_lmdb) or in memory (cadre_kv_open_memory, for tests and
 * simulation). Keys are 1..511 bytes and sort as memcmp.
 *
 * Threads: one write transaction at a time in a process (a second is a failed
 * assertion), begun, used and ended on one thread.
 * A read transaction is used by one thread at a time (LMDB runs with NOTLS).
 * Memory: read transactions of the memory kind must be on the writer's thread.
 * Errors: CADRE_NOT_FOUND when a key is absent; CADRE_INVALID_PARAMETER for a key
 * of another length; CADRE_OUT_OF_SPACE for a full map or disk; CADRE_CORRUPT for
 * what LMDB reports as damage and after a failed meta page (close, open again);
 * CADRE_UNAVAILABLE when all reader slots are taken; CADRE_IO_ERROR. After a write
 * that failed otherwise than NOT_FOUND or INVALID_PARAMETER the transaction can
 * only end: its commit undoes it and returns that failure again.
 * Processes: a map does not survive fork: the child opens its own.
 */
#ifndef CADRE_KV_KV_H
#define CADRE_KV_KV_H

#include "engine/base/status.h"
#include "engine/base/types.h"

struct cadre_kv;
struct cadre_kv_txn;
struct cadre_kv_cursor;

#define CADRE_KV_KEY_BYTES_MAX 511

struct cadre_kv_options {
	uint64_t map_bytes;   /* 0: 256 GiB. Set once, large: the file grows as used */
	unsigned readers_max; /* 0: 1024. A lock file keeps what it was made with */
	bool read_only;       /* open for a reader in another process */
};

struct cadre_kv_stat {
	uint64_t entries;
	uint64_t used_bytes; /* pages in use by the map, free-list pages included */
	uint64_t readers;    /* live reader slots */
	uint64_t txn_id;     /* last committed */
};

/*
 * Opens (creates unless read_only) the environment in directory `path`, which
 * must exist. LMDB flags: NOSYNC | NOTLS | NORDAHEAD, never WRITEMAP.
 * One open per process and directory: a second is CADRE_CONFLICT (closing one
 * would drop the other's locks). Pages other than 4 KiB and network file
 * systems are refused with CADRE_INVALID_PARAMETER, and a map above the
 * address-space limit. `options` may be NULL: all defaults. A missing directory,
 * or a missing file with read_only, is CADRE_NOT_FOUND.
 * Durability: commits are atomic for readers and survive death of the process;
 * power loss may destroy everything: see cadre_kv_sync and the boot-id rule.
 */
CADRE_MUST_CHECK enum cadre_status
cadre_kv_open_lmdb(const char *path, const struct cadre_kv_options *options,
                   struct cadre_kv **ret_kv, struct cadre_error *err);
CADRE_MUST_CHECK enum cadre_status cadre_kv_open_memory(struct cadre_kv **ret_kv,
                                                        struct cadre_error *err);
/* All transactions must be ended. Takes NULL. */
void cadre_kv_close(struct cadre_kv *kv);

enum cadre_kv_begin_flags { CADRE_KV_READ = 1, CADRE_KV_WRITE = 2 };

/* Ownership: ended by commit or abort, which free it. */
CADRE_MUST_CHECK enum cadre_status cadre_kv_begin(struct cadre_kv *kv, unsigned flags,
                                                  struct cadre_kv_txn **ret_txn,
                                                  struct cadre_error *err);
/* A write transaction inside `parent`, which must not be used until the child
 * ends. Committing hands the changes to the parent; aborting undoes them. */
CADRE_MUST_CHECK enum cadre_status cadre_kv_begin_nested(struct cadre_kv_txn *parent,
                                                         struct cadre_kv_txn **ret_txn,
                                                         struct cadre_error *err);
/* Frees `txn` whatever it returns; a failure leaves the map as before it. */
CADRE_MUST_CHECK enum cadre_status cadre_kv_commit(struct cadre_kv_txn *txn,
                                                   struct cadre_error *err);
void cadre_kv_abort(struct cadre_kv_txn *txn); /* takes NULL */
/* Read transactions only: gives the snapshot back, keeps the object. */
void cadre_kv_reset(struct cadre_kv_txn *txn);
CADRE_MUST_CHECK enum cadre_status cadre_kv_renew(struct cadre_kv_txn *txn,
                                                  struct cadre_error *err);

/* Values live until the next write in, or the end of, the transaction. */
CADRE_MUST_CHECK enum cadre_status cadre_kv_get(struct cadre_kv_txn *txn,
                                                struct cadre_slice key,
                                                struct cadre_slice *ret_value);

enum cadre_kv_put_flags {
	CADRE_KV_PUT = 0,
	CADRE_KV_APPEND = 1 /* the key sorts behind every present key (bulk load) */
};
/* `key` and `value` must not point into the map: copy a value read from it first.
 * CADRE_INVALID_PARAMETER when an APPEND key sorts before the last one. */
CADRE_MUST_CHECK enum cadre_status cadre_kv_put(struct cadre_kv_txn *txn,
                                                struct cadre_slice key,
                                                struct cadre_slice value, unsigned flags,
                                                struct cadre_error *err);
/* As put, but the caller fills the value in place before the next kv call:
 * `*ret_value` points at `length` writable bytes. */
CADRE_MUST_CHECK enum cadre_status cadre_kv_reserve(struct cadre_kv_txn *txn,
                                                    struct cadre_slice key, size_t length,
                                                    unsigned flags, uint8_t **ret_value,
                                                    struct cadre_error *err);
CADRE_MUST_CHECK enum cadre_status
cadre_kv_del(struct cadre_kv_txn *txn, struct cadre_slice key, struct cadre_error *err);

/* Cursors: of one transaction, closed before it ends. A write through the
 * transaction (or a nested one) while a cursor is open invalidates the cursor's
 * position: seek again, next and prev then fail an assertion. next and prev of a
 * cursor whose last move gave CADRE_END, or that never moved, give CADRE_END. */
CADRE_MUST_CHECK enum cadre_status
cadre_kv_cursor_open(struct cadre_kv_txn *txn, struct cadre_kv_cursor **ret_cursor,
                     struct cadre_error *err);
void cadre_kv_cursor_close(struct cadre_kv_cursor *cursor); /* takes NULL */
/* Re-binds a cursor of a read transaction after reset and renew. */
CADRE_MUST_CHECK enum cadre_status cadre_kv_cursor_renew(struct cadre_kv_cursor *cursor,
                                                         struct cadre_kv_txn *txn);
/* The first entry at or after `key`; CADRE_END when none. An empty `key` means the
 * very first entry. Keys here may have any length. */
CADRE_MUST_CHECK enum cadre_status cadre_kv_seek(struct cadre_kv_cursor *cursor,
                                                 struct cadre_slice key,
                                                 struct cadre_slice *ret_key,
                                                 struct cadre_slice *ret_value);
/* The last entry before `key`; CADRE_END when none. An empty `key` means the
 * end: the very last entry. */
CADRE_MUST_CHECK enum cadre_status cadre_kv_seek_before(struct cadre_kv_cursor *cursor,
                                                        struct cadre_slice key,
                                                        struct cadre_slice *ret_key,
                                                        struct cadre_slice *ret_value);
CADRE_MUST_CHECK enum cadre_status cadre_kv_next(struct cadre_kv_cursor *cursor,
                                                 struct cadre_slice *ret_key,
                                                 struct cadre_slice *ret_value);
CADRE_MUST_CHECK enum cadre_status cadre_kv_prev(struct cadre_kv_cursor *cursor,
                                                 struct cadre_slice *ret_key,
                                                 struct cadre_slice *ret_value);

/* Durability: after CADRE_OK the last committed state survives power loss,
 * until the next commit. */
CADRE_MUST_CHECK enum cadre_status cadre_kv_sync(struct cadre_kv *kv,
                                                 struct cadre_error *err);
CADRE_MUST_CHECK enum cadre_status cadre_kv_stat(struct cadre_kv *kv,
                                                 struct cadre_kv_stat *ret_stat,
                                                 struct cadre_error *err);
/* Frees the slots of dead readers; call about every 10 s. */
CADRE_MUST_CHECK enum cadre_status cadre_kv_reader_check(struct cadre_kv *kv,
                                                         unsigned *ret_cleared,
                                                         struct cadre_error *err);
/* Bulk work touches the whole map once; this gives the touched pages back to the page
 * cache, so that they do not count as this process's memory. Costs later accesses a
 * soft fault each. Memory kind: nothing. */
void cadre_kv_relax(struct cadre_kv *kv);
/* A consistent copy of the last committed state as directory `path` (created).
 * CADRE_CONFLICT when it exists, CADRE_INVALID_PARAMETER for the memory kind.
 * Durability: the copy survives power loss after CADRE_OK. Threads: any. */
CADRE_MUST_CHECK enum cadre_status cadre_kv_copy(struct cadre_kv *kv, const char *path,
                                                 struct cadre_error *err);

#endif
