/*
 * Writing a snapshot.
 *
 * Normal sequence: space check, copy of the environment, rows frame by frame into
 * `<seq>.tmp/rows`, sync, `<seq>.tmp/manifest`, sync, the directory synced,
 * renamed to `<seq>`, its parent synced. Then the copy goes.
 *
 * Failures: whatever stops it leaves `.tmp` names only, which nobody reads; they
 * are removed here when that works, else by cadre_snapshot_prune(). Every row's
 * checksum and the digest are checked on the way: damaged views do not become a
 * snapshot.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/checksum.h"
#include "engine/snapshot/format.h"

#define COPY_NAME "copy.tmp"

struct writer {
	struct cadre_env *env;
	struct cadre_file *file;
	ZSTD_CCtx *context;
	cadre_progress_fn progress;
	void *progress_ctx;
	uint64_t rows_total; /* 0: unknown */
	uint64_t chunk_target;
	struct cadre_buffer raw;     /* rows of the frame in the making */
	struct cadre_buffer packed;  /* one frame */
	struct cadre_buffer chunks;  /* struct snapshot_chunk each */
	struct snapshot_chunk chunk; /* in the making */
	struct cadre_sha256_stream hash;
	uint64_t rows_in_frame;
	struct cadre_hash128 digest;
	struct cadre_snapshot_info info;
};

static void writer_fini(struct writer *writer)
{
	(void)cadre_sha256_final(&writer->hash);
	cadre_file_close(writer->file);
	ZSTD_freeCCtx(writer->context);
	cadre_buffer_fini(&writer->raw);
	cadre_buffer_fini(&writer->packed);
	cadre_buffer_fini(&writer->chunks);
}

static enum cadre_status writer_init(struct writer *writer, struct cadre_error *err)
{
	cadre_sha256_init(&writer->hash);
	writer->context = ZSTD_createCCtx();
	if (!writer->context)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY, "no memory for zstd");
	return CADRE_OK;
}

/* ---- frames and chunks ---- */

static enum cadre_status end_chunk(struct writer *writer, struct cadre_error *err)
{
	struct snapshot_chunk *chunk = &writer->chunk;
	uint64_t next = chunk->offset + chunk->bytes;

	if (chunk->bytes == 0)
		return CADRE_OK;
	if (writer->chunks.length / sizeof *chunk >= SNAPSHOT_CHUNKS_MAX)
		return cadre_error_set(err, CADRE_TOO_LARGE,
		                       "a snapshot of more than %u chunks",
		                       SNAPSHOT_CHUNKS_MAX);
	chunk->hash = cadre_sha256_final(&writer->hash);
	cadre_sha256_init(&writer->hash);
	if (cadre_buffer_append(&writer->chunks, chunk, sizeof *chunk) != CADRE_OK)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY, "no memory for a chunk");
	*chunk = (struct snapshot_chunk){ .offset = next };
	return CADRE_OK;
}

static enum cadre_status report(const struct writer *writer, struct cadre_error *err)
{
	enum cadre_status status = CADRE_OK;

	if (writer->progress)
		status = writer->progress(writer->progress_ctx, writer->info.rows,
		                          writer->rows_total);
	if (status != CADRE_OK)
		return cadre_error_set(err, status, "stopped after %" PRIu64 " rows",
		                       writer->info.rows);
	return CADRE_OK;
}

static enum cadre_status end_frame(struct writer *writer, struct cadre_error *err)
{
	struct snapshot_chunk *chunk = &writer->chunk;
	struct cadre_buffer *packed = &writer->packed;
	enum cadre_status status;

	if (writer->raw.length == 0)
		return CADRE_OK;
	cadre_buffer_clear(packed);
	status = snapshot_frame_pack(writer->context, cadre_buffer_slice(&writer->raw),
	                             packed, err);
	if (status == CADRE_OK)
		status = writer->env->ops->pwrite(writer->file,
		                                  chunk->offset + chunk->bytes,
		                                  packed->data, packed->length, err);
	if (status != CADRE_OK)
		return status;
	cadre_sha256_update(&writer->hash, packed->data, packed->length);
	chunk->bytes += packed->length;
	chunk->rows += writer->rows_in_frame;
	writer->info.bytes += packed->length;
	writer->rows_in_frame = 0;
	cadre_buffer_clear(&writer->raw);
	if (chunk->bytes >= writer->chunk_target)
		status = end_chunk(writer, err);
	return status == CADRE_OK ? report(writer, err) : status;
}

