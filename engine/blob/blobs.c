#include "engine/blob/internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/bytes.h"

/* ---- names ---- */

static enum cadre_status check_length(int length, const char *dir,
                                      struct cadre_error *err)
{
	if (length >= 0 && (size_t)length < BLOB_PATH_BYTES)
		return CADRE_OK;
	return cadre_error_set(err, CADRE_INVALID_PARAMETER,
	                       "\"%.64s...\": the path is too long", dir);
}

enum cadre_status blob_path(const char *dir, const struct cadre_sha256 *sha256,
                            char path[BLOB_PATH_BYTES], struct cadre_error *err)
{
	char hex[BLOB_HEX_CHARS + 1] = "";

	if (sha256)
		cadre_hex_encode(sha256->bytes, sizeof sha256->bytes, hex);
	return check_length(snprintf(path, BLOB_PATH_BYTES, "%s/blobs/sha256%s%s", dir,
	                             sha256 ? "/" : "", hex),
	                    dir, err);
}

enum cadre_status blob_upload_path(const struct cadre_blobs *blobs,
                                   const struct blob_upload *upload,
                                   char path[BLOB_PATH_BYTES], struct cadre_error *err)
{
	char hex[33];

	if (!upload)
		return check_length(
		        snprintf(path, BLOB_PATH_BYTES, "%s/blobs/tmp", blobs->dir),
		        blobs->dir, err);
	cadre_hex_encode(upload->name, sizeof upload->name, hex);
	return check_length(snprintf(path, BLOB_PATH_BYTES, "%s/blobs/tmp/%s-%016" PRIx64,
	                             blobs->dir, hex, upload->begun_ms),
	                    blobs->dir, err);
}

bool blob_name_parse(const char *name, struct cadre_sha256 *ret_sha256)
{
	return strlen(name) == BLOB_HEX_CHARS &&
	       cadre_hex_decode(name, ret_sha256->bytes, sizeof ret_sha256->bytes);
}

bool cadre_blob_uri_parse(const char *uri, struct cadre_sha256 *ret)
{
	size_t prefix = strlen(CADRE_BLOB_URI_PREFIX);

	return strncmp(uri, CADRE_BLOB_URI_PREFIX, prefix) == 0 &&
	       blob_name_parse(uri + prefix, ret);
}

/* ---- open, close ---- */

static enum cadre_status make_dirs(struct cadre_blobs *blobs, struct cadre_error *err)
{
	struct cadre_env *env = blobs->env;
	char root[BLOB_PATH_BYTES];
	char named[BLOB_PATH_BYTES];
	char under_way[BLOB_PATH_BYTES];
	enum cadre_status status = check_length(
	        snprintf(root, sizeof root, "%s/blobs", blobs->dir), blobs->dir, err);

	if (status == CADRE_OK)
		status = blob_path(blobs->dir, NULL, named, err);
	if (status == CADRE_OK)
		status = blob_upload_path(blobs, NULL, under_way, err);
	if (status == CADRE_OK)
		status = env->ops->mkdir(env, root, err);
	if (status == CADRE_OK)
		status = env->ops->mkdir(env, named, err);
	if (status == CADRE_OK)
		status = env->ops->mkdir(env, under_way, err);
	/* A name that a killed process gave may not be durable; from here on it is. */
	if (status == CADRE_OK)
		status = env->ops->sync_dir(env, named, err);
	if (status == CADRE_OK)
		status = env->ops->sync_dir(env, root, err);
	return status == CADRE_OK ? env->ops->sync_dir(env, blobs->dir, err) : status;
}

static enum cadre_status set_dir(struct cadre_blobs *blobs, const char *dir,
                                 struct cadre_error *err)
{
	if (strlen(dir) >= sizeof blobs->dir)
		return check_length(-1, dir, err);
	(void)snprintf(blobs->dir, sizeof blobs->dir, "%s", dir);
	return CADRE_OK;
}

static void set_options(struct cadre_blobs *blobs,
                        const struct cadre_blob_options *options)
{
	if (options)
		blobs->options = *options;
	if (blobs->options.uploads_max == 0)
		blobs->options.uploads_max = CADRE_BLOB_UPLOADS_MAX;
	if (blobs->options.owner_bytes_max == 0)
		blobs->options.owner_bytes_max = UINT64_MAX;
	if (blobs->options.step_bytes == 0)
		blobs->options.step_bytes = CADRE_BLOB_STEP_BYTES;
	blobs->uploads = calloc(blobs->options.uploads_max, sizeof *blobs->uploads);
}

