/* Values: numbers with units, ranges, choices. */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"
#include "tools/common/config.h"
#include "tools/common/nearest.h"

struct unit {
	const char *name;
	uint64_t factor;
};

/* Largest last: that is how numbers are written again. */
static const struct unit byte_units[] = {
	{ "B", 1 },          { "KiB", 1u << 10 },          { "MiB", 1u << 20 },
	{ "GiB", 1u << 30 }, { "TiB", UINT64_C(1) << 40 }, { 0 }
};
static const struct unit time_units[] = {
	{ "ms", 1 }, { "s", 1000 }, { "min", 60000 }, { "h", 3600000 }, { 0 }
};

static const struct unit *units_of(enum cadre_config_type type)
{
	if (type == CADRE_CONFIG_BYTES)
		return byte_units;
	return type == CADRE_CONFIG_TIME ? time_units : NULL;
}

void cadre_config_number_text(enum cadre_config_type type, uint64_t number,
                              char text[CADRE_CONFIG_SHORT_BYTES])
{
	const struct unit *units = units_of(type);
	const struct unit *best = units;

	for (const struct unit *unit = units; unit && unit->name; unit++)
		if (number >= unit->factor && number % unit->factor == 0)
			best = unit;
	snprintf(text, CADRE_CONFIG_SHORT_BYTES, "%" PRIu64 "%s",
	         best ? number / best->factor : number, best ? best->name : "");
}

static enum cadre_status unknown_unit(const struct cadre_config_row *row,
                                      const char *text, const char *unit,
                                      struct cadre_error *err)
{
	const char *known = row->type == CADRE_CONFIG_BYTES ? "B, KiB, MiB, GiB or TiB"
	                                                    : "ms, s, min or h";

	if (!units_of(row->type))
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "\"%.100s\" is not a whole number", text);
	if (*unit == '\0')
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "\"%.100s\" has no unit; write %s behind it", text,
		                       known);
	return cadre_error_set(err, CADRE_INVALID_PARAMETER,
	                       "\"%.100s\": no unit \"%.40s\"; write %s", text, unit,
	                       known);
}

/* The factor of the unit behind a number; 0 when there is no such unit. */
static uint64_t factor_of(const struct cadre_config_row *row, const char *unit,
                          uint64_t number)
{
	const struct unit *units = units_of(row->type);

	if (*unit == '\0' && (!units || number == 0))
		return 1;
	for (; units && units->name; units++)
		if (strcasecmp(unit, units->name) == 0)
			return units->factor;
	return 0;
}

static enum cadre_status check_range(const struct cadre_config_row *row, const char *text,
                                     uint64_t number, struct cadre_error *err)
{
	char least[CADRE_CONFIG_SHORT_BYTES];
	char most[CADRE_CONFIG_SHORT_BYTES];

	if (number >= row->least && (row->most == 0 || number <= row->most))
		return CADRE_OK;
	cadre_config_number_text(row->type, row->least, least);
	cadre_config_number_text(row->type, row->most, most);
	if (row->most == 0)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "\"%.100s\" is out of range: at least %s", text,
		                       least);
	return cadre_error_set(err, CADRE_INVALID_PARAMETER,
	                       "\"%.100s\" is out of range: %s to %s", text, least, most);
}

static enum cadre_status parse_number(const struct cadre_config_row *row,
                                      const char *text, uint64_t *ret_number,
                                      struct cadre_error *err)
{
	const char *unit = text;
	uint64_t number = 0;
	uint64_t factor;
	bool overflow = false;

	for (; isdigit((unsigned char)*unit); unit++)
		overflow |= __builtin_mul_overflow(number, UINT64_C(10), &number) ||
		            __builtin_add_overflow(number, (uint64_t)(*unit - '0'),
		                                   &number);
	if (unit == text)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "\"%.100s\" is not a number", text);
	while (*unit == ' ')
		unit++;
	factor = factor_of(row, unit, number);
	if (factor == 0)
		return unknown_unit(row, text, unit, err);
	overflow |= __builtin_mul_overflow(number, factor, &number);
	if (overflow)
		number = UINT64_MAX;
	*ret_number = number;
	return check_range(row, text, number, err);
}

static enum cadre_status parse_switch(const char *text, uint64_t *ret_number,
                                      struct cadre_error *err)
{
	static const char *const words[] = { "no",  "yes", "false", "true",
		                             "off", "on",  "0",     "1" };

	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (strcasecmp(text, words[i]) == 0) {
			*ret_number = i % 2;
			return CADRE_OK;
		}
	}
	return cadre_error_set(err, CADRE_INVALID_PARAMETER,
	                       "\"%.100s\" is neither yes nor no", text);
}

static enum cadre_status parse_choice(const struct cadre_config_row *row,
                                      const char *text, struct cadre_error *err)
{
	struct cadre_nearest nearest;
	char hint[96];

	cadre_nearest_init(&nearest, text);
	for (const char *at = row->choices; *at != '\0';) {
		char word[CADRE_CONFIG_NAME_BYTES];
		size_t length = strcspn(at, "|");

		CADRE_ASSERT(length < sizeof word);
		memcpy(word, at, length);
		word[length] = '\0';
		if (strcmp(word, text) == 0)
			return CADRE_OK;
		cadre_nearest_offer(&nearest, word);
		at += length + (at[length] == '|');
	}
	return cadre_error_set(err, CADRE_INVALID_PARAMETER, "\"%.100s\" is none of %s%s",
	                       text, row->choices, cadre_nearest_hint(&nearest, hint));
}

/* What a line of the file could not hold is refused everywhere: the listing of one run
 * is the file of another. */
static enum cadre_status check_text(const char *text, struct cadre_error *err)
{
	size_t length = strlen(text);

	if (length > CADRE_CONFIG_TEXT_MAX)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "\"%.40s…\" has %zu bytes, at most %d", text,
		                       length, CADRE_CONFIG_TEXT_MAX);
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			return cadre_error_set(err, CADRE_INVALID_PARAMETER,
			                       "\"%.100s\" holds a control character",
			                       text);
	if (length > 0 && (text[0] == ' ' || text[length - 1] == ' '))
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "\"%.100s\" begins or ends with a space", text);
	if (strstr(text, " ;"))
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "\"%.100s\" holds \" ;\", which begins a comment",
		                       text);
	return CADRE_OK;
}

enum cadre_status cadre_config_parse(const struct cadre_config_row *row, const char *text,
                                     uint64_t *ret_number, struct cadre_error *err)
{
	enum cadre_status status = check_text(text, err);

	if (status != CADRE_OK)
		return status;
	switch (row->type) {
	case CADRE_CONFIG_COUNT:
	case CADRE_CONFIG_BYTES:
	case CADRE_CONFIG_TIME:
		status = parse_number(row, text, ret_number, err);
		break;
	case CADRE_CONFIG_SWITCH:
		status = parse_switch(text, ret_number, err);
		break;
	case CADRE_CONFIG_CHOICE:
		status = parse_choice(row, text, err);
		break;
	case CADRE_CONFIG_PAIR:
		if (*text == '=' || !strchr(text, '='))
			status = cadre_error_set(err, CADRE_INVALID_PARAMETER,
			                         "\"%.100s\" is not %s", text,
			                         row->metavar);
		break;
	case CADRE_CONFIG_TEXT:
		if (*text == '\0')
			status = cadre_error_set(err, CADRE_INVALID_PARAMETER,
			                         "empty; give %s", row->metavar);
		break;
	}
	if (status == CADRE_OK && row->check)
		status = row->check(text, err);
	return status;
}
