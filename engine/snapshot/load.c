/*
 * Loading puts the rows in key order (MDB_APPEND) in bounded transactions. The
 * meta row, which says what the rows stand for, sorts first and is put last: a
 * load that was cut short leaves a map with an empty head.
 */
#include <inttypes.h>

#include "engine/base/checksum.h"
#include "engine/snapshot/scan.h"

/* LMDB 0.9.24 leaks memory of transactions so large that they spill; and a
 * transaction's pages stay in memory until its end. */
#define TXN_PUTS_MAX 10000u
#define TXN_BYTES_MAX (16u << 20)
#define META_TABLE '0'

struct loader {
	struct cadre_kv *kv;
	struct cadre_kv_txn *txn;
	unsigned puts;
	size_t bytes;
	struct cadre_row_key meta_key;
	struct cadre_buffer meta;
};

static enum cadre_status put(struct loader *loader, struct cadre_slice key,
                             struct cadre_slice stored, unsigned flags,
                             struct cadre_error *err)
{
	uint8_t *room;
	enum cadre_status status = CADRE_OK;

	if (!loader->txn)
		status = cadre_kv_begin(loader->kv, CADRE_KV_WRITE, &loader->txn, err);
	if (status == CADRE_OK)
		status = cadre_kv_reserve(loader->txn, key, stored.length, flags, &room,
		                          err);
	if (status == CADRE_OK)
		memcpy(room, stored.data, stored.length);
	return status;
}

static enum cadre_status commit(struct loader *loader, struct cadre_error *err)
{
	struct cadre_kv_txn *txn = loader->txn;

	loader->txn = NULL;
	loader->puts = 0;
	loader->bytes = 0;
	return txn ? cadre_kv_commit(txn, err) : CADRE_OK;
}

static enum cadre_status load_row(void *ctx, const struct snapshot_row *row,
                                  struct cadre_error *err)
{
	struct loader *loader = ctx;
	enum cadre_status status;

	if (row->key.data[0] == META_TABLE) {
		if (loader->meta.length > 0)
			return cadre_error_set(err, CADRE_CORRUPT, "a second meta row");
		memcpy(loader->meta_key.bytes, row->key.data, row->key.length);
		loader->meta_key.length = row->key.length;
		return cadre_buffer_append(&loader->meta, row->stored.data,
		                           row->stored.length);
	}
	status = put(loader, row->key, row->stored, CADRE_KV_APPEND, err);
	loader->puts++;
	loader->bytes += row->key.length + row->stored.length;
	if (status == CADRE_OK &&
	    (loader->puts >= TXN_PUTS_MAX || loader->bytes >= TXN_BYTES_MAX))
		status = commit(loader, err);
	return status;
}

static enum cadre_status finish(struct loader *loader, struct cadre_error *err)
{
	enum cadre_status status = CADRE_OK;

	if (loader->meta.length > 0)
		status = put(loader, cadre_row_key_slice(&loader->meta_key),
		             cadre_buffer_slice(&loader->meta), CADRE_KV_PUT, err);
	if (status == CADRE_OK)
		status = commit(loader, err);
	return status;
}

static enum cadre_status check_empty(struct cadre_kv *kv, struct cadre_error *err)
{
	struct cadre_kv_stat stat;
	enum cadre_status status = cadre_kv_stat(kv, &stat, err);

	if (status == CADRE_OK && stat.entries > 0)
		status = cadre_error_set(
		        err, CADRE_INCORRECT_STATE,
		        "a snapshot loads into an empty map, this one has "
		        "%" PRIu64 " rows",
		        stat.entries);
	return status;
}

static bool heads_equal(const struct cadre_view_head *a, const struct cadre_view_head *b)
{
	return a->applied_seq == b->applied_seq && a->epoch == b->epoch &&
	       a->time_ms == b->time_ms &&
	       memcmp(a->chain.bytes, b->chain.bytes, sizeof a->chain.bytes) == 0 &&
	       cadre_hash128_equal(a->digest, b->digest);
}

/* The meta row must say what the manifest says. */
static enum cadre_status check_head(struct cadre_kv *kv, const char *dir,
                                    const struct cadre_view_head *expected,
                                    struct cadre_error *err)
{
	struct cadre_arena arena;
	struct cadre_view view;
	enum cadre_status status;

	cadre_arena_init(&arena, CADRE_ARENA_BYTES_BASE);
	status = cadre_view_begin(&view, kv, CADRE_KV_READ, &arena, err);
	if (status == CADRE_OK) {
		if (!heads_equal(&view.head, expected))
			status = cadre_error_set(err, CADRE_CORRUPT,
			                         "\"%s/%016" PRIx64
			                         "\": rows and manifest "
			                         "are of different heads",
			                         dir, expected->applied_seq);
		cadre_view_abort(&view);
	}
	cadre_arena_fini(&arena);
	return status;
}

static enum cadre_status load_rows(const struct snapshot_scan *scan,
                                   struct loader *loader, struct cadre_error *err)
{
	enum cadre_status status = snapshot_scan_run(scan, err);

	if (status == CADRE_OK)
		status = finish(loader, err);
	cadre_kv_abort(loader->txn);
	cadre_buffer_fini(&loader->meta);
	if (status == CADRE_OK)
		status = check_head(loader->kv, scan->dir, &scan->manifest->info.head,
		                    err);
	return status;
}

enum cadre_status cadre_snapshot_load(struct cadre_env *env, const char *dir,
                                      cadre_seq seq, struct cadre_kv *kv,
                                      cadre_progress_fn progress, void *ctx,
                                      struct cadre_error *err)
{
	struct loader loader = { .kv = kv };
	struct snapshot_manifest manifest;
	enum cadre_status status = check_empty(kv, err);

	if (status == CADRE_OK)
		status = snapshot_manifest_open(env, dir, seq, &manifest, err);
	if (status != CADRE_OK)
		return status;
	status = load_rows(&(struct snapshot_scan){ .env = env,
	                                            .dir = dir,
	                                            .manifest = &manifest,
	                                            .fn = load_row,
	                                            .ctx = &loader,
	                                            .progress = progress,
	                                            .progress_ctx = ctx },
	                   &loader, err);
	snapshot_manifest_close(&manifest);
	return status;
}

enum cadre_status cadre_snapshot_verify(struct cadre_env *env, const char *dir,
                                        cadre_seq seq, cadre_progress_fn progress,
                                        void *ctx, struct cadre_error *err)
{
	struct snapshot_manifest manifest;
	enum cadre_status status = snapshot_manifest_open(env, dir, seq, &manifest, err);

	if (status != CADRE_OK)
		return status;
	status = snapshot_scan_run(&(struct snapshot_scan){ .env = env,
	                                                    .dir = dir,
	                                                    .manifest = &manifest,
	                                                    .progress = progress,
	                                                    .progress_ctx = ctx },
	                           err);
	snapshot_manifest_close(&manifest);
	return status;
}
