/*
 * JSON as text, written front to back into a buffer: compact, keys in the order of
 * the calls, the same calls give the same bytes. Commas are its own business.
 *
 * Errors: running out of memory latches; cadre_json_status() says so at the end.
 */
#ifndef CADRE_TOOLS_JSON_WRITE_H
#define CADRE_TOOLS_JSON_WRITE_H

#include "engine/base/bytes.h"

/* `{0}` is ready for use. Ownership: cadre_json_fini() frees. */
struct cadre_json {
	struct cadre_buffer text;
	bool comma; /* one belongs in front of the next value or key */
	bool failed;
};

void cadre_json_fini(struct cadre_json *json);
/* Forgets the text, and an earlier failure. */
void cadre_json_clear(struct cadre_json *json);
CADRE_MUST_CHECK enum cadre_status cadre_json_status(const struct cadre_json *json,
                                                     struct cadre_error *err);

void cadre_json_begin(struct cadre_json *json, char bracket); /* '{' or '[' */
void cadre_json_end(struct cadre_json *json, char bracket);   /* '}' or ']' */
void cadre_json_key(struct cadre_json *json, const char *name);
/* UTF-8; control characters, quotes and backslashes are escaped. */
void cadre_json_string(struct cadre_json *json, struct cadre_slice value);
void cadre_json_text(struct cadre_json *json, const char *value); /* NULL: null */
/* An integer up to 2^63 - 1, a string of digits beyond. */
void cadre_json_u64(struct cadre_json *json, uint64_t value);
void cadre_json_i64(struct cadre_json *json, int64_t value);
void cadre_json_bool(struct cadre_json *json, bool value);
/* The shortest digits that read back as the same double, which is finite. */
void cadre_json_real(struct cadre_json *json, double value);
void cadre_json_hex(struct cadre_json *json, const void *data, size_t length);
/* ISO 8601 in UTC; a bare number of milliseconds from the year 10000 on. */
void cadre_json_time(struct cadre_json *json, cadre_time_ms time);
/* Bytes as they are, outside of all comma keeping. */
void cadre_json_raw(struct cadre_json *json, const char *text);

/* Key and value in one. */
void cadre_json_key_text(struct cadre_json *json, const char *name, const char *value);
void cadre_json_key_u64(struct cadre_json *json, const char *name, uint64_t value);
void cadre_json_key_bool(struct cadre_json *json, const char *name, bool value);
void cadre_json_key_hex(struct cadre_json *json, const char *name, const void *data,
                        size_t length);
void cadre_json_key_time(struct cadre_json *json, const char *name, cadre_time_ms time);

#endif
