#include "tests/unit/rpc/rpc_blobs.h"

#include <stdlib.h>

void source_fill(const struct source *source, uint64_t offset, uint8_t *data,
                 size_t length)
{
	for (size_t i = 0; i < length; i++) {
		uint64_t at = offset + i;
		data[i] = (uint8_t)((at >> 20) * 7 + at * 13 + source->seed);
	}
}

int64_t source_read(void *ctx, uint64_t offset, void *data, size_t capacity)
{
	struct source *source = ctx;

	if (source->stop && offset >= source->stop_at) {
		void (*stop)(void *) = source->stop;
		source->stop = NULL;
		stop(source->ctx);
	}
	source->asked++;
	source_fill(source, offset, data, capacity);
	return (int64_t)capacity;
}

struct cadre_sha256 source_hash(const struct source *source)
{
	struct cadre_sha256_stream stream;
	uint8_t *piece = malloc(PIECE);

	assert_non_null(piece);
	cadre_sha256_init(&stream);
	for (uint64_t at = 0; at < source->bytes; at += PIECE) {
		size_t length = source->bytes - at < PIECE ? (size_t)(source->bytes - at)
		                                           : PIECE;
		source_fill(source, at, piece, length);
		cadre_sha256_update(&stream, piece, length);
	}
	free(piece);
	return cadre_sha256_final(&stream);
}

/* Compares what arrives with a source. */
int source_compare(void *ctx, uint64_t offset, const void *data, size_t length)
{
	uint8_t *expected = malloc(length + 1);
	int different;

	assert_non_null(expected);
	source_fill(ctx, offset, expected, length);
	different = memcmp(expected, data, length);
	free(expected);
	return different == 0 ? 0 : -1;
}

void assert_put(struct cadre_client *client, struct source *source,
                const struct cadre_sha256 *sha256)
{
	const struct cadre_client_blob_put put = { .bytes = source->bytes,
		                                   .sha256 = sha256 ? sha256->bytes
		                                                    : NULL,
		                                   .read = source_read,
		                                   .ctx = source };
	struct cadre_client_blob blob;

	if (cadre_client_blob_put(client, &put, &blob) != CADRE_CLIENT_DONE)
		fail_msg("put: %s", blob.message);
	if (sha256)
		assert_memory_equal(blob.sha256, sha256->bytes, 32);
}

void assert_got(struct cadre_client *client, struct source *source,
                const struct cadre_sha256 *sha256)
{
	const struct cadre_client_blob_get get = { .sha256 = sha256->bytes,
		                                   .write = source_compare,
		                                   .ctx = source };
	struct cadre_client_blob blob;

	if (cadre_client_blob_get(client, &get, &blob) != CADRE_CLIENT_DONE)
		fail_msg("get: %s", blob.message);
	assert_int_equal(blob.bytes, source->bytes);
}
