#include "tools/common/json_stream.h"

#include <ctype.h>
#include <stdio.h>

#include "tools/common/json_message.h"

#define CHUNK_BYTES (256u << 10)
#define NAME_BYTES 64u

void cadre_json_stream_init(struct cadre_json_stream *stream, cadre_json_read_fn read,
                            void *read_ctx)
{
	*stream = (struct cadre_json_stream){ .read = read, .read_ctx = read_ctx };
	stream->next_line = 1;
}

void cadre_json_stream_fini(struct cadre_json_stream *stream)
{
	cadre_buffer_fini(&stream->window);
	cadre_buffer_fini(&stream->text);
}

static enum cadre_status more(struct cadre_json_stream *stream, struct cadre_error *err)
{
	struct cadre_buffer *window = &stream->window;
	size_t got = 0;
	enum cadre_status status;

	if (stream->at > 0) {
		memmove(window->data, window->data + stream->at,
		        window->length - stream->at);
		window->length -= stream->at;
		stream->at = 0;
	}
	if (window->length > CADRE_JSON_VALUE_BYTES_MAX)
		return cadre_error_set(err, CADRE_TOO_LARGE,
		                       "line %zu: a JSON value of more than %u bytes",
		                       stream->next_line, CADRE_JSON_VALUE_BYTES_MAX);
	if (cadre_buffer_reserve(window, CHUNK_BYTES) != CADRE_OK)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY, "JSON: out of memory");
	status = stream->read(stream->read_ctx, window->data + window->length,
	                      CHUNK_BYTES, &got, err);
	if (status != CADRE_OK)
		return status;
	window->length += got;
	stream->ended = got == 0;
	return CADRE_OK;
}

static size_t skip_space(const char *text, size_t at, size_t length)
{
	while (at < length && (text[at] == ' ' || text[at] == '\t' || text[at] == '\n' ||
	                       text[at] == '\r'))
		at++;
	return at;
}

/* Behind the string that starts at `at`; 0 when it does not end before `length`. */
static size_t skip_string(const char *text, size_t at, size_t length)
{
	for (at++; at < length; at++) {
		if (text[at] == '\\')
			at++;
		else if (text[at] == '"')
			return at + 1;
	}
	return 0;
}

/* Behind the value that starts at `at`: brackets are counted, the rest is the
 * parser's business. 0 when it does not end before `length`. */
static size_t skip_value(const char *text, size_t at, size_t length)
{
	size_t depth = 0;

	while (at < length) {
		char c = text[at];

		if (depth == 0 && (strchr(",}]", c) || isspace((unsigned char)c)))
			return at;
		if (c == '"') {
			at = skip_string(text, at, length);
			if (at == 0 || depth == 0)
				return at;
			continue;
		}
		if (c == '{' || c == '[')
			depth++;
		else if ((c == '}' || c == ']') && --depth == 0)
			return at + 1;
		at++;
	}
	return 0;
}

/* Behind `"name": value, "name": value …`; 0 when that does not end before `length`,
 * `length` + 1 when it is something else. */
static size_t skip_members(const char *text, size_t at, size_t length, bool ended)
{
	for (;;) {
		size_t end = skip_string(text, at, length);

		if (end == 0)
			return 0;
		at = skip_space(text, end, length);
		if (at < length && text[at] != ':')
			return length + 1;
		at = skip_space(text, at + 1, length);
		end = at < length ? skip_value(text, at, length) : 0;
		if (end == 0)
			return ended && at < length ? length : 0;
		at = skip_space(text, end, length);
		if (at == length)
			return ended ? end : 0;
		if (text[at] != ',')
			return end;
		at = skip_space(text, at + 1, length);
		if (at == length)
			return ended ? length + 1 : 0;
		if (text[at] != '"')
			return length + 1;
	}
}

static bool put(struct cadre_buffer *out, const char *text, size_t length)
{
	return cadre_buffer_append(out, text, length) == CADRE_OK;
}

static bool put_quoted(struct cadre_buffer *out, const char *value)
{
	struct cadre_json json = { 0 };
	bool done;

	cadre_json_text(&json, value);
	done = cadre_json_status(&json, NULL) == CADRE_OK &&
	       put(out, (const char *)json.text.data, json.text.length);
	cadre_json_fini(&json);
	return done;
}

static bool is_name(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* A bare word: JSON's own, or a placeholder that is replaced by its value. */
static enum cadre_status put_word(struct cadre_json_stream *stream, const char *word,
                                  size_t length, struct cadre_error *err)
{
	char name[NAME_BYTES];
	const char *value = NULL;

	if (length < sizeof(name)) {
		memcpy(name, word, length);
		name[length] = '\0';
		if (strcmp(name, "true") != 0 && strcmp(name, "false") != 0 &&
		    strcmp(name, "null") != 0) {
			value = stream->lookup ? stream->lookup(stream->lookup_ctx, name)
			                       : NULL;
			if (!value)
				return cadre_error_set(
				        err, CADRE_INVALID_PARAMETER,
				        "line %zu: the placeholder %s has no value (--set %s=VALUE)",
				        stream->line, name, name);
		}
	}
	if (!(value ? put_quoted(&stream->text, value)
	            : put(&stream->text, word, length)))
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY, "JSON: out of memory");
	return CADRE_OK;
}

