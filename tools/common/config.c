#include "tools/common/config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"
#include "tools/common/config_internal.h"

static void clear(struct cadre_config_value *value)
{
	for (size_t i = 0; i < value->count; i++)
		free(value->texts[i]);
	value->count = 0;
	value->number = 0;
}

static enum cadre_status out_of_memory(struct cadre_error *err)
{
	return cadre_error_set(err, CADRE_OUT_OF_MEMORY, "options: out of memory");
}

static enum cadre_status append(struct cadre_config_value *value, const char *text,
                                struct cadre_error *err)
{
	char *copy = strdup(text);

	if (!copy)
		return out_of_memory(err);
	value->texts[value->count++] = copy;
	return CADRE_OK;
}

static enum cadre_status set_default(const struct cadre_config_row *row,
                                     struct cadre_config_value *value,
                                     struct cadre_error *err)
{
	if (*row->fallback == '\0')
		return CADRE_OK;
	CADRE_ASSERT(cadre_config_parse(row, row->fallback, &value->number, err) ==
	             CADRE_OK);
	return append(value, row->fallback, err);
}

enum cadre_status cadre_config_create(const struct cadre_config_program *program,
                                      struct cadre_config **ret_config,
                                      struct cadre_error *err)
{
	struct cadre_config *config = calloc(1, sizeof *config);

	if (!config)
		return out_of_memory(err);
	CADRE_ASSERT(program->count <= CADRE_CONFIG_ROWS_MAX);
	config->program = program;
	for (size_t i = 0; i < program->count; i++) {
		if (set_default(&program->rows[i], &config->values[i], err) != CADRE_OK) {
			cadre_config_destroy(&config);
			return CADRE_OUT_OF_MEMORY;
		}
	}
	*ret_config = config;
	return CADRE_OK;
}

void cadre_config_destroy(struct cadre_config **config)
{
	if (!config || !*config)
		return;
	for (size_t i = 0; i < (*config)->program->count; i++)
		clear(&(*config)->values[i]);
	free(*config);
	*config = NULL;
}

/* A first value of this rank takes the place of those below. */
static void make_room(const struct cadre_config_row *row,
                      struct cadre_config_value *value, enum cadre_config_source source)
{
	if (source > value->source || !(row->flags & CADRE_CONFIG_REPEAT))
		clear(value);
}

enum cadre_status cadre_config_set(struct cadre_config *config, size_t row,
                                   enum cadre_config_source source, const char *where,
                                   const char *text, struct cadre_error *err)
{
	const struct cadre_config_row *rows = config->program->rows;
	struct cadre_config_value *value = &config->values[row];
	uint64_t number = 0;
	enum cadre_status status = cadre_config_parse(&rows[row], text, &number, err);

	if (status != CADRE_OK) {
		cadre_error_prefix(err, "%.300s: ", where);
		return status;
	}
	if (source < value->source)
		return CADRE_OK;
	make_room(&rows[row], value, source);
	if (value->count == CADRE_CONFIG_VALUES_MAX)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "%.300s: given more than %d times", where,
		                       CADRE_CONFIG_VALUES_MAX);
	value->source = source;
	value->number = number;
	snprintf(value->where, sizeof value->where, "%s", where);
	return append(value, text, err);
}

size_t cadre_config_find(const struct cadre_config_program *program, const char *name)
{
	size_t row = 0;

	while (row < program->count && strcmp(program->rows[row].name, name) != 0)
		row++;
	return row;
}

void cadre_config_variable(const struct cadre_config_program *program, size_t row,
                           char text[CADRE_CONFIG_NAME_BYTES])
{
	int length = snprintf(text, CADRE_CONFIG_NAME_BYTES, "%s%s", program->prefix,
	                      program->rows[row].name);

	CADRE_ASSERT(length > 0 && length < CADRE_CONFIG_NAME_BYTES);
	for (; *text != '\0'; text++)
		*text = *text == '-' ? '_' : (char)toupper((unsigned char)*text);
}

/* Each text between commas of a repeatable option; else the whole. */
static enum cadre_status set_from_variable(struct cadre_config *config, size_t row,
                                           const char *where, const char *text,
                                           struct cadre_error *err)
{
	bool repeat = config->program->rows[row].flags & CADRE_CONFIG_REPEAT;
	enum cadre_status status = CADRE_OK;
	char *copy = strdup(text);
	char *rest = copy;
	char *item;