enum cadre_status cadre_blobs_open(struct cadre_env *env, const char *dir,
                                   const struct cadre_blob_options *options,
                                   struct cadre_blobs **ret_blobs,
                                   struct cadre_error *err)
{
	struct cadre_blobs *blobs = calloc(1, sizeof *blobs);
	enum cadre_status status = CADRE_OK;

	*ret_blobs = NULL;
	if (!blobs)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY, "no memory for blobs");
	pthread_mutex_init(&blobs->lock, NULL);
	pthread_mutex_init(&blobs->naming, NULL);
	pthread_cond_init(&blobs->idle, NULL);
	blobs->env = env;
	set_options(blobs, options);
	if (!blobs->uploads)
		status = cadre_error_set(err, CADRE_OUT_OF_MEMORY, "no memory for blobs");
	if (status == CADRE_OK)
		status = set_dir(blobs, dir, err);
	if (status == CADRE_OK)
		status = make_dirs(blobs, err);
	if (status == CADRE_OK)
		status = blob_uploads_find(blobs, err);
	if (status == CADRE_OK)
		*ret_blobs = blobs;
	else
		cadre_blobs_close(&blobs);
	return status;
}

void cadre_blobs_close(struct cadre_blobs **blobs_at)
{
	struct cadre_blobs *blobs = *blobs_at;

	*blobs_at = NULL;
	if (!blobs)
		return;
	pthread_cond_destroy(&blobs->idle);
	pthread_mutex_destroy(&blobs->naming);
	pthread_mutex_destroy(&blobs->lock);
	free(blobs->uploads);
	free(blobs);
}

/* ---- reading ---- */

static enum cadre_status open_blob(struct cadre_env *env, const char *dir,
                                   const struct cadre_sha256 *sha256,
                                   struct cadre_file **ret_file, uint64_t *ret_bytes,
                                   struct cadre_error *err)
{
	char path[BLOB_PATH_BYTES];
	struct cadre_error cause = CADRE_ERROR_INIT;
	enum cadre_status status = blob_path(dir, sha256, path, &cause);

	if (status == CADRE_OK)
		status = cadre_file_open(env, path, CADRE_OPEN_READ, ret_file, &cause);
	if (status == CADRE_NOT_FOUND)
		return cadre_error_set(err, status, "no blob sha256:%s is stored here",
		                       path + strlen(path) - BLOB_HEX_CHARS);
	if (status == CADRE_OK) {
		status = env->ops->size(*ret_file, ret_bytes, &cause);
		if (status != CADRE_OK)
			cadre_file_close(*ret_file);
	}
	if (status != CADRE_OK && err)
		*err = cause;
	return status;
}

enum cadre_status cadre_blob_stat(struct cadre_blobs *blobs,
                                  const struct cadre_sha256 *sha256, uint64_t *ret_bytes,
                                  struct cadre_error *err)
{
	struct cadre_file *file;
	enum cadre_status status;

	if (blob_is_publishing(blobs, sha256))
		return cadre_error_set(err, CADRE_NOT_FOUND,
		                       "the blob is being made durable");
	status = open_blob(blobs->env, blobs->dir, sha256, &file, ret_bytes, err);
	if (status == CADRE_OK)
		cadre_file_close(file);
	return status;
}

enum cadre_status cadre_blob_read(struct cadre_blobs *blobs,
                                  const struct cadre_sha256 *sha256, uint64_t offset,
                                  void *data, size_t capacity, size_t *ret_length,
                                  uint64_t *ret_bytes, struct cadre_error *err)
{
	struct cadre_file *file;
	enum cadre_status status = open_blob(blobs->env, blobs->dir, sha256, &file,
	                                     ret_bytes, err);

	if (status != CADRE_OK)
		return status;
	if (offset > *ret_bytes)
		status = cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                         "offset %" PRIu64 " of a blob of %" PRIu64
		                         " bytes",
		                         offset, *ret_bytes);
	else
		status = blobs->env->ops->pread(file, offset, data, capacity, ret_length,
		                                err);
	cadre_file_close(file);
	return status;
}