/* The value's text as JSON: braces around members, placeholders replaced. */
static enum cadre_status normalise(struct cadre_json_stream *stream, const char *text,
                                   size_t length, struct cadre_error *err)
{
	bool members = text[0] == '"';
	bool sound = !members || put(&stream->text, "{", 1);

	for (size_t at = 0; at < length && sound;) {
		size_t from = at;

		if (text[at] == '"') {
			at = skip_string(text, at, length);
			at = at > 0 ? at : length;
		} else if (isalpha((unsigned char)text[at]) || text[at] == '_') {
			enum cadre_status status;

			while (at < length && is_name(text[at]))
				at++;
			status = put_word(stream, text + from, at - from, err);
			if (status != CADRE_OK)
				return status;
			continue;
		} else if (isdigit((unsigned char)text[at])) {
			while (at < length &&
			       (is_name(text[at]) || strchr("+-.", text[at])))
				at++;
		} else {
			at++;
		}
		sound = put(&stream->text, text + from, at - from);
	}
	if (!sound || (members && !put(&stream->text, "}", 1)))
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY, "JSON: out of memory");
	return CADRE_OK;
}

/* What is not yet consumed; never NULL. */
static const char *rest(const struct cadre_json_stream *stream)
{
	return stream->window.data ? (const char *)stream->window.data + stream->at : "";
}

static void advance(struct cadre_json_stream *stream, size_t length)
{
	const char *from = rest(stream);

	for (size_t i = 0; i < length; i++)
		stream->next_line += from[i] == '\n';
	stream->at += length;
}

/* Goes over white space, and over what stands between an array's elements. CADRE_END
 * at the end of the input, CADRE_OK in front of a value. */
static enum cadre_status between(struct cadre_json_stream *stream,
                                 struct cadre_error *err)
{
	for (;;) {
		const char *text = rest(stream);
		size_t length = stream->window.length - stream->at;
		size_t at = length > 0 ? skip_space(text, 0, length) : 0;
		bool separator;

		advance(stream, at);
		if (at == length) {
			enum cadre_status status;

			if (stream->ended && !stream->in_array)
				return CADRE_END;
			if (stream->ended)
				return cadre_error_set(err, CADRE_INVALID_PARAMETER,
				                       "line %zu: the array does not end",
				                       stream->next_line);
			status = more(stream, err);
			if (status != CADRE_OK)
				return status;
			continue;
		}
		separator = stream->in_array &&
		            (text[at] == ']' || (text[at] == ',' && stream->want_comma));
		if (!separator && (stream->in_array || text[at] != '['))
			break;
		stream->in_array = text[at] != ']';
		stream->want_comma = false;
		advance(stream, 1);
	}
	if (stream->in_array && stream->want_comma)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "line %zu: a comma is missing in the array",
		                       stream->next_line);
	return CADRE_OK;
}

/* Length of the value in front of us, with as much read as it needs. */
static enum cadre_status measure(struct cadre_json_stream *stream, size_t *ret_length,
                                 struct cadre_error *err)
{
	for (;;) {
		const char *text = rest(stream);
		size_t length = stream->window.length - stream->at;
		size_t end = 0;
		enum cadre_status status;

		if (text[0] == '"')
			end = skip_members(text, 0, length, stream->ended);
		else if (text[0] == '{')
			end = skip_value(text, 0, length);
		else
			end = length + 1;
		if (end > length)
			return cadre_error_set(
			        err, CADRE_INVALID_PARAMETER,
			        "line %zu: expected a JSON object or its members",
			        stream->next_line);
		if (end > 0) {
			*ret_length = end;
			return CADRE_OK;
		}
		if (stream->ended)
			return cadre_error_set(err, CADRE_INVALID_PARAMETER,
			                       "line %zu: the JSON value does not end",
			                       stream->next_line);
		status = more(stream, err);
		if (status != CADRE_OK)
			return status;
	}
}

enum cadre_status cadre_json_stream_next(struct cadre_json_stream *stream,
                                         json_t **ret_value, struct cadre_error *err)
{
	size_t length = 0;
	enum cadre_status status = between(stream, err);

	if (status == CADRE_OK)
		status = measure(stream, &length, err);
	if (status != CADRE_OK)
		return status;
	stream->line = stream->next_line;
	stream->want_comma = true;
	cadre_buffer_clear(&stream->text);
	status = normalise(stream, rest(stream), length, err);
	advance(stream, length);
	if (status != CADRE_OK)
		return status;
	return cadre_json_parse(cadre_buffer_slice(&stream->text), stream->line,
	                        ret_value, err);
}
