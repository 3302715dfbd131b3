/* One upload: begun, filled, finished. */
#include "engine/blob/internal.h"

#include <inttypes.h>
#include <stdlib.h>

#include "engine/base/assert.h"
#include "engine/base/bytes.h"

static enum cadre_status open_upload(struct cadre_blobs *blobs,
                                     const struct blob_upload *upload, unsigned flags,
                                     struct cadre_file **ret_file,
                                     struct cadre_error *err)
{
	char path[BLOB_PATH_BYTES];
	enum cadre_status status = blob_upload_path(blobs, upload, path, err);

	return status == CADRE_OK
	               ? cadre_file_open(blobs->env, path, flags, ret_file, err)
	               : status;
}

static void set_have(struct cadre_blobs *blobs, struct blob_upload *upload, uint64_t have)
{
	pthread_mutex_lock(&blobs->lock);
	upload->have = have;
	pthread_mutex_unlock(&blobs->lock);
}

static void fill_state(const struct blob_upload *upload,
                       struct cadre_blob_state *ret_state)
{
	ret_state->bytes = upload->bytes;
	ret_state->next_offset = upload->have;
	ret_state->durable = false;
}

/* ---- begin ---- */

static bool present(struct cadre_blobs *blobs, const struct cadre_sha256 *sha256,
                    struct cadre_blob_state *ret_state)
{
	uint64_t bytes;

	if (cadre_blob_stat(blobs, sha256, &bytes, NULL) != CADRE_OK)
		return false;
	ret_state->bytes = bytes;
	ret_state->next_offset = bytes;
	ret_state->durable = true;
	return true;
}

/* Makes the file and forgets bytes beyond the declared size. */
static enum cadre_status prepare_file(struct cadre_blobs *blobs,
                                      struct blob_upload *upload, uint64_t bytes,
                                      struct cadre_error *err)
{
	struct cadre_file *file;
	enum cadre_status status = open_upload(
	        blobs, upload, CADRE_OPEN_WRITE | CADRE_OPEN_CREATE, &file, err);

	if (status != CADRE_OK)
		return status;
	if (upload->have > bytes) {
		status = blobs->env->ops->truncate(file, 0, err);
		if (status == CADRE_OK)
			set_have(blobs, upload, 0);
	}
	cadre_file_close(file);
	return status;
}

static enum cadre_status declare(struct cadre_blobs *blobs, struct blob_upload *upload,
                                 const struct cadre_blob_upload *from, uint64_t bytes,
                                 struct cadre_error *err)
{
	enum cadre_status status;

	if (upload->known && upload->bytes != bytes)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "bytes: %" PRIu64 ", this upload was begun with "
		                       "%" PRIu64,
		                       bytes, upload->bytes);
	if (upload->known)
		return CADRE_OK;
	pthread_mutex_lock(&blobs->lock);
	upload->owner = blob_owner(from);
	upload->shared_owner = from->shared_owner;
	pthread_mutex_unlock(&blobs->lock);
	status = blob_upload_admit(blobs, upload, bytes, err);
	if (status == CADRE_OK)
		status = prepare_file(blobs, upload, bytes, err);
	if (status != CADRE_OK)
		return status;
	cadre_sha256_init(&upload->stream);
	upload->hashed = 0;
	pthread_mutex_lock(&blobs->lock);
	upload->bytes = bytes;
	upload->known = true;
	pthread_mutex_unlock(&blobs->lock);
	return CADRE_OK;
}

enum cadre_status cadre_blob_begin(struct cadre_blobs *blobs,
                                   const struct cadre_blob_upload *from, uint64_t bytes,
                                   const struct cadre_sha256 *expected,
                                   struct cadre_blob_state *ret_state,
                                   struct cadre_error *err)
{
	struct blob_upload *upload;
	uint8_t name[16];
	enum cadre_status status;

