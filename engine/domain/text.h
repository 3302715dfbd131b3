/* The kinds of text that commands carry, and which characters each may have. */
#ifndef CADRE_DOMAIN_TEXT_H
#define CADRE_DOMAIN_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cadre_text_kind {
	CADRE_TEXT_ANY,        /* whatever UTF-8 */
	CADRE_TEXT_KEY,        /* compared as bytes and shown: nothing invisible */
	CADRE_TEXT_ID,         /* as KEY without spaces; its limits count bytes */
	CADRE_TEXT_REF,        /* an ID, or `$n` of a batch */
	CADRE_TEXT_NAME_BYTES, /* as KEY; its limits count bytes */
	CADRE_TEXT_HEX,        /* lower-case hexadecimal digits */
	CADRE_TEXT_VARIABLE,   /* the name of an environment variable */
	CADRE_TEXT_URI,        /* where a model's bytes are */
};

/* Limits of the kind count bytes, not code points. */
bool cadre_text_in_bytes(enum cadre_text_kind kind);

/* The first code point of valid UTF-8 that the kind does not allow. */
bool cadre_text_find_forbidden(enum cadre_text_kind kind, const char *text,
                               uint32_t *ret_point);

/* NULL, or what is wrong with the text as a whole. */
const char *cadre_text_form(enum cadre_text_kind kind, const char *text);

/* The n of `$n`, 0..255; false for any other text. */
bool cadre_text_batch_ref(const char *text, size_t *ret_index);

#endif
