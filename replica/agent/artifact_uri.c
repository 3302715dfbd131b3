#include <stdlib.h>
#include <strings.h>

#include "replica/agent/artifacts.h"

static bool has_prefix(const char *text, const char *prefix)
{
	return strncasecmp(text, prefix, strlen(prefix)) == 0;
}

/* False for a bad escape and for an escaped NUL. */
static bool decode(const char *text, char *to)
{
	while (*text) {
		uint8_t byte = (uint8_t)*text++;
		if (byte == '%') {
			char digits[3] = { text[0], text[0] ? text[1] : '\0', '\0' };
			char *end;
			byte = (uint8_t)strtoul(digits, &end, 16);
			if (end != digits + 2 || digits[0] == '+' || digits[0] == '-' ||
			    digits[0] == ' ' || byte == 0)
				return false;
			text += 2;
		}
		*to++ = (char)byte;
	}
	*to = '\0';
	return true;
}

enum cadre_status cadre_artifact_uri_path(const char *uri, char **ret_path,
                                          struct cadre_error *err)
{
	const char *rest = uri + strlen("file://");
	char *path;

	if (!has_prefix(uri, "file://"))
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "\"%s\": scheme not supported yet", uri);
	if (has_prefix(rest, "localhost/"))
		rest += strlen("localhost");
	if (*rest != '/')
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "\"%s\": not an absolute path of this machine",
		                       uri);
	path = malloc(strlen(rest) + 1);
	if (!path)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY, "no memory for \"%s\"",
		                       uri);
	if (!decode(rest, path)) {
		free(path);
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "\"%s\": a bad percent escape", uri);
	}
	*ret_path = path;
	return CADRE_OK;
}
