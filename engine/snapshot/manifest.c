#include "engine/snapshot/format.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/assert.h"
#include "engine/base/checksum.h"
#include "engine/views/rows.h"
#include "proto/codec/codec.h"

#define MANIFEST_CRC_BYTES 4u

enum cadre_status snapshot_path(char path[SNAPSHOT_PATH_BYTES], const char *dir,
                                cadre_seq seq, const char *suffix,
                                struct cadre_error *err)
{
	if (snprintf(path, SNAPSHOT_PATH_BYTES, "%s/%016" PRIx64 "%s", dir, seq,
	             suffix) >= (int)SNAPSHOT_PATH_BYTES)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "\"%.64s...\": path longer than %u bytes", dir,
		                       SNAPSHOT_PATH_BYTES - 1);
	return CADRE_OK;
}

/* ---- packing ---- */

static ProtobufCBinaryData binary(const void *data, size_t length)
{
	ProtobufCBinaryData bytes = { .len = length, .data = (uint8_t *)(uintptr_t)data };

	return bytes;
}

static void digest_encode(struct cadre_hash128 digest, uint8_t bytes[16])
{
	cadre_put_be64(bytes, digest.high);
	cadre_put_be64(bytes + 8, digest.low);
}

static struct cadre_hash128 digest_decode(const uint8_t bytes[16])
{
	struct cadre_hash128 digest = { .high = cadre_get_be64(bytes),
		                        .low = cadre_get_be64(bytes + 8) };

	return digest;
}

static enum cadre_status pack_message(const Cadre__V1__SnapshotManifest *message,
                                      struct cadre_buffer *out, struct cadre_error *err)
{
	size_t start = out->length;
	uint8_t crc[MANIFEST_CRC_BYTES];
	enum cadre_status status = cadre_pack(&message->base, out, err);

	if (status != CADRE_OK)
		return status;
	if (out->length - start > CADRE_MESSAGE_BYTES_MAX)
		return cadre_error_set(
		        err, CADRE_TOO_LARGE,
		        "a snapshot of %zu chunks: the manifest has %zu bytes, "
		        "at most %d",
		        message->n_chunks, out->length - start,
		        (int)CADRE_MESSAGE_BYTES_MAX);
	cadre_put_le32(crc, cadre_crc32c(0, out->data + start, out->length - start));
	return cadre_buffer_append(out, crc, sizeof crc);
}

enum cadre_status snapshot_manifest_pack(const struct cadre_snapshot_info *info,
                                         const struct snapshot_chunk *chunks,
                                         size_t count, struct cadre_buffer *out,
                                         struct cadre_error *err)
{
	const struct cadre_view_head *head = &info->head;
	Cadre__V1__SnapshotManifest message = CADRE__V1__SNAPSHOT_MANIFEST__INIT;
	Cadre__V1__SnapshotChunk *rows = calloc(count + 1, sizeof *rows);
	Cadre__V1__SnapshotChunk **pointers = calloc(count + 1, sizeof *pointers);
	uint8_t digest[16];
	enum cadre_status status;

	if (!rows || !pointers) {
		free(rows);
		free(pointers);
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY,
		                       "no memory for a manifest of %zu chunks", count);
	}
	for (size_t i = 0; i < count; i++) {
		cadre__v1__snapshot_chunk__init(&rows[i]);
		rows[i].offset = chunks[i].offset;
		rows[i].bytes = chunks[i].bytes;
		rows[i].rows = chunks[i].rows;
		rows[i].sha256 = binary(chunks[i].hash.bytes,
		                        sizeof chunks[i].hash.bytes);
		pointers[i] = &rows[i];
	}
	digest_encode(head->digest, digest);
	message.format = SNAPSHOT_FORMAT;
	message.schema = CADRE_VIEWS_SCHEMA;
	message.digest_version = CADRE_DIGEST_VERSION;
	message.cluster_id = binary(info->cluster_id, sizeof info->cluster_id);
	message.timeline_id = binary(info->timeline_id, sizeof info->timeline_id);
	message.seq = head->applied_seq;
	message.epoch = head->epoch;
	message.time_ms = head->time_ms;
	message.chain = binary(head->chain.bytes, sizeof head->chain.bytes);
	message.digest = binary(digest, sizeof digest);
	message.rows = info->rows;
	message.n_chunks = count;
	message.chunks = pointers;
	status = pack_message(&message, out, err);
	free(rows);
	free(pointers);
	return status;
}

/* ---- parsing ---- */