/* ---- rows ---- */

static enum cadre_status add_row(struct writer *writer, struct cadre_slice key,
                                 struct cadre_slice stored, struct cadre_error *err)
{
	size_t start = writer->raw.length;
	struct snapshot_row row;
	struct cadre_slice rest;
	enum cadre_status status;

	if (stored.length > SNAPSHOT_VALUE_BYTES_MAX)
		return cadre_error_set(err, CADRE_TOO_LARGE,
		                       "a row of table \"%c\" of %zu bytes, at most %u",
		                       key.data[0], stored.length,
		                       SNAPSHOT_VALUE_BYTES_MAX);
	status = snapshot_row_append(&writer->raw, key, stored);
	if (status != CADRE_OK)
		return cadre_error_set(err, status, "no memory for a row");
	/* Read back as the loader will: checks the row. */
	rest = cadre_slice(writer->raw.data + start, writer->raw.length - start);
	status = snapshot_row_next(&rest, &row, err);
	if (status != CADRE_OK)
		return status;
	snapshot_row_count(&row, &writer->digest);
	writer->rows_in_frame++;
	writer->info.rows++;
	if (writer->raw.length >= SNAPSHOT_FRAME_RAW_TARGET)
		return end_frame(writer, err);
	return CADRE_OK;
}

static enum cadre_status add_rows(struct writer *writer, struct cadre_view *view,
                                  struct cadre_error *err)
{
	struct cadre_kv_cursor *cursor;
	struct cadre_slice key, stored;
	enum cadre_status status = cadre_kv_cursor_open(view->txn, &cursor, err);

	if (status != CADRE_OK)
		return status;
	status = cadre_kv_seek(cursor, cadre_slice(NULL, 0), &key, &stored);
	while (status == CADRE_OK) {
		status = add_row(writer, key, stored, err);
		if (status == CADRE_OK)
			status = cadre_kv_next(cursor, &key, &stored);
	}
	cadre_kv_cursor_close(cursor);
	if (status != CADRE_END)
		return status;
	status = end_frame(writer, err);
	return status == CADRE_OK ? end_chunk(writer, err) : status;
}

static enum cadre_status check_digest(const struct writer *writer,
                                      struct cadre_error *err)
{
	char is[33], must[33];

	if (cadre_hash128_equal(writer->digest, writer->info.head.digest))
		return CADRE_OK;
	cadre_hash128_format(writer->digest, is);
	cadre_hash128_format(writer->info.head.digest, must);
	return cadre_error_set(err, CADRE_DIVERGED,
	                       "the views at seq %" PRIu64 " have digest %s, must be %s",
	                       writer->info.head.applied_seq, is, must);
}

/* ---- files ---- */

/* A full disk must not stay full because of a half; what cannot be removed now is
 * left to cadre_snapshot_prune(). */
static void discard(struct cadre_env *env, const char *path)
{
	if (cadre_env_remove_tree(env, path, NULL) != CADRE_OK)
		return;
}

static enum cadre_status write_rows(struct writer *writer, const char *tmp,
                                    struct cadre_view *view, struct cadre_error *err)
{
	char path[SNAPSHOT_PATH_BYTES + 16];
	enum cadre_status status;

	(void)snprintf(path, sizeof path, "%s/rows", tmp);
	status = cadre_file_open(writer->env, path, CADRE_OPEN_WRITE | CADRE_OPEN_CREATE,
	                         &writer->file, err);
	if (status == CADRE_OK)
		status = add_rows(writer, view, err);
	if (status == CADRE_OK)
		status = check_digest(writer, err);
	if (status == CADRE_OK)
		status = writer->env->ops->datasync(writer->file, err);
	return status;
}

static enum cadre_status write_manifest(struct writer *writer, const char *tmp,
                                        struct cadre_error *err)
{
	struct cadre_env *env = writer->env;
	const struct snapshot_chunk *chunks = (const void *)writer->chunks.data;
	struct cadre_buffer bytes = { 0 };
	char path[SNAPSHOT_PATH_BYTES + 16];
	struct cadre_file *file = NULL;
	enum cadre_status status = snapshot_manifest_pack(
	        &writer->info, chunks, writer->chunks.length / sizeof *chunks, &bytes,
	        err);

