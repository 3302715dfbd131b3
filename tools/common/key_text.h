/*
 * Keys in files: read with care, wiped after use.
 */
#ifndef CADRE_TOOLS_COMMON_KEY_TEXT_H
#define CADRE_TOOLS_COMMON_KEY_TEXT_H

#include "engine/base/status.h"

#define CADRE_KEY_FILE_BYTES_MAX 65536u

struct cadre_key_text {
	char *text; /* PEM and a NUL; NULL: none */
	size_t bytes;
};

/* `secret`: the file must be of no use to others than its owner.
 * Errors: CADRE_INVALID_PARAMETER: not readable, too large; CADRE_NOT_AUTHORIZED: open to
 * others; CADRE_OUT_OF_MEMORY. */
CADRE_MUST_CHECK enum cadre_status cadre_key_text_read(const char *path, int secret,
                                                       struct cadre_key_text *ret_key,
                                                       struct cadre_error *err);
/* Wipes and frees. */
void cadre_key_text_free(struct cadre_key_text *key);

#endif
