/*
 * Bytes: explicit little- and big-endian coding, text forms, and a growing
 * buffer. Numbers on disk and wire are little-endian; numbers inside ordered
 * keys are big-endian so that memcmp orders them.
 */
#ifndef CADRE_BASE_BYTES_H
#define CADRE_BASE_BYTES_H

#include "engine/base/status.h"
#include "engine/base/types.h"

static inline void cadre_put_le16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)value;
	at[1] = (uint8_t)(value >> 8);
}

static inline void cadre_put_le32(uint8_t *at, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		at[i] = (uint8_t)(value >> (8 * i));
}

static inline void cadre_put_le64(uint8_t *at, uint64_t value)
{
	for (int i = 0; i < 8; i++)
		at[i] = (uint8_t)(value >> (8 * i));
}

static inline void cadre_put_be64(uint8_t *at, uint64_t value)
{
	for (int i = 0; i < 8; i++)
		at[i] = (uint8_t)(value >> (8 * (7 - i)));
}

static inline uint16_t cadre_get_le16(const uint8_t *at)
{
	return (uint16_t)(at[0] | at[1] << 8);
}

static inline uint32_t cadre_get_le32(const uint8_t *at)
{
	uint32_t value = 0;
	for (int i = 3; i >= 0; i--)
		value = value << 8 | at[i];
	return value;
}

static inline uint64_t cadre_get_le64(const uint8_t *at)
{
	uint64_t value = 0;
	for (int i = 7; i >= 0; i--)
		value = value << 8 | at[i];
	return value;
}

static inline uint64_t cadre_get_be64(const uint8_t *at)
{
	uint64_t value = 0;
	for (int i = 0; i < 8; i++)
		value = value << 8 | at[i];
	return value;
}

/* Growing bytes. `{0}` is a valid empty buffer.
 * Ownership: cadre_buffer_fini() frees; a slice of it lives until the next
 * append. Errors: CADRE_OUT_OF_MEMORY, the content then unchanged. */
struct cadre_buffer {
	uint8_t *data;
	size_t length;
	size_t capacity;
};

/* Frees the content and empties the buffer. Takes NULL. */
void cadre_buffer_fini(struct cadre_buffer *buffer);
/* Room for `extra` bytes behind the content. */
CADRE_MUST_CHECK enum cadre_status cadre_buffer_reserve(struct cadre_buffer *buffer,
                                                        size_t extra);
CADRE_MUST_CHECK enum cadre_status cadre_buffer_append(struct cadre_buffer *buffer,
                                                       const void *data, size_t length);
/* Appends `length` zero bytes. */
CADRE_MUST_CHECK enum cadre_status cadre_buffer_append_zeros(struct cadre_buffer *buffer,
                                                             size_t length);
static inline void cadre_buffer_clear(struct cadre_buffer *buffer)
{
	buffer->length = 0;
}
static inline struct cadre_slice cadre_buffer_slice(const struct cadre_buffer *buffer)
{
	return cadre_slice(buffer->data, buffer->length);
}

/* Writes 2 * length lower-case digits and a NUL to `text`. */
void cadre_hex_encode(const void *data, size_t length, char *text);
/* Reads exactly `length` bytes from 2 * length digits; false on any other text. */
CADRE_MUST_CHECK bool cadre_hex_decode(const char *text, void *data, size_t length);

/* RFC 4648 base32, lower case, no padding: ceil(8 * length / 5) characters and
 * a NUL. Keeps the order of the bytes only for equal lengths (its alphabet is
 * a-z2-7, so text order differs from byte order: use cadre_base32hex_encode()
 * where text must sort as the bytes do). */
void cadre_base32_encode(const void *data, size_t length, char *text);
/* RFC 4648 base32hex (0-9a-v), lower case, no padding: text sorts as the bytes. */
void cadre_base32hex_encode(const void *data, size_t length, char *text);

/* UTF-8 (RFC 3629): no overlong forms, no surrogates, at most U+10FFFF. Counts
 * code points into `ret_points` (may be NULL); false when invalid. */
CADRE_MUST_CHECK bool cadre_utf8_check(const void *data, size_t length,
                                       size_t *ret_points);

/* ISO 8601 in UTC with milliseconds: "2026-11-22T14:40:24.123Z" (24 characters
 * and a NUL, so `text` holds at least 25 bytes). */
void cadre_time_format(cadre_time_ms time, char *text);
/* Reads that form, also without the fraction; false on anything else. */
CADRE_MUST_CHECK bool cadre_time_parse(const char *text, cadre_time_ms *ret_time);

#endif