	(void)snprintf(path, sizeof path, "%s/manifest", tmp);
	if (status == CADRE_OK)
		status = cadre_file_open(env, path, CADRE_OPEN_WRITE | CADRE_OPEN_CREATE,
		                         &file, err);
	if (status == CADRE_OK)
		status = env->ops->pwrite(file, 0, bytes.data, bytes.length, err);
	if (status == CADRE_OK)
		status = env->ops->datasync(file, err);
	writer->info.bytes += bytes.length;
	cadre_file_close(file);
	cadre_buffer_fini(&bytes);
	return status;
}

static enum cadre_status publish(struct cadre_env *env, const char *dir, const char *tmp,
                                 const char *path, struct cadre_error *err)
{
	enum cadre_status status = env->ops->sync_dir(env, tmp, err);

	if (status == CADRE_OK)
		status = env->ops->rename(env, tmp, path, err);
	if (status == CADRE_OK)
		status = env->ops->sync_dir(env, dir, err);
	return status;
}

static enum cadre_status write_files(struct writer *writer, const char *dir,
                                     struct cadre_view *view, struct cadre_error *err)
{
	struct cadre_env *env = writer->env;
	cadre_seq seq = writer->info.head.applied_seq;
	char tmp[SNAPSHOT_PATH_BYTES], path[SNAPSHOT_PATH_BYTES];
	enum cadre_status status = snapshot_path(tmp, dir, seq, ".tmp", err);

	if (status == CADRE_OK)
		status = snapshot_path(path, dir, seq, "", err);
	if (status == CADRE_OK)
		status = cadre_env_remove_tree(env, tmp, err);
	if (status == CADRE_OK)
		status = env->ops->mkdir(env, tmp, err);
	if (status != CADRE_OK)
		return status;
	status = write_rows(writer, tmp, view, err);
	if (status == CADRE_OK)
		status = write_manifest(writer, tmp, err);
	if (status == CADRE_OK)
		status = publish(env, dir, tmp, path, err);
	if (status != CADRE_OK)
		discard(env, tmp);
	return status;
}

/* ---- what is written ---- */

static enum cadre_status fill_ids(struct writer *writer, struct cadre_view *view,
                                  struct cadre_error *err)
{
	Cadre__V1__ClusterRow *row;
	enum cadre_status status = cadre_view_cluster(view, &row, err);

	writer->info.head = view->head;
	if (status == CADRE_NOT_FOUND)
		return CADRE_OK;
	if (status != CADRE_OK)
		return status;
	if (row->cluster_id.len != 16 || row->timeline_id.len != 16)
		return cadre_error_set(err, CADRE_CORRUPT,
		                       "cluster row with ids of %zu and %zu bytes",
		                       row->cluster_id.len, row->timeline_id.len);
	memcpy(writer->info.cluster_id, row->cluster_id.data, 16);
	memcpy(writer->info.timeline_id, row->timeline_id.data, 16);
	return CADRE_OK;
}

/* A damaged one of the same seq makes room. */
static enum cadre_status already_there(struct cadre_env *env, const char *dir,
                                       cadre_seq seq,
                                       struct cadre_snapshot_info *ret_info,
                                       struct cadre_error *err)
{
	struct snapshot_manifest manifest;
	char path[SNAPSHOT_PATH_BYTES];
	enum cadre_status status = snapshot_manifest_open(env, dir, seq, &manifest, err);

	if (status == CADRE_OK) {
		*ret_info = manifest.info;
		snapshot_manifest_close(&manifest);
		return CADRE_OK;
	}
	if (status != CADRE_CORRUPT && status != CADRE_INCORRECT_STATE &&
	    status != CADRE_NOT_FOUND)
		return status;
	status = snapshot_path(path, dir, seq, "", err);
	if (status == CADRE_OK)
		status = cadre_env_remove_tree(env, path, err);
	return status == CADRE_OK ? CADRE_NOT_FOUND : status;
}

static enum cadre_status write_view(struct writer *writer, const char *dir,
                                    struct cadre_view *view,
                                    struct cadre_snapshot_info *ret_info,
                                    struct cadre_error *err)
{
	enum cadre_status status = fill_ids(writer, view, err);

	if (status == CADRE_OK) {
		status = already_there(writer->env, dir, view->head.applied_seq, ret_info,
		                       err);
		if (status != CADRE_NOT_FOUND)
			return status;
		status = write_files(writer, dir, view, err);
	}
	if (status == CADRE_OK)
		*ret_info = writer->info;
	return status;
}

