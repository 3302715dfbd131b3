/* What holds, as a file; and a file to begin with. */
#include <string.h>

#include "tools/common/config_internal.h"

/* "default", "--listen", "$CADRE_LISTEN", "path:7" */
static void source_text(const struct cadre_config_value *value, const char *name,
                        char text[CADRE_CONFIG_WHERE_BYTES])
{
	size_t length = strlen(value->where);
	size_t tail = strlen(name) + 2;

	if (value->source == CADRE_CONFIG_DEFAULT) {
		snprintf(text, CADRE_CONFIG_WHERE_BYTES, "default");
		return;
	}
	if (value->source == CADRE_CONFIG_FILE && length > tail)
		length -= tail;
	snprintf(text, CADRE_CONFIG_WHERE_BYTES, "%.*s", (int)length, value->where);
}

static void show_row(const struct cadre_config_row *row,
                     const struct cadre_config_value *value, FILE *stream)
{
	char source[CADRE_CONFIG_WHERE_BYTES];
	int width;

	source_text(value, row->name, source);
	if (row->flags & CADRE_CONFIG_NO_FILE || value->count == 0) {
		width = fprintf(stream, "#%s =%s%s", row->name, value->count ? " " : "",
		                value->count ? value->texts[0] : "");
		fprintf(stream, "%*s ; %s\n", width < 44 ? 44 - width : 0, "", source);
		return;
	}
	for (size_t i = 0; i < value->count; i++) {
		width = fprintf(stream, "%s = %s", row->name, value->texts[i]);
		fprintf(stream, "%*s ; %s\n", width < 44 ? 44 - width : 0, "", source);
	}
}

void cadre_config_show(const struct cadre_config *config, unsigned role, FILE *stream)
{
	const struct cadre_config_program *program = config->program;

	fprintf(stream, "[%s]\n", program->name);
	for (size_t i = 0; i < program->count; i++)
		if (role == 0 || program->rows[i].roles == 0 ||
		    program->rows[i].roles & role)
			show_row(&program->rows[i], &config->values[i], stream);
}

static void explain_row(const struct cadre_config_program *program, size_t i,
                        FILE *stream)
{
	const struct cadre_config_row *row = &program->rows[i];
	char roles[CADRE_CONFIG_NAME_BYTES];

	cadre_config_roles_text(program, row->roles, roles);
	fprintf(stream, "\n# %s.\n", row->help);
	if (row->roles)
		fprintf(stream, "# For a %s.\n", roles);
	if (row->flags & CADRE_CONFIG_REPEAT)
		fprintf(stream, "# May stand several times.\n");
	if (row->flags & CADRE_CONFIG_RELOAD)
		fprintf(stream, "# A reload is enough.\n");
	fprintf(stream, "#%s = %s\n", row->name,
	        *row->fallback ? row->fallback : row->metavar);
}

void cadre_config_example(const struct cadre_config_program *program, FILE *stream)
{
	fprintf(stream,
	        "# Options of %s with their defaults, or what stands there.\n"
	        "# Flags and %s* variables go before what is said here.\n\n[%s]\n",
	        program->name, program->prefix, program->name);
	for (size_t i = 0; i < program->count; i++) {
		if (program->rows[i].group)
			fprintf(stream, "\n# ---- %s ----\n", program->rows[i].group);
		if (!(program->rows[i].flags & CADRE_CONFIG_NO_FILE))
			explain_row(program, i, stream);
	}
}
