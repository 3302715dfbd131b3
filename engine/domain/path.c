#include "engine/domain/path.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void cadre_path_camel(const char *name, char *text, size_t capacity)
{
	size_t length = 0;
	bool upper = false;

	for (; *name && length + 1 < capacity; name++) {
		if (*name == '_') {
			upper = true;
			continue;
		}
		text[length++] = upper && *name >= 'a' && *name <= 'z'
		                         ? (char)(*name - 'a' + 'A')
		                         : *name;
		upper = false;
	}
	text[length] = '\0';
}

void cadre_path_format(const struct cadre_path *path, char text[CADRE_PATH_BYTES])
{
	char name[64];
	size_t length;

	text[0] = '\0';
	if (!path)
		return;
	cadre_path_format(path->parent, text);
	length = strlen(text);
	cadre_path_camel(path->field->name, name, sizeof name);
	if (path->index == CADRE_PATH_NO_INDEX)
		snprintf(text + length, CADRE_PATH_BYTES - length, "%s%s",
		         length > 0 ? "." : "", name);
	else
		snprintf(text + length, CADRE_PATH_BYTES - length, "%s%s[%zu]",
		         length > 0 ? "." : "", name, path->index);
}

enum cadre_status cadre_path_refuse(const struct cadre_path *path, const char *tail,
                                    struct cadre_error *err, enum cadre_status status,
                                    const char *format, ...)
{
	char where[CADRE_PATH_BYTES];
	char what[384];
	va_list args;

	if (!err)
		return status;
	va_start(args, format);
	vsnprintf(what, sizeof what, format, args);
	va_end(args);
	cadre_path_format(path, where);
	return cadre_error_set(err, status, "%s%s%s: %s", where,
	                       tail && where[0] != '\0' ? "." : "", tail ? tail : "",
	                       what);
}