enum cadre_status cadre_blob_remove(struct cadre_blobs *blobs,
                                    const struct cadre_sha256 *sha256,
                                    struct cadre_error *err)
{
	char path[BLOB_PATH_BYTES];
	char dir[BLOB_PATH_BYTES];
	enum cadre_status status = blob_path(blobs->dir, sha256, path, err);

	if (status == CADRE_OK)
		status = blob_path(blobs->dir, NULL, dir, err);
	if (status == CADRE_OK)
		status = blobs->env->ops->remove(blobs->env, path, err);
	return status == CADRE_OK ? blobs->env->ops->sync_dir(blobs->env, dir, err)
	                          : status;
}

/* ---- for tools ---- */

struct listing {
	struct cadre_env *env;
	const char *dir;
	cadre_blob_fn fn;
	void *ctx;
	struct cadre_error *err;
};

static enum cadre_status list_one(void *ctx, const char *name)
{
	struct listing *listing = ctx;
	struct cadre_sha256 sha256;
	struct cadre_file *file;
	uint64_t bytes;
	enum cadre_status status;

	if (!blob_name_parse(name, &sha256))
		return CADRE_OK;
	status = open_blob(listing->env, listing->dir, &sha256, &file, &bytes,
	                   listing->err);
	/* Removed meanwhile by the process that has them open. */
	if (status == CADRE_NOT_FOUND)
		return CADRE_OK;
	if (status != CADRE_OK)
		return status;
	cadre_file_close(file);
	return listing->fn(listing->ctx, &sha256, bytes);
}

enum cadre_status cadre_blobs_list(struct cadre_env *env, const char *dir,
                                   cadre_blob_fn fn, void *ctx, struct cadre_error *err)
{
	struct listing listing = {
		.env = env, .dir = dir, .fn = fn, .ctx = ctx, .err = err
	};
	char path[BLOB_PATH_BYTES];
	enum cadre_status status = blob_path(dir, NULL, path, err);

	if (status == CADRE_OK)
		status = env->ops->list(env, path, list_one, &listing, err);
	return status == CADRE_NOT_FOUND ? CADRE_OK : status;
}

static enum cadre_status
hash_all(struct cadre_file *file, uint64_t bytes, uint8_t *piece,
         enum cadre_status (*progress)(void *ctx, uint64_t done, uint64_t total),
         void *ctx, struct cadre_sha256 *ret_sha256, struct cadre_error *err)
{
	struct cadre_sha256_stream stream;
	enum cadre_status status = CADRE_OK;
	size_t length = 1;

	cadre_sha256_init(&stream);
	for (uint64_t at = 0; status == CADRE_OK && length > 0; at += length) {
		status = file->env->ops->pread(file, at, piece, BLOB_PIECE_BYTES, &length,
		                               err);
		if (status == CADRE_OK)
			cadre_sha256_update(&stream, piece, length);
		if (status == CADRE_OK && progress)
			status = progress(ctx, at + length, bytes);
	}
	*ret_sha256 = cadre_sha256_final(&stream);
	return status;
}

enum cadre_status
cadre_blob_verify(struct cadre_env *env, const char *dir,
                  const struct cadre_sha256 *sha256,
                  enum cadre_status (*progress)(void *ctx, uint64_t done, uint64_t total),
                  void *ctx, struct cadre_error *err)
{
	struct cadre_sha256 found = { { 0 } };
	uint8_t *piece = malloc(BLOB_PIECE_BYTES);
	struct cadre_file *file;
	char hex[BLOB_HEX_CHARS + 1];
	uint64_t bytes;
	enum cadre_status status;

	if (!piece)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY, "no memory for a blob");
	status = open_blob(env, dir, sha256, &file, &bytes, err);
	if (status == CADRE_OK) {
		status = hash_all(file, bytes, piece, progress, ctx, &found, err);
		cadre_file_close(file);
	}
	free(piece);
	if (status == CADRE_IO_ERROR)
		return CADRE_CORRUPT;
	if (status != CADRE_OK || memcmp(found.bytes, sha256->bytes, 32) == 0)
		return status;
	cadre_hex_encode(found.bytes, sizeof found.bytes, hex);
	return cadre_error_set(err, CADRE_CORRUPT, "its SHA-256 is %s, not its name",
	                       hex);
}
