/*
 * JSON values one after another out of a stream: concatenated, JSON Lines, or the
 * elements of one array. Also takes what people copy from documentation:
 *   - members without the braces around them, `"memberModelEntries": { … }`;
 *   - placeholders, bare names where a value belongs (`"projectId": project_id`),
 *     which `lookup` gives a value.
 * Memory: one value, at most CADRE_JSON_VALUE_BYTES_MAX.
 */
#ifndef CADRE_TOOLS_JSON_STREAM_H
#define CADRE_TOOLS_JSON_STREAM_H

#include <jansson.h>

#include "engine/base/bytes.h"

/* A batch of the RPC's size in its widest text form. */
#define CADRE_JSON_VALUE_BYTES_MAX (16u << 20)

/* As cadre_dump_read_fn: `*ret_length` 0 means the end. */
typedef enum cadre_status (*cadre_json_read_fn)(void *ctx, void *data, size_t capacity,
                                                size_t *ret_length,
                                                struct cadre_error *err);
/* The value of a placeholder, NULL when there is none. */
typedef const char *(*cadre_json_lookup_fn)(void *ctx, const char *name);

/* Fields are private but for `line`, where the last value began. */
struct cadre_json_stream {
	cadre_json_read_fn read;
	void *read_ctx;
	cadre_json_lookup_fn lookup; /* may be NULL */
	void *lookup_ctx;
	struct cadre_buffer window;
	struct cadre_buffer text;
	size_t at;
	size_t next_line;
	bool ended;
	bool in_array;
	bool want_comma;
	size_t line;
};

void cadre_json_stream_init(struct cadre_json_stream *stream, cadre_json_read_fn read,
                            void *read_ctx);
/* Ownership: json_decref() by the caller.
 * Errors: CADRE_END, CADRE_INVALID_PARAMETER (line and column in the message),
 * CADRE_TOO_LARGE, CADRE_OUT_OF_MEMORY, what `read` returns. */
CADRE_MUST_CHECK enum cadre_status
cadre_json_stream_next(struct cadre_json_stream *stream, json_t **ret_value,
                       struct cadre_error *err);
void cadre_json_stream_fini(struct cadre_json_stream *stream);

#endif
