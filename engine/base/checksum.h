/*
 * Checksums and hashes.
 *
 * CRC32C (Castagnoli, RFC 3720 appendix B.4) guards headers, records and
 * values against bit rot; SHA-256 (FIPS 180-4) makes the chain and the etags;
 * XXH3-128 makes the terms of the state digest.
 * Threads: all functions are pure.
 */
#ifndef CADRE_BASE_CHECKSUM_H
#define CADRE_BASE_CHECKSUM_H

#include "engine/base/types.h"

/* CRC32C of `length` bytes; `seed` is 0, or the result for the bytes before. */
uint32_t cadre_crc32c(uint32_t seed, const void *data, size_t length);

/* SHA-256 of `length` bytes. */
struct cadre_sha256 cadre_sha256(const void *data, size_t length);

/* SHA-256 over the concatenation of `count` slices. */
struct cadre_sha256 cadre_sha256_parts(const struct cadre_slice *parts, size_t count);

/* Streaming form. init, update…, final; fini always. */
struct cadre_sha256_stream {
	_Alignas(8) uint8_t state[128]; /* SHA256_CTX */
};
void cadre_sha256_init(struct cadre_sha256_stream *stream);
void cadre_sha256_update(struct cadre_sha256_stream *stream, const void *data,
                         size_t length);
struct cadre_sha256 cadre_sha256_final(struct cadre_sha256_stream *stream);

/* XXH3-128 with seed 0 of `length` bytes. */
struct cadre_hash128 cadre_xxh128(const void *data, size_t length);

/* 128-bit sums modulo 2^128: the state digest is a sum of terms. */
struct cadre_hash128 cadre_hash128_add(struct cadre_hash128 a, struct cadre_hash128 b);
struct cadre_hash128 cadre_hash128_sub(struct cadre_hash128 a, struct cadre_hash128 b);
static inline bool cadre_hash128_equal(struct cadre_hash128 a, struct cadre_hash128 b)
{
	return a.low == b.low && a.high == b.high;
}
/* 32 hex digits, high half first, and a NUL. */
void cadre_hash128_format(struct cadre_hash128 hash, char text[33]);

#endif
