#include "tools/gateway/model_field.h"

#include <jansson.h>
#include <stdio.h>

struct scan {
	const char *at, *end;
};

static char next(const struct scan *scan)
{
	return scan->at < scan->end ? *scan->at : '\0';
}

static void skip_space(struct scan *scan)
{
	while (scan->at < scan->end && strchr(" \t\r\n", *scan->at) && *scan->at)
		scan->at++;
}

/* Over a string; its quotes are in the slice. */
static bool take_string(struct scan *scan, struct cadre_slice *ret_quoted)
{
	const char *start = scan->at;

	if (next(scan) != '"')
		return false;
	for (scan->at++; scan->at < scan->end && *scan->at != '"'; scan->at++)
		if (*scan->at == '\\')
			scan->at++;
	if (scan->at >= scan->end)
		return false;
	scan->at++;
	*ret_quoted = cadre_slice(start, (size_t)(scan->at - start));
	return true;
}

/* Over a value of any depth, up to the comma or bracket behind it. */
static bool skip_value(struct scan *scan)
{
	struct cadre_slice ignored;
	size_t depth = 0;

	while (scan->at < scan->end) {
		char c = *scan->at;

		if (c == '"') {
			if (!take_string(scan, &ignored))
				return false;
			continue;
		}
		if (depth == 0 && (c == ',' || c == '}'))
			return true;
		if (c == '{' || c == '[')
			depth++;
		if (c == '}' || c == ']')
			depth--;
		scan->at++;
	}
	return false;
}

static bool unquote(struct cadre_slice quoted, char *text, size_t capacity)
{
	json_t *value;
	bool fits;

	/* Escapes make it shorter, never longer. */
	if (quoted.length > 6 * capacity)
		return false;
	value = json_loadb((const char *)quoted.data, quoted.length, JSON_DECODE_ANY,
	                   NULL);
	fits = value && json_string_length(value) > 0 &&
	       json_string_length(value) < capacity;
	if (fits)
		snprintf(text, capacity, "%s", json_string_value(value));
	json_decref(value);
	return fits;
}

static bool find(struct cadre_slice body, char model[GATEWAY_MODEL_BYTES])
{
	struct scan scan = { .at = (const char *)body.data,
		             .end = (const char *)body.data + body.length };
	struct cadre_slice name;

	skip_space(&scan);
	if (next(&scan) != '{')
		return false;
	do {
		scan.at++;
		skip_space(&scan);
		if (!take_string(&scan, &name))
			return false;
		skip_space(&scan);
		if (next(&scan) != ':')
			return false;
		scan.at++;
		skip_space(&scan);
		if (cadre_slice_equal(name, cadre_slice_text("\"model\"")))
			return take_string(&scan, &name) &&
			       unquote(name, model, GATEWAY_MODEL_BYTES);
		if (!skip_value(&scan))
			return false;
	} while (next(&scan) == ',');
	return false;
}

bool gateway_model_field(struct cadre_slice body, char model[GATEWAY_MODEL_BYTES])
{
	struct scan scan = { .at = (const char *)body.data,
		             .end = (const char *)body.data + body.length };
	json_t *text;
	bool found;

	skip_space(&scan);
	if (next(&scan) != '"')
		return find(body, model);
	text = json_loadb(scan.at, (size_t)(scan.end - scan.at), JSON_DECODE_ANY, NULL);
	found = text &&
	        find(cadre_slice(json_string_value(text), json_string_length(text)),
	             model);
	json_decref(text);
	return found;
}
