/*
 * A lease is an open file: the directory entry may go, the bytes stay until it is
 * closed. Every call first closes what is past its time.
 */
#include "replica/transfer/snapshot_source.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/assert.h"
#include "proto/codec/limits.h"

#define PATH_BYTES 4096u
/* A snapshot may be pruned between being found and being opened. */
#define OPEN_ATTEMPTS_MAX 3
/* A message and its checksum. */
#define MANIFEST_BYTES_MAX (CADRE_MESSAGE_BYTES_MAX + 4u)

struct lease {
	struct cadre_file *file; /* NULL: free */
	cadre_seq seq;
	uint64_t bytes;
	uint64_t end_ms;
};

struct cadre_snapshot_source {
	struct cadre_env *env;
	pthread_mutex_t lock;
	struct lease leases[CADRE_SNAPSHOT_LEASES_MAX]; /* lock */
	char dir[PATH_BYTES - 64];
};

enum cadre_status cadre_snapshot_source_create(struct cadre_env *env,
                                               const char *snapshot_dir,
                                               struct cadre_snapshot_source **ret_source,
                                               struct cadre_error *err)
{
	struct cadre_snapshot_source *source = calloc(1, sizeof *source);
	int length;

	*ret_source = NULL;
	if (!source)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY,
		                       "no memory for a source of snapshots");
	length = snprintf(source->dir, sizeof source->dir, "%s", snapshot_dir);
	if (length < 0 || (size_t)length >= sizeof source->dir) {
		free(source);
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "\"%.64s...\": path longer than %zu bytes",
		                       snapshot_dir, sizeof source->dir - 1);
	}
	source->env = env;
	pthread_mutex_init(&source->lock, NULL);
	*ret_source = source;
	return CADRE_OK;
}

static void end_lease(struct lease *lease)
{
	cadre_file_close(lease->file);
	memset(lease, 0, sizeof *lease);
}

void cadre_snapshot_source_destroy(struct cadre_snapshot_source **source_at)
{
	struct cadre_snapshot_source *source = *source_at;

	*source_at = NULL;
	if (!source)
		return;
	for (unsigned i = 0; i < CADRE_SNAPSHOT_LEASES_MAX; i++)
		end_lease(&source->leases[i]);
	pthread_mutex_destroy(&source->lock);
	free(source);
}

/* ---- leases, under the lock ---- */

static void end_old_leases(struct cadre_snapshot_source *source, uint64_t now_ms)
{
	for (unsigned i = 0; i < CADRE_SNAPSHOT_LEASES_MAX; i++)
		if (source->leases[i].file && source->leases[i].end_ms <= now_ms)
			end_lease(&source->leases[i]);
}

static struct lease *find_lease(struct cadre_snapshot_source *source, cadre_seq seq)
{
	for (unsigned i = 0; i < CADRE_SNAPSHOT_LEASES_MAX; i++)
		if (source->leases[i].file && source->leases[i].seq == seq)
			return &source->leases[i];
	return NULL;
}

static struct lease *free_lease(struct cadre_snapshot_source *source)
{
	for (unsigned i = 0; i < CADRE_SNAPSHOT_LEASES_MAX; i++)
		if (!source->leases[i].file)
			return &source->leases[i];
	return NULL;
}

void cadre_snapshot_source_tend(struct cadre_snapshot_source *source, uint64_t now_ms)
{
	pthread_mutex_lock(&source->lock);
	end_old_leases(source, now_ms);
	pthread_mutex_unlock(&source->lock);
}

/* ---- opening ---- */

static enum cadre_status open_file(struct cadre_snapshot_source *source, cadre_seq seq,
                                   const char *name, struct cadre_file **ret_file,
                                   uint64_t *ret_bytes, struct cadre_error *err)
{
	struct cadre_env *env = source->env;
	char path[PATH_BYTES];
	enum cadre_status status;

	(void)snprintf(path, sizeof path, "%s/%016" PRIx64 "/%s", source->dir, seq, name);
	status = cadre_file_open(env, path, CADRE_OPEN_READ, ret_file, err);
	if (status != CADRE_OK)
		return status;
	status = env->ops->size(*ret_file, ret_bytes, err);
	if (status != CADRE_OK) {
		cadre_file_close(*ret_file);
		*ret_file = NULL;
	}
	return status;
}

/* Appends `bytes` of the file from `offset` on. */
static enum cadre_status append_from(struct cadre_file *file, uint64_t offset,
                                     size_t bytes, struct cadre_buffer *out,
                                     struct cadre_error *err)
{
	enum cadre_status status;

	if (bytes == 0)
		return CADRE_OK;
	if (cadre_buffer_reserve(out, bytes) != CADRE_OK)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY,
		                       "no memory for %zu bytes of a snapshot", bytes);
	status = cadre_file_read_exact(file, offset, out->data + out->length, bytes, err);
	if (status == CADRE_END)
		return cadre_error_set(err, CADRE_CORRUPT,
		                       "a snapshot became shorter while it was read");
	if (status == CADRE_OK)
		out->length += bytes;
	return status;
}

static enum cadre_status read_manifest(struct cadre_snapshot_source *source,
                                       cadre_seq seq, struct cadre_buffer *manifest,
                                       struct cadre_error *err)
{
	struct cadre_file *file;
	uint64_t bytes;
	enum cadre_status status = open_file(source, seq, "manifest", &file, &bytes, err);