static enum cadre_status write_kv(struct writer *writer, const char *dir,
                                  struct cadre_kv *kv,
                                  struct cadre_snapshot_info *ret_info,
                                  struct cadre_error *err)
{
	struct cadre_arena arena;
	struct cadre_view view;
	enum cadre_status status;

	cadre_arena_init(&arena, CADRE_ARENA_BYTES_BASE);
	status = cadre_view_begin(&view, kv, CADRE_KV_READ, &arena, err);
	if (status == CADRE_OK) {
		status = write_view(writer, dir, &view, ret_info, err);
		cadre_view_abort(&view);
	}
	cadre_arena_fini(&arena);
	return status;
}

/* ---- the copy ---- */

static enum cadre_status write_copy(struct writer *writer, const char *dir,
                                    const char *copy,
                                    struct cadre_snapshot_info *ret_info,
                                    struct cadre_error *err)
{
	const struct cadre_kv_options options = { .read_only = true, .readers_max = 2 };
	struct cadre_kv *kv;
	enum cadre_status status = cadre_kv_open_lmdb(copy, &options, &kv, err);

	if (status != CADRE_OK)
		return status;
	status = write_kv(writer, dir, kv, ret_info, err);
	cadre_kv_close(kv);
	return status;
}

static enum cadre_status copy_and_write(struct writer *writer, const char *dir,
                                        struct cadre_kv *kv,
                                        struct cadre_snapshot_info *ret_info,
                                        struct cadre_error *err)
{
	char copy[SNAPSHOT_PATH_BYTES];
	enum cadre_status status;

	if (snprintf(copy, sizeof copy, "%s/" COPY_NAME, dir) >= (int)sizeof copy)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "\"%.64s...\": path longer than %u bytes", dir,
		                       SNAPSHOT_PATH_BYTES - 1);
	status = cadre_env_remove_tree(writer->env, copy, err);
	if (status != CADRE_OK)
		return status;
	status = cadre_kv_copy(kv, copy, err);
	/* A map in memory is not copied: its transactions hold nobody up. */
	if (status == CADRE_INVALID_PARAMETER)
		return write_kv(writer, dir, kv, ret_info, err);
	if (status == CADRE_OK)
		status = write_copy(writer, dir, copy, ret_info, err);
	discard(writer->env, copy);
	return status;
}

static enum cadre_status check_space(struct writer *writer, const char *dir,
                                     struct cadre_kv *kv, struct cadre_error *err)
{
	struct cadre_kv_stat stat;
	struct cadre_space space;
	enum cadre_status status = cadre_kv_stat(kv, &stat, err);

	if (status == CADRE_OK)
		status = writer->env->ops->space(writer->env, dir, &space, err);
	if (status != CADRE_OK)
		return status;
	if (space.free_bytes / 2 < stat.used_bytes)
		return cadre_error_set(err, CADRE_OUT_OF_SPACE,
		                       "\"%s\": %" PRIu64
		                       " bytes free, a snapshot of views "
		                       "of %" PRIu64 " bytes needs twice that",
		                       dir, space.free_bytes, stat.used_bytes);
	writer->rows_total = stat.entries;
	writer->chunk_target = stat.used_bytes / SNAPSHOT_CHUNKS_TARGET;
	if (writer->chunk_target < SNAPSHOT_CHUNK_BYTES_MIN)
		writer->chunk_target = SNAPSHOT_CHUNK_BYTES_MIN;
	return CADRE_OK;
}

enum cadre_status cadre_snapshot_write(struct cadre_env *env, const char *dir,
                                       struct cadre_kv *kv, cadre_progress_fn progress,
                                       void *ctx, struct cadre_snapshot_info *ret_info,
                                       struct cadre_error *err)
{
	struct writer writer = { .env = env, .progress = progress, .progress_ctx = ctx };
	enum cadre_status status = writer_init(&writer, err);

	if (status == CADRE_OK)
		status = env->ops->mkdir(env, dir, err);
	if (status == CADRE_OK)
		status = check_space(&writer, dir, kv, err);
	if (status == CADRE_OK)
		status = copy_and_write(&writer, dir, kv, ret_info, err);
	writer_fini(&writer);
	return status;
}