static enum cadre_status check_versions(const Cadre__V1__SnapshotManifest *message,
                                        struct cadre_error *err)
{
	if (message->format == SNAPSHOT_FORMAT && message->schema == CADRE_VIEWS_SCHEMA &&
	    message->digest_version == CADRE_DIGEST_VERSION)
		return CADRE_OK;
	return cadre_error_set(err, CADRE_INCORRECT_STATE,
	                       "format %u, schema %u, digest version %u: this program "
	                       "reads %u, %u, %u",
	                       message->format, message->schema, message->digest_version,
	                       SNAPSHOT_FORMAT, CADRE_VIEWS_SCHEMA, CADRE_DIGEST_VERSION);
}

/* Chunks lie end to end from offset 0 and hold all rows. */
static enum cadre_status check_chunks(const Cadre__V1__SnapshotManifest *message,
                                      struct cadre_error *err)
{
	uint64_t offset = 0, rows = 0;

	for (size_t i = 0; i < message->n_chunks; i++) {
		const Cadre__V1__SnapshotChunk *chunk = message->chunks[i];
		if (chunk->offset != offset || chunk->bytes == 0 || chunk->rows == 0 ||
		    chunk->bytes > UINT64_MAX - offset ||
		    chunk->rows > UINT64_MAX - rows || chunk->sha256.len != 32)
			return cadre_error_set(
			        err, CADRE_CORRUPT,
			        "chunks[%zu]: does not follow offset %" PRIu64, i,
			        offset);
		offset += chunk->bytes;
		rows += chunk->rows;
	}
	if (rows != message->rows)
		return cadre_error_set(err, CADRE_CORRUPT,
		                       "chunks of %" PRIu64 " rows, must be %" PRIu64,
		                       rows, message->rows);
	return CADRE_OK;
}

static enum cadre_status check_message(const Cadre__V1__SnapshotManifest *message,
                                       struct cadre_error *err)
{
	enum cadre_status status = check_versions(message, err);

	if (status != CADRE_OK)
		return status;
	if (message->cluster_id.len != 16 || message->timeline_id.len != 16 ||
	    message->chain.len != 32 || message->digest.len != 16)
		return cadre_error_set(err, CADRE_CORRUPT,
		                       "ids, chain or digest of another length");
	return check_chunks(message, err);
}

enum cadre_status snapshot_manifest_parse(struct cadre_slice bytes,
                                          struct cadre_arena *arena,
                                          Cadre__V1__SnapshotManifest **ret_manifest,
                                          struct cadre_error *err)
{
	ProtobufCMessage *message;
	Cadre__V1__SnapshotManifest *manifest;
	enum cadre_status status;
	size_t length;

	if (bytes.length < MANIFEST_CRC_BYTES ||
	    bytes.length > SNAPSHOT_MANIFEST_BYTES_MAX)
		return cadre_error_set(err, CADRE_CORRUPT, "%zu bytes, must be %u to %u",
		                       bytes.length, MANIFEST_CRC_BYTES,
		                       (unsigned)SNAPSHOT_MANIFEST_BYTES_MAX);
	length = bytes.length - MANIFEST_CRC_BYTES;
	if (cadre_crc32c(0, bytes.data, length) != cadre_get_le32(bytes.data + length))
		return cadre_error_set(err, CADRE_CORRUPT, "checksum differs");
	status = cadre_unpack(&cadre__v1__snapshot_manifest__descriptor,
	                      cadre_slice(bytes.data, length), arena, &message, err);
	if (status != CADRE_OK) {
		if (err && status != CADRE_OUT_OF_MEMORY)
			err->status = CADRE_CORRUPT;
		return status == CADRE_OUT_OF_MEMORY ? status : CADRE_CORRUPT;
	}
	manifest = (Cadre__V1__SnapshotManifest *)message;
	status = check_message(manifest, err);
	if (status == CADRE_OK)
		*ret_manifest = manifest;
	return status;
}

/* ---- the file ---- */

static enum cadre_status read_bytes(struct cadre_env *env, const char *path,
                                    uint8_t **ret_data, size_t *ret_length,
                                    struct cadre_error *err)
{
	struct cadre_file *file;
	uint64_t size = 0;
	uint8_t *data = NULL;
	enum cadre_status status = cadre_file_open(env, path, CADRE_OPEN_READ, &file,
	                                           err);