	if (bytes == 0 || bytes > CADRE_BLOB_BYTES_MAX)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "bytes: %" PRIu64 ", 1 to %" PRIu64, bytes,
		                       CADRE_BLOB_BYTES_MAX);
	if (expected && present(blobs, expected, ret_state))
		return CADRE_OK;
	blob_upload_name(from, name);
	status = blob_upload_make(blobs, from, name, &upload, err);
	if (status != CADRE_OK)
		return status;
	status = declare(blobs, upload, from, bytes, err);
	fill_state(upload, ret_state);
	/* A place is kept only by what may go on. */
	if (status != CADRE_OK && !upload->known && upload->have == 0)
		blob_upload_drop(blobs, upload);
	else
		blob_upload_release(blobs, upload);
	return status;
}

/* ---- append ---- */

static enum cadre_status not_begun(struct cadre_error *err)
{
	return cadre_error_set(err, CADRE_INCORRECT_STATE,
	                       "this upload is not under way here: begin it, and go on "
	                       "where the answer says");
}

static enum cadre_status take(struct cadre_blobs *blobs,
                              const struct cadre_blob_upload *from,
                              struct blob_upload **ret_upload, struct cadre_error *err)
{
	uint8_t name[16];
	struct blob_upload *upload;

	blob_upload_name(from, name);
	upload = blob_upload_take(blobs, name);
	if (!upload)
		return not_begun(err);
	if (!upload->known) {
		blob_upload_release(blobs, upload);
		return not_begun(err);
	}
	*ret_upload = upload;
	return CADRE_OK;
}

static enum cadre_status check_range(const struct blob_upload *upload, uint64_t offset,
                                     size_t length, struct cadre_error *err)
{
	if (length > CADRE_BLOB_CHUNK_BYTES_MAX)
		return cadre_error_set(err, CADRE_TOO_LARGE,
		                       "data: %zu bytes, at most %zu", length,
		                       CADRE_BLOB_CHUNK_BYTES_MAX);
	if (length == 0)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER, "data: empty");
	if (offset > upload->bytes || length > upload->bytes - offset)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "offset: %zu bytes at %" PRIu64
		                       ", the upload was begun with %" PRIu64,
		                       length, offset, upload->bytes);
	if (offset > upload->have)
		return cadre_error_set(err, CADRE_INCORRECT_STATE,
		                       "offset: %" PRIu64 ", bytes up to %" PRIu64
		                       " are here: begin it, and go on where the answer "
		                       "says",
		                       offset, upload->have);
	return CADRE_OK;
}

static enum cadre_status check_room(struct cadre_blobs *blobs, size_t length,
                                    struct cadre_error *err)
{
	struct cadre_space space;
	enum cadre_status status = blobs->env->ops->space(blobs->env, blobs->dir, &space,
	                                                  err);

	if (status != CADRE_OK || space.free_bytes >= CADRE_BLOB_RESERVE_BYTES + length)
		return status;
	return cadre_error_set(err, CADRE_OUT_OF_SPACE,
	                       "\"%.300s\": %" PRIu64 " MiB free, uploads leave %" PRIu64
	                       " to the log; the upload goes on when there is room",
	                       blobs->dir, space.free_bytes >> 20,
	                       CADRE_BLOB_RESERVE_BYTES >> 20);
}

/* CADRE_IO_ERROR of a sync: nothing is known of the bytes, the caller drops it. */
static enum cadre_status write_chunk(struct cadre_blobs *blobs,
                                     struct blob_upload *upload, struct cadre_file *file,
                                     struct cadre_slice data, bool *ret_lost,
                                     struct cadre_error *err)
{
	const struct cadre_env_ops *ops = blobs->env->ops;
	enum cadre_status status = ops->pwrite(file, upload->have, data.data, data.length,
	                                       err);

	if (status != CADRE_OK) {
		/* The next process takes the file's size for what is here. */
		*ret_lost = ops->truncate(file, upload->have, NULL) != CADRE_OK;
		return status;
	}
	upload->unsynced += data.length;
	if (upload->unsynced >= BLOB_SYNC_BYTES) {
		status = ops->datasync(file, err);
		*ret_lost = status != CADRE_OK;
		upload->unsynced = 0;
	}
	return status;
}