	if (!copy)
		return out_of_memory(err);
	while (status == CADRE_OK && (item = strsep(&rest, repeat ? "," : "")))
		status = cadre_config_set(config, row, CADRE_CONFIG_ENVIRONMENT, where,
		                          item, err);
	free(copy);
	return status;
}

enum cadre_status cadre_config_read_environment(struct cadre_config *config,
                                                char *const *environment,
                                                struct cadre_error *err)
{
	enum cadre_status status = CADRE_OK;

	for (size_t row = 0; status == CADRE_OK && row < config->program->count; row++) {
		char name[CADRE_CONFIG_NAME_BYTES];
		char where[CADRE_CONFIG_NAME_BYTES + 1];
		size_t length;

		cadre_config_variable(config->program, row, name);
		snprintf(where, sizeof where, "$%s", name);
		length = strlen(name);
		for (char *const *at = environment; status == CADRE_OK && *at; at++)
			if (strncmp(*at, name, length) == 0 && (*at)[length] == '=' &&
			    (*at)[length + 1] != '\0')
				status = set_from_variable(config, row, where,
				                           *at + length + 1, err);
	}
	return status;
}

enum cadre_status cadre_config_copy_flags(struct cadre_config *config,
                                          const struct cadre_config *from,
                                          struct cadre_error *err)
{
	enum cadre_status status = CADRE_OK;

	for (size_t row = 0; status == CADRE_OK && row < config->program->count; row++) {
		const struct cadre_config_value *value = &from->values[row];

		for (size_t i = 0; status == CADRE_OK &&
		                   value->source == CADRE_CONFIG_FLAG && i < value->count;
		     i++)
			status = cadre_config_set(config, row, CADRE_CONFIG_FLAG,
			                          value->where, value->texts[i], err);
	}
	return status;
}

void cadre_config_roles_text(const struct cadre_config_program *program, unsigned roles,
                             char text[CADRE_CONFIG_NAME_BYTES])
{
	size_t used = 0;

	text[0] = '\0';
	for (unsigned i = 0; program->role_names[i]; i++) {
		if (roles != 0 && !(roles & 1u << i))
			continue;
		used += (size_t)snprintf(text + used, CADRE_CONFIG_NAME_BYTES - used,
		                         "%s%s", used ? " and " : "",
		                         program->role_names[i]);
		CADRE_ASSERT(used < CADRE_CONFIG_NAME_BYTES);
	}
}

enum cadre_status cadre_config_check_role(const struct cadre_config *config,
                                          unsigned role, struct cadre_error *err)
{
	const struct cadre_config_program *program = config->program;
	char has[CADRE_CONFIG_NAME_BYTES];
	char is[CADRE_CONFIG_NAME_BYTES];

	for (size_t i = 0; i < program->count; i++) {
		const struct cadre_config_row *row = &program->rows[i];

		if (config->values[i].source == CADRE_CONFIG_DEFAULT || row->roles == 0 ||
		    row->roles & role)
			continue;
		cadre_config_roles_text(program, row->roles, has);
		cadre_config_roles_text(program, role, is);
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "%.300s: is for a %s, this is a %s; take it away",
		                       config->values[i].where, has, is);
	}
	return CADRE_OK;
}

const char *cadre_config_text(const struct cadre_config *config, size_t row)
{
	return config->values[row].count > 0 ? config->values[row].texts[0] : "";
}

uint64_t cadre_config_number(const struct cadre_config *config, size_t row)
{
	return config->values[row].number;
}

bool cadre_config_on(const struct cadre_config *config, size_t row)
{
	return config->values[row].number != 0;
}

size_t cadre_config_count(const struct cadre_config *config, size_t row)
{
	return config->values[row].count;
}

const char *cadre_config_item(const struct cadre_config *config, size_t row, size_t item)
{
	CADRE_ASSERT(item < config->values[row].count);
	return config->values[row].texts[item];
}

enum cadre_config_source cadre_config_source(const struct cadre_config *config,
                                             size_t row)
{
	return config->values[row].source;
}

bool cadre_config_same(const struct cadre_config *a, const struct cadre_config *b,
                       size_t row)
{
	const struct cadre_config_value *x = &a->values[row];
	const struct cadre_config_value *y = &b->values[row];

	if (x->count != y->count)
		return false;
	for (size_t i = 0; i < x->count; i++)
		if (strcmp(x->texts[i], y->texts[i]) != 0)
			return false;
	return true;
}
