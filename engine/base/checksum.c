#include "engine/base/checksum.h"

#include "engine/base/assert.h"
#include "engine/base/bytes.h"
#include "engine/base/sha256_blocks.h"

#include <isa-l/crc.h>
#include <mbedtls/sha256.h>
#include <xxhash.h>

_Static_assert(sizeof(mbedtls_sha256_context) <= sizeof(struct cadre_sha256_stream),
               "the stream must hold mbedTLS's context");

uint32_t cadre_crc32c(uint32_t seed, const void *data, size_t length)
{
	/* isa-l takes an int length; feed it in pieces of at most 1 GiB. */
	const size_t piece_max = (size_t)1 << 30;
	unsigned char *at = (unsigned char *)(uintptr_t)data;
	uint32_t crc = ~seed;

	while (length > 0) {
		size_t piece = length < piece_max ? length : piece_max;
		crc = crc32_iscsi(at, (int)piece, crc);
		at += piece;
		length -= piece;
	}
	return ~crc;
}

void cadre_sha256_init(struct cadre_sha256_stream *stream)
{
	mbedtls_sha256_context *context = (void *)stream->state;

	mbedtls_sha256_init(context);
	CADRE_ASSERT(mbedtls_sha256_starts_ret(context, 0) == 0);
}

static void update_portable(mbedtls_sha256_context *context, const uint8_t *data,
                            size_t length)
{
	if (length > 0)
		CADRE_ASSERT(mbedtls_sha256_update_ret(context, data, length) == 0);
}

/* Whole blocks go past mbedTLS where the processor has instructions for them; what
 * fills its buffer and what is left over does not. */
void cadre_sha256_update(struct cadre_sha256_stream *stream, const void *data,
                         size_t length)
{
	mbedtls_sha256_context *context = (void *)stream->state;
	const uint8_t *at = data;
	size_t fill = (64 - (context->total[0] & 63)) & 63;
	size_t blocks;

	if (!sha256_blocks_supported() || length < fill + 64) {
		update_portable(context, at, length);
		return;
	}
	update_portable(context, at, fill);
	at += fill;
	blocks = (length - fill) / 64;
	sha256_blocks(context->state, at, blocks);
	context->total[0] += (uint32_t)(blocks * 64);
	context->total[1] += (uint32_t)((uint64_t)blocks * 64 >> 32);
	if (context->total[0] < (uint32_t)(blocks * 64))
		context->total[1]++;
	update_portable(context, at + blocks * 64, (length - fill) % 64);
}

struct cadre_sha256 cadre_sha256_final(struct cadre_sha256_stream *stream)
{
	mbedtls_sha256_context *context = (void *)stream->state;
	struct cadre_sha256 hash;

	CADRE_ASSERT(mbedtls_sha256_finish_ret(context, hash.bytes) == 0);
	mbedtls_sha256_free(context);
	return hash;
}

struct cadre_sha256 cadre_sha256_parts(const struct cadre_slice *parts, size_t count)
{
	struct cadre_sha256_stream stream;

	cadre_sha256_init(&stream);
	for (size_t i = 0; i < count; i++)
		cadre_sha256_update(&stream, parts[i].data, parts[i].length);
	return cadre_sha256_final(&stream);
}

struct cadre_sha256 cadre_sha256(const void *data, size_t length)
{
	struct cadre_slice part = cadre_slice(data, length);

	return cadre_sha256_parts(&part, 1);
}

struct cadre_hash128 cadre_xxh128(const void *data, size_t length)
{
	XXH128_hash_t hash = XXH3_128bits(data, length);
	struct cadre_hash128 result = { .low = hash.low64, .high = hash.high64 };

	return result;
}

struct cadre_hash128 cadre_hash128_add(struct cadre_hash128 a, struct cadre_hash128 b)
{
	struct cadre_hash128 sum = { .low = a.low + b.low, .high = a.high + b.high };

	sum.high += sum.low < a.low;
	return sum;
}

struct cadre_hash128 cadre_hash128_sub(struct cadre_hash128 a, struct cadre_hash128 b)
{
	struct cadre_hash128 rest = { .low = a.low - b.low, .high = a.high - b.high };

	rest.high -= a.low < b.low;
	return rest;
}

void cadre_hash128_format(struct cadre_hash128 hash, char text[33])
{
	uint8_t bytes[16];

	cadre_put_be64(bytes, hash.high);
	cadre_put_be64(bytes + 8, hash.low);
	cadre_hex_encode(bytes, sizeof bytes, text);
}
