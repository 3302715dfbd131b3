#include "engine/base/checksum.h"

#include "engine/base/assert.h"
#include "engine/base/bytes.h"

#include <isa-l/crc.h>
/* The plain functions, not EVP: no allocation and no look-up for 100 bytes. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>
#include <xxhash.h>

_Static_assert(sizeof(SHA256_CTX) <= sizeof(struct cadre_sha256_stream),
               "the stream must hold OpenSSL's context");

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
	CADRE_ASSERT(SHA256_Init((void *)stream->state) == 1);
}

void cadre_sha256_update(struct cadre_sha256_stream *stream, const void *data,
                         size_t length)
{
	if (length > 0)
		CADRE_ASSERT(SHA256_Update((void *)stream->state, data, length) == 1);
}

struct cadre_sha256 cadre_sha256_final(struct cadre_sha256_stream *stream)
{
	struct cadre_sha256 hash;

	CADRE_ASSERT(SHA256_Final(hash.bytes, (void *)stream->state) == 1);
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