static enum cadre_status append(struct cadre_blobs *blobs, struct blob_upload *upload,
                                uint64_t offset, struct cadre_slice data, bool *ret_lost,
                                struct cadre_error *err)
{
	struct cadre_slice rest;
	struct cadre_file *file;
	enum cadre_status status = check_range(upload, offset, data.length, err);

	if (status != CADRE_OK || offset + data.length <= upload->have)
		return status;
	rest = cadre_slice(data.data + (upload->have - offset),
	                   data.length - (size_t)(upload->have - offset));
	status = check_room(blobs, rest.length, err);
	if (status == CADRE_OK)
		status = open_upload(blobs, upload, CADRE_OPEN_WRITE, &file, err);
	if (status != CADRE_OK)
		return status;
	status = write_chunk(blobs, upload, file, rest, ret_lost, err);
	cadre_file_close(file);
	if (status != CADRE_OK)
		return status;
	if (upload->hashed == upload->have) {
		cadre_sha256_update(&upload->stream, rest.data, rest.length);
		upload->hashed += rest.length;
	}
	set_have(blobs, upload, upload->have + rest.length);
	return CADRE_OK;
}

enum cadre_status cadre_blob_append(struct cadre_blobs *blobs,
                                    const struct cadre_blob_upload *from, uint64_t offset,
                                    struct cadre_slice data,
                                    struct cadre_blob_state *ret_state,
                                    struct cadre_error *err)
{
	struct blob_upload *upload;
	bool lost = false;
	enum cadre_status status = take(blobs, from, &upload, err);

	if (status != CADRE_OK)
		return status;
	status = append(blobs, upload, offset, data, &lost, err);
	fill_state(upload, ret_state);
	/* Its file may have been removed by hand: begun anew, it starts anew. */
	if (lost || status == CADRE_NOT_FOUND)
		blob_upload_drop(blobs, upload);
	else
		blob_upload_release(blobs, upload);
	return status == CADRE_NOT_FOUND ? not_begun(err) : status;
}

/* ---- finish ---- */

/* Up to step_bytes of what was not hashed in passing. */
static enum cadre_status hash_step(struct cadre_blobs *blobs, struct blob_upload *upload,
                                   struct cadre_file *file, struct cadre_error *err)
{
	uint64_t until = upload->bytes;
	uint8_t *piece;
	enum cadre_status status = CADRE_OK;

	if (upload->hashed == until)
		return CADRE_OK;
	piece = malloc(BLOB_PIECE_BYTES);
	if (!piece)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY, "no memory for a blob");
	if (until - upload->hashed > blobs->options.step_bytes)
		until = upload->hashed + blobs->options.step_bytes;
	while (status == CADRE_OK && upload->hashed < until) {
		size_t length = until - upload->hashed < BLOB_PIECE_BYTES
		                        ? (size_t)(until - upload->hashed)
		                        : BLOB_PIECE_BYTES;
		status = cadre_file_read_exact(file, upload->hashed, piece, length, err);
		if (status != CADRE_OK)
			break;
		cadre_sha256_update(&upload->stream, piece, length);
		upload->hashed += length;
	}
	free(piece);
	return status == CADRE_END ? CADRE_IO_ERROR : status;
}

static enum cadre_status check_content(const struct blob_upload *upload,
                                       const struct cadre_sha256 *sha256,
                                       struct cadre_error *err)
{
	struct cadre_sha256_stream stream = upload->stream;
	struct cadre_sha256 found = cadre_sha256_final(&stream);
	char hex[BLOB_HEX_CHARS + 1];
	char wanted[BLOB_HEX_CHARS + 1];

	if (memcmp(found.bytes, sha256->bytes, sizeof found.bytes) == 0)
		return CADRE_OK;
	cadre_hex_encode(found.bytes, sizeof found.bytes, hex);
	cadre_hex_encode(sha256->bytes, sizeof sha256->bytes, wanted);
	return cadre_error_set(err, CADRE_INVALID_PARAMETER,
	                       "sha256: what arrived has %s, not %s: the upload is "
	                       "removed, begin it anew",
	                       hex, wanted);
}

