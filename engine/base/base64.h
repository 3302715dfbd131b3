/*
 * Base64 (RFC 4648, section 4): `+` and `/`, padded.
 */
#ifndef CADRE_BASE_BASE64_H
#define CADRE_BASE_BASE64_H

#include "engine/base/types.h"

/* Characters of `bytes` bytes, without a NUL. */
#define CADRE_BASE64_CHARS(bytes) (((bytes) + 2) / 3 * 4)

/* Writes CADRE_BASE64_CHARS(length) characters and a NUL. */
void cadre_base64_encode(const void *data, size_t length, char *text);
/* False: not the form above (whitespace and bits behind the end are refused), or more
 * than `capacity` bytes. */
bool cadre_base64_decode(struct cadre_slice text, uint8_t *data, size_t capacity,
                         size_t *ret_length);

#endif
