#include "engine/domain/text.h"

#include <string.h>

struct range {
	uint32_t first;
	uint32_t last;
};

static const struct range invisible[] = {
	{ 0x00, 0x1F },     { 0x7F, 0x9F },     /* C0, DEL, C1 */
	{ 0x202A, 0x202E }, { 0x2066, 0x2069 }, /* bidirectional overrides, isolates */
	{ 0xFEFF, 0xFEFF },                     /* byte order mark */
};
static const struct range spaces[] = {
	{ 0x20, 0x20 },     { 0xA0, 0xA0 },     { 0x1680, 0x1680 }, { 0x2000, 0x200B },
	{ 0x2028, 0x2029 }, { 0x202F, 0x202F }, { 0x205F, 0x205F }, { 0x3000, 0x3000 },
};

static bool in_ranges(const struct range *ranges, size_t count, uint32_t point)
{
	for (size_t i = 0; i < count; i++) {
		if (point >= ranges[i].first && point <= ranges[i].last)
			return true;
	}
	return false;
}

static bool is_invisible(uint32_t point)
{
	return in_ranges(invisible, sizeof invisible / sizeof invisible[0], point);
}

static bool is_space(uint32_t point)
{
	return in_ranges(spaces, sizeof spaces / sizeof spaces[0], point);
}

/* The next code point of valid UTF-8. */
static uint32_t next_point(const char **at)
{
	uint8_t lead = (uint8_t) * (*at)++;
	uint32_t point = lead;
	int more = 0;

	if (lead >= 0xF0) {
		point = lead & 0x07u;
		more = 3;
	} else if (lead >= 0xE0) {
		point = lead & 0x0Fu;
		more = 2;
	} else if (lead >= 0xC0) {
		point = lead & 0x1Fu;
		more = 1;
	}
	while (more-- > 0)
		point = point << 6 | ((uint8_t) * (*at)++ & 0x3Fu);
	return point;
}

static bool is_lower_hex(uint32_t point)
{
	return (point >= '0' && point <= '9') || (point >= 'a' && point <= 'f');
}

static bool is_word(uint32_t point)
{
	return (point >= '0' && point <= '9') || (point >= 'A' && point <= 'Z') ||
	       (point >= 'a' && point <= 'z') || point == '_';
}

static bool allowed(enum cadre_text_kind kind, uint32_t point)
{
	/* Nearly every character is printable ASCII. */
	if (point > 0x20 && point < 0x7F && kind != CADRE_TEXT_HEX &&
	    kind != CADRE_TEXT_VARIABLE)
		return true;
	switch (kind) {
	case CADRE_TEXT_ANY:
		return true;
	case CADRE_TEXT_KEY:
	case CADRE_TEXT_NAME_BYTES:
		return !is_invisible(point);
	case CADRE_TEXT_ID:
	case CADRE_TEXT_REF:
	case CADRE_TEXT_URI:
		return !is_invisible(point) && !is_space(point);
	case CADRE_TEXT_HEX:
		return is_lower_hex(point);
	case CADRE_TEXT_VARIABLE:
		return is_word(point);
	}
	return false;
}

bool cadre_text_in_bytes(enum cadre_text_kind kind)
{
	return kind == CADRE_TEXT_ID || kind == CADRE_TEXT_REF ||
	       kind == CADRE_TEXT_URI || kind == CADRE_TEXT_NAME_BYTES;
}

bool cadre_text_find_forbidden(enum cadre_text_kind kind, const char *text,
                               uint32_t *ret_point)
{
	while (*text) {
		uint32_t point = next_point(&text);
		if (!allowed(kind, point)) {
			*ret_point = point;
			return true;
		}
	}
	return false;
}

bool cadre_text_batch_ref(const char *text, size_t *ret_index)
{
	size_t index = 0;
	size_t digits = 0;

	if (*text++ != '$')
		return false;
	for (; text[digits] >= '0' && text[digits] <= '9'; digits++) {
		if (digits == 3)
			return false;
		index = index * 10 + (size_t)(text[digits] - '0');
	}
	if (digits == 0 || text[digits] != '\0' || (digits > 1 && text[0] == '0'))
		return false;
	*ret_index = index;
	return index < 256;
}

static const char *variable_form(const char *text)
{
	size_t length = strlen(text);

	if ((text[0] < 'A' || text[0] > 'Z') && (text[0] < 'a' || text[0] > 'z'))
		return "does not start with a letter";
	return text[length - 1] == '_' ? "ends in an underscore" : NULL;
}

/* oci://bucket@namespace/object is how OCI writes a place, not a user. */
static bool has_user_info(const char *authority, bool is_oci)
{
	size_t length = strcspn(authority, "/");

	if (!memchr(authority, '@', length))
		return false;
	return !is_oci || memchr(authority, ':', length) != NULL;
}

static const char *uri_form(const char *text)
{
	static const char *const schemes[] = { "file", "http", "https", "cadre",
		                               "oci",  "s3",   "gs",    "hf" };
	const char *colon = strstr(text, "://");
	size_t i = 0;

	if (!colon)
		return "has no scheme and ://";
	while (i < sizeof schemes / sizeof schemes[0] &&
	       (strlen(schemes[i]) != (size_t)(colon - text) ||
	        strncmp(text, schemes[i], strlen(schemes[i])) != 0))
		i++;
	if (i == sizeof schemes / sizeof schemes[0])
		return "the scheme is none of file, http, https, cadre, oci, s3, gs, hf";
	if (strpbrk(text, "?#"))
		return "has a query or a fragment; the log keeps it for ever";
	return has_user_info(colon + 3, strncmp(text, "oci:", 4) == 0)
	               ? "has user info; the log keeps it for ever"
	               : NULL;
}

static const char *id_form(const char *text)
{
	if (text[0] == '$')
		return "an id does not start with $";
	if (strncmp(text, "node:", 5) == 0 || strncmp(text, "principal:", 10) == 0 ||
	    strncmp(text, "policy:", 7) == 0)
		return "an id does not start with node:, principal: or policy:";
	return NULL;
}

const char *cadre_text_form(enum cadre_text_kind kind, const char *text)
{
	size_t index;

	switch (kind) {
	case CADRE_TEXT_VARIABLE:
		return variable_form(text);
	case CADRE_TEXT_URI:
		return uri_form(text);
	case CADRE_TEXT_ID:
		return id_form(text);
	case CADRE_TEXT_REF:
		return cadre_text_batch_ref(text, &index) ? NULL : id_form(text);
	case CADRE_TEXT_ANY:
	case CADRE_TEXT_KEY:
	case CADRE_TEXT_NAME_BYTES:
	case CADRE_TEXT_HEX:
		break;
	}
	return NULL;
}