static void set_publishing(struct cadre_blobs *blobs, struct blob_upload *upload,
                           bool publishing, const struct cadre_sha256 *sha256)
{
	pthread_mutex_lock(&blobs->lock);
	upload->sha256 = *sha256;
	upload->publishing = publishing;
	pthread_mutex_unlock(&blobs->lock);
}

/* Synced content gets its name; a name that may not be durable is taken back. */
static enum cadre_status give_name(struct cadre_blobs *blobs, struct blob_upload *upload,
                                   const struct cadre_sha256 *sha256,
                                   struct cadre_error *err)
{
	struct cadre_env *env = blobs->env;
	char from[BLOB_PATH_BYTES];
	char to[BLOB_PATH_BYTES];
	char dir[BLOB_PATH_BYTES];
	enum cadre_status status = blob_upload_path(blobs, upload, from, err);

	if (status == CADRE_OK)
		status = blob_path(blobs->dir, sha256, to, err);
	if (status == CADRE_OK)
		status = blob_path(blobs->dir, NULL, dir, err);
	if (status != CADRE_OK)
		return status;
	set_publishing(blobs, upload, true, sha256);
	status = env->ops->rename(env, from, to, err);
	if (status == CADRE_OK) {
		status = env->ops->sync_dir(env, dir, err);
		if (status != CADRE_OK)
			(void)!env->ops->remove(env, to, NULL);
	}
	set_publishing(blobs, upload, false, sha256);
	return status;
}

/* A durable blob of that content stays as it is. */
static enum cadre_status publish(struct cadre_blobs *blobs, struct blob_upload *upload,
                                 const struct cadre_sha256 *sha256,
                                 struct cadre_blob_state *state, struct cadre_error *err)
{
	enum cadre_status status = CADRE_OK;

	pthread_mutex_lock(&blobs->naming);
	if (!present(blobs, sha256, state))
		status = give_name(blobs, upload, sha256, err);
	pthread_mutex_unlock(&blobs->naming);
	state->durable = status == CADRE_OK;
	return status;
}

/* `*ret_over`: the upload has no future, for better or worse. */
static enum cadre_status finish(struct cadre_blobs *blobs, struct blob_upload *upload,
                                const struct cadre_sha256 *sha256,
                                struct cadre_blob_state *state, bool *ret_over,
                                struct cadre_error *err)
{
	struct cadre_file *file;
	enum cadre_status status;

	if (upload->have < upload->bytes)
		return cadre_error_set(err, CADRE_INCORRECT_STATE,
		                       "bytes up to %" PRIu64 " of %" PRIu64 " are here",
		                       upload->have, upload->bytes);
	status = open_upload(blobs, upload, CADRE_OPEN_WRITE, &file, err);
	if (status != CADRE_OK)
		return status;
	status = hash_step(blobs, upload, file, err);
	if (status != CADRE_OK || upload->hashed < upload->bytes) {
		cadre_file_close(file);
		return status;
	}
	*ret_over = true;
	status = check_content(upload, sha256, err);
	if (status == CADRE_OK)
		status = blobs->env->ops->datasync(file, err);
	cadre_file_close(file);
	if (status == CADRE_OK)
		status = publish(blobs, upload, sha256, state, err);
	return status;
}

enum cadre_status cadre_blob_finish(struct cadre_blobs *blobs,
                                    const struct cadre_blob_upload *from,
                                    const struct cadre_sha256 *sha256,
                                    struct cadre_blob_state *ret_state,
                                    struct cadre_error *err)
{
	struct blob_upload *upload;
	bool over = false;
	enum cadre_status status = take(blobs, from, &upload, err);

	/* A repeat of what is done, by whoever did it. */
	if (status == CADRE_INCORRECT_STATE && present(blobs, sha256, ret_state))
		return CADRE_OK;
	if (status != CADRE_OK)
		return status;
	fill_state(upload, ret_state);
	status = finish(blobs, upload, sha256, ret_state, &over, err);
	if (over || status == CADRE_NOT_FOUND)
		blob_upload_drop(blobs, upload);
	else
		blob_upload_release(blobs, upload);
	return status == CADRE_NOT_FOUND ? not_begun(err) : status;
}