	if (status != CADRE_OK)
		return status;
	status = env->ops->size(file, &size, err);
	if (status == CADRE_OK && size > SNAPSHOT_MANIFEST_BYTES_MAX)
		status = cadre_error_set(err, CADRE_CORRUPT,
		                         "%" PRIu64 " bytes, at most %u", size,
		                         (unsigned)SNAPSHOT_MANIFEST_BYTES_MAX);
	if (status == CADRE_OK) {
		data = malloc((size_t)size + 1);
		if (!data)
			status = cadre_error_set(err, CADRE_OUT_OF_MEMORY, "no memory");
	}
	if (status == CADRE_OK)
		status = env->ops->pread(file, 0, data, (size_t)size, ret_length, err);
	cadre_file_close(file);
	if (status != CADRE_OK) {
		free(data);
		return status;
	}
	*ret_data = data;
	return CADRE_OK;
}

static void fill_info(const Cadre__V1__SnapshotManifest *message,
                      struct cadre_snapshot_info *info)
{
	info->head.applied_seq = message->seq;
	info->head.epoch = message->epoch;
	info->head.time_ms = message->time_ms;
	memcpy(info->head.chain.bytes, message->chain.data, 32);
	info->head.digest = digest_decode(message->digest.data);
	info->head.schema = message->schema;
	memcpy(info->cluster_id, message->cluster_id.data, 16);
	memcpy(info->timeline_id, message->timeline_id.data, 16);
	info->rows = message->rows;
}

/* The size shows a cut file at once; what is in it is for load and verify. */
static enum cadre_status check_rows_size(struct cadre_env *env, const char *dir,
                                         struct snapshot_manifest *manifest,
                                         struct cadre_error *err)
{
	const Cadre__V1__SnapshotManifest *message = manifest->message;
	char path[SNAPSHOT_PATH_BYTES];
	struct cadre_file *file;
	uint64_t size = 0, expected = 0;
	enum cadre_status status = snapshot_path(path, dir, message->seq, "/rows", err);

	if (status == CADRE_OK)
		status = cadre_file_open(env, path, CADRE_OPEN_READ, &file, err);
	if (status == CADRE_NOT_FOUND)
		return cadre_error_set(err, CADRE_CORRUPT, "no \"%s\"", path);
	if (status != CADRE_OK)
		return status;
	status = env->ops->size(file, &size, err);
	cadre_file_close(file);
	if (status != CADRE_OK)
		return status;
	if (message->n_chunks > 0) {
		const Cadre__V1__SnapshotChunk *last =
		        message->chunks[message->n_chunks - 1];
		expected = last->offset + last->bytes;
	}
	manifest->info.bytes += size;
	if (size != expected)
		return cadre_error_set(err, CADRE_CORRUPT,
		                       "\"%s\": %" PRIu64 " bytes, must be %" PRIu64,
		                       path, size, expected);
	return CADRE_OK;
}

static enum cadre_status parse_file(const char *path, struct cadre_slice bytes,
                                    cadre_seq seq, struct snapshot_manifest *manifest,
                                    struct cadre_error *err)
{
	enum cadre_status status = snapshot_manifest_parse(bytes, &manifest->arena,
	                                                   &manifest->message, err);

	if (status == CADRE_OK && manifest->message->seq != seq)
		status = cadre_error_set(err, CADRE_CORRUPT, "is of seq %" PRIu64,
		                         manifest->message->seq);
	if (status != CADRE_OK) {
		cadre_error_prefix(err, "\"%s\": ", path);
		return status;
	}
	fill_info(manifest->message, &manifest->info);
	manifest->info.bytes = bytes.length;
	return CADRE_OK;
}

enum cadre_status snapshot_manifest_open(struct cadre_env *env, const char *dir,
                                         cadre_seq seq,
                                         struct snapshot_manifest *manifest,
                                         struct cadre_error *err)
{
	char path[SNAPSHOT_PATH_BYTES];
	uint8_t *data = NULL;
	size_t length = 0;
	enum cadre_status status = snapshot_path(path, dir, seq, "/manifest", err);

	memset(manifest, 0, sizeof *manifest);
	if (status == CADRE_OK)
		status = read_bytes(env, path, &data, &length, err);
	if (status != CADRE_OK)
		return status;
	cadre_arena_init(&manifest->arena, cadre_arena_bytes_for(length));
	status = parse_file(path, cadre_slice(data, length), seq, manifest, err);
	free(data);
	if (status == CADRE_OK)
		status = check_rows_size(env, dir, manifest, err);
	if (status != CADRE_OK)
		snapshot_manifest_close(manifest);
	return status;
}

void snapshot_manifest_close(struct snapshot_manifest *manifest)
{
	cadre_arena_fini(&manifest->arena);
	manifest->message = NULL;
}
