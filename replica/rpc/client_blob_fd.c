/* Blobs out of files and into files. */
#include "replica/rpc/client_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/base/checksum.h"

#define PIECE_BYTES ((size_t)1 << 20)

struct file {
	int fd;
	cadre_client_blob_progress_fn progress;
	void *ctx;
};

static int64_t read_file(void *ctx, uint64_t offset, void *data, size_t capacity)
{
	const struct file *file = ctx;
	ssize_t got;

	do {
		got = pread(file->fd, data, capacity, (off_t)offset);
	} while (got < 0 && errno == EINTR);
	return got;
}

static int write_file(void *ctx, uint64_t offset, const void *data, size_t length)
{
	const struct file *file = ctx;
	const uint8_t *at = data;

	while (length > 0) {
		ssize_t put = write(file->fd, at, length);
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -1;
		at += put;
		length -= (size_t)put;
	}
	(void)offset;
	return 0;
}

static int show_file(void *ctx, uint64_t done, uint64_t total)
{
	const struct file *file = ctx;

	return file->progress ? file->progress(file->ctx, done, total) : 0;
}

static enum cadre_client_outcome fail(struct cadre_client_blob *blob,
                                      enum cadre_status status, const char *message)
{
	blob->status = (int)status;
	(void)snprintf(blob->message, sizeof blob->message, "%s", message);
	return CADRE_CLIENT_REFUSED;
}

static bool hash_file(struct file *file, struct cadre_sha256 *ret_sha256,
                      uint64_t *ret_bytes)
{
	struct cadre_sha256_stream stream;
	uint8_t *piece = malloc(PIECE_BYTES);
	int64_t got = piece ? 0 : -1;

	*ret_bytes = 0;
	cadre_sha256_init(&stream);
	while (piece && (got = read_file(file, *ret_bytes, piece, PIECE_BYTES)) > 0) {
		cadre_sha256_update(&stream, piece, (size_t)got);
		*ret_bytes += (uint64_t)got;
	}
	*ret_sha256 = cadre_sha256_final(&stream);
	free(piece);
	return got == 0;
}

enum cadre_client_outcome cadre_client_blob_put_fd(struct cadre_client *client, int fd,
                                                   cadre_client_blob_progress_fn progress,
                                                   void *ctx,
                                                   struct cadre_client_blob *ret_blob)
{
	struct file file = { .fd = fd, .progress = progress, .ctx = ctx };
	struct cadre_sha256 sha256;
	struct cadre_client_blob_put put = { .sha256 = sha256.bytes,
		                             .read = read_file,
		                             .progress = show_file,
		                             .ctx = &file };

	if (!hash_file(&file, &sha256, &put.bytes))
		return fail(ret_blob, CADRE_IO_ERROR, "the file cannot be read");
	if (put.bytes == 0)
		return fail(ret_blob, CADRE_INVALID_PARAMETER, "the file is empty");
	return cadre_client_blob_put(client, &put, ret_blob);
}

enum cadre_client_outcome cadre_client_blob_get_fd(struct cadre_client *client,
                                                   const uint8_t sha256[32], int fd,
                                                   cadre_client_blob_progress_fn progress,
                                                   void *ctx,
                                                   struct cadre_client_blob *ret_blob)
{
	struct file file = { .fd = fd, .progress = progress, .ctx = ctx };
	const struct cadre_client_blob_get get = {
		.sha256 = sha256, .write = write_file, .progress = show_file, .ctx = &file
	};

	return cadre_client_blob_get(client, &get, ret_blob);
}