	if (status != CADRE_OK)
		return status;
	if (bytes > MANIFEST_BYTES_MAX)
		status = cadre_error_set(err, CADRE_CORRUPT,
		                         "a manifest of %" PRIu64 " bytes, at most %u",
		                         bytes, MANIFEST_BYTES_MAX);
	else
		status = append_from(file, 0, (size_t)bytes, manifest, err);
	cadre_file_close(file);
	return status;
}

/* The lease of a snapshot that was just found in the directory. */
static enum cadre_status take_lease(struct cadre_snapshot_source *source, cadre_seq seq,
                                    struct lease **ret_lease, struct cadre_error *err)
{
	struct lease *lease = find_lease(source, seq);
	enum cadre_status status;

	*ret_lease = lease;
	if (lease)
		return CADRE_OK;
	lease = free_lease(source);
	if (!lease)
		return cadre_error_set(err, CADRE_TOO_MANY_REQUESTS,
		                       "%u snapshots are being fetched already: come "
		                       "again later",
		                       CADRE_SNAPSHOT_LEASES_MAX);
	status = open_file(source, seq, "rows", &lease->file, &lease->bytes, err);
	if (status != CADRE_OK)
		return status;
	lease->seq = seq;
	*ret_lease = lease;
	return CADRE_OK;
}

static enum cadre_status open_newest(struct cadre_snapshot_source *source,
                                     cadre_seq seq_min, uint64_t now_ms,
                                     Cadre__V1__SnapshotInfo *info,
                                     struct cadre_buffer *manifest,
                                     struct cadre_error *err)
{
	size_t start = manifest->length;
	struct cadre_snapshot_info found;
	struct lease *lease = NULL;
	enum cadre_status status = cadre_snapshot_newest(source->env, source->dir,
	                                                 CADRE_SEQ_MAX, &found, err);

	if (status != CADRE_OK)
		return status;
	if (found.head.applied_seq < seq_min)
		return cadre_error_set(err, CADRE_NOT_FOUND,
		                       "the newest snapshot is of seq %" PRIu64
		                       ", asked for was %" PRIu64 " or later",
		                       found.head.applied_seq, seq_min);
	status = read_manifest(source, found.head.applied_seq, manifest, err);
	if (status == CADRE_OK)
		status = take_lease(source, found.head.applied_seq, &lease, err);
	if (status != CADRE_OK) {
		manifest->length = start;
		return status;
	}
	CADRE_ASSERT(lease);
	lease->end_ms = now_ms + CADRE_SNAPSHOT_LEASE_MS;
	cadre__v1__snapshot_info__init(info);
	info->seq = lease->seq;
	info->manifest.data = manifest->data + start;
	info->manifest.len = manifest->length - start;
	info->rows_bytes = lease->bytes;
	info->lease_ms = CADRE_SNAPSHOT_LEASE_MS;
	return CADRE_OK;
}

enum cadre_status cadre_snapshot_source_open(struct cadre_snapshot_source *source,
                                             cadre_seq seq_min, uint64_t now_ms,
                                             Cadre__V1__SnapshotInfo *info,
                                             struct cadre_buffer *manifest,
                                             struct cadre_error *err)
{
	enum cadre_status status = CADRE_NOT_FOUND;

	pthread_mutex_lock(&source->lock);
	end_old_leases(source, now_ms);
	for (int i = 0; i < OPEN_ATTEMPTS_MAX && status == CADRE_NOT_FOUND; i++)
		status = open_newest(source, seq_min, now_ms, info, manifest, err);
	pthread_mutex_unlock(&source->lock);
	return status;
}

/* ---- reading ---- */

static enum cadre_status read_chunk(struct cadre_snapshot_source *source,
                                    const Cadre__V1__SnapshotChunkRequest *request,
                                    uint64_t now_ms, struct cadre_buffer *out,
                                    struct cadre_error *err)
{
	struct lease *lease = find_lease(source, request->seq);
	uint64_t bytes = request->bytes;

	if (!lease)
		return cadre_error_set(err, CADRE_NOT_FOUND,
		                       "snapshot %" PRIu64
		                       " is not held here (any more): "
		                       "open it again",
		                       request->seq);
	if (request->offset > lease->bytes)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "offset %" PRIu64 ": snapshot %" PRIu64
		                       " has %" PRIu64 " bytes",
		                       request->offset, request->seq, lease->bytes);
	lease->end_ms = now_ms + CADRE_SNAPSHOT_LEASE_MS;
	if (bytes > CADRE_SNAPSHOT_CHUNK_BYTES_MAX)
		bytes = CADRE_SNAPSHOT_CHUNK_BYTES_MAX;
	if (bytes > lease->bytes - request->offset)
		bytes = lease->bytes - request->offset;
	return append_from(lease->file, request->offset, (size_t)bytes, out, err);
}

enum cadre_status
cadre_snapshot_source_read(struct cadre_snapshot_source *source,
                           const Cadre__V1__SnapshotChunkRequest *request,
                           uint64_t now_ms, struct cadre_buffer *out,
                           struct cadre_error *err)
{
	enum cadre_status status;

	pthread_mutex_lock(&source->lock);
	end_old_leases(source, now_ms);
	status = read_chunk(source, request, now_ms, out, err);
	pthread_mutex_unlock(&source->lock);
	return status;
}
