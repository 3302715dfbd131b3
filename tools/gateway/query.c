/* Query parameters, as the SDKs send them: some escape everything, some nothing. */
#include <stdlib.h>

#include "tools/gateway/request.h"

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

size_t gateway_decode(char *text, bool plus)
{
	char *out = text;

	for (const char *in = text; *in != '\0'; in++) {
		int high = in[0] == '%' ? hex_digit(in[1]) : -1;
		int low = high >= 0 ? hex_digit(in[2]) : -1;

		if (low >= 0) {
			*out++ = (char)(high * 16 + low);
			in += 2;
		} else {
			*out++ = plus && *in == '+' ? ' ' : *in;
		}
	}
	*out = '\0';
	return (size_t)(out - text);
}

static bool is_clean(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			return false;
	return cadre_utf8_check(text, length, NULL);
}

static enum cadre_status add(struct gateway_request *request, char *pair)
{
	struct gateway_parameter *parameter = &request->query[request->query_count];
	char *value = strchr(pair, '=');
	size_t name_length, value_length = 0;

	if (value)
		*value++ = '\0';
	else
		value = pair + strlen(pair);
	/* Before the name: it may be the same empty text. */
	value_length = gateway_decode(value, true);
	name_length = gateway_decode(pair, true);
	if (!is_clean(pair, name_length) || !is_clean(value, value_length))
		return cadre_error_set(
		        &request->err, CADRE_INVALID_PARAMETER,
		        "query: parameter %zu has control characters or is "
		        "no UTF-8",
		        request->query_count + 1);
	parameter->name = pair;
	parameter->value = value;
	request->query_count++;
	return CADRE_OK;
}

enum cadre_status gateway_query_read(struct gateway_request *request)
{
	const char *mark = strchr(request->target, '?');
	char *rest;
	char *pair;

	if (!mark)
		return CADRE_OK;
	rest = cadre_arena_strdup(&request->arena, cadre_slice_text(mark + 1));
	if (!rest)
		return cadre_error_set(&request->err, CADRE_OUT_OF_MEMORY,
		                       "out of memory");
	while ((pair = strsep(&rest, "&"))) {
		enum cadre_status status;

		if (*pair == '\0')
			continue;
		if (request->query_count == GATEWAY_QUERY_MAX)
			return cadre_error_set(&request->err, CADRE_INVALID_PARAMETER,
			                       "query: more than %u parameters",
			                       GATEWAY_QUERY_MAX);
		status = add(request, pair);
		if (status != CADRE_OK)
			return status;
	}
	return CADRE_OK;
}

const char *gateway_query(const struct gateway_request *request, const char *name)
{
	for (size_t i = 0; i < request->query_count; i++)
		if (strcmp(request->query[i].name, name) == 0)
			return *request->query[i].value ? request->query[i].value : NULL;
	return NULL;
}

enum cadre_status gateway_query_number(struct gateway_request *request, const char *name,
                                       uint64_t fallback, uint64_t least, uint64_t most,
                                       uint64_t *ret_number)
{
	const char *text = gateway_query(request, name);
	char *end = NULL;
	unsigned long long number;

	*ret_number = fallback;
	if (!text)
		return CADRE_OK;
	number = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end != '\0' || strlen(text) > 19 ||
	    number < least || number > most)
		return cadre_error_set(&request->err, CADRE_INVALID_PARAMETER,
		                       "%s: \"%.64s\" is no number from %llu to %llu",
		                       name, text, (unsigned long long)least,
		                       (unsigned long long)most);
	*ret_number = number;
	return CADRE_OK;
}

enum cadre_status gateway_query_choice(struct gateway_request *request, const char *name,
                                       const char *const *names, int fallback,
                                       int *ret_index)
{
	const char *text = gateway_query(request, name);

	*ret_index = fallback;
	if (!text)
		return CADRE_OK;
	for (int i = 0; names[i]; i++)
		if (strcmp(names[i], text) == 0) {
			*ret_index = i;
			return CADRE_OK;
		}
	return cadre_error_set(&request->err, CADRE_INVALID_PARAMETER,
	                       "%s: \"%.64s\" is none of its values, such as %s", name,
	                       text, names[0]);
}

enum cadre_status gateway_query_required(struct gateway_request *request,
                                         const char *name, const char **ret_value)
{
	*ret_value = gateway_query(request, name);
	if (*ret_value)
		return CADRE_OK;
	return cadre_error_set(&request->err, CADRE_MISSING_PARAMETER, "%s: missing",
	                       name);
}
