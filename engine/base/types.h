/* Scalar types of the domain, and the slice every module passes bytes in. */
#ifndef CADRE_BASE_TYPES_H
#define CADRE_BASE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Position of an event: global, dense, from 1. 0 means "before the first". */
typedef uint64_t cadre_seq;
/* Term of one leader; rises with every change of leader. */
typedef uint64_t cadre_epoch;
/* Milliseconds since 1970-01-01T00:00:00Z. */
typedef uint64_t cadre_time_ms;

#define CADRE_SEQ_MAX UINT64_MAX

/* Borrowed bytes. Ownership: of whoever made them; the maker says how long
 * they live. */
struct cadre_slice {
	const uint8_t *data;
	size_t length;
};

static inline struct cadre_slice cadre_slice(const void *data, size_t length)
{
	struct cadre_slice slice = { .data = data, .length = length };
	return slice;
}

/* `text` may be NULL: the empty slice. */
static inline struct cadre_slice cadre_slice_text(const char *text)
{
	return cadre_slice(text, text ? strlen(text) : 0);
}

static inline bool cadre_slice_equal(struct cadre_slice a, struct cadre_slice b)
{
	return a.length == b.length &&
	       (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
}

/* Orders as memcmp, a prefix before what it is a prefix of. */
int cadre_slice_compare(struct cadre_slice a, struct cadre_slice b);

struct cadre_hash128 {
	uint64_t low;
	uint64_t high;
};

struct cadre_sha256 {
	uint8_t bytes[32];
};

#endif
